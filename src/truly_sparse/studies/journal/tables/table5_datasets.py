"""Table 5c: whether a proposed method is better than EDST_RG over the datasets of Table 2."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.statistics.paired import compare_all
from truly_sparse.analysis.statistics.ranks import friedman
from truly_sparse.analysis.table import Part
from truly_sparse.errors import UserError

EXPERIMENT = "table2"
#: What the tidy rows have instead of a dataset.
ALL = "tabular14"
_MEASURES = (
    "difference",
    "low",
    "high",
    "bootstrap_low",
    "bootstrap_high",
    "wilcoxon_p",
    "wilcoxon_p_holm",
    "dz",
    "rank_biserial",
)
_COLUMNS = (
    Column("method", "Method", align="l"),
    Column("rank", "rank"),
    Column("difference", "points", "Better by"),
    Column("interval", "95 %, t", "Better by"),
    Column("bootstrap", "95 %, BCa", "Better by"),
    Column("wilcoxon_p", "exact", "Wilcoxon p"),
    Column("wilcoxon_p_holm", "Holm", "Wilcoxon p"),
    Column("dz", "d_z"),
    Column("rank_biserial", "r_rb"),
    Column("pairs", "datasets"),
)


def tidy(inputs: Inputs, methods: tuple[str, ...], baseline: str) -> pd.DataFrame:
    """Return one row per method and measure, datasets as pairs; empty where fewer than two have finished.

    Metrics: the measures of `paired.compare` with "datasets_" before them, datasets_average_rank (of `methods` alone)
    and datasets_friedman_p.
    """
    runs = frame_of(inputs.of(EXPERIMENT))
    if runs.empty:
        return pd.DataFrame()
    means = summarise(runs[runs["method"].isin(methods)], ["dataset", "method"])
    table = means.pivot_table(index="dataset", columns="method", values="value")
    table = table.reindex(columns=list(methods)).dropna()
    try:
        ranks = friedman(table)
    except UserError:
        return pd.DataFrame()
    long = table.rename_axis("pair").reset_index().melt("pair", var_name="method", value_name="value")
    lines = [(name, "average_rank", rank) for name, rank in ranks.average.items()]
    lines += [(name, "friedman_p", ranks.p_value) for name in table.columns]
    for row in compare_all(long, baseline).to_dict("records"):
        lines += [(row["method"], name, row[name]) for name in _MEASURES]
    frame = pd.DataFrame(lines, columns=["method", "metric", "value"])
    frame["metric"] = "datasets_" + frame["metric"]
    note = f"over {ranks.datasets} datasets"
    return frame.assign(table="table5", dataset=ALL, epsilon=20.0, setting="eps20", seeds=ranks.datasets, note=note)


def part(inputs: Inputs, frame: pd.DataFrame, methods: tuple[str, ...]) -> Part:
    """Return the printed table of the rows that `tidy` returns."""
    origin = inputs.origin(EXPERIMENT)
    wide = frame.pivot_table(index="method", columns="metric", values="value").rename(
        columns=lambda name: str(name).removeprefix("datasets_")
    )
    rows = []
    for method in methods:
        value = wide.reindex(columns=[*_MEASURES, "average_rank"]).loc[method].to_dict()
        rows.append(
            {
                "method": method_title(method),
                "rank": formats.spread(value["average_rank"], None, 2),
                "difference": formats.difference(value["difference"], 2),
                "interval": formats.interval(value["low"], value["high"]),
                "bootstrap": formats.interval(value["bootstrap_low"], value["bootstrap_high"]),
                **{name: formats.p_value(value[name]) for name in ("wilcoxon_p", "wilcoxon_p_holm")},
                **{name: formats.difference(value[name], 2) for name in ("dz", "rank_biserial")},
                "pairs": formats.number(frame["seeds"].iloc[0]),
            }
        )
    caption = (
        "Significance over the tabular datasets: ε = 20, one pair of mean accuracies each: points better than "
        "EDST_RG with Student's interval and, from five datasets on, the bootstrap's (BCa); two-sided p of the exact "
        "Wilcoxon signed-rank test, also by Holm's correction over the three methods; effect sizes (d_z, and "
        "rank-biserial r_rb); average rank among "
        f"the four (Friedman's test of equal ranks: p = {formats.p_value(wide['friedman_p'].iloc[0])}). It says "
        "whether the difference would be there on other datasets like these; with fewer than six p cannot fall "
        f"below 0.05. EDST_RG trains without the comprehensive refinement here as well. {origin.closing()}"
    )
    return Part("5c", caption, pd.DataFrame(rows), _COLUMNS, [origin.line()])
