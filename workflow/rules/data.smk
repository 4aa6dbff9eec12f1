# From raw files to one checked table per dataset, for all studies.


# A checkpoint: what has to be trained again is decided after the table is there, by its content.
checkpoint dataset:
    output:
        table=f"{PLANS.data['folder']}/{{dataset}}.parquet",
        about=f"{PLANS.data['folder']}/{{dataset}}.json",
    log:
        "results/logs/data/{dataset}.log",
    wildcard_constraints:
        dataset=r"[^/]+",
    priority: 100  # every run of a dataset waits for it
    threads: 1
    params:
        python=python,
        config=lambda wildcards, output: options(*PLANS),
        made_by=lambda wildcards: PLANS.dataset_hash(wildcards.dataset),
    shell:
        job("data {wildcards.dataset:q}")


# Every dataset of the configurations, and a table of what came from where.
rule data:
    input:
        [f"{PLANS.data['folder']}/{dataset}.parquet" for dataset in PLANS.datasets],
    log:
        "results/logs/data.log",
    localrule: True  # not worth a job
    threads: 1
    params:
        python=python,
        config=lambda wildcards, output: options(*PLANS),
        names=PLANS.datasets,
    shell:
        "{params.python:q} -m truly_sparse data {params.names:q} {params.config:q} 2>&1 | tee {log:q}"
