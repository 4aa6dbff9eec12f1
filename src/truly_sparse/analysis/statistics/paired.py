"""Whether one method is better than another, over training seeds or over datasets.

Over seeds of one dataset: says whether the difference would be there again with other seeds, on these test rows.
Five seeds can at best reach p = 0.0625 in an exact two-sided Wilcoxon test (three: 0.25), so the t test and the
interval carry the weight there. Over datasets: says whether it would be there on other datasets like these.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from truly_sparse.analysis.rounding import decimals, less, settled
from truly_sparse.errors import UserError

Numbers = npt.NDArray[np.float64]
CONFIDENCE = 0.95
RESAMPLES = 9999


def compare(values: Numbers, baseline: Numbers) -> dict[str, Any]:
    """Compare pairs of numbers, such as the accuracies of two methods with the same seeds.

    Parameters
    ----------
    values, baseline : ndarray of float64, shape (pairs,)

    Returns
    -------
    dict
        `pairs`; `difference` (mean of value - baseline); `low`, `high` (95 % interval of it by Student's t) and
        `bootstrap_low`, `bootstrap_high` (BCa, from five pairs on); `t_p` and `wilcoxon_p` (two-sided; the latter
        exact, zeros dropped); `dz` (Cohen's effect size of pairs) and `rank_biserial` (share of rank sum in favour
        less share against). What cannot be computed is None.

    Raises
    ------
    UserError
        For unequal numbers of values.
    """
    if values.shape != baseline.shape or values.ndim != 1:
        raise UserError(f"{values.shape} values and {baseline.shape} of the baseline are not pairs")
    # Settled, so that pairs which are equal count as equal and equal differences have the same rank.
    differences = np.array([less(*pair) for pair in zip(values, baseline, strict=True)], np.float64)
    count, scale = len(differences), float(np.abs([values, baseline]).max(initial=0.0))
    spread = float(differences.std(ddof=1)) if len(set(differences)) > 1 else 0.0
    found: dict[str, Any] = dict.fromkeys(
        ("low", "high", "bootstrap_low", "bootstrap_high", "t_p", "wilcoxon_p", "dz", "rank_biserial")
    )
    found |= {"pairs": count, "difference": settled(float(differences.mean()), scale) if count else None}
    if spread:
        test = stats.ttest_1samp(differences, 0.0)
        interval = test.confidence_interval(CONFIDENCE)
        low, high = (settled(float(end), scale) for end in interval)
        found |= {"t_p": float(test.pvalue), "low": low, "high": high}
        found["dz"] = found["difference"] / spread
        if count >= 5:
            places = decimals(scale)
            resampled = stats.bootstrap(
                (differences,),
                # Resamples of the same values in another order have the same mean.
                lambda sample, axis: np.round(np.mean(sample, axis=axis), places),
                confidence_level=CONFIDENCE,
                n_resamples=RESAMPLES,
                rng=np.random.default_rng(0),
            ).confidence_interval
            found |= {"bootstrap_low": float(resampled.low), "bootstrap_high": float(resampled.high)}
    kept = differences[differences != 0]
    if len(kept):
        found["wilcoxon_p"] = float(stats.wilcoxon(kept).pvalue)
        ranks = stats.rankdata(np.abs(kept))
        found["rank_biserial"] = float((ranks * np.sign(kept)).sum() / ranks.sum())
    return found


def compare_all(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Compare every method with the baseline on the pairs that both have; Holm's correction over the methods.

    Parameters
    ----------
    frame : DataFrame
        Columns `method`, `pair` (seed or dataset) and `value`, one row per method and pair.
    baseline : str

    Returns
    -------
    DataFrame
        One row per other method with the keys of `compare`, and `t_p_holm`, `wilcoxon_p_holm`.

    Raises
    ------
    UserError
        Where the baseline is missing.
    """
    wide = frame.pivot_table(index="pair", columns="method", values="value")
    if baseline not in wide:
        raise UserError(f"no results of {baseline}, which the others are compared with; run it first")
    rows = []
    for method in (name for name in wide.columns if name != baseline):
        both = wide[[method, baseline]].dropna()
        rows.append({"method": method, **compare(both[method].to_numpy(), both[baseline].to_numpy())})
    found = pd.DataFrame(rows)
    for name in ("t_p", "wilcoxon_p"):
        found[f"{name}_holm"] = holm(found[name]) if len(found) else []
    return found


def holm(p_values: pd.Series) -> Numbers:
    """Return p-values corrected by Holm's method; missing ones stay missing and do not count."""
    corrected = np.full(len(p_values), np.nan)
    known = p_values.notna().to_numpy()
    if known.any():
        corrected[known] = multipletests(p_values[known].to_numpy(np.float64), method="holm")[1]
    return corrected
