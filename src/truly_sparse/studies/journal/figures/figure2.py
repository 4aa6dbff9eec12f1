"""Journal figure 2: distances of random regrowths, how normal they are, and the time of a search against lambda."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import stats

from truly_sparse.analysis import regrowths
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.panels import letter, of_first_dataset, warn
from truly_sparse.analysis.style import BLACK, BLUE, ORANGE, PAGE_WIDTH

#: Draws of journal figure 2a.
DRAWS = 100
COLUMNS = ("figure", "panel", "dataset", "distance", "lambda", "kind", "number", "value", "partial")
_SERIES = {"row_wise": (BLUE, "o", "row by row"), "all_pairs": (ORANGE, "s", "all pairs")}
_WIDTH = 0.36


def data(inputs: Inputs) -> pd.DataFrame:
    """Return what both panels show as a tidy frame with the columns `COLUMNS`.

    Panel a has the kinds of `regrowths.tidy`; b, for each lambda and repetition (`number`), cpu_seconds, seconds, draws
    and found (1 or 0). Both are of the dataset whose searches were measured first.
    """
    drawn, _ = inputs.measured("distances")
    searched, _ = inputs.measured("lambdas")
    dataset = searched["dataset"].iloc[0]
    numbers = drawn.loc[drawn["dataset"] == dataset, "draws"]
    wanted = DRAWS if DRAWS in set(numbers) else numbers.max()
    chosen = drawn[(drawn["dataset"] == dataset) & (drawn["draws"] == wanted)]
    first = regrowths.tidy(chosen, "figure2").rename(columns={"draw": "number"}).assign(panel="a")
    keys = ["dataset", "distance", "lambda", "repetition", "partial"]
    own = of_first_dataset(searched).astype({"found": int})
    second = own.melt(keys, ["cpu_seconds", "seconds", "draws", "found"], "kind", "value")
    second = second.rename(columns={"repetition": "number"}).assign(figure="figure2", panel="b")
    return pd.concat([first, second], ignore_index=True).reindex(columns=list(COLUMNS))


def draw(frame: pd.DataFrame, preset: str) -> Figure:
    """Draw histogram, quantiles and running times side by side."""
    figure = Figure(figsize=(PAGE_WIDTH, 2.5))
    left, middle, right = figure.subplots(1, 3, width_ratios=(1, 0.85, 1.75))
    first, second = frame[frame["panel"] == "a"], frame[frame["panel"] == "b"]
    regrowths.histogram(left, first[first["distance"] == "row_wise"])
    count = int(((first["kind"] == "distance") & (first["distance"] == "row_wise")).sum())
    letter(left, "a", f"{count} random regrowths")
    left.set(xlabel="Euclidean distance, row by row", ylabel="density")
    _quantiles(middle, first)
    middle.set_title("against the normal")
    _times(right, second)
    letter(right, "b", "time to find a distant block")
    warn(figure, preset)
    return figure


def _quantiles(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw a Q-Q plot of the standardised distances, both readings."""
    axes.axline((0, 0), slope=1, color=BLACK, linewidth=0.8)
    for reading, (colour, marker, label) in _SERIES.items():
        own = frame[frame["distance"] == reading]
        values = np.sort(own.loc[own["kind"] == "distance", "value"].to_numpy(dtype=float))
        fit = own[own["kind"] != "distance"].set_index("kind")["value"].astype(float)
        expected = stats.norm.ppf((np.arange(len(values)) + 0.5) / len(values))
        look: dict[str, Any] = {"color": colour, "markersize": 2.6, "alpha": 0.7, "markeredgewidth": 0}
        axes.plot(
            expected,
            (values - fit["mean"]) / fit["std"],
            marker,
            label=f"{label}\n(p = {fit['shapiro_p']:.2g})",
            **look,
        )
    axes.set(xlabel="normal quantile", ylabel="standardised distance")
    axes.legend(loc="lower right", fontsize=6, handletextpad=0.1, borderpad=0, labelspacing=0.3)


def _times(axes: Axes, frame: pd.DataFrame) -> None:
    """Draw boxes of CPU seconds by lambda; what found nothing is counted above, and left out of its box."""
    lambdas = sorted(frame["lambda"].unique())
    wide = frame.pivot_table("value", ["distance", "lambda", "number"], "kind")
    handles = []
    for side, (reading, (colour, _, label)) in zip((-1, 1), _SERIES.items(), strict=True):
        for place, lambda_ in enumerate(lambdas):
            own = wide.loc[(reading, lambda_)]
            x = place + side * 0.21
            found = own.loc[own["found"] == 1, "cpu_seconds"]
            if len(found):
                lines = {"color": colour, "linewidth": 0.9}
                axes.boxplot(
                    [found.to_numpy()], positions=[x], widths=_WIDTH, patch_artist=True, manage_ticks=False,
                    boxprops={"facecolor": colour, "alpha": 0.35, "linewidth": 0.6}, medianprops=lines,
                    whiskerprops=lines, capprops=lines,
                    flierprops={"marker": ".", "markersize": 3, "markerfacecolor": colour, "markeredgewidth": 0},
                )  # fmt: skip
            failed = len(own) - len(found)
            if failed:
                words = f"{failed}/{len(own)}"
                axes.text(x, 1.0, words, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize=5.5)
        handles.append(Patch(facecolor=colour, alpha=0.35, edgecolor=colour, label=label))
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(lambdas)), [f"{lambda_:g}" for lambda_ in lambdas])
    axes.set(xlabel="λ", ylabel="CPU time (s)")
    failed = int((wide["found"] == 0).sum())
    title = f"not found: {failed} of {len(wide)}"
    axes.legend(handles=handles, title=title, loc="upper left", fontsize=6.5, title_fontsize=6.5, alignment="left")
