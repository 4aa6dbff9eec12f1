"""The command `data`, and your own data on the whole way: table, runs, results, by the command line alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from truly_sparse.cli.main import main
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs

ROOT = Path(__file__).parents[2]
SMALL = {
    "hidden_layer_sizes": [30, 20],
    "members": 2,
    "epochs": 6,
    "exploration_epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.01,
}


@pytest.fixture
def call(place, monkeypatch, capfd):
    """Return a function that runs a command in the folder and returns what it printed, errors last."""
    monkeypatch.chdir(place)

    def run(*arguments: str, code: int = 0) -> str:
        ended = main([*arguments, "--config", "config.yaml"])
        said = capfd.readouterr()
        assert ended == code, said.err
        return said.out + said.err

    return run


@pytest.fixture
def place(tmp_path):
    """A folder with a CSV of numbers, categories and gaps, and a configuration of all eight models on it."""
    config = yaml.safe_load((ROOT / "config/quick/journal.yaml").read_text())
    rng = np.random.default_rng(0)
    kind = rng.choice(["oak", "elm", "ash"], 200)
    table = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    table["soil"] = np.where(kind == "oak", "clay", rng.choice(["sand", "loam"], 200))
    table.loc[::17, "b"] = np.nan
    table.assign(kind=kind).to_csv(tmp_path / "trees.csv", index=False)
    for method in config["methods"].values():
        method["training"] = method.get("training", {}) | (
            {"exploration_epochs": 6} if method["strategy"] in ("none", "independent") else {}
        )
        if method["strategy"] == "independent":
            method["training"]["members"] = 2
    blocks = config["experiments"]["table1"]
    config |= {
        "study": "journal",
        "preset": "mine",
        "training": SMALL,
        "data": {"download": False},
        "datasets": {
            "trees": {
                "source": {"path": "trees.csv", "target": "kind"},
                "categorical": "one_hot",
                "missing": "drop_rows",
                "scaling": "standard",
                "split": "random",
            }
        },
        "experiments": {"table1": [block | {"datasets": ["trees"], "seeds": [0]} for block in blocks]},
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def test_your_own_csv_runs_through_every_model_table_and_figure(place, call):
    said = call("data", "trees")
    assert "own file trees.csv" in said
    assert pd.read_parquet(place / "data/trees.parquet").shape == (188, 8)
    config = yaml.safe_load((place / "config.yaml").read_text())
    for spec in runs(load_config("config.yaml")):
        call("run", spec.path)
    call("table", "table1")
    call("figure", "accuracy")
    table = pd.read_csv(place / "results/mine/journal/tables/table1.csv")
    accuracy = table[table["metric"] == "test_accuracy"]
    assert set(accuracy["method"]) == set(config["methods"])
    assert set(accuracy["dataset"]) == {"trees"}
    assert accuracy["value"].between(0, 100).all()
    assert (place / "paper/mine/journal/figures/accuracy.pdf").exists()


def test_a_column_that_is_not_covered_is_one_line(place, call):
    config = yaml.safe_load((place / "config.yaml").read_text())
    config["datasets"]["trees"] |= {"categorical": "refuse"}
    (place / "config.yaml").write_text(yaml.safe_dump(config))
    said = call("data", "trees", code=2).strip().splitlines()
    assert said[-1].startswith("error: cannot get dataset trees (own file trees.csv: column soil is not numeric")
    assert not (place / "data/trees.parquet").exists()


def test_one_that_fails_does_not_stop_the_others(call):
    said = call("data", "wine", "gesture", "trees", code=2)
    assert "scikit-learn" in said
    assert "trees" in said
    assert "error: 1 of 3 datasets failed: cannot get dataset gesture (no source is allowed)" in said


def test_no_name_at_all_is_one_line(call):
    assert "error: no dataset named; there is trees; --all takes every one" in call("data", code=2)


def test_several_studies_have_their_datasets_prepared_at_once(place, call):
    config = yaml.safe_load((place / "config.yaml").read_text())
    other = config | {"study": "spas", "datasets": {"wine": {}}, "experiments": {}}
    (place / "other.yaml").write_text(yaml.safe_dump(other))
    said = call("data", "wine", "trees", "--config", "other.yaml")
    assert "own file trees.csv" in said
    assert "scikit-learn" in said
