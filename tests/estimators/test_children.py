"""Ensembles of one parent and its children, in scikit-learn's hands: more children later, and children in parallel."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_wine, make_friedman1
from sklearn.exceptions import ConvergenceWarning

from truly_sparse import TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor, load_model, save_model
from truly_sparse.engine import store
from truly_sparse.ensembles.trainer import create
from truly_sparse.errors import UserError
from truly_sparse.estimators import halving, presets
from truly_sparse.estimators.fit_config import FitConfig
from truly_sparse.training.loop import Loop
from truly_sparse.training.start import fresh

SMALL = {"hidden_layer_sizes": (30, 20), "epsilon": 5, "parent_epochs": 6, "child_epochs": 4}
METHODS = [
    "sparse_subnetworks",
    "stochastic_subnetworks",
    "noisy_subnetworks",
    "snapshot",
    "fast_geometric",
    "mc_dropout",
]
KIN = [name for name in METHODS if name not in ("snapshot", "fast_geometric")]


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


def classifier(method="sparse_subnetworks", **changes):
    return TrulySparseEnsembleClassifier(method, **{**SMALL, **changes})


def state(model):
    """Return all that training gave but for its seconds."""
    members = [{name: array.tobytes() for name, array in one.arrays.items()} for one in model._model.members]
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in model.history_]
    return members, [(one.epoch, one.score) for one in model._model.members], rows


@pytest.mark.parametrize("method", METHODS)
def test_every_method_learns_with_its_own_defaults(method):
    x, y = load_breast_cancer(return_X_y=True)
    model = TrulySparseEnsembleClassifier(method, hidden_layer_sizes=(50, 50)).fit(x[::2], y[::2])
    assert model.score(x[1::2], y[1::2]) > 0.93
    settings = presets.of_method(presets.BEST, method)
    assert len(model.members_) == settings["members"] + ("subnetworks" in method)
    # As many epochs as other methods train, within a few.
    assert abs(model.n_iter_ - presets.BEST["effort"] * presets.MOST_EPOCHS) <= 8


@pytest.mark.parametrize("sampler", ["partition", "random"])
@pytest.mark.parametrize("method", ["sparse_subnetworks", "stochastic_subnetworks"])
def test_children_are_those_of_one_run_of_all_stages(wine, method, sampler, monkeypatch):
    problems = []
    learned = TrulySparseEnsembleClassifier._learned

    def note(self, table, problem, settings, seed, before):
        problems.append((problem, settings))
        return learned(self, table, problem, settings, seed, before)

    monkeypatch.setattr(TrulySparseEnsembleClassifier, "_learned", note)
    model = classifier(method, sampler=sampler, bag_fraction=0.8, validation_fraction=0.2).fit(*wine)
    [(problem, settings)] = problems
    config = halving.checked(settings)
    start = fresh("sparse", problem.x.shape[1], 3, config)
    loop = Loop(problem, config, create(method, config).stages(), start, 0)
    loop.run()
    assert len(loop.members) == len(model.members_) == 5
    for one, other in zip(loop.members, model._model.members, strict=True):
        assert (one.epoch, one.score) == (other.epoch, other.score)
        assert {name: array.tobytes() for name, array in one.arrays.items()} == {
            name: array.tobytes() for name, array in other.arrays.items()
        }
    named = [[row[name] for name in ("epoch", "member", "loss", "connections")] for row in loop.progress.history]
    assert named == [[row[name] for name in ("epoch", "member", "loss", "connections")] for row in model.history_]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "stochastic_subnetworks", "sampler": "random"},
        {"sampler": "magnitude", "prune_epochs": 2, "include_parent": False, "preset": "paper"},
        {"structure": "neurons", "sampler": "random", "early_stopping": True, "patience": 1},
        {"sampler": "random", "prune_epochs": 3, "early_stopping": True, "patience": 1},
        {"parts": 3, "members": 3, "add": 3, "bag_fraction": 0.7},
        {"method": "noisy_subnetworks"},
        {"method": "mc_dropout"},
        {"random_state": None},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())) or "partition",
)
def test_members_that_are_added_are_those_that_a_larger_fit_has(wine, tmp_path, changes):
    changes = {"method": "sparse_subnetworks", "members": 4, **changes}
    add, x, y = changes.pop("add", 2), *wine
    weights = 1 + (np.arange(len(y)) % 3)
    few = classifier(**changes).fit(x, y, weights)
    whole = clone(few).set_params(members=few.members + add, random_state=few._model.parent.seed).fit(x, y, weights)
    before = [one.tobytes() for one in (few._model.members[0].arrays["values"], few.predict_proba(x))]
    save_model(few, tmp_path / "few.npz")
    loaded, copied = load_model(tmp_path / "few.npz"), pickle.loads(pickle.dumps(few))
    order = np.random.default_rng(0).permutation(len(y))
    for model in (few, loaded, copied):
        assert model.predict_proba(x).tobytes() == before[1]
        assert model.add_members(add, x[order], y[order], weights[order]) is model
        assert state(model) == state(whole)
        assert model.predict_proba(x).tobytes() == whole.predict_proba(x).tobytes()
        assert model.members == changes["members"]
    assert few._model.members[0].arrays["values"].tobytes() == before[0]


def test_warm_start_adds_the_same_children_and_add_members_goes_on_twice(wine):
    model = classifier(members=2, warm_start=True).fit(*wine)
    model.set_params(members=4).fit(*wine).add_members(2, *wine)
    assert state(model) == state(classifier(members=6).fit(*wine))
    with pytest.raises(UserError, match="takes no members away"):
        model.fit(*wine)


def test_warm_start_goes_from_one_method_to_another(wine):
    lengths = {"exploration_epochs": 4, "member_epochs": 2}
    model = classifier("fd_tse", members=2, **lengths, warm_start=True).fit(*wine)
    model.set_params(method="sparse_subnetworks", members=4).fit(*wine)
    assert len(model.members_) == 2 + 1 + 4
    assert model.n_iter_ == 8 + 6 + 4 * 4
    model.set_params(method="rd_tse", members=8).fit(*wine)
    assert len(model.members_) == 8


@pytest.mark.parametrize("include", [True, False])
@pytest.mark.parametrize("method", KIN)
def test_a_parent_is_kept_once(wine, method, include, tmp_path):
    model = classifier(method, include_parent=include).fit(*wine)
    save_model(model, tmp_path / "model.npz")
    for one in (model, pickle.loads(pickle.dumps(model)), load_model(tmp_path / "model.npz")):
        parent, members = one._model.parent.member, one._model.members
        assert one._model.end.network is parent.arrays
        if include and method != "mc_dropout":
            assert all(members[0].arrays[name] is array for name, array in parent.arrays.items())
        if method == "noisy_subnetworks":
            assert all(member.arrays["values"] is parent.arrays["values"] for member in members)
    with np.load(tmp_path / "model.npz") as archive:
        kept = [name for name in archive.files if name.endswith("/values")]
    children = 0 if method == "noisy_subnetworks" else len(members) - (include and method != "mc_dropout")
    assert len(kept) == 1 + children


def test_the_parent_is_the_first_member_or_none(wine):
    model = classifier(members=2).fit(*wine)
    parent, *children = model.members_
    links = {block.pair: set(block.links()) for block in parent.blocks}
    for network in children:
        assert all(set(block.links()) <= links[block.pair] for block in network.blocks)
    first, second = ({block.pair: set(block.links()) for block in network.blocks} for network in children)
    assert all(first[pair] | second[pair] == links[pair] for pair in links)
    assert not first[0, 1] & second[0, 1]
    alone = classifier(members=2, include_parent=False).fit(*wine)
    assert [one.arrays["values"].tobytes() for one in alone._model.members] == [
        one.arrays["values"].tobytes() for one in model._model.members[1:]
    ]


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_children_are_the_same_whoever_trains_them(backend, capsys):
    x, y = make_friedman1(2500, random_state=0)  # encoded, they are large enough for joblib to map them
    labels = y > y.mean()
    alone = classifier("stochastic_subnetworks", validation_fraction=0.2).fit(x, labels)
    with joblib.parallel_config(backend):
        many = clone(alone).set_params(n_jobs=2, verbose=True).fit(x, labels)
        shown = capsys.readouterr().err
        assert many.add_members(2, x, labels).n_jobs == 2
    assert "22/22" in shown
    assert state(many) == state(clone(alone).set_params(members=6).fit(x, labels))
    values = TrulySparseEnsembleRegressor("sparse_subnetworks", **SMALL).fit(x, y)
    with joblib.parallel_config(backend, n_jobs=2):
        assert state(clone(values).fit(x, y)) == state(values)


def test_the_progress_bar_counts_parent_and_children(wine, capsys):
    model = classifier(members=2, verbose=True).fit(*wine)
    assert "14/14" in capsys.readouterr().err
    model.add_members(2, *wine)
    assert "8/8" in capsys.readouterr().err


def test_children_are_the_same_on_a_dask_cluster():
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    x, y = load_breast_cancer(return_X_y=True)
    alone = classifier(members=6, validation_fraction=0.2).fit(x, y)
    cluster = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None}
    with distributed.LocalCluster(**cluster) as machines, distributed.Client(machines), joblib.parallel_config("dask"):
        many = clone(alone).set_params(members=4).fit(x, y)
        assert state(many.add_members(2, x, y)) == state(alone)


def test_a_child_that_diverges_is_trained_with_half_its_rate_and_the_others_are_not(wine, monkeypatch):
    calm = classifier(members=2).fit(*wine)
    failed = []
    run = Loop.run

    def once(self, after_epoch=None, trained=None):
        run(self, after_epoch, trained)
        if self.stages[-1].number == 2 and not failed:
            failed.append(self.settings.child_learning_rate)
            self.progress.failure = "the loss became infinite"

    monkeypatch.setattr(Loop, "run", once)
    with pytest.warns(ConvergenceWarning, match=r"child 2 diverged; .* child_learning_rate 0.05$"):
        model = classifier(members=2).fit(*wine)
    assert failed == [0.1]
    values = [[one.arrays["values"].tobytes() for one in each._model.members] for each in (calm, model)]
    assert values[0][:2] == values[1][:2]
    assert values[0][2] != values[1][2]
    assert (
        model.members_[2].graph.values.tobytes()
        == classifier(members=2, child_learning_rate=0.05).fit(*wine).members_[2].graph.values.tobytes()
    )


@pytest.mark.parametrize("last", [1, 3, 4])
def test_no_link_is_left_that_was_to_be_annealed_away(wine, last):
    model = classifier("stochastic_subnetworks", members=2, annealing_epochs=last).fit(*wine)
    links = [network.link_counts for network in model.members_]
    assert [one + other for one, other in zip(links[1][:-1], links[2][:-1], strict=True)] == links[0][:-1]


def test_a_regressor_adds_members(wine):
    x, _ = wine
    model = TrulySparseEnsembleRegressor("sparse_subnetworks", **SMALL, members=2, knots=9).fit(x, x[:, 0])
    knots = model.knots_.copy()
    assert state(model.add_members(2, x, x[:, 0])) == state(clone(model).set_params(members=4).fit(x, x[:, 0]))
    assert (model.knots_ == knots).all()
    with pytest.raises(UserError, match="not the rows, targets and weights"):
        model.add_members(2, x, x[:, 1])


def test_what_is_exported_is_the_children(wine):
    model = classifier(members=2).fit(*wine)
    encoded = model._model.encoding.transform(wine[0])
    counts = [sum(layer.weights.nnz for layer in model.to_csr(place)) for place in range(3)]
    assert counts == [sum(network.link_counts) for network in model.members_]
    assert counts[0] > max(counts[1:])
    again = store.build(model._model.members[1].arrays)
    assert again.predict_proba(encoded).tobytes() == model._member_outputs(wine[0])[1].tobytes()


@pytest.mark.parametrize(("method", "members", "trained"), [("snapshot", 5, 350), ("fast_geometric", 4, 350)])
def test_cycles_take_as_many_epochs_as_other_methods(method, members, trained):
    given = {**presets.PAPER, "members": members, "exploration_epochs": 350 - members * 50}
    lengths = TrulySparseEnsembleClassifier(method)._lengths(given)
    stages = create(method, FitConfig.of(given | lengths)).stages()
    assert sum(len(stage.epochs) for stage in stages) == trained


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"members": 3}, "3 members with parts 2"),
        ({"structure": "neurons"}, "structure neurons needs sampler random"),
        ({"prune_epochs": 2}, "prune_epochs needs structure links and sampler random or magnitude"),
        ({"method": "stochastic_subnetworks", "annealing_epochs": 5}, "annealing_epochs 5 is more than child_epochs 4"),
        ({"method": "noisy_subnetworks", "validation_fraction": 0}, "raise validation_fraction"),
        ({"method": "noisy_subnetworks", "sparsity": 0.3}, "noise quad balances at sparsity 0.5"),
        ({"method": "noisy_subnetworks", "members": 40}, "population 16 is less than members 40"),
        ({"method": "mc_dropout", "dropout": 0}, "dropout 0"),
        ({"method": "fast_geometric", "members": 3}, "even number"),
        ({"n_jobs": 0}, "n_jobs is 0; give a whole number other than 0, or None"),
        ({"n_jobs": 1.5}, "n_jobs is 1.5"),
        ({"child_epochs": "many"}, 'child_epochs is .many.; give a whole number .*, or "auto"'),
    ],
)
def test_what_cannot_be_fitted_is_said_in_one_line(wine, changes, words):
    with pytest.raises(UserError, match=words) as caught:
        classifier(**changes).fit(*wine)
    assert "\n" not in str(caught.value)


def test_rows_are_known_again_in_any_order_whatever_their_weights(wine):
    rng = np.random.default_rng(0)
    places = np.tile(np.arange(len(wine[1])), 5)
    weights, order = rng.random(len(places)), rng.permutation(len(places))
    x, y = (part[places] for part in wine)
    one, other = classifier().fit(x, y, weights), classifier().fit(x, y, weights)
    one.add_members(2, x, y, weights)
    other.add_members(2, x[order], y[order], weights[order])
    assert state(one) == state(other)


def test_what_cannot_be_added_is_said_in_one_line_and_changes_nothing(wine):
    x, y = wine
    model = classifier().fit(x, y)
    before = state(model)
    wrong = {
        "5 members with parts 2": (1, x, y),
        "n is 0": (0, x, y),
        "n is 2.5": (2.5, x, y),
        r"not the rows, targets and weights of fit \(178 distinct rows then, 177 now\)": (2, x[1:], y[1:]),
        r"178 distinct rows then, 178 now": (2, x, np.roll(y, 5)),
        "weights of fit": (2, x, y, 1 + (y == 0)),
        "classes .* that the first fit did not know": (2, x, y + 1),
    }
    for words, arguments in wrong.items():
        with pytest.raises(UserError, match=words) as caught:
            model.add_members(*arguments)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="features"):
        model.add_members(2, x[:, 1:], y)
    assert state(model) == before
    for method in ("snapshot", "fast_geometric", "fd_tse", "independent"):
        lengths = {"members": 2, "exploration_epochs": 4, "member_epochs": 2}
        other = classifier(method, **lengths).fit(x, y)
        with pytest.raises(UserError, match=f"add_members needs children of one network, which method {method}"):
            other.add_members(2, x, y)


def test_a_loaded_model_without_a_parent_begins_anew(wine, tmp_path):
    model = classifier("fd_tse", members=2, exploration_epochs=4, member_epochs=2, warm_start=True).fit(*wine)
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz").set_params(members=3).fit(*wine)
    assert loaded.n_iter_ == 4 + 3 * 2
