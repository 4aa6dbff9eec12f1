"""Pairs of columns: which are found, what is made of them, and that every way to predict knows them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from sklearn.datasets import load_breast_cancer

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleRegressor, load_model, open_table, save_model
from truly_sparse.errors import UserError
from truly_sparse.estimators import pairs
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.pair_loops import LIMIT, RATE, ROUNDS, SHRINKAGE
from truly_sparse.estimators.pairs import GRID, STEPS, Pairs, interacting
from truly_sparse.estimators.preprocessing import create

SMALL = {"hidden_layer_sizes": (20,), "epochs": 6, "bins": 8}


def product(rows, seed=0, columns=6):
    """Return rows of which the signs of columns 1 and 4 decide together, and no column alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    return x, ((x[:, 1] * x[:, 4] > 0) ^ (rng.random(rows) < 0.1)).astype(np.int64)


def stripes(rows, seed=0):
    """Return rows of which the sum of columns 1 and 4 decides, at several places."""
    x = np.random.default_rng(seed).normal(size=(rows, 6))
    return x, (np.sin(2.5 * (x[:, 1] + x[:, 4])) > 0).astype(np.int64)


def by_hand(x, wanted, weights, most):
    """Return the pairs that are worth something, from arrays and masks alone."""
    rows, columns = x.shape
    weights = weights * rows / weights.sum()
    halves = np.arange(rows) % 2
    left = wanted - np.average(wanted, axis=0, weights=weights)
    steps, grid = (
        pairs.codes_of(x, knots, count).T.astype(int)
        for knots, count in zip(pairs.knots_of(x, weights), (STEPS, GRID), strict=True)
    )
    unexplained = np.empty_like(left)
    for half in range(2):
        now, other = left.copy(), halves != half
        for _ in range(ROUNDS):
            for column in range(columns):
                for code in np.unique(steps[:, column]):
                    own = steps[:, column] == code
                    mass = weights[own & other].sum()
                    total = (weights[own & other, None] * now[own & other]).sum(axis=0)
                    now[own] -= RATE * total / (mass + SHRINKAGE)
        unexplained[halves == half] = now[halves == half]
    unexplained /= np.sqrt(np.average(unexplained**2, axis=0, weights=weights))

    def worth(first, second):
        found = 0.0
        cells = grid[:, first] * 100 + grid[:, second]
        for cell in np.unique(cells):
            sums = [((cells == cell) & (halves == half))[:, None] * weights[:, None] * unexplained for half in range(2)]
            mass = [weights[(cells == cell) & (halves == half)].sum() for half in range(2)]
            for half in range(2):
                step = sums[1 - half].sum(axis=0) / (mass[1 - half] + SHRINKAGE)
                found += (step * sums[half].sum(axis=0) - 0.5 * step**2 * mass[half]).sum()
        return found

    own = [max(worth(column, column), 0.0) for column in range(columns)]
    found = {
        (first, second): worth(first, second) - own[first] - own[second]
        for first in range(columns)
        for second in range(first + 1, columns)
    }
    return [pair for pair, value in sorted(found.items(), key=lambda item: -item[1])[:most] if value > 0]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["two classes", "three classes", "real values"])
def test_pairs_are_those_of_the_slow_way(kind, seed):
    rng = np.random.default_rng(seed)
    x, y = product(1200, seed, columns=5)
    x[rng.random(x.shape) < 0.05] = np.nan
    x[:, 0] = rng.integers(0, 3, len(x))  # a few different values
    weights = rng.integers(1, 4, len(x)).astype(float)
    y = y + (x[:, 2] > 0) * (kind == "three classes")
    if kind == "real values":
        y = y + 0.3 * rng.normal(size=len(y))
        wanted = y[:, None]
    else:
        mass = np.bincount(y, weights)
        wanted = (y[:, None] == np.argsort(-mass, kind="stable")[: len(mass) - 1]).astype(float)
    found = interacting(x, y, weights, 4)
    assert [tuple(pair) for pair in found.tolist()] == by_hand(x, wanted, weights, 4)
    assert kind == "three classes" or (1, 4) in [tuple(pair) for pair in found.tolist()]


def test_what_columns_tell_by_themselves_is_no_pair():
    found = 0
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(2000, 6))
        found += len(interacting(x, (x.sum(axis=1) + x[:, 0] ** 2 > 1).astype(np.int64), np.ones(len(x)), 12))
        assert interacting(*product(2000, seed), np.ones(2000), 12)[0].tolist() == [1, 4]
    assert found <= 30  # of 150: a sum that is cut into classes is not quite a sum of columns


def test_many_columns_and_classes_are_bounded():
    x, y = product(600, columns=100)
    assert (interacting(x, y, np.ones(600), 3) < 100).all()
    assert interacting(x[:, :1], y, np.ones(600), 3).shape == (0, 2)
    assert interacting(x, np.zeros(600, np.int64), np.ones(600), 3).shape == (0, 2)
    assert interacting(x[:, :4], np.arange(600), np.ones(600), 3).shape[1] == 2


@given(some.integers(0, 1000))
def test_sums_and_differences_are_their_definition(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(3.0, 4.0, size=(60, 4))
    x[rng.random(x.shape) < 0.1] = np.nan
    made = Pairs().restore(
        {"places": np.array([3, 0, 1, 2]), "mean": rng.normal(size=4), "deviation": rng.uniform(0.1, 2.0, size=4)}
    )
    found = made.extended(x)
    assert np.array_equal(found[:, :4], x, equal_nan=True)
    for pair, (first, second) in enumerate([(3, 0), (1, 2)]):
        a, b = (
            np.clip((x[:, of] - made.mean[2 * pair + side]) / made.deviation[2 * pair + side], -LIMIT, LIMIT)
            for side, of in enumerate((first, second))
        )
        assert np.array_equal(found[:, 4 + 2 * pair], a + b, equal_nan=True)
        assert np.array_equal(found[:, 5 + 2 * pair], a - b, equal_nan=True)
    assert np.array_equal(made.one(1).extended(x[:, [1, 2]])[:, 2:], found[:, 6:], equal_nan=True)


@pytest.mark.parametrize("kind", ["standard", "quantile", "piecewise_linear"])
def test_only_ramps_have_pairs(kind):
    x, y = product(500)
    encoding = Encoding(create(kind, 8)).fit(x, np.ones(500), y, 3)
    assert (len(encoding.pairs) > 0) == (kind == "piecewise_linear")
    assert encoding.transform(x).shape[1] == encoding.owners.shape[1]


def test_a_network_sees_what_two_columns_tell_together(tmp_path):
    x, y = stripes(1500)
    x[::50, 1] = np.nan
    with_pairs, without = (SparseMLPClassifier(**SMALL, pairs=number).fit(x, y) for number in (4, 0))
    assert with_pairs._model.encoding.pairs.places[:2].tolist() == [1, 4]
    new, wanted = stripes(1500, seed=1)
    assert with_pairs.score(new, wanted) > without.score(new, wanted) + 0.05
    # The two are what counts, each for half of their sums and differences.
    assert sorted(np.argsort(with_pairs.feature_importances_)[-2:].tolist()) == [1, 4]
    assert with_pairs.feature_importances_.sum() == pytest.approx(1)
    one = with_pairs.predictor()
    assert np.array_equal(one(x[0]), with_pairs.predict_proba(x[:1])[0])
    assert np.array_equal(one(x[1]), with_pairs.predict_proba(x[:2])[1])
    save_model(with_pairs, tmp_path / "m.npz", training_state=True)
    again = load_model(tmp_path / "m.npz")
    assert np.array_equal(again.predict_proba(new), with_pairs.predict_proba(new))
    for model in (again, with_pairs):
        model.set_params(warm_start=True, epochs=2).fit(x, y)
    assert np.array_equal(again.predict_proba(new), with_pairs.predict_proba(new))


def test_a_table_in_a_file_has_the_pairs_of_the_same_table_in_memory(tmp_path):
    pd = pytest.importorskip("pandas")
    x, y = product(1500)
    x[::7, 4] = np.nan
    frame = pd.DataFrame(x, columns=[*"abcdef"]).assign(kind=np.where(x[:, 0] > 0, "red", "blue"), y=y)
    frame.to_parquet(tmp_path / "t.parquet")
    inside = SparseMLPClassifier(**SMALL, pairs=4).fit(frame.drop(columns="y"), y)
    with open_table(tmp_path / "t.parquet", target="y") as (rows, target):
        model = SparseMLPClassifier(**SMALL, pairs=4).fit(rows, target)
    assert len(inside._model.encoding.pairs) > 0
    for name, array in inside._model.encoding.pairs.arrays().items():
        assert np.array_equal(array, model._model.encoding.pairs.arrays()[name])
    new = frame.drop(columns="y")
    assert model.predict_proba(new).tobytes() == inside.predict_proba(new).tobytes()


def test_a_regressor_has_pairs():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1200, 5))
    y = 3 + x[:, 0] * x[:, 3] + 0.1 * rng.normal(size=1200)
    model = TrulySparseEnsembleRegressor(hidden_layer_sizes=(30,), members=2, knots=16).fit(x, y)
    assert model._model.encoding.pairs.places[:2].tolist() == [0, 3]
    assert model.score(x, y) > 0.8


@pytest.mark.parametrize("gaps", [False, True])
def test_exports_predict_the_same(gaps, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    x, y = product(900)
    if gaps:
        x[np.random.default_rng(1).random(x.shape) < 0.1] = np.nan
    model = SparseMLPClassifier(**SMALL, pairs=4).fit(x, y)
    assert len(model._model.encoding.pairs) > 0
    x[:3] *= 100  # beyond what was seen
    model.to_onnx(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx")
    assert np.allclose(session.run(None, {"X": x})[0], model.predict_proba(x), atol=1e-5)
    try:
        import torch
    except ModuleNotFoundError:
        return
    with torch.no_grad():
        found = model.to_torch()(torch.as_tensor(x)).numpy()
    assert np.allclose(found, model.predict_proba(x), atol=1e-5)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"places": np.array([0, 30])},
        {"places": np.array([-1, 2])},
        {"places": np.array([0.0, 1.0])},
        {"places": np.array([1])},
        {"mean": np.zeros(3)},
        {"deviation": np.zeros(2, np.float32)},
    ],
)
def test_spoilt_pairs_are_refused(spoilt):
    good = {"places": np.array([0, 1]), "mean": np.zeros(2), "deviation": np.ones(2)}
    Pairs().restore(good).check(30)
    with pytest.raises(UserError, match="its pairs are not those of 30 columns"):
        Pairs().restore(good | spoilt).check(30)


def test_the_order_of_rows_changes_nothing():
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    models = [SparseMLPClassifier(**SMALL, pairs=5).fit(x[rows], y[rows]) for rows in (np.arange(len(y)), order)]
    assert models[0].predict_proba(x).tobytes() == models[1].predict_proba(x).tobytes()
