"""How much each setting of a crossed design changes the accuracy, with intervals: beside the analysis of variance.

An analysis of variance says that a factor matters; this says by how many points each of its levels does, and by how
many more two of them do together. Datasets and seeds are blocks: every estimate is a difference within the same dataset
and seed. The datasets are those that were run, so that p and interval are about training noise on *them*, and a factor
that helps one dataset and harms another shows up in the residual, not in its mean effect.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import statsmodels.formula.api as smf
from patsy import build_design_matrices, dmatrix

from truly_sparse.analysis.rounding import settled
from truly_sparse.errors import UserError

CONFIDENCE = 0.95
COLUMNS = ("term", "contrast", "estimate", "low", "high", "p_value", "runs")


def contrasts(
    frame: pd.DataFrame,
    factors: Mapping[str, str],
    blocks: Sequence[str],
) -> pd.DataFrame:
    """Estimate the difference of every level to its factor's reference, and of every pair of such differences.

    Parameters
    ----------
    frame : DataFrame
        One row per run, with `accuracy` and the columns of `factors` and `blocks`; runs without an accuracy (diverged
        ones) are left out.
    factors : mapping from column to reference level
        Crossed factors, such as {"method": "edst_rg", "refinement": "none"}. All interactions are in the model.
    blocks : sequence of str
        Runs that share the values of all these are one block; none for an unblocked design.

    Returns
    -------
    DataFrame
        The columns `COLUMNS`. `contrast` is "rd_tse - edst_rg" for a factor: the difference averaged over all levels
        of the other factors alike; or "(rd_tse - edst_rg) × (eta - none)" for two factors: how much larger the first
        difference is with the second setting than without. `low` to `high` is the 95 % interval, not corrected for
        the number of contrasts.

    Raises
    ------
    UserError
        For a column that is missing, a factor of one level, a reference that no run has, a combination of levels
        without a run, or too few runs to leave a residual.
    """
    data = _prepare(frame, factors, blocks)
    columns = [f"f{i}" for i in range(len(factors))]
    formula = " * ".join(columns) + (" + block" if len(data["block"].cat.categories) > 1 else "")
    fitted = smf.ols(f"value ~ {formula}", data).fit()
    if fitted.df_resid < 1:
        raise UserError(f"{len(data)} runs leave nothing to estimate the noise from; run more seeds")
    grid = _grid(data, columns)
    cells = np.asarray(build_design_matrices([dmatrix(formula, data).design_info], grid)[0])
    titles, scale = dict(zip(columns, factors, strict=True)), float(data["value"].abs().max())
    rows = []
    for group in [*((column,) for column in columns), *combinations(columns, 2)]:
        for name, weights in _weights(grid, cells, group):
            tested = fitted.t_test(weights)
            low, high = tested.conf_int(1 - CONFIDENCE)[0]
            estimates = [settled(float(number), scale) for number in (np.squeeze(tested.effect), low, high)]
            numbers = [*estimates, float(np.squeeze(tested.pvalue))]
            rows.append([":".join(titles[column] for column in group), name, *numbers, len(data)])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _prepare(frame: pd.DataFrame, factors: Mapping[str, str], blocks: Sequence[str]) -> pd.DataFrame:
    """Return the runs with columns a formula can name: value, f0, f1, ... (reference first) and block."""
    lacking = [name for name in ("accuracy", *factors, *blocks) if name not in frame.columns]
    if lacking:
        raise UserError(f'runs of a crossed design lack the column "{lacking[0]}"')
    runs = frame[frame["accuracy"].notna()]
    data = pd.DataFrame({"value": runs["accuracy"].astype(float)})
    for i, (name, reference) in enumerate(factors.items()):
        levels = list(dict.fromkeys(runs[name].astype(str)))
        if str(reference) not in levels or len(levels) < 2:
            raise UserError(f"factor {name} has the levels {levels}; it needs {reference!r} and another one")
        levels.sort(key=lambda level: level != str(reference))
        data[f"f{i}"] = pd.Categorical(runs[name].astype(str), levels)
    block = runs[list(blocks)].astype(str).agg("/".join, axis=1) if blocks else ["all"] * len(runs)
    names = [f"f{i}" for i in range(len(factors))]
    seen = set(data[names].astype(str).itertuples(index=False, name=None))
    for cell in product(*(data[name].cat.categories for name in names)):
        if cell not in seen:
            raise UserError(f"no finished run with {dict(zip(factors, cell, strict=True))}; run it first")
    return data.assign(block=pd.Categorical(block))


def _grid(data: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return one row per combination of levels, all in the first block, which differences cancel."""
    known: dict[str, Any] = {column: data[column].cat.categories for column in columns}
    grid = pd.DataFrame(list(product(*known.values())), columns=list(columns))
    grid = grid.assign(**{column: pd.Categorical(grid[column], levels) for column, levels in known.items()})
    return grid.assign(block=pd.Categorical([data["block"].iloc[0]] * len(grid), data["block"].cat.categories))


def _weights(
    grid: pd.DataFrame, cells: npt.NDArray[np.float64], columns: Sequence[str]
) -> list[tuple[str, npt.NDArray[np.float64]]]:
    """Return (name, weights of the model's coefficients) of every contrast of one factor or of two."""
    found = []
    for levels in product(*(grid[column].cat.categories[1:] for column in columns)):
        pairs = [(column, level, grid[column].cat.categories[0]) for column, level in zip(columns, levels, strict=True)]
        signs = [(grid[column] == a).astype(int) - (grid[column] == b).astype(int) for column, a, b in pairs]
        weights = np.prod(signs, axis=0)
        names = [f"{a} - {b}" for _, a, b in pairs]
        name = names[0] if len(names) == 1 else " × ".join(f"({one})" for one in names)
        found.append((name, weights @ cells * 2 ** len(columns) / np.abs(weights).sum()))
    return found
