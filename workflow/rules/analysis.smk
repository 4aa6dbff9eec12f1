# From run records to tables and figures. Committed records are data: only runs without one are inputs.

EXPERIMENT = "|".join(PLAN.experiments)
TABLES = expand(
    [f"{RESULTS}/tables/{{name}}.csv", f"{PAPER}/tables/{{name}}.tex"],
    name=PLAN.experiments,
)
FIGURES = expand(
    [f"{PAPER}/figures/{{name}}.pdf", f"{RESULTS}/figures/{{name}}.csv"],
    name=PLAN.experiments,
)


rule table:
    input:
        runs=lambda wildcards: PLAN.missing(wildcards.experiment),
        published=sorted(map(str, Path("config/published").glob("*.csv"))),
    output:
        csv=f"{RESULTS}/tables/{{experiment}}.csv",
        tex=f"{PAPER}/tables/{{experiment}}.tex",
    log:
        f"{RESULTS}/logs/table/{{experiment}}.log",
    wildcard_constraints:
        experiment=EXPERIMENT,
    threads: 1
    params:
        made_by=source_hash("analysis"),
        records=lambda wildcards: PLAN.records_hash(wildcards.experiment),
    shell:
        "{PYTHON} -m truly_sparse table {wildcards.experiment:q}" + LOGGED


rule figure:
    input:
        runs=lambda wildcards: PLAN.missing(wildcards.experiment),
        published=sorted(map(str, Path("config/published").glob("*.csv"))),
    output:
        pdf=f"{PAPER}/figures/{{experiment}}.pdf",
        png=f"{RESULTS}/figures/{{experiment}}.png",
        csv=f"{RESULTS}/figures/{{experiment}}.csv",
    log:
        f"{RESULTS}/logs/figure/{{experiment}}.log",
    wildcard_constraints:
        experiment=EXPERIMENT,
    threads: 1
    params:
        made_by=source_hash("analysis"),
        records=lambda wildcards: PLAN.records_hash(wildcards.experiment),
    shell:
        "{PYTHON} -m truly_sparse figure {wildcards.experiment:q}" + LOGGED


# Every experiment is a target under its own name, and its figure is another.
for experiment in PLAN.experiments:

    rule:
        name:
            experiment
        input:
            [file for file in TABLES if Path(file).stem == experiment],

    rule:
        name:
            f"figure_{experiment}"
        input:
            [file for file in FIGURES if Path(file).stem == experiment],
