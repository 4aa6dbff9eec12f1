"""The sentences say what the frames hold, and leave out what they lack."""

import pandas as pd
import pytest

from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.studies.spas.findings import ours

SOURCE, OTHER = ("torch", 5e-5, 4), ("torch_links", 0.0, 0)


def starts(*cells):
    """Return the frame of the table of starts: (dataset, protocol, mode, accuracy) of each cell."""
    rows = [
        {"dataset": dataset, "init": init, "l1": l1, "patience": patience, "mode": mode, "value": value}
        for dataset, (init, l1, patience), mode, value in cells
    ]
    return Evidence({"spas_start": pd.DataFrame(rows).assign(metric="iqm", compression=25)})


def test_both_protocols_are_compared_where_both_were_tried():
    evidence = starts(
        ("cifar10", SOURCE, "set", 10.0), ("cifar10", SOURCE, "static", 11.0), ("cifar10", OTHER, "set", 51.5),
        ("cifar100", SOURCE, "set", 1.0),
        ("pol", SOURCE, "set", 50.0), ("pol", OTHER, "set", 96.0), ("pol", OTHER, "static", 90.0),
        ("jannis", SOURCE, "set", 52.0), ("jannis", OTHER, "set", 70.0), ("jannis", OTHER, "static", 71.0),
        ("heloc", OTHER, "set", 99.0),
    )  # fmt: skip
    pictures, tables = ours._collapse(evidence)
    assert pictures == (
        "On CIFAR-10 at compression 25 plain networks by the source's protocol have 10.0 to 11.0 %; those that start "
        "by their real fan-in, with L1 0 and patience 0, up to 51.5 %."
    )
    assert "over 2 tabular datasets" in tables
    assert "51.0 %" in tables
    assert "up to 83.0 %" in tables


def test_nothing_is_said_where_one_protocol_is_missing():
    with pytest.raises(Missing, match="both protocols"):
        ours._collapse(starts(("cifar10", SOURCE, "set", 10.0), ("cifar100", OTHER, "set", 1.0)))
