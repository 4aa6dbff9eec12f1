# From run records and measurements to tables and figures. What is committed is data: only what is not is an input.


def to_show(entries):
    offers = offered(entries, PLAN.config).items()
    return [name for name, entry in offers if PLAN.exists(entry.experiments, entry.measurements)]


TABLE_NAMES, FIGURE_NAMES = to_show(TABLES), to_show(FIGURES)
PUBLISHED = sorted(map(str, Path("config/published").glob("*.csv")))


rule table:
    input:
        runs=lambda wildcards: PLAN.needs(*wanted(TABLES[wildcards.table])),
        published=PUBLISHED,
    output:
        csv=report(
            f"{RESULTS}/tables/{{table}}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        tex=f"{PAPER}/tables/{{table}}.tex",
    log:
        f"{RESULTS}/logs/table/{{table}}.log",
    wildcard_constraints:
        table="|".join(TABLES),
    threads: 1
    params:
        made_by=source_hash("analysis"),
        committed=lambda wildcards: PLAN.committed_hash(*wanted(TABLES[wildcards.table])),
    shell:
        "{PYTHON} -m truly_sparse table {wildcards.table:q}" + LOGGED


rule figure:
    input:
        runs=lambda wildcards: PLAN.needs(*wanted(FIGURES[wildcards.figure])),
        published=PUBLISHED,
        tables=lambda wildcards: [
            table_files(name)[0] for name in FIGURES[wildcards.figure].tables if name in TABLE_NAMES
        ],
    output:
        pdf=f"{PAPER}/figures/{{figure}}.pdf",
        png=report(
            f"{RESULTS}/figures/{{figure}}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        csv=f"{RESULTS}/figures/{{figure}}.csv",
    log:
        f"{RESULTS}/logs/figure/{{figure}}.log",
    wildcard_constraints:
        figure="|".join(FIGURES),
    threads: 1
    params:
        made_by=source_hash("analysis"),
        committed=lambda wildcards: PLAN.committed_hash(*wanted(FIGURES[wildcards.figure])),
    shell:
        "{PYTHON} -m truly_sparse figure {wildcards.figure:q}" + LOGGED


def table_files(name):
    return [f"{RESULTS}/tables/{name}.csv", f"{PAPER}/tables/{name}.tex"]


def figure_files(name):
    return [f"{PAPER}/figures/{name}.pdf", f"{RESULTS}/figures/{name}.csv"]


ALL_TABLES = [file for name in TABLE_NAMES for file in table_files(name)]
ALL_FIGURES = [file for name in FIGURE_NAMES for file in figure_files(name)]

# Every table and every figure is a target under its own name.
for name in TABLE_NAMES:

    rule:
        name:
            name
        input:
            table_files(name),


for name in FIGURE_NAMES:

    rule:
        name:
            name
        input:
            figure_files(name),
