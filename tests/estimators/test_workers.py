"""However many workers train an ensemble, every bit is that of one, and what goes wrong goes wrong in the same way."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_wine, make_friedman1
from sklearn.exceptions import ConvergenceWarning

from truly_sparse import TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor
from truly_sparse.engine import network, team
from truly_sparse.errors import UserError
from truly_sparse.estimators.children import threads_of

SMALL = {"hidden_layer_sizes": (30, 20), "members": 3, "exploration_epochs": 4, "member_epochs": 4, "bins": 8}


def state(model):
    """Return all that training gave but for its seconds."""
    members = [{name: array.tobytes() for name, array in one.arrays.items()} for one in model._model.members]
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in model.history_]
    end = model._model.end
    last = end.epochs, {name: array.tobytes() for name, array in end.network.items()}
    return members, [(one.epoch, one.score) for one in model._model.members], rows, last


@pytest.fixture
def shared(monkeypatch):
    """Let small steps be shared, whoever else has the processors; return how many threads shared each epoch."""
    monkeypatch.setattr(team, "WORTH", 1)
    monkeypatch.setattr(team.Crew, "trained", lambda *_: None)
    seen, together = [], team.together

    def counted(calls):
        seen.append(len(calls))
        return together(calls)

    monkeypatch.setattr(network, "together", counted)
    monkeypatch.setattr("truly_sparse.estimators.base.cpu_count", lambda: 4)
    return seen


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_independent_members_are_the_same_whoever_trains_them(backend, capsys):
    x, y = make_friedman1(2500, random_state=0)  # encoded, they are large enough for joblib to map them
    labels, weights = y > y.mean(), np.where(y > 15, 2.0, 0.5)
    alone = TrulySparseEnsembleClassifier("independent", validation_fraction=0.2, **SMALL).fit(x, labels, weights)
    with joblib.parallel_config(backend):
        many = clone(alone).set_params(n_jobs=2, verbose=True).fit(x, labels, weights)
    assert "24/24" in capsys.readouterr().err
    assert state(many) == state(alone)
    values = TrulySparseEnsembleRegressor("independent", **SMALL).fit(x, y)
    with joblib.parallel_config(backend, n_jobs=2):
        assert state(clone(values).fit(x, y)) == state(values)


@pytest.mark.parametrize(
    ("tasks", "workers", "processors", "threads"),
    [
        (5, 1, 1, [1] * 5),
        (5, 2, 2, [1, 1, 1, 1, 2]),
        (4, 2, 2, [1, 1, 1, 1]),
        (5, 3, 4, [1, 1, 1, 2, 2]),
        (5, 8, 8, [1] * 5),
        (2, 8, 8, [4, 4]),
        (3, 8, 1, [1, 1, 1]),
    ],
)
def test_processors_that_would_be_idle_in_the_last_round_share_its_steps(tasks, workers, processors, threads):
    assert threads_of(tasks, workers, processors) == threads


def test_the_last_of_an_odd_number_is_trained_by_all_workers(shared):
    x, y = load_wine(return_X_y=True)
    alone = TrulySparseEnsembleClassifier("independent", **SMALL).fit(x, y)
    with joblib.parallel_config("threading"):
        many = clone(alone).set_params(n_jobs=2).fit(x, y)
    assert shared == [2] * len(alone.history_[::3])
    assert state(many) == state(alone)


def test_members_that_are_added_are_the_same_too():
    x, y = load_wine(return_X_y=True)
    alone = TrulySparseEnsembleClassifier("independent", warm_start=True, **SMALL).fit(x, y)
    many = clone(alone).set_params(n_jobs=2).fit(x, y)
    for model in (alone, many):
        model.set_params(members=5).fit(x, y)
    assert state(many) == state(alone)


def test_independent_members_that_diverge_are_all_trained_with_half_the_rate():
    x, y = load_wine(return_X_y=True)
    wild = {"preset": "paper", "learning_rate": 8.0, "clip_norm": 0.0, "dropout": 0.0, **SMALL}
    alone, many = (TrulySparseEnsembleClassifier("independent", n_jobs=jobs, **wild) for jobs in (1, 2))
    for model in (alone, many):
        with pytest.warns(ConvergenceWarning, match="once more with learning_rate 4"):
            model.fit(x, y)
    assert state(many) == state(alone)


def test_where_they_diverge_at_every_rate_it_is_said_in_one_line():
    x, y = load_wine(return_X_y=True)
    model = TrulySparseEnsembleClassifier("independent", learning_rate=1000, clip_norm=0.0, n_jobs=2, **SMALL)
    with pytest.warns(ConvergenceWarning), pytest.raises(UserError, match=r"in epoch .*lower learning_rate"):
        model.fit(x, y)


@pytest.mark.parametrize("method", ["fd_tse", "edst_rg", "snapshot"])
def test_threads_share_the_steps_of_members_that_come_of_each_other(method, shared):
    x, y = load_wine(return_X_y=True)
    own = {**SMALL, "calibration_fraction": 0}  # no trial runs beside, which would have one of the threads
    alone = TrulySparseEnsembleClassifier(method, **own).fit(x, y)
    assert not shared
    many = clone(alone).set_params(n_jobs=3).fit(x, y)
    assert shared == [3] * alone.n_iter_
    assert state(many) == state(alone)


def test_a_parent_is_trained_by_threads_and_its_children_side_by_side(shared):
    x, y = load_wine(return_X_y=True)
    own = {**SMALL, "exploration_epochs": None, "member_epochs": None, "parent_epochs": 5, "child_epochs": 4}
    for members, parts, of_the_last in ((4, 2, 0), (3, 3, 4)):
        own |= {"members": members, "parts": parts}
        alone = TrulySparseEnsembleClassifier("sparse_subnetworks", **own).fit(x, y)
        shared.clear()
        with joblib.parallel_config("threading"):
            many = clone(alone).set_params(n_jobs=2).fit(x, y)
        assert shared == [2] * (5 + of_the_last)
        assert state(many) == state(alone)
