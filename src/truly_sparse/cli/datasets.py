"""`data`: prepare datasets one by one, and end with a table of what came from where."""

from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.text import plain
from truly_sparse.data import registry
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError

COLUMNS = (
    Column("dataset", "dataset", align="l"),
    Column("source", "source", align="l"),
    Column("rows", "rows"),
    Column("features", "features"),
    Column("classes", "classes"),
    Column("partial", "partial", align="l"),
    Column("order", "rows compared with registry", align="l"),
    Column("sha256", "sha256", align="l"),
    Column("size", "MB"),
)


def prepare_all(config: dict[str, Any], names: list[str], everything: bool) -> None:
    """Prepare datasets and print a table of them; one that fails does not stop the others.

    Parameters
    ----------
    config : dict
        A validated configuration.
    names : list of str
        Datasets.
    everything : bool
        Take every dataset of the registry, and those the configuration brings along.

    Raises
    ------
    UserError
        At the end, where a dataset could not be had, with the reason of each; or where none is named.
    """
    if everything:
        names = [*registry.read(), *(name for name, block in config["datasets"].items() if block["source"])]
    if not names:
        raise UserError(f"no dataset named; there is {', '.join(config['datasets'])}; --all takes every one")
    rows, failed = [], []
    for name in dict.fromkeys(names):
        try:
            rows.append(row_of(prepare(name, config["data"], config["datasets"].get(name))))
        except UserError as error:
            failed.append(str(error))
    if rows:
        print(plain(pd.DataFrame(rows), COLUMNS, title=f"Prepared in {config['data']['folder']}/"))
    if failed:
        counted = f"{len(failed)} of {len(rows) + len(failed)} datasets failed: " if len(rows) + len(failed) > 1 else ""
        raise UserError(counted + " | ".join(failed))


def row_of(path: Path) -> dict[str, str]:
    """Return the cells of a prepared dataset."""
    about = about_of(path) or {}
    return {
        "dataset": path.stem,
        "source": about["source"],
        "rows": f"{about['rows']:,}",
        "features": f"{about['features']:,}",
        "classes": str(len(about["classes"])),
        "partial": about["partial"] or "",
        "order": about["order"],
        "sha256": about["sha256"][:12],
        "size": f"{path.stat().st_size / 1e6:.1f}",
    }
