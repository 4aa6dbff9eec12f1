"""Which of several factors moves the accuracy, and whether they act together: analysis of variance over runs.

Says how much of the difference between runs goes with each factor, given the others, with seeds (and datasets) as
blocks. It takes effects to add up within a block and errors to be alike in all cells.
"""

from collections.abc import Sequence

import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf

from truly_sparse.analysis.rounding import settled
from truly_sparse.errors import UserError


def effects(frame: pd.DataFrame, factors: Sequence[str], blocks: Sequence[str]) -> pd.DataFrame:
    """Estimate main effects and the interaction of factors by least squares.

    Parameters
    ----------
    frame : DataFrame
        One row per run, with `accuracy` and the columns of `factors` and `blocks`.
    factors : sequence of str
        Columns that are crossed; all their interactions are estimated.
    blocks : sequence of str
        Columns whose levels may differ in mean, such as seed.

    Returns
    -------
    DataFrame
        One row per factor, interaction and block: `effect`, `df`, `F`, `p_value`, `partial_eta_squared` (its share of
        what the other effects leave; type II sums of squares), `runs`.

    Raises
    ------
    UserError
        Where a factor has one level only, a combination of factors has no run, or too few runs leave a residual.
    """
    for factor in factors:
        if frame[factor].nunique() < 2:
            raise UserError(f"{factor} has one level only; run more of its settings first")
    wanted = 1
    for factor in factors:
        wanted *= frame[factor].nunique()
    if len(frame.groupby(list(factors))) < wanted:
        raise UserError(f"not every combination of {', '.join(factors)} has a run; finish the experiment first")
    used = [*blocks, *factors]
    known = frame[["accuracy", *used]].astype(dict.fromkeys(used, str))
    varied = [block for block in blocks if len(set(known[block])) > 1]
    terms = [" * ".join(f"C({factor})" for factor in factors), *(f"C({block})" for block in varied)]
    fitted = smf.ols(f"accuracy ~ {' + '.join(terms)}", data=known).fit()
    if fitted.df_resid < 1:
        raise UserError(f"{len(known)} runs leave nothing to estimate the noise from; run more seeds")
    table = sm.stats.anova_lm(fitted, typ=2)
    residual = table.loc["Residual", "sum_sq"]
    table = table.drop(index="Residual")
    shares = table["sum_sq"] / (table["sum_sq"] + residual)
    return pd.DataFrame(
        {
            "effect": [name.replace("C(", "").replace(")", "").replace(":", " x ") for name in table.index],
            "df": table["df"].astype(int).to_numpy(),
            # About 1 where nothing but noise is at work: a smaller one is settled against that.
            "F": [settled(value, 1.0) for value in table["F"]],
            "p_value": table["PR(>F)"].to_numpy(),
            "partial_eta_squared": [settled(share, 1.0) for share in shares],
            "runs": len(known),
        }
    )
