"""Core-hours of runs that are left, at the pace of the most alike of those that have finished."""

import json

import pytest

from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.remaining import hours, of_other_studies
from truly_sparse.golden.cases import DATA, TRAINING

CONFIG = {"datasets": {"one": {}, "other": {}}}
ENTRY = {"rows": 800, "features": 10, "class_counts": {"0": 400, "1": 400}}


@pytest.fixture(autouse=True)
def _registry(monkeypatch):
    rows = {"one": 800, "other": 8000}
    monkeypatch.setattr(
        "truly_sparse.experiments.remaining.registry.entry", lambda name, _: ENTRY | {"rows": rows[name]}
    )


def run(experiment="first", dataset="one", method="sparse", model="sparse", links=400, strategy="none", **training):
    head = {"dataset": dataset, "model": model, "seed": 0, "strategy": strategy}
    settings = head | {"data": DATA, "training": TRAINING | training}
    settings["training"] |= {"epsilon": None, "links": links}
    if model == "reference":
        settings["training"] = {}
    setting = "_".join(f"{name}{value}" for name, value in {"links": links, **training}.items())
    return RunSpec(experiment, dataset, method, setting, 0, settings)


def finished(cpu, epochs_done=None, **changes):
    spec = run(**changes)
    names = ("experiment", "dataset", "method", "setting", "seed", "settings")
    scores = {} if epochs_done is None else {"scores": {"epochs": epochs_done}}
    return {name: getattr(spec, name) for name in names} | {"seconds": {"cpu": cpu}} | scores


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


def test_other_studies_are_those_beside_this_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = {"dataset": "one", "method": "m", "setting": "s", "seed": 0, "status": "ok"}
    line |= {"settings_hash": "", "source_hash": ""}
    for study in ("spas", "whitaker", "unknown"):
        folder = tmp_path / "results" / study / "records"
        folder.mkdir(parents=True)
        (folder / "some.jsonl").write_text(json.dumps(line | {"experiment": study}) + "\n", encoding="utf-8")
    found = of_other_studies({"study": "whitaker", "preset": "paper"})
    assert [record["experiment"] for record in found] == ["spas"]


def test_what_nothing_is_like_is_not_known(monkeypatch):
    done = [finished(72)]
    left = [run(method="dense", model="dense"), run(model="reference", method="forest")]
    left.append(run(method="cnn", architecture="lenet"))
    monkeypatch.setattr("truly_sparse.experiments.remaining.samples", lambda *_: 10**9)
    assert hours(CONFIG, done, left) == [None, None, None]
    assert hours(CONFIG, [], [run()]) == [None]


def test_a_run_that_stopped_early_took_its_time_for_the_epochs_it_trained():
    done = [finished(3600, epochs_done=5, epochs=100, patience=4)]
    left = [run(epochs=100, patience=4), run(epochs=100), run(epochs=100, patience=4, links=800)]
    assert hours(CONFIG, done, left) == pytest.approx([1, 20, 2])
    # Another patience says nothing of how early: all epochs, at most.
    assert hours(CONFIG, done, [run(epochs=100, patience=8)]) == pytest.approx([20])


def test_what_a_sample_takes_whatever_the_links_is_learned_from_runs_of_several_sizes():
    done = [finished(100 + links, links=links) for links in (400, 800, 2000)]
    expected = hours(CONFIG, done, [run(links=50), run(links=1000), run(links=5000, experiment="new")])
    assert [3600 * one for one in expected] == pytest.approx([150, 1100, 5100])


def test_the_most_alike_say_how_far_the_others_are_off():
    done = [finished(100 + links, links=links) for links in (400, 800, 2000)]
    done.append(finished(2 * (100 + 400), method="slow"))
    expected = hours(CONFIG, done, [run(method="slow", links=50), run(links=50)])
    assert expected[0] / expected[1] == pytest.approx(2, rel=0.2)


def child(sparsity, **changes):
    """A run of a parent of 100 epochs and two children of 50, which count by their links."""
    own = {"members": 2, "epochs": 100, "child_epochs": 50, "sampler": "random", "sparsity": sparsity}
    return run(strategy="sparse_subnetworks", **own | changes)


def test_a_parent_in_common_is_trained_once():
    own = [child(0.5), child(0.9), child(0.9, learning_rate=0.5), child(0.5)]
    found = hours(CONFIG, [finished(3600, epochs=100)], own)
    assert found == pytest.approx([1.5, 0.1, 1.1, 0.5])


def test_a_run_that_was_given_its_parent_took_its_time_for_the_children():
    spec = child(0.5)
    names = ("experiment", "dataset", "method", "setting", "seed", "settings")
    record = {name: getattr(spec, name) for name in names} | {"children": {}}
    for wall, cpu, whole in ((100, 1800, 1.5), (400, 1800, 0.5)):
        done = record | {"seconds": {"cpu": cpu, "wall": wall, "epochs_wall": 300}}
        assert hours(CONFIG, [done], [child(0.5, learning_rate=0.5)]) == pytest.approx([whole])


def cnn(architecture, **changes):
    sizes = {"lenet": [2, 3, 8, 6]}.get(architecture, [4, 6])
    return {"architecture": architecture, "method": architecture, "hidden_layer_sizes": sizes, **changes}


@pytest.fixture
def _pictures(monkeypatch):
    entry = {"rows": 800, "features": 400, "class_counts": {"0": 400, "1": 400}}
    monkeypatch.setattr("truly_sparse.experiments.remaining.registry.entry", lambda *_: entry)


@pytest.mark.usefixtures("_pictures")
def test_a_kind_of_network_gives_its_pace_to_one_that_has_none():
    done = [finished(3600), finished(900, **cnn("plain_cnn", links=300))]
    found = hours(CONFIG, done, [run(**cnn("lenet", links=300)), run(**cnn("plain_cnn", links=300))])
    assert found[1] == pytest.approx(0.25)
    assert 0.01 < found[0] < 1


@pytest.mark.usefixtures("_pictures")
def test_other_studies_are_asked_for_kinds_that_have_no_run_here():
    asked = []

    def elsewhere():
        asked.append(1)
        return [finished(900, **cnn("lenet", links=300)), finished(1e9)]

    assert hours(CONFIG, [finished(3600)], [run()], elsewhere) == pytest.approx([1])
    assert not asked
    left = [run(), run(**cnn("lenet", links=300)), run(method="dense", model="dense"), run(**cnn("lenet", links=300))]
    found = hours(CONFIG, [finished(3600)], left, elsewhere)
    assert found.pop(2) is None
    assert found == pytest.approx([1, 0.25, 0.25])
    assert asked == [1]
