"""The table of runs: how many of a study's grid have finished, their core-hours, and those of what is left."""

from collections.abc import Sequence

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.facts import Gathered, every, origin_of_all
from truly_sparse.analysis.latex import Column, booktabs
from truly_sparse.analysis.origin import Origin
from truly_sparse.analysis.places import banner, paper_folder
from truly_sparse.analysis.study import Config
from truly_sparse.experiments.remaining import hours, of_other_studies
from truly_sparse.files import write_text

_COLUMNS = [
    Column("experiment", "Experiment", align="l"),
    Column("datasets", "datasets", "Grid"),
    Column("cells", "cells", "Grid"),
    Column("seeds", "seeds", "Grid"),
    Column("finished", "runs", "Finished"),
    Column("spent", "core-hours", "Finished"),
    Column("absent", "runs", "Not run"),
    Column("left", "core-hours", "Not run"),
]


def write(config: Config, gathered: Gathered) -> None:
    """Write the table of gathered runs where the tables of a study lie.

    It is no part of `facts.write`: what runs would take is known by what trains them, on which no other table hangs.
    """
    text = coverage_table(config, gathered, origin_of_all(config["preset"], gathered))
    write_text(paper_folder(config) / "tables" / "runs.tex", text)


def coverage_table(config: Config, gathered: Gathered, origin: Origin) -> str:
    """Return the table of the runs of every experiment, finished and left; a cell is a dataset, method and setting."""
    finished_runs, _ = every(gathered)
    rows = []
    for experiment, (finished, left) in gathered.items():
        cells = {(record["dataset"], record["method"], record["setting"]) for record in finished}
        cells |= {(spec.dataset, spec.method, spec.setting) for spec in left}
        seeds = {record["seed"] for record in finished} | {spec.seed for spec in left}
        rows.append(
            {
                "experiment": experiment.replace("_", " "),
                "datasets": str(len({dataset for dataset, _, _ in cells})),
                "cells": f"{len(cells):,}",
                "seeds": str(len(seeds)),
                "finished": f"{len(finished):,}",
                "spent": f"{sum(record['seconds']['cpu'] for record in finished) / 3600:.2f}",
                "absent": f"{len(left):,}",
                "left": _total(hours(config, finished_runs, left, lambda: of_other_studies(config))),
            }
        )
    return booktabs(
        pd.DataFrame(rows),
        _COLUMNS,
        caption="Runs of every experiment that have finished, and those of its grid that have not, with the core-hours "
        "that they are expected to take, at the pace of the runs most alike that have finished, of another study where "
        "none has here; where runs stop early, after as many epochs as those did. This is what a claim costs that is "
        f"not tested for want of an experiment's runs. Preset {origin.preset}.",
        label="runs",
        number="S3",
        banner=banner(origin.preset),
        notes=[origin.line()],
    )


def _total(expected: Sequence[float | None]) -> str:
    """Return a sum as it is read; with a plus where some are not known, a dash where none is."""
    known = [one for one in expected if one is not None]
    if not known:
        return formats.NOTHING if expected else "0"
    return f"{sum(known):.1f}" + (" +" if len(known) < len(expected) else "")
