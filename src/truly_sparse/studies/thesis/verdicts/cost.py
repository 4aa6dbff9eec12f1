"""Rules on cost: weights, operations and time."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import EXPLAINED, NOT_CONFIRMED, Finding, Rule, multiple, verdict
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.tse import PROPOSED
from truly_sparse.studies.thesis.tables.counts import DENSE as DENSE_OPERATIONS
from truly_sparse.studies.thesis.tables.counts import INNER, OPERATIONS, WEIGHTS
from truly_sparse.studies.thesis.verdicts.reading import CIFAR, DENSE, row

COUNTS = "thesis_counts"
#: Printed multiples have two decimals.
ROUNDING = 0.005
#: By how much the comprehensive refinement may raise operations and time.
SAME_OPERATIONS, SLOWER = 0.01, 1.10
#: A time ratio counts as the printed one within this part of it.
NEAR = 0.25
#: Weights x samples x epochs leads to a printed number of operations within this part of it.
EXACT = 0.03


def _overhead(evidence: Evidence, dataset: str) -> Finding:
    def ratios(metric: str, column: str) -> "pd.Series[float]":
        rows = evidence.rows("thesis_table12", dataset=dataset, metric=metric)
        wide = rows[rows["method"].isin(PROPOSED)].pivot_table(column, "method", "refinement")
        found = (wide["comprehensive"] / wide["eta"]).dropna() if {"eta", "comprehensive"} <= set(wide) else pd.Series()
        if len(found) < len(PROPOSED):
            raise Missing("not every proposed method has finished with and without comprehensive refinement")
        return found

    operations, time = (ratios(metric, "value") for metric in ("training_operations", "train_time"))
    said_operations, said_time = (ratios(metric, "published") for metric in ("training_operations", "train_time"))
    ours, said = (
        f"{count.max():.3f}× and {minutes.max():.3f}×"
        for count, minutes in ((operations, time), (said_operations, said_time))
    )
    holds = float((operations - 1).abs().max()) <= SAME_OPERATIONS and float(time.max()) <= SLOWER
    why = f"slowest: {method_title(str(time.idxmax()))}; operations, then CPU time, in which there is noise"
    return Finding(ours, said, verdict(holds), why, float(time.max()), float(said_time.max()))


OVERHEAD = Rule(
    "no overhead",
    "Operations and CPU time with the comprehensive refinement as multiples of those without, the largest of the "
    f"proposed methods. Confirmed: operations within {SAME_OPERATIONS:.0%}, and time at most {SLOWER:.2f} times.",
    _overhead,
)


def _weights(evidence: Evidence, dataset: str, epsilon: int) -> Finding:
    found, inner = (evidence.cell(COUNTS, dataset=dataset, epsilon=epsilon, metric=name) for name in (WEIGHTS, INNER))
    ours, said = float(found["value"]), float(found["published"])
    judged = verdict(abs(ours - said) <= ROUNDING)
    if judged == NOT_CONFIRMED and abs(float(inner["value"]) - said) <= ROUNDING:
        judged = EXPLAINED
    why = f"without output block and biases, as the sources count: {formats.ratio(inner['value'])}"
    return Finding(formats.ratio(ours), formats.printed_ratio(said), judged, why, ours, said)


WEIGHTS_RATIO = Rule(
    "weights",
    "Weights of an ensemble of five as a multiple of one dense network's, for the mean number of links of the start. "
    f"Confirmed: within {ROUNDING} of the printed multiple. Different but explained: within it once output blocks and "
    "biases are left out on both sides.",
    _weights,
)


def _operations(evidence: Evidence, dataset: str, epsilon: int) -> Finding:
    rows = evidence.rows(COUNTS, dataset=dataset, metric=OPERATIONS)
    own = rows[rows["epsilon"] == epsilon].iloc[0]
    pairs = zip(rows["value"], rows["published"], strict=True)
    return multiple(float(own["value"]), float(own["published"]), pairs, ROUNDING, "ε")


OPERATIONS_RATIO = Rule(
    "operations",
    "Operations of training an ensemble of five as a multiple of one dense network's, for the mean number of links "
    f"of the start. Confirmed: within {ROUNDING} of the printed multiple. Different but explained: one and the same "
    "factor above 1 leads from ours to the printed ones at every ε (within rounding), as where a hardware counter "
    "sees a fixed number of further instructions for each link.",
    _operations,
)


def _dense_operations(evidence: Evidence, dataset: str) -> Finding:
    found = evidence.cell(COUNTS, dataset=dataset, metric=DENSE_OPERATIONS)
    ours, said = float(found["value"]), float(found["published"])
    holds = abs(ours / said - 1) <= EXACT
    words = formats.scientific(ours), formats.scientific(said)
    return Finding(words[0], words[1], verdict(holds), str(found["note"]), ours, said)


DENSE_COUNT = Rule(
    "dense operations",
    "3 × weights × samples × epochs of the dense network, over all training samples or those that are not for "
    f"validation, whichever is nearer to the printed number. Confirmed: within {EXACT:.0%} of it.",
    _dense_operations,
)


def _time(evidence: Evidence, epsilon: int) -> Finding:
    sparse = evidence.cell("thesis_table7", metric="train_time", **row(CIFAR, "edst_rg", epsilon)._asdict())
    dense = evidence.cell("thesis_table7", metric="train_time", **DENSE._asdict())
    ours, said = (float(sparse[name]) / float(dense[name]) for name in ("value", "published"))
    judged = verdict(abs(ours / said - 1) <= NEAR)
    if judged == NOT_CONFIRMED and ours < said:
        judged = EXPLAINED
    why = f"{formats.minutes(sparse['value'], None)} and {formats.minutes(dense['value'], None)} CPU minutes"
    return Finding(formats.ratio(ours), formats.printed_ratio(said), judged, why, ours, said)


TIME = Rule(
    "time",
    "CPU time of training an ensemble of five by EDST_RG as a multiple of one dense network's, which runs on the "
    f"best dense products there are. Confirmed: within {NEAR:.0%} of the printed multiple. Different but explained: "
    "less; the printed sparse and dense times both come of sparse-matrix code, which is slow for a dense network.",
    _time,
)
RULES: tuple[Rule, ...] = (OVERHEAD, WEIGHTS_RATIO, OPERATIONS_RATIO, DENSE_COUNT, TIME)
