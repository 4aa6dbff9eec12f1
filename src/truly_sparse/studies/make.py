"""Making tables and figures of a study by their names: CSV beside the results, LaTeX and PDF beside the paper."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from truly_sparse.analysis import build, places
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.study import Config
from truly_sparse.analysis.table import Table, to_latex
from truly_sparse.files import atomic_path, write_text
from truly_sparse.studies.discovery import find, part


def results(config: Config, names: Iterable[str]) -> None:
    """Make some tables and figures in their order, which is that in which one draws on another.

    Raises
    ------
    UserError
        As `table` and `figure`, for the first that cannot be made.
    """
    study = find(config["study"])
    for name in names:
        make = figure if name in study.figures else table
        make(config, name)


def table(config: Config, name: str) -> tuple[Path, Path]:
    """Write a table's CSV beside the results and its LaTeX beside the paper; return both paths.

    Raises
    ------
    UserError
        For an unknown table, or one of which nothing has finished.
    """
    made = built(config, name)
    csv, tex = places.table_csv(config, name), places.paper_folder(config) / "tables" / f"{name}.tex"
    build.write_csv(made.frame, csv)
    write_text(tex, to_latex(name, made, config["preset"]))
    return csv, tex


def built(config: Config, name: str) -> Table:
    """Return a table of the configuration's study, with a column `preset` in its tidy rows."""
    study = find(config["study"])
    entry = study.table(config, name)
    return build.table(part(study.name, f"tables.{entry.module}"), Inputs(config, study, entry))


def figure(config: Config, name: str) -> tuple[Path, Path, Path]:
    """Write a figure as PDF for the paper, as PNG for people, and its numbers as CSV; return the three paths.

    The PDF lies beside the paper, the others side by side with the results.

    Raises
    ------
    UserError
        For an unknown figure, or one without a single number to show.
    """
    from truly_sparse.analysis.raster import CANVAS  # Matplotlib; tables do without
    from truly_sparse.analysis.style import style

    frame = numbers(config, name)
    module = part(config["study"], f"figures.{find(config['study']).figures[name].module}")
    pdf, csv = places.paper_folder(config) / "figures" / f"{name}.pdf", places.figure_csv(config, name)
    png = csv.with_suffix(".png")
    with style():
        drawn = module.draw(frame, config["preset"])
        # No date inside: the same numbers give the same bytes.
        for path, options in (
            (pdf, {"metadata": {"CreationDate": None}}),
            (png, {"metadata": {"Software": None}, "backend": CANVAS}),
        ):
            with atomic_path(path) as temporary:
                drawn.savefig(temporary, **options)
    build.write_csv(frame, csv)
    return pdf, png, csv


def numbers(config: Config, name: str) -> pd.DataFrame:
    """Return the numbers a figure of the configuration's study shows; errors as for `figure`."""
    study = find(config["study"])
    entry = study.figure(config, name)
    return build.numbers(part(study.name, f"figures.{entry.module}"), Inputs(config, study, entry), name)
