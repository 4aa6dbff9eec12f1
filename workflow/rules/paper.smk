# The PDF: hand-written text around generated tables and figures.

PDF = f"{PAPER}/main.pdf"


# Whether there is a LaTeX is looked up where the workflow starts; the nodes of a cluster seldom have one.
localrules:
    pdf,


rule pdf:
    input:
        ALL_TABLES,
        ALL_FIGURES,
        text=["paper/main.tex", "paper/references.bib"],
    output:
        PDF,
    log:
        f"{RESULTS}/logs/pdf.log",
    threads: 1
    params:
        made_by=source_hash("analysis"),
    shell:
        "{PYTHON} -m truly_sparse pdf" + LOGGED


rule paper:
    input:
        PDF,
