"""Figure 7.4: how far apart the saliency maps of two children and of two snapshots lie, printed and measured."""

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.panels import letter, warn
from truly_sparse.analysis.style import BLUE, ORANGE, PAGE_WIDTH
from truly_sparse.studies.whitaker.figures.grids import Look, handles
from truly_sparse.studies.whitaker.verdicts.diversity import CHILDREN, DISTANCES, SNAPSHOTS

COLUMNS = ("figure", "dataset", "method", "metric", "value", "std", "seeds", "published", "published_std")
LOOKS: dict[str, Look] = {SNAPSHOTS: (BLUE, "o", "-"), CHILDREN: (ORANGE, "s", "-")}
#: Printed methods, and what they are here.
_PRINTED = {"snapshot": SNAPSHOTS, "sse_np": CHILDREN}
_TITLES = {name: "RMSE" if name == "rmse" else words.removesuffix(" hash") for name, words in DISTANCES.items()}


def data(inputs: Inputs) -> pd.DataFrame:
    """Return means over seeds of every distance as a tidy frame with the columns `COLUMNS`, printed ones beside."""
    measured = inputs.measured("saliency")[0]
    long = measured.melt(["dataset", "method", "seed"], list(DISTANCES), "metric")
    found = long.groupby(["dataset", "method", "metric"], sort=False)["value"]
    here = found.agg(value="mean", std="std", seeds="count").reset_index()
    printed = inputs.published("figure7_4")
    printed = printed.assign(method=printed["method"].map(_PRINTED))[["method", "metric", "published", "published_std"]]
    whole = here.merge(printed, on=["method", "metric"], how="left").assign(figure="whitaker_figure7_4")
    return whole.reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw a panel per distance: here for every dataset, and as printed on ImageNet."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.2))
    datasets = list(dict.fromkeys(frame["dataset"]))
    panels = figure.subplots(1, len(_TITLES))
    for axes, place, (metric, title) in zip(panels, "abcde", _TITLES.items(), strict=True):
        for number, (method, (colour, marker, _)) in enumerate(LOOKS.items()):
            own = frame[(frame["metric"] == metric) & (frame["method"] == method)].set_index("dataset")
            own = own.reindex(datasets)
            shift = 0.16 * (number - 0.5)
            points = [*own["value"], own["published"].iloc[0]], [*own["std"].fillna(0.0), own["published_std"].iloc[0]]
            axes.errorbar(
                [at + shift for at in range(len(datasets) + 1)], *points, color=colour, marker=marker, linestyle="none",
                markersize=3.6, elinewidth=0.8, capsize=1.6,
            )  # fmt: skip
        names = [*map(dataset_title, datasets), "ImageNet,\nas printed"]
        axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
        axes.set_xlim(-0.5, len(names) - 0.5)
        letter(axes, place, title)
    panels[1].set_ylabel("bits that differ")
    looks = {method_title(method): look for method, look in LOOKS.items()}
    figure.legend(handles=list(handles(looks)), loc="outside lower center", ncols=len(looks))
    warn(figure, preset)
    return figure
