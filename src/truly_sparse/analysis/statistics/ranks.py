"""Several methods over several datasets: Friedman's test, average ranks, Nemenyi's critical difference (Demšar 2006).

Says whether the methods' order is the same on most datasets, more often than chance would have it. It knows ranks only,
not how large the differences are; two methods closer than the critical difference have not been told apart, which is
not to say that they are equal.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from truly_sparse.analysis.rounding import rounded
from truly_sparse.errors import UserError


class Ranks(NamedTuple):
    """Average ranks (1 is best), Friedman's p, the critical difference at 5 %, and the number of datasets."""

    average: pd.Series
    p_value: float
    critical_difference: float
    datasets: int


def friedman(table: pd.DataFrame) -> Ranks:
    """Rank methods on every dataset and test whether they differ at all.

    Parameters
    ----------
    table : DataFrame
        One row per dataset, one column per method, larger is better; rows with a missing value are left out.

    Raises
    ------
    UserError
        For fewer than three methods or two datasets.
    """
    whole = table.dropna()
    rows, methods = whole.shape
    if methods < 3 or rows < 2:
        raise UserError(f"{methods} methods on {rows} datasets are too few to rank; at least 3 on 2 are needed")
    # Rounded, so that methods which are equally good share a rank.
    values = rounded(whole.astype(float)).to_numpy()
    ranks = stats.rankdata(-values, axis=1)
    p_value = float(stats.friedmanchisquare(*values.T).pvalue)
    quantile = stats.studentized_range.ppf(0.95, methods, np.inf) / np.sqrt(2)
    critical = float(quantile * np.sqrt(methods * (methods + 1) / (6 * rows)))
    return Ranks(pd.Series(ranks.mean(axis=0), index=whole.columns).sort_values(kind="stable"), p_value, critical, rows)
