"""Estimators whose networks have links that skip layers."""

import numpy as np
import pytest
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

from truly_sparse import (
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    load_model,
    save_model,
)
from truly_sparse.errors import UserError

SMALL = {"hidden_layer_sizes": (40, 30, 20), "shortcut_ratio": 0.5, "preprocessing": "standard", "epsilon": 4.0}


@pytest.fixture(scope="module")
def wine():
    x, y = load_wine(return_X_y=True)
    return train_test_split(x, y, random_state=0, stratify=y)


def shortcuts(network):
    links = {block.pair: len(block) for block in network.blocks}
    return sum(count for (source, target), count in links.items() if target > source + 1), sum(links.values())


@pytest.mark.parametrize("method", ["fd_tse", "rd_tse", "dist_tse", "edst_rg", "independent"])
def test_every_ensemble_trains_with_shortcuts(wine, method):
    x, x_test, y, y_test = wine
    model = TrulySparseEnsembleClassifier(method, members=2, exploration_epochs=30, member_epochs=30, **SMALL)
    assert model.fit(x, y).score(x_test, y_test) > 0.9
    for network in model.members_:
        skipping, every = shortcuts(network)
        assert abs(skipping - 0.5 * every) < 6 * np.sqrt(every) / 2
    if method == "fd_tse":
        first, second = (
            {(block.pair, int(link)) for block in network.blocks if block.source > 0 and block.target < 4
             for link in block.links()}
            for network in model.members_
        )  # fmt: skip
        # What the escape kept, a fifth of each sign, is all that members have in common.
        assert len(first & second) <= 0.25 * len(first)


def test_the_settings_of_spas(wine):
    x, x_test, y, y_test = wine
    spas = {"optimiser": "adam", "learning_rate": 0.005, "l1": 5e-5, "activation": "mish", "init": "torch"}
    model = SparseMLPClassifier(epochs=60, pruning="global", dropout=0.0, **SMALL, **spas).fit(x, y)
    assert model.score(x_test, y_test) > 0.9
    before = sum(len(block) for block in model.members_[0].blocks)
    model.partial_fit(x, y)
    assert sum(len(block) for block in model.members_[0].blocks) == before


def test_a_saved_model_predicts_the_same(wine, tmp_path):
    x, x_test, y, _ = wine
    model = SparseMLPClassifier(epochs=5, **SMALL).fit(x, y)
    save_model(model, tmp_path / "model.npz")
    assert np.array_equal(load_model(tmp_path / "model.npz").predict_proba(x_test), model.predict_proba(x_test))


def test_a_regressor_has_them_too(wine):
    x, _, _, _ = wine
    model = TrulySparseEnsembleRegressor(members=1, exploration_epochs=10, member_epochs=10, **SMALL).fit(x, x[:, 0])
    assert shortcuts(model.members_[0])[0] > 0


def test_settings_that_contradict_each_other_are_one_line(wine):
    x, _, y, _ = wine
    with pytest.raises(UserError, match=r"^l1 0.1 needs optimiser adam$"):
        SparseMLPClassifier(l1=0.1, epochs=2).fit(x, y)
    with pytest.raises(UserError, match="lower shortcut_ratio"):
        SparseMLPClassifier(
            hidden_layer_sizes=(30,), epsilon=30.0, shortcut_ratio=1.0, epochs=2, preprocessing="standard"
        ).fit(x, y)
