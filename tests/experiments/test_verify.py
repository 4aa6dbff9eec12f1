"""Records that keep counting because the runs came out the same with today's code."""

import json

import pytest

from truly_sparse.experiments import records
from truly_sparse.experiments.config import validate
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.verify import compare

CONFIG = {
    "preset": "small",
    "datasets": {"wine": {}},
    "methods": {"fd_tse": {"model": "sparse", "strategy": "fd_tse"}},
    "experiments": {"table1": [{"datasets": ["wine"], "methods": ["fd_tse"], "epsilon": [20], "seeds": [0]}]},
}


def record(**changes):
    accuracy = {"test": 0.5, "members_test": [0.5], "members_validation": [0.4]}
    made = {"accuracy": accuracy, "correct": "AA==", "data": {"sha256": "ab"}, "host": {"cpu": "one"}}
    return made | changes


def test_the_same_processor_must_give_the_same_bits():
    assert compare(record(), record()) == ""
    other = record(accuracy={"test": 0.5, "members_test": [0.5], "members_validation": [0.41]})
    assert compare(record(), other) == "other accuracy"
    assert "other file" in compare(record(), record(data={"sha256": "cd"}))


@pytest.mark.parametrize(("test", "said"), [(0.52, ""), (0.6, "apart by 0.100"), (None, "diverged on one")])
def test_another_processor_must_come_near(test, said):
    other = record(host={"cpu": "two"}, accuracy={"test": test, "members_test": [], "members_validation": []})
    assert said in compare(record(), other)
    assert bool(compare(record(), other)) == bool(said)


def test_a_record_of_earlier_code_counts_while_it_is_verified(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = validate(CONFIG)
    (spec,) = runs(config)
    head = {"experiment": "table1", "dataset": "wine", "method": "fd_tse", "setting": spec.setting, "seed": 0}
    line = head | {"status": "ok", "settings_hash": spec.settings_hash, "source_hash": "0" * 16}
    file = records.records_file(config, "table1")
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(line) + "\n")
    assert records.split(config, "table1")[0] == []
    records.verified_file(config).write_text(json.dumps({spec.hashes["source_hash"]: {"0" * 16: {"run": spec.path}}}))
    assert records.split(config, "table1")[0] == [line]
    records.verified_file(config).write_text(json.dumps({"f" * 16: {"0" * 16: {}}}))
    assert records.split(config, "table1")[0] == []
    records.verified_file(config).write_text("[")
    with pytest.raises(records.UserError, match=r"verified\.json: not readable"):
        records.split(config, "table1")
