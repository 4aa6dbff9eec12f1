"""Where the proposed ensembles win and where they lose: their mean beside every other model, one pair per dataset."""

import numpy as np
import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, method_title, row_order
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.paired import compare, holm
from truly_sparse.analysis.table import Part
from truly_sparse.analysis.tse import PROPOSED

#: The mean of the three, so that none is picked by its test rows.
OURS = "proposed"
OURS_TITLE = "mean of the proposed ensembles"
#: What the tidy rows have instead of a dataset.
ALL = "over_datasets"
#: From how many points on a note names the dataset.
WORTH_NAMING = 1.0
_MEASURES = ("difference", "low", "high", "wilcoxon_p", "wilcoxon_p_holm")
_RATIOS = ("fit_seconds", "predict_seconds", "model_bytes")
_LESS_IS_BETTER = ("log_loss", "ece")
_COLUMNS = (
    Column("method", "Compared with", align="l"),
    Column("datasets", "datasets"),
    Column("difference", "points", "More accurate by"),
    Column("interval", "95 %, t", "More accurate by"),
    Column("wilcoxon_p", "exact", "Wilcoxon p"),
    Column("wilcoxon_p_holm", "Holm", "Wilcoxon p"),
    Column("accuracy", "accuracy", "Better on"),
    Column("log_loss", "log loss", "Better on"),
    Column("ece", "ECE", "Better on"),
    Column("fit_seconds", "fit", "Times as much"),
    Column("predict_seconds", "predict", "Times as much"),
    Column("model_bytes", "size", "Times as much"),
)


def with_proposed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the tidy rows of Table P1 with one more method, `OURS`, wherever all of `PROPOSED` have a value."""
    three = frame[frame["method"].isin(PROPOSED)]
    found = three.groupby(["dataset", "split", "metric"], sort=False).agg(
        value=("value", "mean"), seeds=("seeds", "min"), methods=("method", "nunique"), note=("note", "first")
    )
    ours = found[found["methods"] == len(PROPOSED)].drop(columns="methods").reset_index()
    return pd.concat([frame, ours.assign(method=OURS)], ignore_index=True)


def tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per model and measure from the tidy rows of Table P1; empty where nothing can be compared.

    Every dataset counts once, by the split that is not "videos". Metrics: the measures of `paired.compare` with
    "ahead_" before them (accuracy in points, positive where the proposed ensembles are better), `better_<metric>` (on
    how many datasets they are) and `ratio_<metric>` (geometric mean of theirs by the other's).
    """
    once = with_proposed(frame[frame["split"] != "videos"])
    tables = {
        str(name): part.pivot_table(index="dataset", columns="method", values="value")
        for name, part in once.groupby("metric")
    }
    if "accuracy" not in tables or OURS not in tables["accuracy"]:
        return pd.DataFrame()
    accuracy = tables["accuracy"].drop(columns=list(PROPOSED))
    accuracy = accuracy[accuracy[OURS].notna()]
    rows = []
    for method in (name for name in accuracy if name != OURS):
        both = accuracy[[OURS, method]].dropna()
        rows.append({"method": method, **compare(both[OURS].to_numpy(float), both[method].to_numpy(float))})
    compared = pd.DataFrame(rows)
    lines = []
    for row in compared.assign(wilcoxon_p_holm=holm(compared["wilcoxon_p"])).to_dict("records"):
        measures = {f"ahead_{name}": row[name] for name in _MEASURES}
        for metric, table in tables.items():
            both = table[[OURS, row["method"]]].dropna() if row["method"] in table else table.iloc[:0, :0]
            if both.empty:
                continue
            ours, other = both[OURS], both[row["method"]]
            if metric in _RATIOS:
                measures[f"ratio_{metric}"] = float(np.exp(np.log(ours / other).mean()))
            else:
                sign = -1 if metric in _LESS_IS_BETTER else 1
                measures[f"better_{metric}"] = int((sign * ours.combine(other, less) > 0).sum())
        lines += [(row["method"], name, value, row["pairs"]) for name, value in measures.items()]
    found = pd.DataFrame(lines, columns=["method", "metric", "value", "seeds"]).astype({"value": float})
    found["note"] = [f"over {pairs} datasets" for pairs in found["seeds"]]
    return found.assign(table="baselines", dataset=ALL, setting=f"{OURS} compared with", split="")


def part(inputs: Inputs, frame: pd.DataFrame, rows: pd.DataFrame) -> Part:
    """Return the printed table of what `tidy` returns as `rows` for the Table P1 `frame`."""
    wide = rows.pivot_table(index="method", columns="metric", values="value")
    datasets = rows.drop_duplicates("method").set_index("method")["seeds"]
    cells = []
    for method in sorted(map(str, wide.index), key=lambda name: row_order("", name, None, "")):
        value = wide.loc[method].to_dict()
        cells.append(
            {
                "method": method_title(method),
                "datasets": formats.number(datasets[method]),
                "difference": formats.difference(value["ahead_difference"], 2),
                "interval": formats.interval(value.get("ahead_low"), value.get("ahead_high")),
                **{name: formats.p_value(value.get(f"ahead_{name}")) for name in ("wilcoxon_p", "wilcoxon_p_holm")},
                **{name: formats.count(value.get(f"better_{name}")) for name in ("accuracy", *_LESS_IS_BETTER)},
                **{name: formats.ratio(value.get(f"ratio_{name}")) for name in _RATIOS},
            }
        )
    origin = inputs.origin()
    caption = (
        "Where truly sparse ensembles win and where they lose. The mean of RD-TSE, FD-TSE and Dist-TSE (so that none "
        "is picked by its test rows) beside every other model of Table P1, one pair of means per dataset, videos held "
        "out not counted. Better on: number of these datasets; Wilcoxon: two-sided, exact, and by Holm's correction "
        "over the rows; times as much: geometric mean of the ensembles' medians by the other's. Features are scaled "
        f"as in Tables 1 and 2, not for accuracy. {origin.closing()}"
    )
    return Part("P2", caption, pd.DataFrame(cells), _COLUMNS, [*named(frame), origin.line()])


def named(frame: pd.DataFrame) -> list[str]:
    """Return sentences that name the datasets on which the ensembles and the best single model lie apart."""
    once = with_proposed(frame[(frame["metric"] == "accuracy") & (frame["split"] != "videos")])
    table = once.pivot_table(index="dataset", columns="method", values="value")
    ensembles = {*PROPOSED, "edst_rg", OURS}
    table = table[table[OURS].notna()]
    others = table[[name for name in table if name not in ensembles]]
    gaps = table[OURS].combine(others.max(axis=1), less).sort_values(kind="stable")
    best = others.idxmax(axis=1).to_dict()
    named_gaps = [(str(name), float(gap)) for name, gap in gaps.items()]
    ahead = [f"{dataset_title(name)} {formats.difference(gap)}" for name, gap in reversed(named_gaps) if gap > 0]
    behind = [
        f"{dataset_title(name)} {formats.difference(gap)} ({method_title(str(best[name]))})"
        for name, gap in named_gaps
        if gap <= -WORTH_NAMING
    ]
    words = [f"More accurate than every single model on {len(ahead)} of {len(gaps)} datasets"]
    words[0] += f" (points): {', '.join(ahead)}." if ahead else "."
    if behind:
        words.append(f"Behind the best of them by {WORTH_NAMING:g} point or more: {', '.join(behind)}.")
    return words
