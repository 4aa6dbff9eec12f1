"""What the workflow asks for when it starts."""

import os

import pytest

from truly_sparse.experiments.config import load_config
from truly_sparse.experiments.plan import Plan


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A configuration as Snakemake hands it over; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    block = {"datasets": ["wine"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0, 1]}
    return {
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
        f"results/small/runs/table1/wine/fd_tse/eps20/seed{seed}/run.json" for seed in (0, 1)
    ]


def test_runs_with_the_same_settings_are_trained_once(config):
    (block,) = config["experiments"]["table1"]
    plan = Plan(config | {"experiments": {"table1": [block], "study": [block | {"zeta": [0.2, 0.3]}]}})
    assert set(plan.missing("study")) - set(plan.missing("table1")) == {
        f"results/small/runs/study/wine/fd_tse/eps20_zeta0.3/seed{seed}/run.json" for seed in (0, 1)
    }
    assert set(plan.missing("table1")) < set(plan.missing("study"))


def test_the_merged_configuration_is_kept_under_a_name_of_its_content(config):
    plan = Plan(config)
    assert load_config(plan.config_file) == plan.config
    assert plan.config["training"]["epochs"] == 200
    other = Plan(config | {"training": {"epochs": "150"}})
    assert other.config_file != plan.config_file


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
