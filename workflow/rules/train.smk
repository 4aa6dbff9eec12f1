# One job per run that has no committed record. Members and the checkpoint are not declared: Snakemake deletes
# declared outputs before a restart, and a killed run must find its checkpoint again.


rule train:
    input:
        # Its age does not count, its content does: a dataset made again with the same content trains nothing.
        table=ancient(dataset_table),
    output:
        record="results/{place}/runs/{run}/run.json",
        history="results/{place}/runs/{run}/history.parquet",
        predictions="results/{place}/runs/{run}/predictions.npz",
    log:
        "results/{place}/logs/train/{run}.log",
    wildcard_constraints:
        run="|".join(run for plan in PLANS.values() for run in plan.runs) or "-",
    priority: lambda wildcards: spec_of(wildcards).priority
    threads: 1
    params:
        python=python,
        config=configuration,
        made_by=lambda wildcards: PLANS[wildcards.place].training_hash(wildcards.run),
        data=lambda wildcards: PLANS[wildcards.place].content_hash(spec_of(wildcards).dataset),
    shell:
        job("run {wildcards.run:q}")


# Timings, distances and trajectories; what appears in a table as a time is measured alone.
rule measurement:
    input:
        measured_tables,
    output:
        csv="results/{place}/measured/{name}.csv",
        about="results/{place}/measured/{name}.json",
    log:
        "results/{place}/logs/measure/{name}.log",
    wildcard_constraints:
        name="|".join(name for plan in PLANS.values() for name in plan.measurements) or "-",
    threads: 1
    resources:
        timing=1,
    params:
        python=python,
        config=configuration,
        made_by=lambda wildcards: PLANS[wildcards.place].measurement_hash(wildcards.name),
    shell:
        job("measure {wildcards.name:q}")


# The runs of one experiment, and one measurement, by name.
for experiment in dict.fromkeys(name for plan in PLANS.values() for name in plan.experiments):

    rule:
        name:
            f"runs_{experiment}"
        input:
            PLANS.missing(experiment),


for name in dict.fromkeys(name for plan in PLANS.values() for name in plan.measurements):

    rule:
        name:
            f"measure_{name}"
        input:
            [f"results/{place}/measured/{name}.csv" for place, plan in PLANS.items() if name in plan.measurements],
