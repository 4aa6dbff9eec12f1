"""Test probabilities kept with committed records: what a byte holds of them, and how many are kept."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.errors import UserError
from truly_sparse.experiments import probabilities, records
from truly_sparse.experiments.configuration import validate
from truly_sparse.experiments.grid import runs


def made_up(rows, classes, seed, spread=3.0):
    """Softmax outputs of random numbers, float32."""
    weights = np.exp(np.random.default_rng(seed).normal(0, spread, (rows, classes)))
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@given(rows=st.integers(1, 30), classes=st.integers(2, 12), seed=st.integers(0, 99), spread=st.floats(0, 8))
def test_ratios_are_right_to_three_per_cent_and_predictions_are_the_same(rows, classes, seed, spread):
    given_ = made_up(rows, classes, seed, spread)
    codes = probabilities.encode(given_)
    decoded = probabilities.decode(codes)
    assert codes.dtype == np.uint8
    assert (decoded.argmax(axis=1) == given_.argmax(axis=1)).all()
    assert decoded.sum(axis=1) == pytest.approx(1)
    ratio = (decoded / decoded.max(axis=1, keepdims=True)) / (given_ / given_.max(axis=1, keepdims=True))
    steps = abs(np.log(ratio)) * probabilities.STEPS
    # As large as the largest is a step below it, because only one class is predicted.
    assert (steps[codes == 1] <= 1.01).all()
    assert (steps[(codes != 1) & (codes < probabilities.FARTHEST)] <= 0.51).all()


def test_a_row_of_ones_and_zeros_stays_one():
    assert probabilities.decode(probabilities.encode(np.float32([[0, 1, 0]])))[0] == pytest.approx([0, 1, 0], abs=1e-6)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Three runs that have ended; the working folder is empty otherwise."""
    monkeypatch.chdir(tmp_path)
    block = {"datasets": ["wine"], "methods": ["rd_tse"], "epsilon": [20], "seeds": [0, 1, 10]}
    config = validate(
        {
            "study": "journal",
            "preset": "small",
            "datasets": {"wine": {}},
            "methods": {"rd_tse": {"model": "sparse", "strategy": "rd_tse"}},
            "experiments": {"table1": [block]},
        }
    )
    for spec in runs(config):
        finish(config, spec, np.stack([made_up(400, 3, spec.seed), made_up(400, 3, 100 + spec.seed)]))
    return config


def finish(config, spec, members):
    folder = records.run_folder(config, spec)
    folder.mkdir(parents=True, exist_ok=True)
    head = {"experiment": spec.experiment, "dataset": spec.dataset, "method": spec.method, "setting": spec.setting}
    (folder / "run.json").write_text(json.dumps(head | {"seed": spec.seed, "status": "ok"} | spec.hashes))
    np.savez(folder / "predictions.npz", probabilities=members, labels=np.zeros(members.shape[1], np.int64))


def store(config):
    records.store(config, "table1", lambda: None)
    kept = probabilities.codes(probabilities.file_of(config, "table1"))
    return {path: probabilities.decode(codes) for path, codes in kept.items()}


def test_stored_runs_keep_the_mean_of_their_members(config):
    kept = store(config)
    assert list(kept) == sorted(spec.path for spec in runs(config))
    mean = (made_up(400, 3, 1) + made_up(400, 3, 101)) / 2
    assert kept["table1/wine/rd_tse/eps20/seed1"] == pytest.approx(mean, abs=0.02)
    file = probabilities.file_of(config, "table1")
    assert file.as_posix() == "results/small/journal/records/table1.npz"
    before = file.read_bytes()
    store(config)
    assert file.read_bytes() == before


def test_what_has_been_kept_stays_without_the_run_folders_and_goes_with_its_record(config):
    store(config)
    first, second, _ = specs = runs(config)
    for spec in specs[1:]:
        (records.run_folder(config, spec) / "run.json").unlink()
    finish(config, first, np.empty((0, 400, 3), np.float32))  # trained again, diverged
    assert set(store(config)) == {spec.path for spec in specs[1:]}
    finish(config, first, made_up(400, 3, 5)[None])
    (block,) = config["experiments"]["table1"]
    assert set(store(config | {"experiments": {"table1": [block | {"seeds": [0, 1]}]}})) == {first.path, second.path}


def test_the_highest_seeds_are_left_out_of_what_is_too_much(config, monkeypatch):
    store(config)
    size = probabilities.file_of(config, "table1").stat().st_size
    monkeypatch.setattr(probabilities, "LIMIT", size - 1)
    assert [path[-5:] for path in store(config)] == ["seed0", "seed1"]
    # What other experiments of the study take counts, too.
    probabilities.file_of(config, "other").write_bytes(bytes(size))
    assert store(config) == {}
    assert not probabilities.file_of(config, "table1").exists()


def test_a_configuration_may_keep_none(config):
    assert config["keep_probabilities"]
    store(config)
    assert probabilities.file_of(config, "table1").exists()
    assert store(config | {"keep_probabilities": False}) == {}
    assert not probabilities.file_of(config, "table1").exists()
    assert len(records.read(records.records_file(config, "table1"))) == 3


def test_nothing_in_a_file_is_unpickled(tmp_path):
    np.savez(tmp_path / "table1.npz", **{"table1/wine/rd_tse/eps20/seed0": np.array([print], object)})
    with pytest.raises(ValueError, match="allow_pickle=False"):
        probabilities.codes(tmp_path / "table1.npz")


@pytest.mark.parametrize("size", [0, 40, 400])
def test_a_damaged_file_is_one_line(config, size):
    store(config)
    file = probabilities.file_of(config, "table1")
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(UserError, match=r"table1\.npz is damaged \(.*\); take it from the repository again"):
        probabilities.codes(file)
