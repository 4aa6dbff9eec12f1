"""Prediction by fitted estimators: 10,000 rows, and one, with checks and prepared; beside it, member by member.

    python benchmarks/fitted.py [--rounds 12]

The rows are made up, with 50 features and 5 classes as Gesture has, and as many to train on, which settles how many
links there are. The fits are short, which does not matter to the time of a prediction, but of gradient boosting, which
has its usual number of trees.
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
import warnings
from collections.abc import Callable
from typing import Any

import columns
import numpy as np
from columns import Columns
from fits import CLASSES, FEATURES
from fits import PREDICTED as ROWS
from fits import ROWS as TRAINING
from rounds import clocked, interleaved
from sklearn.ensemble import HistGradientBoostingClassifier

from truly_sparse import TrulySparseEnsembleClassifier

OURS, PREPARED = "truly sparse (ours), predict_proba", "truly sparse (ours), prepared"
#: How predictions were made before members were walked together: 64 rows at a time, each member with its own copy.
EACH, BOOSTING = "truly sparse (ours), member by member", "HistGradientBoosting"
#: Rows predicted -> calls that are timed together.
TIMES = {ROWS: 1, 1: 50}


def calls() -> dict[tuple[str, int], Callable[[], object]]:
    """Return what is timed, by its name and number of rows."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(ROWS, FEATURES)), rng.integers(0, CLASSES, ROWS)
    model = TrulySparseEnsembleClassifier(exploration_epochs=2, member_epochs=2).fit(x[:TRAINING], y[:TRAINING])
    boosting = HistGradientBoostingClassifier(early_stopping=False).fit(x[:TRAINING], y[:TRAINING])
    prepared, row, one = model.predictor(), x[0], x[:1]
    return {
        (OURS, ROWS): lambda: model.predict_proba(x),
        (EACH, ROWS): lambda: by_each(model, x),
        (BOOSTING, ROWS): lambda: boosting.predict_proba(x),
        (PREPARED, 1): lambda: prepared(row),
        (OURS, 1): lambda: model.predict_proba(one),
        (EACH, 1): lambda: by_each(model, one),
        (BOOSTING, 1): lambda: boosting.predict_proba(one),
    }


def by_each(model: TrulySparseEnsembleClassifier, x: np.ndarray) -> np.ndarray:
    """Return what `predict_proba` returns, from what every network gives by itself."""
    encoded = model._model.encoding.transform(model._check_features(x))
    mean = np.array([member.predict_proba(encoded) for member in model.members_]).mean(axis=0, dtype=np.float64)
    return mean / mean.sum(axis=1, keepdims=True)


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return CPU seconds of a call, round by round, for every way and number of rows."""
    timed = {key: lambda call=call, rows=key[1]: clocked(call, TIMES[rows]) for key, call in calls().items()}
    return [
        {"what": what, "rows": rows, "seconds": seconds}
        for (what, rows), seconds in interleaved(timed, rounds, "fitted").items()
    ]


def _cell(found: dict[str, Any], what: str, rows: int) -> str:
    """Return the median milliseconds of a way, and how many times those of `predict_proba` that is."""
    seconds = {(row["what"], row["rows"]): row["seconds"] for row in found.get("fitted", [])}
    if (what, rows) not in seconds:
        return ""
    ratio = statistics.median(a / b for a, b in zip(seconds[what, rows], seconds[OURS, rows], strict=True))
    return f"{1e3 * statistics.median(seconds[what, rows]):.{1 if rows > 1 else 3}f} ({ratio:.2f})"


def markdown(machines: Columns) -> str:
    """Return the predictions of all ways as Markdown, one column for each machine and instruction set."""
    ways = [(OURS, ROWS), (EACH, ROWS), (BOOSTING, ROWS), (PREPARED, 1), (OURS, 1), (EACH, 1), (BOOSTING, 1)]
    rows = [[what, f"{count:,}", *(_cell(found, what, count) for found in machines.values())] for what, count in ways]
    about = (
        f"Probabilities of {CLASSES} classes from {FEATURES} features by the estimators' defaults (five members): CPU "
        "milliseconds, and in brackets how many times those of predict_proba that is."
    )
    return f"{about}\n\n{columns.markdown(['what', 'rows', *machines], rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12)
    warnings.filterwarnings("ignore", category=UserWarning)
    print(markdown({"milliseconds": {"fitted": measure(parser.parse_args().rounds)}}))
