"""What helps, in points of accuracy: every level of a crossed factor less the first, with intervals."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import marked_title, partial_note
from truly_sparse.analysis.rounding import FITTED_DIGITS, significant
from truly_sparse.analysis.statistics.contrasts import contrasts
from truly_sparse.errors import UserError

#: experiment -> the factors it crosses, and the level the others are compared with.
CROSSED = {
    "refinement": {"method": "edst_rg", "refinement": "none"},
    "preprocessing": {"scaling": "minmax_all_rows", "decay_times_learning_rate": "False"},
}
FACTORS = {"method": "regrowth", "refinement": "refinement", "scaling": "scaling", "decay_times_learning_rate": "decay"}
SCALINGS = {"minmax_all_rows": "min-max", "standard": "standardised", "quantile": "quantiles"}
LEVELS = {
    "edst_rg": "random",
    "none": "none",
    "eta": "η",
    "eta_zeta": "η and ζ",
    "comprehensive": "comprehensive",
    **SCALINGS,
    "False": "decay as printed",
    "True": "decay times η",
}
#: Datasets are pooled at this epsilon, which all have.
EPSILON = 20
POOLED = "pooled"
#: Columns of the CSV beside those of every results CSV.
MORE = ("effect", "contrast", "low", "high", "p_value")
PRINTED = (
    Column("what", "Varied", align="l"),
    Column("epsilon", "ε"),
    Column("contrast", "contrast", align="l"),
    Column("points", "points"),
    Column("interval", "95 % interval"),
    Column("p", "p"),
    Column("runs", "runs"),
)


def points(runs: pd.DataFrame, parts: dict[str, str]) -> pd.DataFrame:
    """Return one row per contrast, by dataset and epsilon and over all complete datasets, with the columns `MORE`.

    Parameters
    ----------
    runs : DataFrame
        As `runs.frame_of` returns them.
    parts : dict
        {dataset: "n of N rows"} where a dataset was not there as a whole.
    """
    lines = []
    for experiment, factors in CROSSED.items():
        own, complete = runs[runs["experiment"] == experiment], []
        for (dataset, epsilon), cell in own.groupby(["dataset", "epsilon"], sort=False):
            try:
                found = contrasts(cell, factors, ["seed"])
            except UserError:
                continue  # not every combination has finished
            note = partial_note(parts.get(str(dataset)))
            lines.append(
                found.assign(dataset=str(dataset), epsilon=cell["epsilon"].iloc[0], setting=experiment, note=note)
            )
            complete += [dataset] if epsilon == EPSILON else []
        if len(complete) > 1:
            cell = own[own["dataset"].isin(complete) & (own["epsilon"] == EPSILON)]
            note = f"over {len(complete)} datasets"
            found = contrasts(cell, factors, ["dataset", "seed"])
            lines.append(found.assign(dataset=POOLED, epsilon=EPSILON, setting=experiment, note=note))
    if not lines:
        return pd.DataFrame(columns=["dataset", "epsilon", "setting", "metric", "value", "seeds", "note", *MORE])
    frame = pd.concat(lines, ignore_index=True).assign(metric="contrast")
    frame["p_value"] = [significant(p, FITTED_DIGITS) for p in frame["p_value"]]
    return frame.rename(columns={"term": "effect", "estimate": "value", "runs": "seeds"})


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the contrasts of single factors as they are printed."""
    rows, last = [], None
    for row in frame[~frame["effect"].astype(str).str.contains(":")].to_dict("records"):
        pooled = row["dataset"] == POOLED
        place = row["dataset"], row["setting"], row["epsilon"], row["effect"]
        one, other = (level_title(name) for name in row["contrast"].split(" - "))
        rows.append(
            {
                "dataset": row["note"].capitalize() if pooled else marked_title(row["dataset"], [row["note"]]),
                "what": "" if place == last else FACTORS[row["effect"]],
                "epsilon": formats.number(row["epsilon"]),
                "contrast": f"{one} less {other}",
                "points": formats.difference(row["value"], 2),
                "interval": formats.interval(row["low"], row["high"]),
                "p": formats.p_value(row["p_value"]),
                "runs": formats.number(row["seeds"]),
            }
        )
        last = place
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in PRINTED)])


def level_title(level: str) -> str:
    """Return how a level of a crossed factor is printed; methods by their own names, EDST_RG's regrowth as random."""
    return LEVELS.get(level, method_title(level))
