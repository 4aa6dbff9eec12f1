"""Scores of committed runs from their kept test probabilities: those of the records, within the stated rounding."""

import base64
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from truly_sparse.errors import UserError
from truly_sparse.experiments import scores
from truly_sparse.experiments.configuration import load_configs
from truly_sparse.experiments.scores import Kept, kept, metric_of, score

ROOT = Path(__file__).parents[2]
#: By how much docs/scores.md says that a score may differ, as (part of itself, beside that).
ROUNDING = {
    "accuracy": (0.0, 0.0),
    "balanced_accuracy": (0.0, 1e-15),
    "log_loss": (0.02, 0.0),
    "brier": (0.03, 0.0),
    "ece": (0.0, 0.02),
    "roc_auc": (0.0, 0.005),
}
OF_ONE_CLASS = 0.2


@pytest.fixture(scope="module")
def whitaker():
    """Return the committed runs of a study that keeps test probabilities."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        (config,) = load_configs(["config/whitaker.yaml"])
        found, _ = kept(config, config["experiments"])
    return found


def right_rows(run):
    """Return which test rows are right, as the record says."""
    packed = np.frombuffer(base64.b64decode(run.record["correct"]), np.uint8)
    return np.unpackbits(packed)[: len(run.probabilities)].astype(bool)


def test_the_same_rows_are_right_as_the_records_say(whitaker):
    assert len(whitaker) > 250
    for run in whitaker:
        assert right_rows(run).mean() == run.record["accuracy"]["test"]
        assert len(run.probabilities) == run.record["data"]["test_rows"]
        assert run.probabilities.shape[1] == len(run.record["data"]["classes"])


def labels_known(run):
    """Return the labels of a run: of two classes they follow from what is right, of more they need the dataset."""
    predicted, right = run.probabilities.argmax(axis=1), right_rows(run)
    if run.probabilities.shape[1] == 2:
        return np.where(right, predicted, 1 - predicted)
    try:
        return scores.labels_of(run.record, ROOT / "data")
    except UserError:
        return None


def test_scores_are_those_of_the_records_within_the_rounding_that_is_stated(whitaker, monkeypatch):
    labels = {id(run.record): labels_known(run) for run in whitaker}
    monkeypatch.setattr(scores, "labels_of", lambda record, _: labels[id(record)])
    classes = {id(run.record): len(np.unique(run.probabilities.argmax(axis=1))) for run in whitaker}
    known = [run for run in whitaker if labels[id(run.record)] is not None]
    assert len(known) > 80
    apart = defaultdict(list)
    for record, name, value in score(known, {name: metric_of(name) for name in ROUNDING}, ROOT):
        was = record["metrics"][name]
        share, more = ROUNDING[name]
        more = OF_ONE_CLASS if name == "roc_auc" and classes[id(record)] == 1 else more
        apart[name].append(abs(value - was))
        assert apart[name][-1] <= share * was + more, (name, record)
    assert max(apart["log_loss"]) > 0


def test_the_rounding_is_the_one_that_the_documentation_states():
    page = (ROOT / "docs/scores.md").read_text(encoding="utf-8").split("<!-- rounding")[1].split("<!-- /rounding")[0]
    stated = {}
    for line in page.splitlines():
        if line.startswith("| `"):
            _, names, text, _ = line.split("|")
            stated |= {name.strip(" `"): text.strip() for name in names.split(",")}
    assert stated.keys() == ROUNDING.keys()
    for name, (share, more) in ROUNDING.items():
        said = f"{share:g} of itself" if share else f"{round(more, 12):g}"
        assert stated[name] == said + (
            f"; {OF_ONE_CLASS:g} where one class is predicted for every row" * (name == "roc_auc")
        )


def test_a_record_of_another_experiment_has_the_probabilities_of_the_run_that_stands_for_it(whitaker):
    standing = [run for run in whitaker if "same_as" in run.record]
    assert standing
    for run in standing:
        assert right_rows(run).mean() == run.record["metrics"]["accuracy"]


@pytest.fixture
def one(whitaker, monkeypatch):
    """Return a run of two classes, whose labels are known."""
    run = next(run for run in whitaker if run.probabilities.shape[1] == 2)
    labels = labels_known(run)
    monkeypatch.setattr(scores, "labels_of", lambda *_: labels)
    return run


def test_a_metric_of_ones_own_gets_labels_and_probabilities(one, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own_metric.py").write_text(
        "def share(labels, probabilities):\n    return probabilities[labels == 1, 1].mean()\n"
    )
    names = ("own_metric:share", "sklearn.metrics:log_loss", "log_loss")
    found = {name: value for _, name, value in score([one], {name: metric_of(name) for name in names}, Path())}
    labels = labels_known(one)
    assert found["own_metric:share"] == pytest.approx(one.probabilities[labels == 1, 1].mean())
    assert found["sklearn.metrics:log_loss"] == pytest.approx(found["log_loss"], rel=1e-5)


def test_what_cannot_be_scored_is_one_line(one, tmp_path, monkeypatch):
    wrong = Kept(one.record, one.probabilities[::-1])
    with pytest.raises(UserError, match="do not belong to its record"):
        list(score([wrong], {"ece": metric_of("ece")}, Path()))
    with pytest.raises(UserError, match='unknown metric "log_los"; did you mean "log_loss"'):
        metric_of("log_los")
    with pytest.raises(UserError, match="metric nowhere:f: No module named"):
        metric_of("nowhere:f")
    (tmp_path / "half_written.py").write_text("def f(\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match=r"metric half_written:f: .*never closed"):
        metric_of("half_written:f")
    with pytest.raises(UserError, match=r"metric math:sqrt of whitaker"):
        list(score([one], {"math:sqrt": metric_of("math:sqrt")}, Path()))


def test_a_metric_of_ones_own_cannot_change_what_others_are_given(one):
    def spoil(_, probabilities):
        probabilities[:] = 0

    with pytest.raises(UserError, match=r"metric spoil of .*read-only"):
        list(score([one], {"spoil": spoil, "accuracy": metric_of("accuracy")}, Path()))


def test_labels_that_are_not_there_say_how_to_get_them(whitaker, tmp_path):
    with pytest.raises(UserError, match=r"run `python -m truly_sparse data \w+`"):
        scores.labels_of(whitaker[0].record, tmp_path)
