"""The estimators' training is the ensembles' own where it uses nothing beyond it, their paper's preset the paper's."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from truly_sparse.ensembles.trainer import Data, Trainer
from truly_sparse.estimators.base import FIXED
from truly_sparse.estimators.presets import BEST, PAPER
from truly_sparse.estimators.targets import Classes
from truly_sparse.estimators.training import Material, Training, batch_size

ROOT = Path(__file__).parents[2]


def test_the_paper_s_preset_is_the_paper_s_configuration():
    training = yaml.safe_load((ROOT / "config/journal.yaml").read_text())["training"]
    mine = PAPER | FIXED | {"hidden": [*PAPER["hidden"]], "epochs": 350, "lambda": training["lambda"]}
    assert {name: mine[name] for name in training} == training
    assert PAPER["exploration_epochs"] + PAPER["members"] * PAPER["member_epochs"] == training["epochs"]
    assert PAPER.keys() == BEST.keys()


@pytest.mark.parametrize("method", ["fd_tse", "dist_tse", "none", "independent"])
@pytest.mark.parametrize("selection", ["best_validation", "last"])
def test_without_extras_the_bytes_are_the_trainer_s(method, selection):
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 130)
    x = (rng.normal(size=(3, 8))[y] + 0.7 * rng.normal(size=(130, 8))).astype(np.float32)
    settings = PAPER | FIXED | {"hidden": [40, 30, 20], "epsilon": 3, "eta": 0.02, "batch_size": 16, "lambda": 1.0}
    settings |= {"epochs": 16, "exploration_epochs": 4, "members": 1 if method == "none" else 3, "selection": selection}
    theirs = Trainer(Data(x[:100], y[:100], x[100:], y[100:], 3), settings, "sparse", method, 7)
    theirs.run()
    rows = np.arange(130)
    material = Material(x[:100], x[100:], rows[:100], rows[100:], np.ones(130), Classes(y, 3))
    ours = Training(material, settings, method, 7)
    ours.run()
    assert len(ours.members) == len(theirs.members) == settings["members"]
    for one, other in zip(ours.members, theirs.members, strict=True):
        assert (one.epoch, one.accuracy) == (other.epoch, other.accuracy)
        assert one.arrays.keys() == other.arrays.keys()
        assert all(one.arrays[name].tobytes() == other.arrays[name].tobytes() for name in one.arrays)


def test_a_cosine_falls_anew_in_every_window():
    rng = np.random.default_rng(0)
    x, y, rows = rng.normal(size=(40, 4)).astype(np.float32), rng.integers(0, 2, 40), np.arange(40)
    settings = (
        BEST
        | FIXED
        | {"hidden": [10], "epsilon": 3, "members": 2, "exploration_epochs": 6, "epochs": 14, "lambda": 1.0}
    )
    material = Material(x, x[:0], rows, rows[:0], np.ones(40), Classes(y, 2))
    rates = [epoch.eta for epoch in Training(material, settings, "fd_tse", 0).plan]
    for window in (rates[:10], rates[10:]):
        assert window[0] == pytest.approx(BEST["eta"])
        assert all(np.diff(window) < 0)
        assert window[-1] < 0.2 * BEST["eta"]
    half = BEST["eta"] * (0.01 + 0.99 * 0.5)
    assert rates[5] == pytest.approx(half)


@pytest.mark.parametrize(
    ("wanted", "rows", "batch"), [("auto", 20, 20), ("auto", 1000, 32), ("auto", 9000, 128), (500, 60, 60)]
)
def test_batches_fit_the_rows(wanted, rows, batch):
    assert batch_size(wanted, rows) == batch
