"""Accuracy and cost as in Tables VII, VIII and IX, each of a dataset of its own."""

import pandas as pd

from truly_sparse.analysis.accuracy_cost import tidy
from truly_sparse.analysis.accuracy_cost_layout import lay_out
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.origin import origin_of
from truly_sparse.analysis.table import Table
from truly_sparse.errors import UserError

#: Datasets that have tables of their own; Table VII is about the others.
OWN = ("gesture", "higgs", "fashion_mnist")
#: The other source that prints accuracies of Tables VIII and IX.
JOURNAL = "journal"


def make(inputs: Inputs, table: str, number: str, dataset: str | None = None, printed_in: str | None = None) -> Table:
    """Return one of the tables.

    Parameters
    ----------
    inputs : Inputs
    table : str
        Its name without that of the study, as its printed numbers have it.
    number : str
        As it is printed.
    dataset : str, optional
        The dataset it is about; None for all that have no table of their own.
    printed_in : str, optional
        The table whose printed numbers stand beside ours, if it is another.

    Raises
    ------
    UserError
        Where no run of the dataset has finished.
    """

    def own(name: str) -> bool:
        return name == dataset if dataset else name not in OWN

    records = [record for record in inputs.records if own(record["dataset"])]
    absent = [spec for spec in inputs.absent if own(spec.dataset)]
    if not records:
        raise UserError(f"no finished run for Table {number}; run `snakemake --cores 1 runs_thesis_{table}` first")
    printed = inputs.published(printed_in or table)
    frame = tidy(f"thesis_{table}", records, printed, absent)
    also = JOURNAL if JOURNAL in printed else ""
    if also:
        frame = frame.merge(_other(printed, also), on=["dataset", "method", "setting", "metric"], how="left")
    return lay_out(frame, origin_of(inputs.preset, records, absent), number, also)


def _other(printed: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return what another source prints in the place of each of the numbers."""
    return printed[["dataset", "method", "setting", "metric", source, f"{source}_std"]]
