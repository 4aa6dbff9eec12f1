"""The workflow itself: which jobs it plans, and which of them an edit plans again."""

import json
import shutil
from collections import Counter

import pytest

from truly_sparse.experiments.configuration import load_config, study_names
from truly_sparse.experiments.grid import runs
from truly_sparse.studies.discovery import find
from truly_sparse.studies.journal.catalogue import STUDY

SMALL = ("--configfile", "config/small.yaml")
RUNS = 6
DENSE = "results/small/journal/runs/table1/wine/dense/default/seed0/run.json"


def without_pdf(jobs):
    return Counter({rule: count for rule, count in jobs.items() if rule not in {"pdf", "paper"}})


def test_paper_preset_plans_every_run(checkout):
    jobs = checkout.plan("table1")
    assert jobs == {
        "dataset": 2,
        "train": len(runs(load_config(checkout.folder / "config/journal.yaml"), "table1")),
        "table": 1,
        "table1": 1,
    }


def test_quick_preset_replaces_the_paper_settings(checkout):
    jobs = checkout.plan("--configfile", "config/quick.yaml")
    configs = [load_config(checkout.folder / f"config/quick/{name}.yaml") for name in study_names()]
    tables = [(config, find(config["study"]).offered_tables(config)) for config in configs]
    figures = [(config, find(config["study"]).offered_figures(config)) for config in configs]
    entries = [(config, entry) for config, offered in tables + figures for entry in offered.values()]
    trained = [spec for config, entry in entries for name in entry.runs_of(config) for spec in runs(config, name)]
    measured = {(config["study"], name) for config, entry in entries for name in entry.measurements_of(config)}
    assert without_pdf(jobs) == {
        "dataset": 3,
        "train": len({spec.settings_hash for spec in trained}),
        "measurement": len(measured),
        "table": sum(len(offered) for _, offered in tables),
        "figure": sum(len(offered) for _, offered in figures),
        "default": 1,
    }
    assert all(offered for _, offered in tables), "the quick preset has a small piece of every study"
    (merged,) = (checkout.folder / "results/quick/journal/config").glob("*.json")
    assert "gesture" not in json.loads(merged.read_text())["datasets"]


def test_a_study_is_a_target_and_so_is_its_table(checkout):
    assert checkout.plan("spas_table2") == {"table": 1, "spas_table2": 1}
    quick = ("--configfile", "config/quick/spas.yaml")
    jobs = {"dataset": 1, "train": 4, "measurement": 1, "table": 5, "figure": 1, "spas": 1}
    assert without_pdf(checkout.plan("spas", *quick)) == jobs
    checkout.snakemake("spas", *quick)
    assert (checkout.folder / "results/quick/spas/tables/spas_table2.csv").exists()
    assert (checkout.folder / "paper/quick/spas/tables/spas_table2.tex").exists()
    checkout.edit("src/truly_sparse/studies/journal/tables/table1.py", "NEW = 3")
    assert "Nothing to be done" in checkout.snakemake("spas", *quick)


def test_every_study_of_the_quick_preset_can_have_one_step(checkout):
    many = checkout.plan("--configfile", "config/quick.yaml")
    one = checkout.plan("--configfile", "config/quick.yaml", "--config", "one_step=true")
    assert {f"results_{name}" for name in study_names()} == set(one) - set(many)
    assert {"table", "figure"} <= set(many) - set(one)


def test_one_step_makes_all_that_many_do(finished):
    one_step = ("--config", "one_step=true")
    assert without_pdf(finished.plan(*SMALL, *one_step)) in ({}, {"results_journal": 1, "default": 1})

    def made():
        folders = ("results/small/journal", "paper/small/journal")
        return {file.relative_to(finished.folder) for folder in folders for kind in ("tables", "figures")
                for file in (finished.folder / folder / kind).glob("*")}  # fmt: skip

    before = made()
    for folder in ("results/small/journal/tables", "results/small/journal/figures", "paper/small"):
        shutil.rmtree(finished.folder / folder)
    assert without_pdf(finished.plan(*SMALL, *one_step)) == {"results_journal": 1, "default": 1}
    assert finished.plan("table1", *SMALL, *one_step) == {"results_journal": 1, "table1": 1}
    finished.snakemake(*SMALL, *one_step)
    assert made() == before
    assert "Nothing to be done" in finished.snakemake(*SMALL, *one_step)


def test_data_target_trains_nothing(checkout):
    assert checkout.plan("data", *SMALL) == {"dataset": 2, "data": 1}


def test_a_measurement_needs_its_datasets_and_no_run(checkout):
    assert checkout.plan("table7", *SMALL) == {"dataset": 2, "measurement": 1, "table": 1, "table7": 1}
    checkout.snakemake("table7", *SMALL)
    assert (checkout.folder / "results/small/journal/tables/table7.csv").exists()


def test_a_dataset_nobody_knows_is_one_line(checkout):
    file = checkout.folder / "config/small.yaml"
    file.write_text(file.read_text().replace("wine", "whine"))
    refused = checkout.call("-m", "snakemake", "--cores", "1", *SMALL)
    assert refused.returncode != 0
    assert 'unknown dataset "whine"; did you mean "wine"?' in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake(*SMALL)
    record = json.loads((finished.folder / DENSE).read_text())
    assert record["threads"] == "1"


@pytest.mark.parametrize(
    ("file", "trained"), [("engine/network.py", RUNS), ("ensembles/strategies/fd_tse.py", 2), ("data/arrays.py", RUNS)]
)
def test_an_edit_trains_again_only_what_it_concerns(finished, file, trained):
    finished.edit(f"src/truly_sparse/{file}", "NEW = 3")
    assert finished.snakemake(*SMALL).count("rule train:") == trained


def test_edits_that_concern_no_run_train_nothing(finished):
    finished.edit("src/truly_sparse/analysis/latex.py", "SHADE = 3")
    config = load_config(finished.folder / "config/small.yaml")
    made = {"table": len(STUDY.offered_tables(config)), "figure": len(STUDY.offered_figures(config)), "default": 1}
    assert without_pdf(finished.plan(*SMALL)) == made
    finished.edit("src/truly_sparse/engine/network.py", "# a comment")
    finished.edit("src/truly_sparse/data/fetch.py", "NEW = 3")
    output = finished.snakemake(*SMALL)
    assert output.count("checkpoint dataset:") == 2
    assert "rule train:" not in output


def test_a_dataset_made_again_trains_only_if_its_content_changed(finished):
    finished.snakemake("data", *SMALL, "--forcerun", "dataset")
    assert finished.plan(*SMALL)["train"] == 0
    finished.snakemake("data", *SMALL, "--forcerun", "dataset", STUB_CONTENT="other")
    assert finished.plan(*SMALL)["train"] == RUNS


def test_a_dataset_that_changes_on_the_way_is_trained_on_at_once(finished):
    finished.edit("src/truly_sparse/data/fetch.py", "NEW = 3")
    assert finished.snakemake(*SMALL, STUB_CONTENT="other").count("rule train:") == RUNS


def test_a_dataset_that_went_missing_trains_only_the_run_that_needs_it(finished):
    shutil.rmtree(finished.folder / "data")
    assert "Nothing to be done" in finished.snakemake(*SMALL)
    (finished.folder / DENSE).unlink()
    finished.edit("src/truly_sparse/analysis/latex.py", "SHADE = 3")
    assert finished.snakemake(*SMALL).count("rule train:") == 1


def test_an_overridden_setting_reaches_the_jobs(finished):
    override = ("--config", "training={epochs: 40}")
    assert finished.plan(*SMALL, *override)["train"] == RUNS
    finished.snakemake(*SMALL, *override)
    record = json.loads((finished.folder / DENSE).read_text())
    assert record["settings"]["training"]["epochs"] == 40
    assert record["settings"]["training"]["exploration_epochs"] == 10


def test_a_setting_of_the_workflow_itself_trains_nothing(finished):
    assert "Nothing to be done" in finished.snakemake(*SMALL, "--config", "reuse_records=false")
    assert len(list((finished.folder / "results/small/journal/config").glob("*.json"))) == 2


def test_committed_records_stand_in_for_training(finished):
    finished.call("-m", "truly_sparse", "store", "table1", "--config", "config/small.yaml")
    for name in ("results/small/journal/runs", "results/small/journal/tables", "paper/small", "data", ".snakemake"):
        shutil.rmtree(finished.folder / name)
    assert finished.plan("table1", *SMALL) == {"table": 1, "table1": 1}
    finished.snakemake("table1", *SMALL)
    assert (finished.folder / "results/small/journal/tables/table1.csv").exists()
    assert finished.plan("table1", *SMALL, "--config", "reuse_records=false")["train"] == RUNS
    finished.edit("src/truly_sparse/ensembles/strategies/fd_tse.py", "NEW = 3")
    assert finished.plan("table1", *SMALL)["train"] == 0  # records hold while the golden runs give the same digests
    file = finished.folder / "src/truly_sparse/golden/digests.json"
    golden = json.loads(file.read_text())
    golden["generation"] += 1
    for case in golden["cases"].values():
        if "fd_tse" in case["features"]:
            case["generation"] = golden["generation"]
    file.write_text(json.dumps(golden))
    assert finished.plan("table1", *SMALL) == {"dataset": 2, "train": 2, "table": 1, "table1": 1}


def test_a_failed_run_shows_its_message_and_can_be_resumed(checkout):
    failed = checkout.call(
        "-m", "snakemake", "table1", "--cores", "1", *SMALL, "--quiet", STUB_FAIL="table1/wine/fd_tse/eps20/seed0"
    )
    assert failed.returncode != 0
    assert "error: this run was told to fail" in failed.stdout
    checkout.snakemake("table1", *SMALL)


def test_dense_runs_start_first(finished):
    lines = [line for line in finished.log().splitlines() if "output: results/small/journal/runs/" in line]
    assert [line.split("/runs/")[1].split("/")[2] for line in lines[:2]] == ["dense", "dense"]


def test_a_bad_setting_is_one_clear_line(checkout):
    refused = checkout.call("-m", "snakemake", "--cores", "1", *SMALL, "--config", "training={epoch: 40}")
    assert refused.returncode != 0
    assert 'configuration: training: unknown key "epoch"; did you mean "epochs"?' in refused.stdout
    assert "Traceback" not in refused.stdout


def test_a_missing_package_says_what_to_do(checkout):
    (checkout.folder / "src/truly_sparse/errors.py").unlink()
    refused = checkout.call("-m", "snakemake", "--cores", "1", *SMALL)
    assert refused.returncode != 0
    assert "make install" in refused.stdout
