"""What the figures have in common: panels with letters, the words for a dataset, the warning of other presets."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.places import banner
from truly_sparse.analysis.style import VERMILION


def letter(axes: Axes, name: str, title: str = "") -> None:
    """Head a panel with its letter, as the sources do, and a title."""
    axes.set_title(rf"$\bf{{{name}}}$  {title}")


def of_first_dataset(measured: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the dataset measured first; `partial` is text, empty where all rows were there."""
    own = measured[measured["dataset"] == measured["dataset"].iloc[0]].reset_index(drop=True)
    return own.assign(partial=own["partial"].astype(object).where(own["partial"].notna(), ""))


def warn(figure: Figure, preset: str) -> None:
    """Put the warning over the figure that results of other presets than the paper's carry."""
    if banner(preset):
        figure.suptitle(banner(preset), color=VERMILION, fontsize=8.5)


def dataset_words(dataset: str, partial: str) -> str:
    """Return a dataset's printed name, and how much of it there was where that is not all."""
    return dataset_title(dataset) + (f", only {partial}" if partial else "")
