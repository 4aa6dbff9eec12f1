"""A trial that runs beside the fit gives the same bits as one after it, and ends with it, however that ends."""

import threading
import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from truly_sparse import TrulySparseEnsembleClassifier
from truly_sparse.engine import network, team
from truly_sparse.errors import UserError
from truly_sparse.estimators import base, ensemble, halving
from truly_sparse.estimators.beside import Beside, Stopped

SMALL = {"hidden_layer_sizes": (30, 20), "members": 4, "exploration_epochs": 4, "member_epochs": 40, "bins": 8}
X, Y = (part[:600] for part in load_digits(return_X_y=True))
Y = np.where(np.random.default_rng(0).random(len(Y)) < 0.3, Y[::-1], Y)  # with such labels nobody can be sure


@pytest.fixture
def cores(monkeypatch):
    """Let there be four processors, whatever this machine has."""
    monkeypatch.setattr(base, "cpu_count", lambda: 4)


@pytest.fixture
def places(monkeypatch, cores):
    """Return the threads that trials run in."""
    del cores
    seen, tried = [], base.SparseEstimator._temperature_by_trial

    def watched(self, *arguments):
        seen.append(threading.current_thread())
        return tried(self, *arguments)

    monkeypatch.setattr(base.SparseEstimator, "_temperature_by_trial", watched)
    return seen


def state(model):
    """Return members and temperature of a fitted model."""
    arrays = [{name: array.tobytes() for name, array in one.arrays.items()} for one in model._model.members]
    return arrays, model._model.temperature


def fitted(**more):
    """Return a model whose trial has enough rows."""
    return TrulySparseEnsembleClassifier(**SMALL, calibration_fraction=0.4, random_state=0, **more).fit(X, Y)


@pytest.mark.parametrize("method", ["fd-tse", "edst-rg"])
def test_a_trial_beside_the_fit_gives_the_bits_of_one_after_it(method, places):
    alone = fitted(method=method, n_jobs=1)
    assert places.pop() is threading.main_thread()
    many = fitted(method=method, n_jobs=2)
    assert places.pop() is not threading.main_thread()
    assert state(many) == state(alone)
    assert alone._model.temperature != 1
    assert vars(many).keys() == vars(alone).keys()


@pytest.mark.parametrize("method", ["independent", "sparse_subnetworks"])
def test_where_other_processes_train_the_trial_comes_after_them(method, places):
    fitted(method=method, n_jobs=2)
    assert places == [threading.main_thread()]


def test_the_trial_has_a_thread_of_those_there_are(monkeypatch, cores):
    del cores
    monkeypatch.setattr(team, "WORTH", 1)
    monkeypatch.setattr(team.Crew, "trained", lambda *_: None)
    shared, together, ends = [], team.together, threading.Event()

    def counted(calls):
        shared.append(len(calls))
        if shared.count(2) == 3:  # the trial goes on until the fit has had some epochs
            ends.set()
        return together(calls)

    tried = base.SparseEstimator._temperature_by_trial

    def waiting(self, *arguments):
        found = tried(self, *arguments)
        ends.wait(60)
        return found

    monkeypatch.setattr(network, "together", counted)
    monkeypatch.setattr(base.SparseEstimator, "_temperature_by_trial", waiting)
    fitted(n_jobs=3)
    assert set(shared) <= {2, 3}
    assert shared[:3] == [2, 2, 2]
    assert shared[-1] == 3


def test_a_fit_that_is_interrupted_stops_its_trial(monkeypatch, cores):
    del cores
    model = fitted(n_jobs=1)
    before, threads, went_on = state(model), threading.active_count(), threading.Event()
    show = halving.show_epoch

    def interrupt(*arguments):
        if threading.current_thread() is threading.main_thread():
            went_on.wait(60)
            raise KeyboardInterrupt
        went_on.set()
        show(*arguments)

    for room in (halving, ensemble):
        monkeypatch.setattr(room, "show_epoch", interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.set_params(n_jobs=2, exploration_epochs=10_000, member_epochs=10_000).fit(X, Y)
    assert threading.active_count() == threads
    assert state(model) == before


def test_what_goes_wrong_in_a_trial_is_said(monkeypatch, cores):
    del cores

    def fail(*_):
        raise UserError("no temperature")

    model = fitted(n_jobs=1)
    before = state(model)
    monkeypatch.setattr(base, "temperature_of_members", fail)
    with pytest.raises(UserError, match="no temperature"):
        model.set_params(n_jobs=2).fit(X, Y)
    assert state(model) == before


def test_a_trial_that_diverges_says_nothing_of_its_own(cores):
    del cores
    said = []
    for jobs in (1, 2):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            fitted(n_jobs=jobs, learning_rate=0.2, clip_norm=0.0)
        said.append([(str(one.message), one.filename) for one in found])
    assert said[0]
    assert said[1] == said[0]


def test_a_trial_beside_is_told_to_stop_once_nobody_wants_it():
    begun, ended = threading.Event(), []

    def forever(beside):
        begun.set()
        try:
            while True:
                beside.go_on()
        except Stopped:
            ended.append(True)
            raise

    def fails(beside):
        with beside:
            begun.wait(60)
            assert beside.runs
            raise ZeroDivisionError

    beside = Beside(forever)
    with pytest.raises(ZeroDivisionError):
        fails(beside)
    assert ended == [True]
    assert not beside.runs
    with Beside(lambda _: 3) as other:
        assert other.result() == 3


def test_parameters_and_clones_know_nothing_of_a_trial(cores):
    del cores
    model = fitted(n_jobs=2)
    assert clone(model).get_params() == model.get_params()
    assert not [name for name in model.__getstate__() if "beside" in name or "trial" in name]
