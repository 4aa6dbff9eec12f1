"""Intervals of means that are compared over the same seeds: without what differs between seeds alike for all.

On most datasets a seed draws its own split, which moves every model up or down together. An interval of a mean over
seeds holds that movement, although a comparison within seeds does not suffer from it.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from scipy import stats

CONFIDENCE = 0.95


def within_seeds(frame: pd.DataFrame, conditions: Sequence[str]) -> pd.DataFrame:
    """Return the mean of every condition, with Student's interval after the effects of seeds are taken out.

    Effects of seeds are those of least squares with conditions and seeds; with every condition in every seed they are
    the seed means. The width is corrected for the effects having been estimated: Morey, "Confidence intervals from
    normalized data: A correction to Cousineau (2005)", 2008.

    Parameters
    ----------
    frame : DataFrame
        One row per run, with `accuracy`, `seed` and the columns of `conditions`.
    conditions : sequence of str
        Columns that tell conditions apart.

    Returns
    -------
    DataFrame
        One row per condition, in order of appearance: `conditions`, `value` (mean accuracy), `std` (sample standard
        deviation of the runs as they are), `seeds`, `low` and `high` (missing for a single run).
    """
    condition = frame.groupby(list(conditions), sort=False, dropna=False).ngroup()
    several = condition.isin(condition.value_counts().loc[lambda counts: counts > 1].index)
    count = condition[several].nunique()
    effects = _effects(frame[several], condition) if count > 1 else 0.0
    factor = np.sqrt(count / (count - 1)) if count > 1 else 1.0
    found = (
        frame.assign(free=frame["accuracy"] - effects)
        .groupby(list(conditions), sort=False, dropna=False)
        .agg(value=("accuracy", "mean"), std=("accuracy", "std"), seeds=("accuracy", "count"), free=("free", "std"))
    )
    half = stats.t.ppf((1 + CONFIDENCE) / 2, found["seeds"] - 1) * found.pop("free") * factor / np.sqrt(found["seeds"])
    return found.assign(low=found["value"] - half, high=found["value"] + half).reset_index()


def _effects(frame: pd.DataFrame, condition: pd.Series) -> pd.Series:
    """Return the effect of each run's seed; the mean over seeds is 0."""
    data = pd.DataFrame({"value": frame["accuracy"], "condition": condition[frame.index], "seed": frame["seed"]})
    seeds = sorted(data["seed"].unique())
    if len(seeds) < 2:
        return pd.Series(0.0, index=frame.index)
    fitted = smf.ols("value ~ C(condition) + C(seed)", data).fit()
    effects = pd.Series([0.0, *(fitted.params[f"C(seed)[T.{seed}]"] for seed in seeds[1:])], index=seeds)
    return data["seed"].map(effects - effects.mean())
