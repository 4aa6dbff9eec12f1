"""Figure 4.3: divergence by the deviation of the noise, loss of accuracy by divergence, mean and vote of ensembles."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLUE, ORANGE, PAGE_WIDTH, series
from truly_sparse.studies.whitaker.figures.noise import cells, colours

COLUMNS = ("figure", "panel", "dataset", "sparsity", "sd", "kl", "value", "seeds")
#: Ways to combine an ensemble, and their looks.
WAYS = {"accuracy": ("mean", BLUE, "o"), "vote": ("vote", ORANGE, "s")}
ALL = "all"
#: Beyond this divergence a network has little left to lose.
SHOWN = 1.0


def data(inputs: Inputs) -> pd.DataFrame:
    """Return a tidy frame with the columns `COLUMNS`.

    Panel a: mean divergence over datasets; b: points lost, by dataset, sparsity and deviation; mean and vote: accuracy
    in percent of a parent and four noisy networks, mean over datasets.
    """
    measured = inputs.measured("noise")[0]
    grid = cells(measured)
    over = grid.groupby(["sparsity", "sd"], sort=False)["kl"].mean().reset_index()
    parts = [
        over.assign(panel="a", dataset=ALL, value=over["kl"]),
        grid.assign(panel="b", value=grid["loss"]),
    ]
    votes = measured[measured["part"] == "combining"]
    for way, (name, _, _) in WAYS.items():
        means = votes.groupby(["dataset", "sd"], sort=False)[[way, "kl"]].mean().groupby(level="sd").mean()
        parts.append(means.reset_index().assign(panel=name, dataset=ALL, value=means[way].to_numpy()))
    whole = pd.concat(parts, ignore_index=True).assign(figure="whitaker_figure4_3")
    return whole.reindex(columns=list(COLUMNS)).astype({"seeds": "Int64"})


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw the three panels."""
    figure = Figure(figsize=(PAGE_WIDTH, 3.1))
    left, middle, right = figure.subplots(1, 3)
    _divergence(left, frame[frame["panel"] == "a"])
    _loss(middle, frame[(frame["panel"] == "b") & (frame["kl"] <= SHOWN)])
    for name, colour, marker in WAYS.values():
        own = frame[frame["panel"] == name].sort_values("sd")
        right.plot(own["sd"], own["value"], color=colour, marker=marker, markersize=3.2, linewidth=0.9, label=name)
    right.set_xscale("log")
    right.set_xlabel("σ of the noise")
    right.set_ylabel("accuracy (%)")
    right.legend()
    letter(right, "c", "parent and four children")
    datasets, titles = middle.get_legend_handles_labels()
    figure.legend(datasets, titles, title="datasets of panel b", loc="outside lower center", ncols=4)
    warn(figure, preset)
    return figure


def _divergence(axes: Axes, frame: pd.DataFrame) -> None:
    for sparsity, colour in colours(frame["sparsity"]).items():
        own = frame[(frame["sparsity"] == sparsity) & (frame["value"] > 0)].sort_values("sd")
        axes.plot(own["sd"], own["value"], color=colour, linewidth=0.9, label=f"{100 * sparsity:g} %")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("σ of the noise")
    axes.set_ylabel("divergence (nats)")
    axes.legend(title="without noise", fontsize=5.5, title_fontsize=5.5, ncols=2)
    letter(axes, "a", "mean over datasets")


def _loss(axes: Axes, frame: pd.DataFrame) -> None:
    looks = series(frame["dataset"].unique())
    for dataset, own in frame.groupby("dataset", sort=False):
        colour, marker = looks[dataset]
        axes.plot(
            own["kl"], own["value"], linestyle="none", color=colour, marker=marker, markersize=2.4,
            label=dataset_title(str(dataset)),
        )  # fmt: skip
    axes.set_xlabel("divergence (nats)")
    axes.set_ylabel("points lost")
    letter(axes, "b", "every cell")
