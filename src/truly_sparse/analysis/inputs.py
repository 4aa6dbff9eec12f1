"""What tables and figures draw on: run records, measurements, prepared datasets and printed numbers."""

from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from truly_sparse.analysis import names, published
from truly_sparse.analysis.catalogue import TABLES, Entry, offered
from truly_sparse.analysis.origin import Measured, Origin, measured_of, origin_of
from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, gather


class Inputs:
    """The inputs of one table or figure, read when asked for.

    Parameters
    ----------
    config : dict
        A validated configuration.
    entry : Entry
        The line of the catalogue.
    """

    def __init__(self, config: dict[str, Any], entry: Entry) -> None:
        self.config, self.entry = config, entry
        self.preset: str = config["preset"]

    @cached_property
    def _gathered(self) -> tuple[list[Record], list[RunSpec]]:
        records, absent = [], []
        for name in self.entry.runs_of(self.config):
            finished, missing = gather(self.config, name)
            records += finished
            absent += missing
        if not records:
            wanted = ", ".join(self.entry.runs_of(self.config))
            raise UserError(f"no finished run of {wanted} in results/{self.preset}; run `snakemake --cores 1` first")
        return records, absent

    @property
    def records(self) -> list[Record]:
        """Finished runs of all experiments of the entry, diverged ones included."""
        return self._gathered[0]

    @property
    def absent(self) -> list[RunSpec]:
        """Runs of those experiments that have not finished."""
        return self._gathered[1]

    def of(self, *experiments: str) -> list[Record]:
        """Return the finished runs of some of the experiments."""
        return [record for record in self.records if record["experiment"] in experiments]

    def origin(self, *experiments: str) -> Origin:
        """Return where the runs come from; of some of the experiments where any are named."""
        wanted = experiments or self.entry.runs_of(self.config)
        return origin_of(self.preset, self.of(*wanted), [spec for spec in self.absent if spec.experiment in wanted])

    def measured(self, name: str) -> tuple[pd.DataFrame, Measured]:
        """Return a measurement's numbers and where they come from."""
        frame, about = measurements.read(self.config, name)
        return frame, measured_of(self.preset, about)

    @cached_property
    def tables(self) -> dict[str, Path]:
        """The CSV files of the entry's tables that this configuration makes."""
        made = offered(TABLES, self.config)
        files = {name: names.table_csv(self.preset, name) for name in self.entry.tables if name in made}
        # Without training, there may be nothing to make a table from.
        return files if self.config["train"] else {name: path for name, path in files.items() if path.exists()}

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the entry as it was written."""
        if name not in self.tables or not self.tables[name].exists():
            raise UserError(f"{names.table_csv(self.preset, name)} not found: `snakemake --cores 1 {name}` makes it")
        return pd.read_csv(self.tables[name], low_memory=False)

    def published(self, table: str) -> pd.DataFrame:
        """Return the printed numbers of one table."""
        return published.load(table)
