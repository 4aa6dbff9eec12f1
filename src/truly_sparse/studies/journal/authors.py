"""The significance test of the journal as its authors ran it (appendix B, table 5).

It can show that one *trained* ensemble is better than another on test sets drawn like this one. It says nothing about
training noise: both ensembles are a single training each, and every resample is of the same rows. Its 30 resamples are
not observations either: with more of them, p falls as far as one likes, however small the difference.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import shapiro, wilcoxon

from truly_sparse.errors import UserError

RESAMPLES = 30
DECIMALS = 3
Correct = npt.NDArray[np.bool_]


def bootstrap_accuracies(
    correct: Mapping[str, Correct], resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, npt.NDArray[np.float64]]:
    """Return the accuracies of every model on the same resamples of the test rows.

    Parameters
    ----------
    correct : mapping from model to ndarray of bool, shape (rows,)
        Whether the model's prediction of each test row is right, the rows in the same order for all.
    resamples : int
        Test sets drawn with replacement, as large as the original.
    seed : int
        Of the drawing.

    Returns
    -------
    dict of ndarray, shape (resamples,)
        Fractions, unrounded.

    Raises
    ------
    UserError
        Where the models were not tested on the same number of rows, or on none.
    """
    rows = {name: len(values) for name, values in correct.items()}
    if len(set(rows.values())) != 1 or not min(rows.values()):
        raise UserError(f"test rows differ or are missing ({rows}); give predictions of the same test set")
    rng, count = np.random.default_rng(seed), next(iter(rows.values()))
    drawn = np.stack([np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(resamples)])
    return {name: drawn @ np.asarray(values, np.float64) / count for name, values in correct.items()}


def authors_wilcoxon(
    accuracies: npt.NDArray[np.float64], baseline: npt.NDArray[np.float64]
) -> tuple[float, float | None, int]:
    """Return (W, one-tailed p, resamples in use) of the authors' Wilcoxon test for "better than the baseline".

    Accuracies are rounded to three decimals, resamples on which the two are equal are dropped, W is the rank sum of
    those where the baseline is better, and p is that of the normal approximation without continuity correction: at
    W = 0 with n = 30 it is 8.7e-7, where the exact law has 2^-30 = 9.3e-10. p is None where all are equal.
    """
    # Whole thousandths: equal differences are then equal in floating point too, and count as ties.
    thousandths = np.rint(np.array([baseline, accuracies]) * 10**DECIMALS)
    used = int(np.count_nonzero(thousandths[0] != thousandths[1]))
    if not used:
        return 0.0, None, 0
    found = wilcoxon(*thousandths, alternative="less", method="asymptotic", zero_method="wilcox", correction=False)
    return float(found.statistic), float(found.pvalue), used


def bootstrap_test(correct: Mapping[str, Correct], baseline: str = "edst_rg", seed: int = 0) -> pd.DataFrame:
    """Return journal table 5 for the models of one dataset and sparsity.

    Parameters
    ----------
    correct, seed
        See `bootstrap_accuracies`.
    baseline : str
        The model the others are tested against.

    Returns
    -------
    DataFrame
        One row per model: `model`, `accuracy` and `accuracy_std` (percent, mean and ddof 1 deviation over resamples),
        `shapiro_p` (Shapiro–Wilk, of the accuracies; None where all are equal), `statistic`, `p_value` and
        `resamples_used` (see `authors_wilcoxon`; empty for the baseline). See the module for what p means.

    Raises
    ------
    UserError
        For test rows that differ, or without the baseline.
    """
    if baseline not in correct:
        raise UserError(f"no predictions of {baseline}, which the others are tested against; run it first")
    accuracies = bootstrap_accuracies(correct, seed=seed)
    rows = []
    for name, values in accuracies.items():
        tested = (None, None, None) if name == baseline else authors_wilcoxon(values, accuracies[baseline])
        rows.append(
            {
                "model": name,
                "accuracy": 100 * values.mean(),
                "accuracy_std": 100 * values.std(ddof=1),
                "shapiro_p": float(shapiro(values).pvalue) if np.ptp(values) else None,
                **dict(zip(("statistic", "p_value", "resamples_used"), tested, strict=True)),
            }
        )
    return pd.DataFrame(rows)
