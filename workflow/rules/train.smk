# One job per run that has no committed record. Members and the checkpoint are not declared: Snakemake deletes
# declared outputs before a restart, and a killed run must find its checkpoint again.


def dataset_table(wildcards):
    dataset = PLAN.runs[wildcards.run].dataset
    return checkpoints.dataset.get(dataset=dataset).output.table


rule train:
    input:
        # Its age does not count, its content does: a dataset made again with the same content trains nothing.
        table=ancient(dataset_table),
    output:
        record=f"{RESULTS}/runs/{{run}}/run.json",
        history=f"{RESULTS}/runs/{{run}}/history.parquet",
        predictions=f"{RESULTS}/runs/{{run}}/predictions.npz",
    log:
        f"{RESULTS}/logs/train/{{run}}.log",
    wildcard_constraints:
        run="|".join(PLAN.runs),
    priority: lambda wildcards: PLAN.runs[wildcards.run].priority
    threads: 1
    params:
        made_by=lambda wildcards: PLAN.training_hash(wildcards.run),
        data=lambda wildcards: PLAN.content_hash(PLAN.runs[wildcards.run].dataset),
    shell:
        "{PYTHON} -m truly_sparse run {wildcards.run:q}" + LOGGED


# Timings, distances and trajectories; what appears in a table as a time is measured alone.
rule measurement:
    input:
        lambda wildcards: [PLAN.dataset_file(dataset) for dataset in PLAN.measured_datasets(wildcards.name)],
    output:
        csv=f"{RESULTS}/measured/{{name}}.csv",
        about=f"{RESULTS}/measured/{{name}}.json",
    log:
        f"{RESULTS}/logs/measure/{{name}}.log",
    wildcard_constraints:
        name="|".join(PLAN.measurements) or "-",
    threads: 1
    resources:
        timing=1,
    params:
        made_by=lambda wildcards: PLAN.measurement_hash(wildcards.name),
    shell:
        "{PYTHON} -m truly_sparse measure {wildcards.name:q}" + LOGGED


# The runs of one experiment, and one measurement, by name.
for experiment in PLAN.experiments:

    rule:
        name:
            f"runs_{experiment}"
        input:
            PLAN.missing(experiment),


for name in PLAN.measurements:

    rule:
        name:
            f"measure_{name}"
        input:
            f"{RESULTS}/measured/{name}.csv",


# Onsuccess, in the Snakefile, does the same.
onerror:
    finished.forget(PLAN.config)
