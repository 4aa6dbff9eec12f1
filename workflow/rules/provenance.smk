# What the results came from. `make report` puts tables, figures, runs and the rule graph into one HTML file.


report: "../report/workflow.rst"


rule inventory:
    input:
        tables=lambda wildcards: all_tables(wildcards.place),
        figures=lambda wildcards: all_figures(wildcards.place),
    output:
        runs=report(
            "results/{place}/provenance/runs.csv",
            caption="../report/runs.rst",
            category="Provenance",
            labels={"what": "Runs", "place": "{place}"},
        ),
        environment=report(
            "results/{place}/provenance/environment.csv",
            caption="../report/environment.rst",
            category="Provenance",
            labels={"what": "Environment", "place": "{place}"},
        ),
    log:
        "results/{place}/logs/provenance.log",
    threads: 1
    params:
        python=python,
        config=configuration,
        made_by=made_by,
    shell:
        job("provenance")


rule provenance:
    input:
        [f"results/{place}/provenance/runs.csv" for place in PLANS],
