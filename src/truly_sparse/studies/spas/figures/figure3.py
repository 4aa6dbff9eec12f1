"""SPaS figure 3: accuracy on pictures by the operations of a prediction: convolutional networks, perceptrons."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLACK, GREY, PAGE_WIDTH
from truly_sparse.studies.spas.figures.looks import LINES, LOOKS, TRAINED, handles, log_axis
from truly_sparse.studies.spas.runs import CONVOLUTIONAL, DENSE, PERCEPTRONS, cells, frame_of
from truly_sparse.studies.spas.tables import table3, table4
from truly_sparse.studies.spas.tables.compressions import KEYS

COLUMNS = (
    "figure", "dataset", "model", "mode", "compression", "i_flops", "value", "error", "seeds", "asked", "random",
    "published", "note",
)  # fmt: skip
_TICKS = (0.01, 0.03, 0.1, 0.3, 1, 3)
#: What stands beside one another, and what of it a panel is called where both do.
_KINDS = {"CNN": CONVOLUTIONAL, "MLP": PERCEPTRONS}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a row per cell of Tables 3 and 4 as a tidy frame with the columns `COLUMNS`.

    `value` is the interquartile mean of accuracies in percent, `error` the standard error over seeds, `i_flops` the
    operations of a prediction as a part of the dense plain network's; `published` what is printed, missing for a dash.
    """
    found = cells(frame_of(inputs, table3.KIND.experiment, table4.KIND.experiment), [*KEYS])
    printed = pd.concat([inputs.published(f"table{kind.number}") for kind in (table3.KIND, table4.KIND)])
    printed = printed[printed["metric"] == "iqm"][["dataset", "method", "setting", "published"]]
    frame = found.merge(printed, on=["dataset", "method", "setting"], how="left")
    frame = frame.assign(figure="spas_figure3", value=frame["iqm"], error=frame["std"] / frame["seeds"] ** 0.5)
    return frame[frame["value"].notna()].reindex(columns=list(COLUMNS)).reset_index(drop=True)


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a row of panels for every dataset: networks of each kind that evolve, and static ones on their right."""
    datasets = list(frame["dataset"].unique())
    kinds = {kind: models for kind, models in _KINDS.items() if frame["model"].isin(models).any()}
    columns = [(kind, mode) for kind in kinds for mode in LINES]
    narrow = len(kinds) > 1
    figure = Figure(figsize=(PAGE_WIDTH, 0.5 + 1.65 * len(datasets)))
    grid = figure.subplots(len(datasets), len(columns), sharex=True, sharey="row", squeeze=False)
    letters = iter("abcdefghijkl")
    for row, dataset in zip(grid, datasets, strict=True):
        for axes, (kind, mode) in zip(row, columns, strict=True):
            own = frame[(frame["dataset"] == dataset) & frame["mode"].isin([mode, DENSE])]
            own = own[own["model"].isin(kinds[kind])]
            if own.empty:
                axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center", color=GREY)
            for model, part in own.groupby("model", sort=False):
                _line(axes, str(model), part.sort_values("i_flops"))
            title, short = f"{dataset_title(dataset)}, {TRAINED[mode]}", f"{kind}, {TRAINED[mode].split()[0]}"
            letter(axes, next(letters), short if narrow else title)
            log_axis(axes, _TICKS[::2] if narrow else _TICKS)
        row[0].set_ylabel(f"{dataset_title(dataset)}: accuracy (%)" if narrow else "accuracy (%)")
    for axes in grid[-1]:
        axes.set_xlabel("I-FLOPs, dense plain = 1" if narrow else "I-FLOPs, dense plain network = 1")
    cross = Line2D([], [], color=BLACK, marker="x", linestyle="none", markersize=4.5, label="printed")
    shown = [cross] if frame["published"].notna().any() else []
    figure.legend(handles=[*handles(frame["model"]), *shown], loc="outside lower center", ncols=3)
    warn(figure, preset)
    return figure


def _line(axes: Axes, model: str, part: pd.DataFrame) -> None:
    colour, marker = LOOKS[model]
    axes.errorbar(
        part["i_flops"], part["value"], part["error"].fillna(0.0), color=colour, marker=marker, markersize=3.8,
        linewidth=0.9, elinewidth=0.8, capsize=1.6,
    )  # fmt: skip
    axes.plot(part["i_flops"], part["published"], "x", color=colour, markersize=5, markeredgewidth=1.2)
