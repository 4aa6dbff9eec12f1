# From run records and measurements to tables and figures. What is committed is data: only what is not is an input.


def table_of(wildcards):
    return find(PLANS[wildcards.place].study).tables[wildcards.table]


def figure_of(wildcards):
    return find(PLANS[wildcards.place].study).figures[wildcards.figure]


def needs(wildcards, entry):
    plan = PLANS[wildcards.place]
    return plan.needs(entry.runs_of(plan.config), entry.measurements_of(plan.config))


def committed(wildcards, entry):
    plan = PLANS[wildcards.place]
    return plan.committed_hash(entry.runs_of(plan.config), entry.measurements_of(plan.config))


def published(wildcards):
    return sorted(map(str, Path("config/published").glob(f"{PLANS[wildcards.place].study}_*.csv")))


def made_by(wildcards):
    return source_hash("study", PLANS[wildcards.place].study)


def shown(place, offered):
    plan = PLANS[place]
    return [name for name, entry in offered.items() if plan.exists(entry.experiments, entry.measurements)]


# The tables and figures of each place, by name.
TABLES = {place: shown(place, find(plan.study).offered_tables(plan.config)) for place, plan in PLANS.items()}
FIGURES = {place: shown(place, find(plan.study).offered_figures(plan.config)) for place, plan in PLANS.items()}


rule table:
    input:
        runs=lambda wildcards: needs(wildcards, table_of(wildcards)),
        published=published,
    output:
        csv=report(
            "results/{place}/tables/{table}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        tex="paper/{place}/tables/{table}.tex",
    log:
        "results/{place}/logs/table/{table}.log",
    wildcard_constraints:
        table="|".join(name for plan in PLANS.values() for name in find(plan.study).tables) or "-",
    threads: 1
    params:
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards, table_of(wildcards)),
    shell:
        "{PYTHON} -m truly_sparse table {wildcards.table:q}" + CONFIG + LOGGED


rule figure:
    input:
        runs=lambda wildcards: needs(wildcards, figure_of(wildcards)),
        published=published,
        tables=lambda wildcards: [
            table_files(wildcards.place, name)[0]
            for name in figure_of(wildcards).tables
            if name in TABLES[wildcards.place]
        ],
    output:
        pdf="paper/{place}/figures/{figure}.pdf",
        png=report(
            "results/{place}/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
        csv="results/{place}/figures/{figure}.csv",
    log:
        "results/{place}/logs/figure/{figure}.log",
    wildcard_constraints:
        figure="|".join(name for plan in PLANS.values() for name in find(plan.study).figures) or "-",
    threads: 1
    params:
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards, figure_of(wildcards)),
    shell:
        "{PYTHON} -m truly_sparse figure {wildcards.figure:q}" + CONFIG + LOGGED


def table_files(place, name):
    return [f"results/{place}/tables/{name}.csv", f"paper/{place}/tables/{name}.tex"]


def figure_files(place, name):
    return [f"paper/{place}/figures/{name}.pdf", f"results/{place}/figures/{name}.csv"]


def all_tables(place):
    return [file for name in TABLES[place] for file in table_files(place, name)]


def all_figures(place):
    return [file for name in FIGURES[place] for file in figure_files(place, name)]


# Every table and every figure is a target under its own name, which belongs to one study.
for place in PLANS:
    for name in TABLES[place]:

        rule:
            name:
                name
            input:
                table_files(place, name),

    for name in FIGURES[place]:

        rule:
            name:
                name
            input:
                figure_files(place, name),
