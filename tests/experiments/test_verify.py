"""Running committed runs again: what must be the same bits, what may differ, and which runs are chosen."""

import random
from types import SimpleNamespace

import pytest

from truly_sparse.experiments.verify import choose, compare

ZEN3 = {"vendor": "AuthenticAMD", "family": "25", "model": "1", "instructions": "AVX2 and FMA"}
ZEN5 = ZEN3 | {"family": "26", "model": "2", "instructions": "AVX-512"}
PLAIN = ZEN3 | {"instructions": "plain"}


def record(model="sparse", processor=None, kernels="Zen", **changes):
    accuracy = {"test": 0.5, "members_test": [0.5], "members_validation": [0.4]}
    made = {"accuracy": accuracy, "correct": "AA==", "data": {"sha256": "ab"}, "settings": {"model": model}}
    host = {"cpu": "AMD EPYC"} | ({"processor": processor} if processor else {})
    pools = [{"user_api": "blas", "version": "0.3.30", "architecture": kernels}]
    return made | {"host": host, "threads": {"threadpools": pools}, "metrics": {"brier": 0.25, "auc": None}} | changes


OTHER = {"test": 0.5, "members_test": [0.5], "members_validation": [0.41]}


@pytest.mark.parametrize("processor", [None, ZEN3, ZEN5])
def test_a_sparse_run_must_give_the_same_bits_on_every_processor(processor):
    assert compare(record(), record(processor=processor, kernels="SkylakeX")) == ""
    assert compare(record(), record(processor=processor, accuracy=OTHER)) == "other accuracy"
    assert "other file" in compare(record(), record(processor=processor, data={"sha256": "cd"}))


def test_measures_are_compared_to_12_digits():
    assert compare(record(), record(metrics={"brier": 0.25 * (1 + 1e-14), "auc": None})) == ""
    assert compare(record(), record(metrics={"brier": 0.25 * (1 + 1e-10), "auc": None})) == "other metrics"
    assert compare(record(), record(metrics={"brier": 0.25, "auc": 0.5})) == "other metrics"
    assert compare(record(), record(metrics=None)) == "other metrics"


@pytest.mark.parametrize("again", [{"processor": ZEN5}, {"processor": ZEN3, "kernels": "SkylakeX"}])
def test_what_blas_computes_must_be_the_same_with_the_same_library_on_the_same_processor(again):
    dense = record("dense", ZEN3)
    assert compare(dense, record("dense", ZEN3, accuracy=OTHER)) == "other accuracy"
    assert compare(dense, record("dense", accuracy=OTHER, **again)) == ""


@pytest.mark.parametrize(("test", "said"), [(0.52, ""), (0.6, "apart by 0.100"), (None, "diverged on one")])
def test_where_sums_round_differently_runs_must_come_near(test, said):
    other = {"accuracy": {"test": test, "members_test": [], "members_validation": []}}
    for one, again in (
        (record(), record(processor=PLAIN, **other)),
        (record("dense"), record("dense", ZEN5, "X", **other)),
    ):
        assert said in compare(one, again)
        assert bool(compare(one, again)) == bool(said)


def test_runs_are_spread_over_experiments_and_methods():
    found = [
        ({}, SimpleNamespace(experiment=experiment, method=method, seed=seed))
        for experiment, methods in (("table1", "abc"), ("table2", "ab"), ("study", "d"))
        for method in methods
        for seed in range(50 if experiment == "table1" else 2)
    ]
    pairs = [(spec.experiment, spec.method) for _, spec in choose(found, 6, random.Random(0))]
    assert len(set(pairs)) == 6
    assert {experiment for experiment, _ in pairs[:3]} == {"table1", "table2", "study"}
    assert len(choose(found, 1000, random.Random(0))) == len(found)
