"""Accuracy, log loss, calibration error and disagreement of every method, and its operations; means over datasets."""

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLUE, GREY, PAGE_WIDTH
from truly_sparse.studies.across.cells import BASELINE, METHODS, METRICS, by_dataset, table_of

COLUMNS = ("figure", "method", "metric", "value", "error", "datasets")
#: What a panel shows, and what its axis is called.
PANELS = {
    "accuracy": "accuracy: points\nabove one network",
    "log_loss": "log loss above\none's (nats)",
    "ece": "calibration error\nabove one's",
    "disagreement": "disagreement\nof members",
    "operations": "operations\nover one's",
}
#: Metrics that are shown as differences from one network on the same dataset.
DIFFERENCES = ("accuracy", "log_loss", "ece")
#: Marks a mean over fewer datasets than others.
FEW = "†"


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a row per (method, metric): mean over datasets and its standard error, of `DIFFERENCES` to one network."""
    cells = by_dataset(inputs)
    rows = []
    for metric in PANELS:
        table = table_of(cells, metric) * (1 if METRICS[metric] else -1)
        shown = table.sub(table[BASELINE], axis=0) if metric in DIFFERENCES else table
        for method in METHODS:
            own = shown[method].dropna().astype(float)
            row = {"value": own.mean(), "error": own.sem() if len(own) > 1 else 0.0, "datasets": len(own)}
            rows.append({"figure": "across_figure1", "method": method, "metric": metric, **row})
    return pd.DataFrame(rows).dropna(subset="value").reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel for each metric, with a row for each method, the most accurate one on top."""
    accuracy = frame[frame["metric"] == "accuracy"].set_index("method").sort_values("value", kind="stable")
    places = {method: place for place, method in enumerate(accuracy.index)}
    few = set(accuracy.index[accuracy["datasets"] < accuracy["datasets"].max()])
    figure = Figure(figsize=(PAGE_WIDTH, 0.7 + 0.3 * len(places)))
    panels = figure.subplots(1, len(PANELS), sharey=True, width_ratios=(1.3, 1, 1, 1, 0.8))
    for axes, name, (metric, words) in zip(panels, "abcde", PANELS.items(), strict=True):
        if metric in DIFFERENCES:
            axes.axvline(0, color=GREY, linewidth=0.8)
        for row in frame[frame["metric"] == metric].to_dict("records"):
            place, hollow = places[row["method"]], row["method"] in few
            axes.errorbar(
                row["value"],
                place,
                xerr=row["error"],
                fmt="o",
                color=BLUE,
                markerfacecolor="white" if hollow else BLUE,
                markersize=4,
                linewidth=0.9,
            )
        axes.set(xlabel=words, ylim=(-0.6, len(places) - 0.4))
        axes.grid(visible=True, axis="both")
        axes.tick_params(axis="x", labelsize=6.5)
        axes.xaxis.set_major_locator(MaxNLocator(3, steps=(1, 2, 5, 10)))
        letter(axes, name)
    panels[0].set_yticks(list(places.values()), [_label(method, method in few) for method in places])
    panels[-1].set_xlim(0, 1.1 * frame.loc[frame["metric"] == "operations", "value"].max())
    warn(figure, preset)
    return figure


def _label(method: str, few: bool) -> str:
    """Return a method's name in lines that leave room for the panels."""
    return ",\n".join(method_title(method).rsplit(", ", 1)) + (FEW if few else "")
