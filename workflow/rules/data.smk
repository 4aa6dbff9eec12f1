# From raw files to one checked table per dataset, for all studies.
CONFIGS = " ".join(f"--config results/{place}/config/{VERSION}.json" for place in PLANS)


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
        made_by=lambda wildcards: PLANS.dataset_hash(wildcards.dataset),
    shell:
        "{PYTHON} -m truly_sparse data {wildcards.dataset:q} {CONFIGS}" + LOGGED


# On a cluster not worth a job.
localrules:
    data,


# Every dataset of the configurations, and a table of what came from where.
rule data:
    input:
        [f"{PLANS.data['folder']}/{dataset}.parquet" for dataset in PLANS.datasets],
    threads: 1
    params:
        names=PLANS.datasets,
    shell:
        "{PYTHON} -m truly_sparse data {params.names:q} {CONFIGS}"
