"""Golden runs: today's sources give the committed digests."""

from pathlib import Path

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden, measurements, records
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.golden import check
from truly_sparse.golden.cases import DATA, TRAINING, cases
from truly_sparse.golden.check import committed, differences

ROOT = Path(__file__).parents[2]
CASES = cases()


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_run_gives_the_committed_digests(case):
    assert differences([case]) == []


def test_the_committed_cases_are_those_that_run():
    assert {name: entry["features"] for name, entry in committed()["cases"].items()} == {
        case.name: sorted(case.features) for case in CASES
    }


def test_cases_have_names_of_their_own():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.fixture
def few(tmp_path, monkeypatch):
    """Two quick cases whose digests are made in a file of their own."""
    chosen = [case for case in CASES if case.name in ("data", "data, standard")]
    monkeypatch.setattr(check, "cases", lambda: chosen)
    monkeypatch.setattr(check, "FILE", tmp_path / "digests.json")
    check.FILE.write_text('{"generation": 0, "changes": [], "cases": {}}')
    check.make("")
    return chosen


def test_a_change_begins_a_generation_with_its_reason_and_an_addition_does_not(few, monkeypatch):
    assert (committed()["generation"], committed()["changes"]) == (0, [])
    made = check.outputs
    monkeypatch.setattr(check, "outputs", lambda case: made(case) | ({"rows": "0"} if case.name == "data" else {}))
    assert differences(few) == ["data: other rows"]
    with pytest.raises(UserError, match="1 of 2 golden runs gave other digests"):
        check.main([], None)
    assert check.make("another split") == ["data"]
    assert committed()["changes"] == [{"generation": 1, "reason": "another split", "cases": ["data"]}]
    assert {name: case["generation"] for name, case in committed()["cases"].items()} == {"data": 1, "data, standard": 0}
    assert differences(few) == []


def test_a_log_says_how_far_golden_runs_are(few, monkeypatch, capsys):
    monkeypatch.setattr(check, "TOLD", 1)
    check.main([case.name for case in few], None)
    told = capsys.readouterr()
    assert told.err.splitlines() == ["0 of 2 golden runs done", "1 of 2 golden runs done"]
    assert "2 golden runs gave the committed digests" in told.out


def test_numbers_of_the_blas_library_may_differ_in_the_last_digits(few, monkeypatch):
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.0]})
    check.make("numbers")
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.00001]})
    assert differences(few) == []
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.001]})
    assert differences(few[:1]) == ["data: other loss"]


SOURCE = {
    "momentum": 0.9, "nesterov": True, "coupled_decay": True, "torch_momentum": True, "weight_decay": 0.0005,
    "learning_rate_schedule": "hold_linear",
}  # fmt: skip


@pytest.mark.parametrize("model", ["sparse", "dense"])
@pytest.mark.parametrize(
    ("strategy", "changes"),
    [
        *((name, {}) for name in ("sparse_subnetworks", "stochastic_subnetworks", "noisy_subnetworks", "snapshot")),
        ("fast_geometric", {}),
        ("mc_dropout", {"dropout": 0.3}),
        ("independent", {"bag_fraction": 0.9}),
        *(("none", {"learning_rate_schedule": name}) for name in ("cosine", "one_cycle", "tenths")),
        ("sparse_subnetworks", {"sampler": "random", "sparsity": 0.0, "inherit": False}),
        ("sparse_subnetworks", {"sampler": "magnitude", "prune_epochs": 5}),
        ("stochastic_subnetworks", {"annealing": "random", "inactive": "freeze", "sampler": "random"}),
        ("noisy_subnetworks", {"noise": "mirrored", "search_sparsity": True}),
    ],
)
def test_golden_runs_cover_the_networks_of_subnetwork_ensembles(model, strategy, changes):
    settings = {"model": model, "strategy": strategy, "data": DATA, "training": TRAINING | SOURCE | changes}
    wanted = golden.features(settings)
    assert golden.generation(wanted) is not None, sorted(wanted)


def test_settings_of_children_are_features_where_they_change_how_these_come_to_be():
    plain = {"model": "sparse", "strategy": "sparse_subnetworks", "data": DATA, "training": TRAINING}
    assert golden.features(plain) == {"sparse", "sparse_subnetworks"}
    for changes, expected in (
        ({"parts": 3, "child_epochs": 7, "temperature": 0.2}, set()),
        ({"sampler": "random", "sparsity": 0.7}, {"sampler random"}),
        ({"sampler": "random", "sparsity": 0.0}, {"sampler random", "sparsity 0"}),
        ({"bag_fraction": 0.9, "prune_epochs": 2, "inherit": False}, {"bag_fraction", "prune_epochs", "inherit"}),
        ({"nesterov": True, "learning_rate_schedule": "one_cycle"}, {"nesterov", "learning_rate_schedule one_cycle"}),
        ({"optimiser": "adam"}, {"adam"}),
    ):
        for model in ("sparse", "dense"):
            found = golden.features(plain | {"model": model, "training": TRAINING | changes})
            assert found == {model, "sparse_subnetworks"} | expected


def test_an_unknown_name_is_one_line():
    with pytest.raises(UserError, match='no golden run "statik"; did you mean "static"'):
        check.main(["statik"], None)


def test_every_committed_record_holds_by_golden_runs():
    config = load_config(ROOT / "config/journal.yaml")
    specs = {spec.path: spec for spec in runs(config)}
    for file in sorted((ROOT / "results/journal/records").glob("*.jsonl")):
        lines = records.read(file)
        assert lines
        for record in lines:
            spec = specs[records.path_of(record)]
            assert record["settings_hash"] == spec.settings_hash
            assert golden.holds(record.get("golden", 0), spec.features), f"{spec.path}: {sorted(spec.features)}"
    for name in config["measurements"]:
        assert golden.generation(measurements.features(config, name)) is not None, name
