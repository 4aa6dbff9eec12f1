"""Where tables and figures of a configuration lie, and whether it is the paper's own."""

from pathlib import Path
from typing import Any

from truly_sparse.experiments.configuration import FULL_SCALE, results_folder


def table_csv(config: dict[str, Any], name: str) -> Path:
    """Return the tidy rows of a table beside the results."""
    return results_folder(config) / "tables" / f"{name}.csv"


def figure_csv(config: dict[str, Any], name: str) -> Path:
    """Return the numbers of a figure beside the results."""
    return results_folder(config) / "figures" / f"{name}.csv"


def paper_folder(config: dict[str, Any]) -> Path:
    """Return where generated LaTeX, figures and the PDF lie, such as paper/journal or paper/quick/journal."""
    return Path("paper") / results_folder(config).relative_to("results")


def is_paper(preset: str) -> bool:
    """Say whether this preset is the paper's own experiment."""
    return preset == FULL_SCALE


def banner(preset: str) -> str:
    """Return the warning that results of any other preset carry; empty for the paper's."""
    return "" if is_paper(preset) else f"{preset} preset: not the paper's experiment"
