# From raw files to one checked table per dataset.


# A checkpoint: what has to be trained again is decided after the table is there, by its content.
checkpoint dataset:
    output:
        table=f"{PLAN.config['data']['folder']}/{{dataset}}.parquet",
        about=f"{PLAN.config['data']['folder']}/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    wildcard_constraints:
        dataset=r"[^/]+",
    priority: 100  # every run of a dataset waits for it
    threads: 1
    params:
        made_by=lambda wildcards: PLAN.dataset_hash(wildcards.dataset),
    shell:
        "{PYTHON} -m truly_sparse data {wildcards.dataset:q}" + LOGGED


# On a cluster not worth a job.
localrules:
    data,


# Every dataset of the configuration, and a table of what came from where.
rule data:
    input:
        [PLAN.dataset_file(dataset) for dataset in PLAN.config["datasets"]],
    threads: 1
    params:
        names=list(PLAN.config["datasets"]),
    shell:
        "{PYTHON} -m truly_sparse data {params.names:q} --config {CONFIG}"
