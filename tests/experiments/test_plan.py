"""What the workflow asks for when it starts."""

import os
from pathlib import Path

import pytest
import yaml

from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.plan import Plan, Plans
from truly_sparse.files import write_json


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration as Snakemake hands it over; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    block = {"datasets": ["wine"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0, 1]}
    return {
        "study": "journal",
        "preset": "small",
        "datasets": {"wine": {}, "digits": {}},
        "methods": {"fd_tse": {"model": "sparse", "strategy": "fd_tse"}},
        "experiments": {"table1": [block]},
        "training": {"epochs": "200"},
    }


def test_files_and_datasets(config):
    plan = Plan(config)
    assert plan.datasets == ["wine"]
    assert plan.dataset_file("wine") == "data/wine.parquet"
    assert plan.missing("table1") == [
        f"results/small/journal/runs/table1/wine/fd_tse/eps20/seed{seed}/run.json" for seed in (0, 1)
    ]


def test_runs_with_the_same_settings_are_trained_once(config):
    (block,) = config["experiments"]["table1"]
    plan = Plan(config | {"experiments": {"table1": [block], "study": [block | {"prune_fraction": [0.2, 0.3]}]}})
    assert set(plan.missing("study")) - set(plan.missing("table1")) == {
        f"results/small/journal/runs/study/wine/fd_tse/eps20_zeta0.3/seed{seed}/run.json" for seed in (0, 1)
    }
    assert set(plan.missing("table1")) < set(plan.missing("study"))


def test_the_merged_configuration_is_kept_under_a_name_of_its_content(config):
    plans = Plans(config)
    assert list(plans) == ["small/journal"]
    plan = plans["small/journal"]
    assert load_config(f"results/small/journal/config/{plans.write()}.json") == plan.config
    assert plan.config["training"]["epochs"] == 200
    other = Plans(config | {"training": {"epochs": "150"}})
    assert other.write() != plans.write()
    assert len(list(Path("results/small/journal/config").iterdir())) == 2


@pytest.fixture
def two_studies(config):
    """The same configuration for two studies of a preset; returns a function that changes the second."""
    Path("config/small").mkdir(parents=True)

    def write(**changes):
        for study, content in (("journal", config), ("spas", config | changes)):
            Path(f"config/small/{study}.yaml").write_text(yaml.safe_dump(content | {"study": study}, sort_keys=False))
        return Plans({"preset": "small", "reuse_records": "false"})

    return write


def test_studies_have_places_of_their_own_and_share_their_datasets(two_studies):
    plans = two_studies(datasets={"wine": {}, "breast_cancer": {}})
    assert list(plans) == ["small/journal", "small/spas"]
    assert plans.datasets == ["wine", "digits", "breast_cancer"]
    assert plans.dataset_hash("breast_cancer") == plans["small/spas"].dataset_hash("breast_cancer")
    assert not any(plan.config["reuse_records"] for plan in plans.values())


def test_a_run_that_two_studies_want_is_trained_for_the_first(two_studies, config):
    (block,) = config["experiments"]["table1"]
    plans = two_studies(experiments={"spas_table3": [block | {"seeds": [1, 2]}]})
    shared, own = plans.missing("spas_table3")
    assert shared in plans.missing("table1")
    assert own == "results/small/spas/runs/spas_table3/wine/fd_tse/eps20/seed2/run.json"


def test_a_run_that_another_study_has_finished_is_not_trained_again(two_studies, config):
    (block,) = config["experiments"]["table1"]
    two_studies(experiments={"spas_table3": [block]})

    def alone():
        return Plan(yaml.safe_load(Path("config/small/spas.yaml").read_text()))

    first, second = alone().runs.values()
    finished = Path("results/small/journal/runs/table1/wine/fd_tse/eps20/seed0/run.json")
    head = {"experiment": "table1", "dataset": "wine", "method": "fd_tse", "setting": "eps20", "seed": 0}
    write_json(finished, head | {"status": "ok"} | first.hashes)
    assert alone().missing("spas_table3") == [
        finished.as_posix(),
        f"results/small/spas/runs/{second.path}/run.json",
    ]
    write_json(finished, head | {"status": "ok"} | first.hashes | {"source_hash": "0" * 16})
    assert alone().missing("spas_table3")[0] == f"results/small/spas/runs/{first.path}/run.json"


def test_studies_that_want_other_datasets_of_one_name_are_refused(two_studies):
    own = {"wine": {"source": {"path": "wine.csv", "target": "kind"}}}
    with pytest.raises(UserError, match="small/spas: dataset wine has other sources than in small/journal; run it"):
        two_studies(datasets=own)
    with pytest.raises(UserError, match="small/spas: data is another than in small/journal"):
        two_studies(data={"folder": "elsewhere"})


def test_the_training_hash_follows_settings(config):
    path = "table1/wine/fd_tse/eps20/seed0"
    hashes = {Plan(config | {"training": {"epochs": epochs}}).training_hash(path) for epochs in (200, 200, 150)}
    assert len(hashes) == 2


def test_the_content_of_a_dataset_counts_and_not_its_age(config, tmp_path):
    plan = Plan(config)
    assert plan.content_hash("wine") == "absent"
    file = tmp_path / "data/wine.parquet"
    file.parent.mkdir()
    file.write_bytes(b"content")
    first = plan.content_hash("wine")
    os.utime(file, (0, 0))
    assert plan.content_hash("wine") == first
    file.write_bytes(b"another")
    assert plan.content_hash("wine") not in {first, "absent"}
