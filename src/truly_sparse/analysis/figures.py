"""Figures by name: records in, vector PDF, PNG and the drawn numbers out. A new figure is one entry in `FIGURES`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from truly_sparse.analysis import accuracy_figure, names, published, tables
from truly_sparse.analysis.style import style
from truly_sparse.errors import UserError
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record
from truly_sparse.files import atomic_path


@dataclass(frozen=True)
class Kind:
    """What makes one figure: the numbers from (records, printed numbers, absent runs), and the drawing of them."""

    data: Callable[[Sequence[Record], pd.DataFrame, Sequence[RunSpec]], pd.DataFrame]
    draw: Callable[[pd.DataFrame, str], Figure]


FIGURES: dict[str, Kind] = {"table1": Kind(accuracy_figure.data, accuracy_figure.draw)}


def make(config: dict[str, Any], name: str) -> tuple[Path, Path, Path]:
    """Write a figure as PDF for the paper, as PNG for people, and its numbers as CSV; return the three paths.

    The PDF goes to paper/<preset>/figures, the others lie side by side in results/<preset>/figures.

    Raises
    ------
    UserError
        For an unknown figure, or one without a single accuracy to show.
    """
    if name not in FIGURES:
        raise UserError(f'unknown figure "{name}"; there is {", ".join(FIGURES)}')
    if name not in config["experiments"]:
        raise UserError(f'figure "{name}" needs an experiment of that name, which preset {config["preset"]} lacks')
    preset = config["preset"]
    records, absent = tables.collect(config, name)
    frame = FIGURES[name].data(records, published.load(name), absent)
    if frame.empty:
        raise UserError(f'figure "{name}" of preset {preset} has nothing to show: every run diverged')
    folder = names.paper_folder(preset) / "figures"
    pdf, csv = folder / f"{name}.pdf", names.figure_csv(preset, name)
    png = csv.with_suffix(".png")
    with style():
        drawn = FIGURES[name].draw(frame, preset)
        # No date inside: the same numbers give the same bytes.
        for path, metadata in ((pdf, {"CreationDate": None}), (png, {"Software": None})):
            with atomic_path(path) as temporary:
                drawn.savefig(temporary, metadata=metadata)
    tables.write_csv(frame, csv)
    return pdf, png, csv
