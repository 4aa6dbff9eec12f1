"""Runs trained again: which must be the same bytes, and how far the others may lie from their records."""

import numpy as np
import pytest
from scipy import stats

from truly_sparse.experiments import comparison
from truly_sparse.experiments.comparison import expected, interval

ZEN3 = {"vendor": "AuthenticAMD", "family": "25", "model": "1", "instructions": "AVX2 and FMA"}
ZEN5 = ZEN3 | {"family": "26", "model": "2", "instructions": "AVX-512"}
PLAIN = ZEN3 | {"instructions": "plain"}
OTHER = {"test": 0.5, "members_test": [0.5], "members_validation": [0.41]}
CODES = np.uint8([[0, 3], [7, 0]])


def record(model="sparse", processor=None, **changes):
    accuracy = {"test": 0.5, "members_test": [0.5], "members_validation": [0.4]}
    made = {"accuracy": accuracy, "correct": "AA==", "data": {"test_rows": 400}, "settings": {"model": model}}
    made |= {"setting": "eps20", "status": "ok", "children": {"seconds": 1.0, "before": [0.1]}, "seconds": {"cpu": 1.0}}
    host = {"cpu": "AMD EPYC"} | ({"processor": processor} if processor else {})
    return made | {"host": host, "metrics": {"brier": 0.25, "auc": None}} | changes


@pytest.fixture
def here(monkeypatch):
    """Return a function that says on which processor runs are trained again."""

    def choose(processor):
        monkeypatch.setattr(comparison.host, "processor_facts", lambda: processor)

    choose(ZEN5)
    return choose


@pytest.mark.parametrize("processor", [ZEN3, ZEN5])
@pytest.mark.parametrize("before", [None, ZEN3, ZEN5])
def test_a_sparse_run_must_give_the_same_bytes_on_every_processor(here, processor, before):
    here(processor)
    must = expected(record(processor=before), [], CODES)
    assert str(must) == "same bytes"
    again = record(processor=processor, seconds={"cpu": 9.0}, children={"seconds": 5.0, "before": [0.1]}, later=1)
    assert must.compare(again, CODES.copy()) == ("", True)
    assert must.compare(again | {"accuracy": OTHER}, CODES) == ("other accuracy", False)
    assert must.compare(again | {"children": {"seconds": 1.0, "before": [0.2]}}, CODES) == ("other children", False)
    assert must.compare(again, CODES[::-1]) == ("other probabilities", False)
    assert must.compare(again, None) == ("other probabilities", False)
    assert expected(record(processor=before), [], None).compare(again, CODES) == ("", True)


@pytest.mark.usefixtures("here")
def test_measures_are_compared_to_12_digits():
    must = expected(record(), [], None)
    assert must.compare(record(metrics={"brier": 0.25 * (1 + 1e-14), "auc": None}), None) == ("", False)
    for other in ({"brier": 0.25 * (1 + 1e-10), "auc": None}, {"brier": 0.25, "auc": 0.5}, {"brier": 0.25}, None):
        assert must.compare(record(metrics=other), None) == ("other metrics", False)


@pytest.mark.parametrize(
    ("model", "before", "now"), [("dense", ZEN5, ZEN5), ("sparse", ZEN5, PLAIN), ("sparse", PLAIN, ZEN5)]
)
def test_where_sums_round_differently_the_accuracy_must_lie_inside_its_interval(here, model, before, now):
    here(now)
    first = record(model, before)
    must = expected(first, [first], CODES)
    low, high = must.interval
    assert str(must) == f"{100 * low:.2f} to {100 * high:.2f} %"

    def come_to(test):
        return must.compare(record(model, now, accuracy=OTHER | {"test": test}, status="?"), CODES[::-1])

    assert come_to(low) == come_to(high) == ("", False)
    assert "test accuracy 90.00 % outside" in come_to(0.9)[0]
    assert come_to(None)[0] == "?, and the record says ok"
    assert must.compare(first, CODES) == ("", True)
    diverged = record(model, before, accuracy=OTHER | {"test": None})
    assert expected(diverged, [diverged], None).compare(diverged, None) == ("", True)


def seeds(*accuracies, setting="eps20"):
    return [record("dense", accuracy=OTHER | {"test": each}, setting=setting) for each in accuracies]


def test_an_interval_comes_of_the_spread_over_seeds_within_settings():
    rng = np.random.default_rng(0)
    settings = [rng.normal(0.5 + 0.1 * place, 0.02, 4) for place in range(3)]
    alike = [one for place, each in enumerate(settings) for one in seeds(*each, None, setting=str(place))]
    variance = np.mean([each.var(ddof=1) for each in settings])
    reach = stats.t.interval(0.97, 9, scale=np.sqrt(2 * variance))[1]
    assert interval(record(), alike) == pytest.approx((0.5 - reach, 0.5 + reach))


def test_the_accuracy_of_another_seed_lies_inside_as_often_as_is_said():
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(2000):
        *known, other = rng.normal(0.5, 0.03, 7)
        low, high = interval(record(accuracy=OTHER | {"test": known[0]}), seeds(*known[1:]))
        inside.append(low <= other <= high)
    assert np.mean(inside) == pytest.approx(comparison.CHANCE, abs=0.012)


@pytest.mark.parametrize("alike", [[], seeds(0.5), seeds(0.1, 0.9, 0.5, 0.2)])
def test_few_seeds_leave_it_to_the_number_of_test_rows(alike):
    reach = stats.norm.interval(0.97, scale=np.sqrt(2 * 0.25 / 400))[1]
    assert interval(record(), alike) == pytest.approx((0.5 - reach, 0.5 + reach))


def test_one_test_row_more_or_less_is_always_inside():
    low, high = interval(record(), seeds(*[0.5] * 9))
    assert low <= 0.5 - 1 / 400
    assert 0.5 + 1 / 400 <= high < 0.5 + 2 / 400
    assert interval(record(accuracy=OTHER | {"test": 1.0}), [])[1] == 1.0
