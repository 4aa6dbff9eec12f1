"""Rows, scalings and targets against their plain definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from sklearn.preprocessing import QuantileTransformer

from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.rows import taken
from truly_sparse.estimators import preprocessing
from truly_sparse.estimators.distinct_rows import Weighted, gather, split
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.preprocessing import masses, quantiles
from truly_sparse.estimators.presets import BEST, FEWEST_EPOCHS, MOST_EPOCHS, PAPER, fill_in
from truly_sparse.estimators.targets import Values, knots_of
from truly_sparse.training.sampling import Shuffled

FEW = st.integers(0, 3)
TABLES = arrays(np.float64, st.tuples(st.integers(2, 30), st.just(2)), elements=st.sampled_from([0.0, -0.0, 1.0, 2.5]))


@given(TABLES, st.data())
def test_a_weight_is_a_repetition_and_order_does_not_count(x, data):
    weights = np.array(data.draw(st.lists(FEW, min_size=len(x), max_size=len(x))))
    y = np.array(data.draw(st.lists(FEW, min_size=len(x), max_size=len(x))))
    mixed = np.random.default_rng(0).permutation(len(x))
    weighed = gather(x[mixed], y[mixed], weights[mixed])
    repeated = gather(np.repeat(x, weights, axis=0), np.repeat(y, weights), None)
    for one, other in zip(weighed, repeated, strict=True):
        assert one.tolist() == other.tolist()
    rows = [(*row, label) for row, label in zip(x.tolist(), y.tolist(), strict=True)]
    expected = {row: sum(w for r, w in zip(rows, weights, strict=True) if r == row) for row in rows}
    found = {(*row, label): w for row, label, w in zip(*(part.tolist() for part in weighed), strict=True)}
    assert found == {row: w for row, w in expected.items() if w}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=40), st.integers(0, 99))
def test_whole_weights_are_drawn_exactly(weights, seed):
    draws = Weighted(np.array(weights, float))
    order = draws.order(np.random.default_rng(seed))
    assert np.bincount(order, minlength=len(weights)).tolist() == weights


def test_other_weights_are_drawn_in_proportion():
    weights = np.array([0.5, 1.5, 3.0, 0.001])
    draws, rng = Weighted(weights), np.random.default_rng(0)
    assert draws.size == 4
    counts = sum(np.bincount(draws.order(rng), minlength=4) for _ in range(4000))
    assert counts / counts.sum() == pytest.approx(weights / weights.sum(), abs=0.01)


def test_equal_weights_are_every_row_once_in_the_same_order_as_without():
    plain, weighted = (
        sampler.order(np.random.default_rng(7)).tolist() for sampler in (Shuffled(50), Weighted(np.ones(50)))
    )
    assert sorted(plain) == list(range(50))
    assert plain == weighted


@given(st.lists(st.integers(0, 4), min_size=2, max_size=200), st.floats(0, 0.6), st.integers(0, 99))
def test_a_split_is_complete_and_takes_its_share_of_every_class(labels, fraction, seed):
    y = np.array(labels)
    train, held = split(y, fraction, np.random.default_rng(seed))
    assert sorted([*train, *held]) == list(range(len(y)))
    assert set(y[train]) == set(labels)
    for label in set(labels):
        assert abs((y[held] == label).sum() - fraction * (y == label).sum()) < 2


def test_standard_and_quantiles_are_those_of_repeated_rows():
    rng = np.random.default_rng(3)
    x, weights = rng.normal(size=(200, 3)) * [1, 50, 0] + [0, 1e3, 7], rng.integers(1, 4, 200)
    repeated = np.repeat(x, weights, axis=0)
    plain = (x - repeated.mean(axis=0)) / np.where(np.ptp(x, axis=0) > 0, repeated.std(axis=0), 1)
    scaling = preprocessing.create("standard", 1).fit(x, weights.astype(float))
    assert np.allclose(scaling.transform(x), plain, atol=1e-5)
    scores = preprocessing.create("quantile", 1).fit(x, weights.astype(float)).transform(x)
    for column in range(2):
        ranks = stats.rankdata(repeated[:, column]) - 0.5  # the middle of equal values
        expected = dict(zip(repeated[:, column], stats.norm.ppf(ranks / len(repeated)), strict=True))
        assert np.allclose(scores[:, column], [expected[value] for value in x[:, column]], atol=1e-5)
    assert (scores[:, 2] == 0).all()


def test_many_values_have_nearly_the_quantiles_of_scikit_learn():
    x = np.random.default_rng(0).gamma(1.0, size=(5000, 1))
    ours = preprocessing.create("quantile", 1).fit(x, np.ones(5000)).transform(x)
    theirs = QuantileTransformer(output_distribution="normal").fit_transform(x)
    inner = np.abs(theirs) < 2.5
    assert np.abs(ours - theirs)[inner].max() < 0.05


@given(st.integers(1, 12), st.integers(0, 99))
def test_ramps_are_the_definition_and_give_the_value_back(bins, seed):
    rng = np.random.default_rng(seed)
    x = np.column_stack([rng.normal(size=80), rng.integers(0, 3, 80), np.ones(80)])
    scaling = preprocessing.create("piecewise_linear", bins).fit(x, np.ones(80))
    ramps = scaling.ramps(x)
    pieces = list(zip(scaling.of, scaling.start, scaling.stop, strict=True))
    slow = [[min(max((row[of] - start) / (stop - start), 0), 1) for of, start, stop in pieces] for row in x]
    assert np.allclose(ramps, slow)
    for feature in range(2):
        own = scaling.of == feature
        assert 1 <= own.sum() <= bins
        width = (scaling.stop - scaling.start)[own]
        assert np.allclose(scaling.start[own][0] + ramps[:, own] @ width, x[:, feature])
    assert 2 not in scaling.of
    encoded = scaling.transform(x)
    assert np.allclose(encoded, (ramps - ramps.mean(axis=0)) / ramps.std(axis=0), atol=1e-5)


@given(st.integers(1, 12), st.integers(0, 2**32 - 1), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_rows_kept_as_places_on_ramps_are_what_is_encoded_to_the_last_bit(bins, seed, kind, marked):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(40, 5)) * 10.0 ** rng.integers(-6, 6, 5)).astype(kind)
    x[:, 2] = np.round(x[:, 2], 1 - int(np.log10(np.abs(x[:, 2]).max() + 1e-30)))  # with ties
    x[:, 3] = rng.integers(-1, 4, 40)
    if marked:
        x[rng.random((40, 5)) < 0.2] = np.nan
    encoding = Encoding(preprocessing.create("piecewise_linear", bins), {3} if marked else ()).fit(x[:30], np.ones(30))
    kept = encoding.samples(x)
    assert isinstance(kept, Ramped)
    np.testing.assert_array_equal(taken(kept.checked(), slice(None)), encoding.transform(x))


def test_rows_that_are_no_places_on_ramps_are_encoded_as_they_were():
    x = np.random.default_rng(0).normal(size=(600, 2))
    for kind, bins in (("quantile", 32), ("standard", 32), ("piecewise_linear", 500)):
        encoding = Encoding(preprocessing.create(kind, bins)).fit(x, np.ones(600))
        np.testing.assert_array_equal(encoding.samples(x), encoding.transform(x))
    encoding = Encoding(preprocessing.create("piecewise_linear", 8)).fit(x, np.ones(600))
    encoding.scaling.stop = encoding.scaling.stop + 1e-3  # so that two ramps of a column can be on their way up
    np.testing.assert_array_equal(encoding.samples(x), encoding.transform(x))


@pytest.mark.parametrize("kind", ["piecewise_linear", "standard", "quantile"])
@pytest.mark.parametrize(
    ("column", "steps"),
    [
        ([0.0, 1e-310, 2e-310, 1.0, 2.0], [0.0, 1.0, 2.0]),
        ([0.0, 0.0, 1e-310, 5e-309, 1e-308], [0.0, 1e-308]),
        ([0.0, 1e-310, 1e-310, 2e-310, 2e-310], [0.0]),
        ([0.0, 1e-170, 2e-170, 3e-170, 4e-170], [0.0, 1e-170, 2e-170, 3e-170, 4e-170]),
    ],
)
def test_steps_too_small_for_an_inverse_are_none(kind, column, steps):
    x = np.column_stack([column, np.arange(5.0)])
    encoding = Encoding(preprocessing.create(kind, 8)).fit(x, np.ones(5))
    assert np.isfinite(encoding.transform(x)).all()
    if kind == "piecewise_linear":
        own = encoding.scaling.of == 0
        assert [*encoding.scaling.start[own], *encoding.scaling.stop[own][-1:]] == (steps if len(steps) > 1 else [])


def test_ramps_of_weighted_rows_are_those_of_repeated_rows_and_of_nothing_are_zero():
    rng = np.random.default_rng(4)
    x, weights = rng.normal(size=(60, 2)).astype(np.float32), rng.integers(1, 4, 60)
    weighed = preprocessing.create("piecewise_linear", 100).fit(x, weights.astype(float))
    repeated = preprocessing.create("piecewise_linear", 100).fit(np.repeat(x, weights, axis=0), np.ones(weights.sum()))
    assert np.allclose(weighed.transform(x), repeated.transform(x), atol=1e-5)
    constant = preprocessing.create("piecewise_linear", 4).fit(np.full((7, 3), 0.3), np.full(7, 0.7))
    assert np.abs(constant.transform(np.full((5, 3), 0.3))).max() < 1e-12


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30), st.integers(2, 9))
def test_two_hot_targets_have_the_value_as_mean(values, count):
    y = np.array(values)
    knots = knots_of(y, np.ones(len(y)), count)
    assert (knots[0], knots[-1]) == (y.min(), y.max())
    assert len(knots) <= max(2, count)
    targets, rng = Values(y, y[:0], knots, np.ones(0)), np.random.default_rng(0)
    drawn = np.array([knots[targets.draw(rng)] for _ in range(3000)])
    widest = np.diff(knots).max(initial=0)
    assert np.abs(drawn.mean(axis=0) - y).max() <= 0.06 * widest + 1e-9


@given(st.integers(2, 10**7), st.integers(2, 1000), st.integers(1, 10))
def test_what_is_auto_follows_rows_and_classes_and_the_schedule_adds_up(rows, classes, members):
    found = fill_in(BEST | {"members": members, "effort": 1.0}, rows, classes, 500)
    total = found["exploration_epochs"] + members * found["member_epochs"]
    assert FEWEST_EPOCHS <= found["epochs"] <= MOST_EPOCHS
    assert abs(total - found["epochs"]) <= members / 2 or found["member_epochs"] == 2
    if FEWEST_EPOCHS < found["epochs"] < MOST_EPOCHS:
        assert found["epochs"] * rows == pytest.approx(125_000 * min(classes, 5), abs=rows / 2)
    # The density follows the classes, unless there would be too many links for each row and class.
    places = (500 + 200) + (200 + 200) + (200 + classes)
    assert found["epsilon"] == pytest.approx(min(5, 1.5 * max(rows, 300) / places) * min(classes, 5))
    family, larger = (
        fill_in(BEST | {"members": count, "effort": 1.0}, rows, classes, 500, parent=0.5) for count in (4, members)
    )
    assert found["parent_epochs"] == found["epochs"]
    assert abs(family["parent_epochs"] - found["epochs"] / 2) <= 0.5
    assert abs(family["parent_epochs"] + 4 * family["child_epochs"] - found["epochs"]) <= 3 or found["epochs"] < 30
    assert larger["child_epochs"] == family["child_epochs"] >= 4  # so that children can be added
    given_epochs = fill_in(BEST | {"member_epochs": 7, "epsilon": 3.0}, rows, classes, 500)
    assert (given_epochs["member_epochs"], given_epochs["epsilon"]) == (7, 3.0)
    assert fill_in(PAPER, rows, classes, 500) == PAPER


@pytest.mark.parametrize(("effort", "dropout"), [(0.1, 0.35), (1, 0.35), (3, 0.45), (10, 0.5), (1000, 0.5)])
def test_what_trains_longer_has_more_dropout(effort, dropout):
    long, short = (fill_in(BEST | {"effort": number}, 3000, 2, 500) for number in (effort, 1))
    assert long["dropout"] == dropout
    assert long["epochs"] == round(effort * short["epochs"])
    # Who says how long, or how much, is not overruled.
    assert fill_in(BEST | {"effort": effort, "member_epochs": 500}, 3000, 2, 500)["dropout"] == 0.35
    assert fill_in(BEST | {"effort": effort, "dropout": 0.1}, 3000, 2, 500)["dropout"] == 0.1


@given(
    st.lists(st.sampled_from([0.0, -0.0, 1.5, -2.0, 3.25, np.nan]), max_size=40),
    st.integers(1, 6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_knots_are_the_same_bytes_in_any_order_of_rows(values, bins, weighed, random):
    values = np.array(values, np.float64)
    weights = np.array([random.choice([1.0, 2.0, 0.5]) if weighed else 1.0 for _ in values])
    order = list(range(len(values)))
    random.shuffle(order)
    first, second = (
        quantiles(*masses(values[rows], weights[rows]), bins) for rows in (np.arange(len(values)), np.array(order, int))
    )
    assert [own.tobytes() for own in first] == [own.tobytes() for own in second]
    knots, middle = first
    distinct = np.unique(values[~np.isnan(values)])
    assert set(knots.tolist()) <= set(distinct.tolist())
    assert len(knots) == len(distinct) if len(distinct) <= bins + 1 else 2 <= len(knots) <= bins + 1
    assert not np.signbit(knots[knots == 0]).any()
    present = weights[~np.isnan(values)].sum()
    for knot, height in zip(knots, middle, strict=True):
        below, at = (weights[compare(values, knot)].sum() for compare in (np.less, np.equal))
        assert height == pytest.approx((below + at / 2) / present)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=30), st.integers(0, 5))
def test_rows_of_whole_weights_are_those_of_systematic_sampling(counts, seed):
    weights, rng = np.array(counts, float), np.random.default_rng(seed)
    drawn = Weighted(weights).order(np.random.default_rng(seed))
    places = rng.permutation(sum(counts))
    ends, shift = np.cumsum(counts), 0.0 if max(counts) == 1 else rng.random()
    assert drawn.tolist() == [int((ends <= place + shift).sum()) for place in places]
    assert np.bincount(drawn).tolist() == counts
