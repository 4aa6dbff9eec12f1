# From run records and measurements to tables and figures.


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
        python=python,
        config=configuration,
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards.place, table_of(wildcards)),
    shell:
        job("table {wildcards.table:q}")


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
        python=python,
        config=configuration,
        made_by=made_by,
        committed=lambda wildcards: committed(wildcards.place, figure_of(wildcards)),
    shell:
        job("figure {wildcards.figure:q}")


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
            python=python,
            config=lambda wildcards, output, place=place: options(place),
            made_by=source_hash("study", study.name),
            committed=committed(place, *entries),
            names=[*TABLES[place], *FIGURES[place]],
        shell:
            job("results {params.names:q}")


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
