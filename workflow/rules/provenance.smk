# What the results came from. `make report` puts tables, figures, runs and the rule graph into one HTML file.


report: "../report/workflow.rst"


rule provenance:
    input:
        ALL_TABLES,
        ALL_FIGURES,
    output:
        runs=report(
            f"{RESULTS}/provenance/runs.csv",
            caption="../report/runs.rst",
            category="Provenance",
            labels={"what": "Runs"},
        ),
        environment=report(
            f"{RESULTS}/provenance/environment.csv",
            caption="../report/environment.rst",
            category="Provenance",
            labels={"what": "Environment"},
        ),
    log:
        f"{RESULTS}/logs/provenance.log",
    threads: 1
    params:
        made_by=source_hash("analysis"),
    shell:
        "{PYTHON} -m truly_sparse provenance" + LOGGED
