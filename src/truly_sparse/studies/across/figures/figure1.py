"""Accuracy, log loss, calibration error and disagreement against operations, means over datasets."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import PAGE_WIDTH, series
from truly_sparse.studies.across.cells import BASELINE, METHODS, METRICS, by_dataset, table_of

COLUMNS = ("figure", "method", "metric", "value", "error", "operations", "datasets")
#: What a panel shows, and what its axis is called.
PANELS = {
    "accuracy": "points above one network",
    "log_loss": "log loss above one's (nats)",
    "ece": "calibration error",
    "disagreement": "disagreement",
}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a row per (method, metric): mean over datasets, its standard error, and the mean of the operations.

    Accuracy and log loss are differences from those of one network on the same dataset.
    """
    cells = by_dataset(inputs)
    operations = cells.groupby("method")["operations"].mean()
    rows = []
    for metric in PANELS:
        table = table_of(cells, metric) * (1 if METRICS[metric] else -1)
        shown = table.sub(table[BASELINE], axis=0) if metric in ("accuracy", "log_loss") else table
        for method in METHODS:
            own = shown[method].dropna().astype(float)
            row = {"value": own.mean(), "error": own.sem() if len(own) > 1 else 0.0, "datasets": len(own)}
            rows.append(
                {
                    "figure": "across_figure1",
                    "method": method,
                    "metric": metric,
                    **row,
                    "operations": operations[method],
                }
            )
    return pd.DataFrame(rows).dropna(subset="value").reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel for each metric."""
    figure = Figure(figsize=(PAGE_WIDTH, 4.6))
    panels = figure.subplots(2, 2).ravel()
    looks = series(METHODS)
    for axes, name, (metric, words) in zip(panels, "abcd", PANELS.items(), strict=True):
        for row in frame[frame["metric"] == metric].to_dict("records"):
            colour, marker = looks[row["method"]]
            axes.errorbar(
                row["operations"],
                row["value"],
                row["error"],
                fmt=marker,
                color=colour,
                markersize=4.5,
                linewidth=0.9,
                label=method_title(row["method"]),
            )
        axes.set(xlabel="operations, parts of FD-TSE's", ylabel=words)
        letter(axes, name)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    warn(figure, preset)
    return figure
