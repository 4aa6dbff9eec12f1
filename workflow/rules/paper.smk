# The PDF of every study that has a text: written by hand, around generated tables and figures.
PDFS = {place: f"paper/{place}/main.pdf" for place, plan in PLANS.items() if sources(plan.study)}


def everything(place):
    return [*all_tables(place), *all_figures(place), *([PDFS[place]] if place in PDFS and not NO_LATEX else [])]


# Whether there is a LaTeX is looked up where the workflow starts; the nodes of a cluster seldom have one.
localrules:
    pdf,


rule pdf:
    input:
        tables=lambda wildcards: all_tables(wildcards.place),
        figures=lambda wildcards: all_figures(wildcards.place),
        text=lambda wildcards: list(map(str, sources(PLANS[wildcards.place].study))),
    output:
        "paper/{place}/main.pdf",
    log:
        "results/{place}/logs/pdf.log",
    threads: 1
    params:
        made_by=made_by,
    shell:
        "{PYTHON} -m truly_sparse pdf" + CONFIG + LOGGED


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
