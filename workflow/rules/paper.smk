# The PDF of every study that has a text.


rule pdf:
    input:
        tables=lambda wildcards: all_tables(wildcards.place),
        figures=lambda wildcards: all_figures(wildcards.place),
        text=lambda wildcards: list(map(str, sources(PLANS[wildcards.place].study))),
    output:
        "paper/{place}/main.pdf",
    log:
        "results/{place}/logs/pdf.log",
    # Whether there is a LaTeX is looked up where the workflow starts; the nodes of a cluster seldom have one.
    localrule: True
    threads: 1
    params:
        python=python,
        config=configuration,
        made_by=made_by,
    shell:
        job("pdf")


rule paper:
    input:
        list(PDFS.values()),


# Every study is a target under its own name.
for place, plan in PLANS.items():

    rule:
        name:
            plan.study
        input:
            everything(place),
