"""Accuracy by the number of links there are, which the paper does not vary, beside the fraction replaced."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.van_engers.runs import METRICS, WHAT, frame_of, lacking, means, tidy

MORE = ("zeta", "links", "density")


def make(inputs: Inputs) -> Table:
    """Return accuracies by density, one pair of columns for each replaced fraction."""
    runs = frame_of(inputs)
    # Links are those of the start, alike for every fraction of a seed.
    sizes = runs.groupby("epsilon")[["links", "density"]].mean()
    runs = runs.drop(columns=["links", "density"]).join(sizes, on="epsilon").sort_values(["epsilon", "zeta"])
    frame = tidy(means(runs, [*WHAT, "epsilon", "links", "density", "zeta"]), "van_engers_sparsity", inputs, MORE)
    columns = [Column("epsilon", "ε"), Column("links", "links"), Column("density", "density (%)")]
    for zeta in sorted(frame["zeta"].unique()):
        columns += [Column(f"{zeta:g}_{metric}", metric, f"ζ = {zeta:g}") for metric in ("best", "last")]
    fewer = lacking(frame, lambda row: f"ε = {row['epsilon']:g}, ζ = {row['zeta']:g}")
    origin = inputs.origin()
    caption = (
        "Test accuracy (%) by the density ε of the start, for three fractions replaced after every epoch: highest and "
        "last of the epochs. Links: those of the start, which no fraction changes, means over seeds; density: their "
        f"part of all places. {origin.closing(seeds=True)}"
    )
    return Table(frame, [Part("L1", caption, _cells(frame), columns, [*fewer, origin.line()])])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for epsilon, part in frame.groupby("epsilon", sort=True):
        first = part.iloc[0]
        cells = {
            "epsilon": formats.number(float(str(epsilon))),
            "links": formats.count(first["links"]),
            "density": formats.spread(100 * first["density"], None, 2),
        }
        for row in part[part["metric"].isin(METRICS)].to_dict("records"):
            cells[f"{row['zeta']:g}_{row['metric']}"] = formats.spread(row["value"], row["std"])
        rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
