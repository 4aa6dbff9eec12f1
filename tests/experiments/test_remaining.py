"""Core-hours of runs that are left, at the pace of the most alike of those that have finished."""

import pytest

from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.remaining import hours
from truly_sparse.golden.cases import DATA, TRAINING

CONFIG = {"datasets": {"one": {}, "other": {}}}
ENTRY = {"rows": 800, "features": 10, "class_counts": {"0": 400, "1": 400}}


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    rows = {"one": 800, "other": 8000}
    monkeypatch.setattr(
        "truly_sparse.experiments.remaining.registry.entry", lambda name, _: ENTRY | {"rows": rows[name]}
    )


def run(experiment="first", dataset="one", method="sparse", model="sparse", links=400, **training):
    settings = {"model": model, "strategy": "none", "data": DATA, "training": TRAINING | training}
    settings["training"] |= {"epsilon": None, "links": links}
    if model == "reference":
        settings["training"] = {}
    return RunSpec(experiment, dataset, method, f"links{links}", 0, settings)


def finished(cpu, **changes):
    spec = run(**changes)
    names = ("experiment", "dataset", "method", "setting", "seed", "settings")
    return {name: getattr(spec, name) for name in names} | {"seconds": {"cpu": cpu}}


def test_twice_the_links_take_twice_as_long():
    assert hours(CONFIG, [finished(3600)], [run(), run(links=800)]) == pytest.approx([1, 2])


def test_the_most_alike_give_the_pace_and_of_them_the_median():
    done = [
        finished(100, experiment="second"),
        finished(200),
        finished(300),
        finished(700),
        finished(500, method="another"),
    ]
    expected = hours(CONFIG, done, [run(), run(experiment="third"), run(method="another"), run(method="new")])
    assert [one * 3600 for one in expected] == pytest.approx([300, 250, 500, 300])


def test_rows_count():
    # 512 samples in whole batches of an epoch of "one", 5,120 of "other".
    assert hours(CONFIG, [finished(36)], [run(dataset="other")]) == pytest.approx([0.1])


def test_runs_of_another_library_take_as_long_as_others_of_them():
    done = [finished(72, model="reference", method="forest"), finished(36, model="reference", method="boosting")]
    assert hours(CONFIG, done, [run(model="reference", method="forest", experiment="x")]) == [0.02]


def test_what_nothing_is_like_is_not_known(monkeypatch):
    done = [finished(72)]
    left = [run(method="dense", model="dense"), run(model="reference", method="forest")]
    left.append(run(method="cnn", architecture="lenet"))
    monkeypatch.setattr("truly_sparse.experiments.remaining.operations", lambda *_: 1e9)
    assert hours(CONFIG, done, left) == [None, None, None]
    assert hours(CONFIG, [], [run()]) == [None]
