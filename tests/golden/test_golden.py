"""Golden runs: today's sources give the committed digests."""

from pathlib import Path

import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import golden, measurements, records
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.golden import check
from truly_sparse.golden.cases import cases
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


def test_numbers_of_the_blas_library_may_differ_in_the_last_digits(few, monkeypatch):
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.0]})
    check.make("numbers")
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.00001]})
    assert differences(few) == []
    monkeypatch.setattr(check, "outputs", lambda _: {"loss": [1.0, 2.001]})
    assert differences(few[:1]) == ["data: other loss"]


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
