"""What remains when both sides are trained alike, and beside models one would try first."""

import math

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.reading import claims, confirmed, datasets, listed
from truly_sparse.analysis.statements import Statement, first, others
from truly_sparse.analysis.tse import EPSILON, PROPOSED
from truly_sparse.studies.journal.tables.ablation_points import POOLED
from truly_sparse.studies.journal.tables.baseline_peers import ALL
from truly_sparse.studies.journal.verdicts.accuracy import ACCURACY, BASELINE
from truly_sparse.studies.journal.verdicts.claims import ALIKE
from truly_sparse.studies.journal.verdicts.protocol import TUNED

#: Models trained with the ensembles' own rate and schedule, and what they are in a sentence.
_SCHEDULED = {
    ("set_mlp_tse", "static_tse"): "one sparse network",
    ("dense_tse",): "one dense network",
    ("set_ensemble_cost",): "five independent SET-MLPs of the same cost in all",
    ("set_ensemble_epochs",): "five of as many epochs each",
}
#: The models one would try first, and what they are in a sentence, in the order in which they are named.
_PEERS = {
    "hist_gradient_boosting": "gradient boosting",
    "random_forest": "random forests",
    "dense_tuned": "a tuned dense network",
    "sklearn_mlp": "scikit-learn's perceptron",
    "logistic_regression": "logistic regression",
}


def _contrasts(evidence: Evidence, setting: str, names: tuple[str, ...]) -> list[tuple[float, float, float, int, str]]:
    """Return (points, low, high, runs, over which datasets) of pooled contrasts."""
    found = []
    for name in names:
        row = evidence.cell("ablations", metric="contrast", dataset=POOLED, setting=setting, contrast=name)
        found.append((row["value"], row["low"], row["high"], int(row["seeds"]), row["note"]))
    return found


def _regrowth(evidence: Evidence) -> str:
    found = _contrasts(evidence, "refinement", tuple(f"{method} - {BASELINE}" for method in PROPOSED))
    within = math.ceil(20 * max(max(-low, high) for _, low, high, _, _ in found)) / 20
    points = listed([formats.difference(value, 2) for value, *_ in found])
    _, _, _, runs, over = found[0]
    return (
        f"With the same refinement on both sides ({over}, {runs} runs at ε = {EPSILON}), regrowing by RD, FD or Dist "
        f"instead of at random moves the accuracy by {points} points, all 95 % intervals within ±{within:g}."
    )


def _refinement(evidence: Evidence) -> str:
    found = _contrasts(evidence, "refinement", ("comprehensive - none", "eta - none"))
    whole, eta = (f"{formats.difference(value, 2)} ({formats.interval(low, high)})" for value, low, high, *_ in found)
    return (
        f"Compared with none, the comprehensive refinement adds {whole} points, the mean over the four ways of "
        f"regrowing; halving the rate alone, which EDST_RG has in Table 1, adds {eta}."
    )


def _scaling(evidence: Evidence) -> str:
    ((value, low, high, _, _),) = _contrasts(evidence, "preprocessing", ("standard - minmax_all_rows",))
    return (
        f"For comparison, standardising the features instead of mapping them to [0, 1] moves FD-TSE by "
        f"{formats.difference(value, 2)} ({formats.interval(low, high)})."
    )


def _schedule(evidence: Evidence) -> list[str]:
    """Say what models with the ensembles' own training reach, a sentence per dataset."""
    rows = evidence.rows("ablations", metric=ACCURACY, effect="protocol")
    sentences = []
    for name in datasets(claims(evidence, "lead/")):
        own = rows[(rows["dataset"] == name) & rows["value"].notna()].set_index("method")
        accuracy = own["value"].to_dict()
        if not set(PROPOSED) <= set(accuracy):
            continue
        best = max(PROPOSED, key=lambda method: accuracy[method])
        others = []
        for methods, words in _SCHEDULED.items():
            values = [accuracy[method] for method in methods if method in accuracy]
            others += [f"{words} {max(values):.1f} %"] if values else []
        sentence = (
            f"On {marked_title(name, own['note'].fillna(''))} the best proposed ensemble ({method_title(best)}) has "
            f"{accuracy[best]:.1f} %; with its rate and schedule, {listed(others)}"
        )
        sentences.append(sentence + _tuned(evidence, name) + ".")
    return sentences


def _tuned(evidence: Evidence, dataset: str) -> str:
    try:
        rows = evidence.rows("baselines", dataset=dataset, method=TUNED, metric="accuracy")
    except Missing:
        return ""
    rows = rows[rows["split"] != "videos"]
    return f"; a dense network whose rate and dropout were chosen, {rows['value'].iloc[0]:.1f} %" if len(rows) else ""


def _counts(evidence: Evidence) -> str:
    rows = claims(evidence, topic=ALIKE)
    return f"Of {len(rows)} claims judged in this way, {confirmed(rows)} are confirmed."


def _peers(evidence: Evidence) -> str:
    parts: list[str] = []
    over = 0
    for method, words in _PEERS.items():
        row = {
            name: evidence.cell("baselines", dataset=ALL, method=method, metric=f"ahead_{name}")
            for name in ("difference", "low", "high")
        }
        points, interval = row["difference"]["value"], (row["low"]["value"], row["high"]["value"])
        over = max(over, int(row["difference"]["seeds"]))
        unit, level = ("", "") if parts else (" points", "95 % interval ")
        parts.append(f"{words} by {formats.difference(points)}{unit} ({level}{formats.interval(*interval, 1)})")
    return f"Over {over} datasets the mean of the three proposed ensembles differs in accuracy from {listed(parts)}."


def _better(evidence: Evidence) -> str:
    method, words = next(iter(_PEERS.items()))
    better = evidence.cell("baselines", dataset=ALL, method=method, metric="better_accuracy")
    times = evidence.cell("baselines", dataset=ALL, method=method, metric="ratio_fit_seconds")["value"]
    return (
        f"The proposed ensembles are more accurate than {words} on {better['value']:.0f} of {better['seeds']:.0f} "
        f"datasets, and take {times:.1f} times as long to fit."
    )


STATEMENTS = (
    *(Statement("Alike", say) for say in (_regrowth, _refinement, first(_schedule), _counts)),
    *(Statement("Training", say) for say in (others(_schedule), _scaling)),
    Statement("Peers", _peers),
    Statement("Better", _better),
)
