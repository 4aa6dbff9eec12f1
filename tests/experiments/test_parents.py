"""Parents on file: runs that differ in their children alone train them once, to the same bytes."""

import json
import os

import numpy as np
import pytest

from truly_sparse.data.arrays import Arrays
from truly_sparse.experiments import networks, outcome, parents
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.training import checkpoint
from truly_sparse.training.config import OF_CHILDREN, TrainingConfig

from ..ensembles.conftest import TRAINING

FAMILY = {
    "hidden_layer_sizes": [30, 20], "members": 4, "epochs": 4, "exploration_epochs": 4, "refinement": "none",
    "evolution_every": 1, "selection": "last", "child_epochs": 2, "child_learning_rate": 0.05, "annealing_epochs": 1,
    "population": 4, "dropout": 0.1,
}  # fmt: skip


def arrays_of():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 160)
    x = (rng.normal(size=(3, 8))[y] + 0.7 * rng.normal(size=(160, 8))).astype(np.float32)
    return Arrays(x[:100], y[:100], x[100:130], y[100:130], x[130:], y[130:], ["a", "b", "c"], {"sha256": "0"})


def spec_of(strategy="sparse_subnetworks", model="sparse", seed=3, **changes):
    training = TRAINING | FAMILY | changes | ({"epsilon": None, "evolution_every": 0} if model == "dense" else {})
    settings = {
        "dataset": "three", "method": "m", "model": model, "strategy": strategy, "seed": seed,
        "data": {"split": "random"}, "training": training,
    }  # fmt: skip
    return RunSpec("x", "three", "m", "default", seed, settings)


def fit(spec, folder, shared=None, restart=False):
    folder.mkdir(exist_ok=True)
    epochs = []
    model = networks.Model(spec, arrays_of(), folder, restart, lambda: epochs.append(1), shared)
    return model, len(epochs)


def outcome_of(model):
    """Return all that a run leaves behind, but for seconds."""
    data = arrays_of()
    record = model.record(data, outcome.predict(model, data))
    del record["epochs_wall"]
    record.get("children", {}).pop("seconds", None)
    members = [{name: array.tobytes() for name, array in member.arrays.items()} for member in model.trainer.members]
    history = [
        {name: value for name, value in row.items() if name != "seconds"} for row in model.trainer.progress.history
    ]
    return json.loads(json.dumps(record)), members, history


CHILDREN = [
    ("sparse_subnetworks", {}),
    ("sparse_subnetworks", {"sampler": "random", "sparsity": 0.7, "members": 3, "bag_fraction": 0.8}),
    ("stochastic_subnetworks", {"include_parent": False}),
    ("noisy_subnetworks", {}),
    ("mc_dropout", {}),
]


@pytest.mark.parametrize("model", ["sparse", "dense"])
@pytest.mark.parametrize("selection", ["last", "best_validation"])
def test_an_adopted_parent_gives_the_bytes_of_a_trained_one(tmp_path, model, selection):
    shared = tmp_path / "parents"
    first, epochs = fit(spec_of(model=model, selection=selection), tmp_path / "first", shared)
    assert epochs == len(first.trainer.plan) == 12
    assert len(list(shared.iterdir())) == 1
    for number, (strategy, changes) in enumerate(CHILDREN):
        spec = spec_of(strategy, model, selection=selection, **changes)
        adopted, short = fit(spec, tmp_path / f"adopted{number}", shared)
        trained, whole = fit(spec, tmp_path / f"trained{number}")
        assert (short, whole) == (len(adopted.trainer.plan) - 4, len(adopted.trainer.plan))
        assert outcome_of(adopted) == outcome_of(trained)
    assert len(list(shared.iterdir())) == 1


def test_runs_whose_parents_could_differ_share_none(tmp_path):
    where = {"processor": "here"}
    own = parents.identity(spec_of(), where)
    files = {parents.file_of(tmp_path, own)}
    others = [
        spec_of(seed=4),
        spec_of(model="dense"),
        spec_of(learning_rate=0.04),
        spec_of(epochs=5, exploration_epochs=5),
        spec_of(dropout=0.2),
        spec_of(nesterov=True),
        spec_of(selection="best_validation"),
    ]
    files |= {parents.file_of(tmp_path, parents.identity(spec, where)) for spec in others}
    files.add(parents.file_of(tmp_path, parents.identity(spec_of(), {"processor": "there"})))
    assert len(files) == len(others) + 2


def test_settings_of_children_are_no_part_of_a_parent():
    known = set(TrainingConfig.__dataclass_fields__)
    assert set(OF_CHILDREN) <= known
    own = parents.identity(spec_of(), {})
    for strategy, changes in CHILDREN:
        assert parents.identity(spec_of(strategy, **changes), {}) == own
    assert parents.identity(spec_of(child_epochs=9, temperature=0.3, noise_sd=0.1, parts=4), {}) == own


def test_only_stages_that_begin_with_the_parent_share_it():
    def shared(strategy, **changes):
        from truly_sparse.ensembles.trainer import Trainer
        from truly_sparse.experiments.samples import seen

        return parents.shared(
            Trainer(seen(arrays_of()), spec_of(strategy, **changes).settings["training"], "sparse", strategy, 1)
        )

    assert all(shared(strategy) for strategy in ("sparse_subnetworks", "stochastic_subnetworks", "noisy_subnetworks"))
    assert not shared("none", members=1)
    assert not shared("independent")
    assert not shared("snapshot")
    assert not shared("fast_geometric")


def spoil_end(path):
    path.write_bytes(path.read_bytes()[:-200])


def spoil_bytes(path):
    content = bytearray(path.read_bytes())
    for place in range(2000, len(content), 997):
        content[place] ^= 0xFF
    path.write_bytes(bytes(content))


def spoil_value(path):
    """Change a weight; the checksum does not fit any more."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays["values"] = arrays["values"] + np.float32(0.125)
    np.savez(path, **arrays)


def spoil_score(path):
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays["about"].tobytes())
    about["history"] = about["history"][:-1]
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    np.savez(path, **arrays)


def spoil_all(path):
    path.write_bytes(b"")


def other_facts(path):
    """A file of another parent under this one's name, with a checksum that fits."""
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    about = json.loads(arrays.pop("about").tobytes())
    del about["sha256"]
    about["facts"]["settings"]["seed"] = 99
    about["sha256"] = checkpoint.digest(about, arrays)
    np.savez(path, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)


@pytest.mark.parametrize("spoil", [spoil_end, spoil_bytes, spoil_value, spoil_score, spoil_all, other_facts])
def test_a_damaged_parent_is_trained_again_and_written_anew(tmp_path, spoil):
    shared, spec = tmp_path / "parents", spec_of()
    first, _ = fit(spec, tmp_path / "first", shared)
    (path,) = shared.iterdir()
    before = path.read_bytes()
    spoil(path)
    assert path.read_bytes() != before
    again, epochs = fit(spec, tmp_path / "again", shared)
    assert epochs == len(again.trainer.plan)
    assert outcome_of(again) == outcome_of(first)
    third, epochs = fit(spec, tmp_path / "third", shared)
    assert epochs == len(third.trainer.plan) - 4
    assert outcome_of(third) == outcome_of(first)


def test_a_run_with_an_adopted_parent_goes_on_after_a_kill(tmp_path, monkeypatch):
    shared, spec = tmp_path / "parents", spec_of("stochastic_subnetworks", child_epochs=3, annealing_epochs=2)
    expected, _ = fit(spec, tmp_path / "whole", shared)
    monkeypatch.setattr(networks, "CHECKPOINT_SECONDS", 0)
    monkeypatch.setattr(networks, "CHECKPOINT_SHARE", 0)

    class Killed(Exception):
        pass

    folder, save = tmp_path / "killed", checkpoint.save

    def saved(loop, path, identity):
        save(loop, path, identity)
        if loop.progress.epoch == 8:
            raise Killed

    monkeypatch.setattr(checkpoint, "save", saved)
    with pytest.raises(Killed):
        fit(spec, folder, shared)
    monkeypatch.setattr(checkpoint, "save", save)
    assert os.listdir(folder) == ["checkpoint.npz"]
    again, epochs = fit(spec, folder, shared)
    assert epochs == len(again.trainer.plan) - 8
    assert outcome_of(again) == outcome_of(expected)


def test_a_parent_that_diverged_is_not_kept(tmp_path):
    model, _ = fit(spec_of(learning_rate=1e6), tmp_path / "run", tmp_path / "parents")
    assert "the loss became infinite or not a number" in model.failure
    assert not (tmp_path / "parents").exists()
    assert "combined" not in model.record(arrays_of(), None)


@pytest.mark.parametrize("model", ["sparse", "dense"])
def test_the_record_of_a_family_has_its_parts(tmp_path, model):
    fitted, _ = fit(spec_of(model=model), tmp_path / "run")
    data = arrays_of()
    each = fitted.predict(data.x_test)
    record = fitted.record(data, each)
    accuracies = [float((own.argmax(axis=1) == data.y_test).mean()) for own in each]
    children = record["children"]
    assert children["parent"] == accuracies[0]
    assert children["after"] == accuracies[1:]
    assert len(children["before"]) == len(children["idle_neurons"]) == 4
    assert set(children["seconds"]) == set(children["operations"]) == {"parent", "children"}
    assert sum(children["operations"].values()) == record["operations"]["total_training"]
    for name, own in (("all", each), ("children", each[1:])):
        right = (own.mean(axis=0).argmax(axis=1) == data.y_test).mean()
        assert record["combined"][name]["mean_softmax"]["accuracy"] == pytest.approx(right)
    # Before tuning a child is its parent less the links that it has not.
    networks_ = list(fitted.trainer.untuned())
    assert [network.link_counts for network in networks_] == record["links"]["members"][1:]
    before = [float((network.predict_proba(data.x_test).argmax(axis=1) == data.y_test).mean()) for network in networks_]
    assert children["before"] == before


@pytest.mark.parametrize("model", ["sparse", "dense"])
@pytest.mark.parametrize("strategy", ["snapshot", "fast_geometric", "mc_dropout"])
def test_the_record_of_other_ensembles_of_one_network_has_them_combined(tmp_path, strategy, model):
    fitted, _ = fit(spec_of(strategy, model, epochs=8, exploration_epochs=8), tmp_path / "run")
    data = arrays_of()
    each = fitted.predict(data.x_test)
    record = fitted.record(data, each)
    assert "children" not in record
    assert set(record["combined"]) == {"all"}
    found = record["combined"]["all"]
    logits = np.log(np.maximum(each.astype(float), 1e-12)).mean(axis=0)
    votes = [
        np.bincount(row, minlength=3) + 0.5 * mean
        for row, mean in zip(each.argmax(axis=2).T, each.mean(axis=0), strict=True)
    ]
    for way, scores in (("mean_softmax", each.mean(axis=0)), ("mean_logits", logits), ("vote", np.array(votes))):
        assert found[way]["accuracy"] == pytest.approx((scores.argmax(axis=1) == data.y_test).mean())
    assert outcome.measured(each, data)["accuracy"]["test"] == found["mean_softmax"]["accuracy"]
    assert "combined" not in fitted.record(data, None)


@pytest.mark.parametrize(("strategy", "members"), [("independent", 2), ("none", 1)])
def test_the_record_of_other_ensembles_has_no_members_combined(tmp_path, strategy, members):
    fitted, _ = fit(spec_of(strategy, members=members), tmp_path / "run")
    assert "combined" not in fitted.record(arrays_of(), fitted.predict(arrays_of().x_test))
