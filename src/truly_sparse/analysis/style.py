"""One look for all figures: sizes in inches for an A4 page, colours that colour-blind readers can tell apart."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Any, TypeVar

import matplotlib as mpl

# Width of the text of paper/<study>/main.tex.
PAGE_WIDTH = 6.69
# Okabe and Ito's palette.
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
GREY = "#7F7F7F"
# Colour and marker together, so that a figure also reads in grey.
SERIES = (
    (BLUE, "o"),
    (ORANGE, "s"),
    (GREEN, "^"),
    (PURPLE, "D"),
    (SKY, "v"),
    (VERMILION, "P"),
    (BLACK, "X"),
    (GREY, "*"),
)
Name = TypeVar("Name")
_SETTINGS: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
}


def series(names: Iterable[Name]) -> dict[Name, tuple[str, str]]:
    """Return a colour and a marker for each name, in their order; where names are many, the first come again."""
    return dict(zip(names, cycle(SERIES), strict=False))


@contextmanager
def style() -> Iterator[None]:
    """Apply the look to figures made inside the `with` block."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield
