"""Methods over datasets, one mean accuracy each: Friedman's test with average ranks, and pairs of methods by Wilcoxon.

Says whether an order of methods would be there on other datasets like these; every dataset counts the same, and how
well its own mean is known does not enter.
"""

from itertools import combinations
from typing import NamedTuple

import pandas as pd

from truly_sparse.analysis.statistics.paired import compare, holm
from truly_sparse.analysis.statistics.ranks import Ranks, friedman

#: With fewer datasets the exact two-sided Wilcoxon test cannot reach p < 0.05, whatever the accuracies.
FEWEST = 6


class Compared(NamedTuple):
    """Ranks of all methods, and all pairs of them: `method, other` and the keys of `paired.compare`, Holm's p."""

    ranks: Ranks
    pairs: pd.DataFrame


def over_datasets(table: pd.DataFrame) -> Compared:
    """Compare methods over the datasets on which all have a value.

    Parameters
    ----------
    table : DataFrame
        One row per dataset, one column per method, larger is better.

    Raises
    ------
    UserError
        For fewer than three methods or two datasets.
    """
    ranks = friedman(table)
    whole = table.dropna()
    rows = [
        {"method": one, "other": other, **compare(whole[one].to_numpy(float), whole[other].to_numpy(float))}
        for one, other in combinations(whole.columns, 2)
    ]
    pairs = pd.DataFrame(rows)
    return Compared(ranks, pairs.assign(wilcoxon_p_holm=holm(pairs["wilcoxon_p"])))
