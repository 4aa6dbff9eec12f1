"""What tables and figures draw on: run records, measurements, prepared datasets and printed numbers."""

from functools import cached_property
from pathlib import Path

import pandas as pd

from truly_sparse.analysis import places, published
from truly_sparse.analysis.origin import Measured, Origin, measured_of, origin_of
from truly_sparse.analysis.study import Config, Entry, Study
from truly_sparse.errors import UserError
from truly_sparse.experiments import measurements
from truly_sparse.experiments.configuration import results_folder
from truly_sparse.experiments.grid import RunSpec
from truly_sparse.experiments.records import Record, gather


class Inputs:
    """The inputs of one table or figure, read when asked for.

    Parameters
    ----------
    config : dict
        A validated configuration.
    study : Study
        The catalogue.
    entry : Entry
        Its line of this table or figure.
    """

    def __init__(self, config: Config, study: Study, entry: Entry) -> None:
        self.config, self.study, self.entry = config, study, entry
        self.preset: str = config["preset"]

    def of_table(self, name: str) -> "Inputs":
        """Return the inputs of another table of the study; errors as for `Study.table`."""
        return Inputs(self.config, self.study, self.study.table(self.config, name))

    def of_figure(self, name: str) -> "Inputs":
        """Return the inputs of a figure of the study; errors as for `Study.figure`."""
        return Inputs(self.config, self.study, self.study.figure(self.config, name))

    @cached_property
    def _gathered(self) -> tuple[list[Record], list[RunSpec]]:
        records, absent = [], []
        for name in self.entry.runs_of(self.config):
            finished, missing = gather(self.config, name)
            records += finished
            absent += missing
        if not records:
            wanted = ", ".join(self.entry.runs_of(self.config))
            folder = results_folder(self.config)
            targets = " ".join(f"runs_{name}" for name in self.entry.experiments) or self.study.name
            raise UserError(f"no finished run of {wanted} in {folder}; run `snakemake --cores 1 {targets}` first")
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
        made = self.study.offered_tables(self.config)
        files = {name: places.table_csv(self.config, name) for name in self.entry.tables if name in made}
        # Without training, there may be nothing to make a table from.
        return files if self.config["train"] else {name: path for name, path in files.items() if path.exists()}

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the entry as it was written."""
        if name not in self.tables or not self.tables[name].exists():
            raise UserError(f"{places.table_csv(self.config, name)} not found: `snakemake --cores 1 {name}` makes it")
        return pd.read_csv(self.tables[name], low_memory=False)

    def published(self, table: str) -> pd.DataFrame:
        """Return the printed numbers of one table of the study, in the common columns."""
        return published.load(f"{self.study.name}_{table}")

    def published_text(self, name: str) -> pd.DataFrame:
        """Return what is printed in a file of the study, in columns of its own, every cell as text."""
        return published.read_text(f"{self.study.name}_{name}")
