# From run records and measurements to tables and figures. What is committed is data: only what is not is an input.


def table_of(wildcards):
    return find(PLANS[wildcards.place].study).tables[wildcards.table]


def figure_of(wildcards):
    return find(PLANS[wildcards.place].study).figures[wildcards.figure]


def needs(place, *entries):
    plan = PLANS[place]
    files = [plan.needs(entry.runs_of(plan.config), entry.measurements_of(plan.config)) for entry in entries]
    return list(dict.fromkeys(file for some in files for file in some))


def committed(place, *entries):
    plan = PLANS[place]
    return [plan.committed_hash(entry.runs_of(plan.config), entry.measurements_of(plan.config)) for entry in entries]


def printed(place):
    return sorted(map(str, Path("config/published").glob(f"{PLANS[place].study}_*.csv")))


def published(wildcards):
    return printed(wildcards.place)


def made_by(wildcards):
    return source_hash("study", PLANS[wildcards.place].study)


def shown(place, offered):
    plan = PLANS[place]
    return [name for name, entry in offered.items() if plan.exists(entry.experiments, entry.measurements)]


# How tables and figures are shown in the report.
def reported_table(csv, table):
    return report(csv, caption="../report/table.rst", category="Tables", labels={"table": table})


def reported_figure(png, figure):
    return report(png, caption="../report/figure.rst", category="Figures", labels={"figure": figure})


# The tables and figures of each place, by name; in some places one step makes them all.
TABLES = {place: shown(place, find(plan.study).offered_tables(plan.config)) for place, plan in PLANS.items()}
FIGURES = {place: shown(place, find(plan.study).offered_figures(plan.config)) for place, plan in PLANS.items()}
ONE_STEP = [place for place, plan in PLANS.items() if plan.config["one_step"]]
ONE_BY_ONE = "|".join(place for place in PLANS if place not in ONE_STEP) or "-"


rule table:
    input:
        runs=lambda wildcards: needs(wildcards.place, table_of(wildcards)),
        published=published,
    output:
        csv=reported_table("results/{place}/tables/{table}.csv", "{table}"),
        tex="paper/{place}/tables/{table}.tex",
    log:
        "results/{place}/logs/table/{table}.log",
    wildcard_constraints:
        place=ONE_BY_ONE,
        table="|".join(name for plan in PLANS.values() for name in find(plan.study).tables) or "-",
    threads: 1
    params:
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards.place, table_of(wildcards)),
    shell:
        "{PYTHON} -m truly_sparse table {wildcards.table:q}" + CONFIG + LOGGED


rule figure:
    input:
        runs=lambda wildcards: needs(wildcards.place, figure_of(wildcards)),
        published=published,
        tables=lambda wildcards: [
            table_files(wildcards.place, name)[0]
            for name in figure_of(wildcards).tables
            if name in TABLES[wildcards.place]
        ],
    output:
        pdf="paper/{place}/figures/{figure}.pdf",
        png=reported_figure("results/{place}/figures/{figure}.png", "{figure}"),
        csv="results/{place}/figures/{figure}.csv",
    log:
        "results/{place}/logs/figure/{figure}.log",
    wildcard_constraints:
        place=ONE_BY_ONE,
        figure="|".join(name for plan in PLANS.values() for name in find(plan.study).figures) or "-",
    threads: 1
    params:
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards.place, figure_of(wildcards)),
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


for place in ONE_STEP:
    study = find(PLANS[place].study)
    entries = [study.tables[name] for name in TABLES[place]] + [study.figures[name] for name in FIGURES[place]]

    rule:
        name:
            f"results_{study.name}"
        input:
            runs=needs(place, *entries),
            published=printed(place),
        output:
            csv=[reported_table(table_files(place, name)[0], name) for name in TABLES[place]],
            tex=[table_files(place, name)[1] for name in TABLES[place]],
            pdf=[figure_files(place, name)[0] for name in FIGURES[place]],
            png=[reported_figure(f"results/{place}/figures/{name}.png", name) for name in FIGURES[place]],
            numbers=[figure_files(place, name)[1] for name in FIGURES[place]],
        log:
            f"results/{place}/logs/results.log",
        threads: 1
        params:
            made_by=source_hash("study", study.name),
            committed=committed(place, *entries),
            place=place,
            names=[*TABLES[place], *FIGURES[place]],
        shell:
            "{PYTHON} -m truly_sparse results {params.names:q}" + CONFIG.replace("wildcards", "params") + LOGGED


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
