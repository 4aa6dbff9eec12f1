# `snakemake --cores N` in this folder. The workflow itself is workflow/Snakefile, where other workflows find it too.
include: "workflow/Snakefile"


# What is included has no default target.
rule default:
    default_target: True
    input:
        rules.all.input,
