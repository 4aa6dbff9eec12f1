"""Rules on accuracies as the journal prints them: tables 1 and 3."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import ttest_ind_from_stats

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.judging import ALPHA, Finding, Rule, gap, partial, verdict, welch
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.rounding import differences, less
from truly_sparse.analysis.statistics.stratified import FEW_FOR_TEST, too_few
from truly_sparse.analysis.tse import ACCURACY, BASELINE, PROPOSED

DENSE = ("dense", "dense_ensemble")


def p_text(p: float) -> str:
    """Return "p = 0.023"."""
    return f"p = {formats.p_value(p)}"


def row_of(evidence: Evidence, dataset: str, method: str, setting: str) -> pd.Series:
    """Return the accuracy row of Table 1."""
    return evidence.cell("table1", metric=ACCURACY, dataset=dataset, method=method, setting=setting)


def settings_of(evidence: Evidence, dataset: str, epsilon: float) -> dict[str, str]:
    """Return {method: setting} of the printed rows of Table 1 at one epsilon, dense models included."""
    rows = evidence.rows("table1", metric=ACCURACY, dataset=dataset)
    rows = rows[rows["published"].notna() & (rows["epsilon"].isna() | (rows["epsilon"] == epsilon))]
    return dict(zip(rows["method"], rows["setting"], strict=True))


def _gain(evidence: Evidence, dataset: str, method: str, setting: str, baseline: str) -> Finding:
    one, other = row_of(evidence, dataset, method, setting), row_of(evidence, dataset, BASELINE, baseline)
    ours, printed = gap(one, other)
    p = welch(one, other)
    holds = ours * printed > 0 and p < ALPHA
    why = f"{p_text(p)} over {one['seeds']} and {other['seeds']} seeds{partial(one)}"
    return Finding(formats.difference(ours), formats.difference(printed), verdict(holds), why, ours, printed)


GAIN = Rule(
    "gain",
    "Difference of mean test accuracies in points. Confirmed: ours has the sign of the printed one, and Welch's t test "
    f"(two-sided, seeds as observations, not corrected for the number of claims) has p < {ALPHA}. Not confirmed: "
    "otherwise. The printed EDST_RG runs without the comprehensive refinement, the proposed methods with it.",
    _gain,
)


def _order(evidence: Evidence, dataset: str, epsilon: float) -> Finding:
    rows = {m: row_of(evidence, dataset, m, s) for m, s in settings_of(evidence, dataset, epsilon).items()}
    clear = same = 0
    against: list[str] = []
    open_: list[str] = []
    for one, other in combinations(rows, 2):
        ours, printed = gap(rows[one], rows[other])
        if abs(printed) <= sum(np.nan_to_num(float(rows[name]["published_std"])) for name in (one, other)):
            continue
        clear, same = clear + 1, same + (ours * printed > 0)
        if ours * printed <= 0:
            pair = f"{method_title(one)} and {method_title(other)}"
            (against if _told_apart(rows[one], rows[other]) else open_).append(pair)
    reversed_ = [f"the other way round here: {'; '.join(against)}"] if against else []
    unsure = [f"the other way round, but not told apart: {'; '.join(open_)}"] if open_ else []
    return Finding(
        f"{same} pairs", f"{clear} pairs", verdict(not against), ". ".join([*reversed_, *unsure]), same, clear
    )


def _told_apart(one: pd.Series, other: pd.Series) -> bool:
    """Say whether two rows differ over seeds; single runs never do."""
    try:
        return welch(one, other) < ALPHA
    except Missing:
        return False


ORDER = Rule(
    "order",
    "Pairs of models whose printed means are further apart than the sum of their printed standard deviations, and in "
    "how many the same one is the more accurate here. Confirmed: in none is the other one significantly the more "
    f"accurate (Welch, p < {ALPHA}; single runs cannot be). Not confirmed: otherwise.",
    _order,
)


def least_lead_over_dense(
    evidence: Evidence, dataset: str, epsilon: float, column: str = "value"
) -> tuple[float, pd.Series]:
    """Return the smallest lead of a proposed method over the better dense model of Table 1, and that method's row."""
    settings = settings_of(evidence, dataset, epsilon)
    dense = max(float(row_of(evidence, dataset, m, settings[m])[column]) for m in DENSE if m in settings)
    sparse = [row_of(evidence, dataset, m, settings[m]) for m in PROPOSED]
    least = min(sparse, key=lambda row: float(row[column]))
    return less(float(least[column]), dense), least


def _above_dense(evidence: Evidence, dataset: str, epsilon: float) -> Finding:
    ours, least = least_lead_over_dense(evidence, dataset, epsilon)
    printed, _ = least_lead_over_dense(evidence, dataset, epsilon, "published")
    if pd.isna(least["std"]):
        raise Missing("a row has only one run, which shows no spread; run more seeds")
    if too_few(least["seeds"] - 1):
        raise Missing(FEW_FOR_TEST)
    why = f"least lead: {method_title(least['method'])}{partial(least)}"
    holds = ours > 2 * float(least["std"])
    return Finding(formats.difference(ours), formats.difference(printed), verdict(holds), why, ours, printed)


ABOVE_DENSE = Rule(
    "above dense",
    "Smallest lead of a proposed method over the better of the dense model and the dense ensemble, all trained as "
    "printed. Confirmed: it exceeds two standard deviations of that method over seeds. Not confirmed: otherwise.",
    _above_dense,
)


def _best_differs(evidence: Evidence, cells: tuple[tuple[str, float], ...]) -> Finding:
    ours, printed, close = [], [], 0
    for dataset, epsilon in cells:
        settings = settings_of(evidence, dataset, epsilon)
        if not all(evidence.has("table1", metric=ACCURACY, dataset=dataset, method=m, setting=settings[m])
                   for m in PROPOSED):  # fmt: skip
            continue
        rows = [row_of(evidence, dataset, m, settings[m]) for m in PROPOSED]
        first, second = sorted(rows, key=lambda row: -float(row["value"]))[:2]
        ours.append(first["method"])
        close += welch(first, second) >= ALPHA
        top = max(float(row["published"]) for row in rows)
        winners = [row["method"] for row in rows if float(row["published"]) == top]
        printed += winners if len(winners) == 1 else []
    if len(ours) < 2:
        raise Missing("fewer than two combinations of dataset and sparsity have finished")
    why = f"in {close} of {len(ours)} combinations the best is not significantly better than the second"
    holds = len(set(ours)) > 1 and close < len(ours)
    return Finding(_named(ours), _named(printed), verdict(holds), why, len(set(ours)), len(set(printed)))


def _named(methods: list[str]) -> str:
    return ", ".join(f"{methods.count(name)} {method_title(name)}" for name in dict.fromkeys(methods))


BEST_DIFFERS = Rule(
    "best differs",
    "How often each proposed method is the most accurate, over datasets and sparsities of Table 1; printed ties left "
    "out. Confirmed: more than one method is best somewhere, and in at least one combination significantly so against "
    f"the second (Welch, p < {ALPHA}): else the changes of place are noise.",
    _best_differs,
)


def _agreement(evidence: Evidence, dataset: str) -> Finding:
    rows = evidence.rows("table1", metric=ACCURACY, dataset=dataset)
    rows = rows[rows["value"].notna() & rows["published_std"].notna() & rows["std"].notna()]
    if rows.empty:
        raise Missing(f"no row of {dataset_title(dataset)} has a spread both here and in print")
    tests = ttest_ind_from_stats(
        *(rows[name].to_numpy(float) for name in ("value", "std", "seeds")),
        *(rows[name].to_numpy(float) for name in ("published", "published_std", "published_runs")),
        equal_var=False,
    )
    agree = int((tests.pvalue >= ALPHA / len(rows)).sum())
    gaps = differences(rows)
    why = (
        f"mean difference {formats.difference(gaps.mean())} points, {int((gaps > 0).sum())} rows higher here, "
        f"{int((gaps < 0).sum())} lower{partial(rows.iloc[0])}"
    )
    return Finding(f"{agree} rows", f"{len(rows)} rows", verdict(agree == len(rows)), why, agree, len(rows))


AGREEMENT = Rule(
    "agreement",
    "Rows of Table 1 with a spread here and in print. A row agrees if Welch's t test of our seeds against the printed "
    f"mean, deviation and three runs has p ≥ {ALPHA} / rows (Bonferroni). Confirmed: all rows agree.",
    _agreement,
)


def _ablation(evidence: Evidence, dataset: str, method: str) -> Finding:
    def row(refinement: str) -> pd.Series:
        return evidence.cell("table3", dataset=dataset, method=method, refinement=refinement, metric=ACCURACY)

    one, other = row("comprehensive"), row("eta_zeta")
    ours, printed = gap(one, other)
    p = welch(one, other)
    holds = p >= ALPHA if printed == 0 else ours * printed > 0 and p < ALPHA
    same = "; the other direction" if ours * printed < 0 else ""
    why = f"{p_text(p)} over {one['seeds']} and {other['seeds']} seeds{same}{partial(one)}; the printed runs are single"
    return Finding(formats.difference(ours), formats.difference(printed), verdict(holds), why, ours, printed)


ABLATION = Rule(
    "ablation",
    "Accuracy with the comprehensive refinement less that with EDST's as the journal describes it (η and ζ halved), at "
    f"ε = 20. Confirmed: the printed sign, and Welch's two-sided p < {ALPHA} over seeds; where the printed difference "
    f"is zero, p ≥ {ALPHA}. Not confirmed: otherwise.",
    _ablation,
)
RULES: tuple[Rule, ...] = (AGREEMENT, ORDER, GAIN, BEST_DIFFERS, ABOVE_DENSE, ABLATION)
