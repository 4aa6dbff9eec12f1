"""Accuracy with all images of the set beside that with the part of them that the implementation takes by default."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import WHAT, frame_of, means, share, tidy

MORE = ("zeta", "images")


def make(inputs: Inputs) -> Table:
    """Return best and last accuracies by replaced fraction, one pair of columns for each number of images."""
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    # A run that has not finished has the images and epochs of those that have.
    runs[["images", "epochs"]] = runs.groupby("experiment")[["images", "epochs"]].transform("max")
    wanted = runs.loc[runs["experiment"] == "van_engers_images", "zeta"]
    frame = means(runs[runs["zeta"].isin(wanted)], [*WHAT, "zeta", "epsilon", "images"], ("best", "last"))
    frame["published"] = frame["zeta"].map(printed.accuracy).where(frame["metric"] == "best")
    frame["source"] = frame["published"].notna().map({True: "van Engers formula 1", False: None})
    frame = tidy(frame, "van_engers_images", inputs, MORE)
    epochs = runs.groupby("images")["epochs"].max()
    titles = {name: f"{name:,.0f} images, {epochs[name]:,.0f} epochs" for name in sorted(epochs.index)}
    columns = [Column("zeta", "ζ"), Column("published", "printed curve")]
    for name in titles:
        columns += [Column(f"{name}_{metric}", metric, titles[name]) for metric in ("best", "last")]
        columns.append(Column(f"{name}_runs", "runs", titles[name]))
    origin = inputs.origin()
    caption = (
        "Test accuracy (%) after training on all images, and on those that the implementation takes unless told "
        f"otherwise: highest and last of the epochs. The paper does not say which it had. {origin.closing(seeds=True)}"
    )
    return Table(frame, [Part("D1", caption, _cells(frame), columns, [origin.line()])])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for zeta, part in frame.groupby("zeta", sort=True):
        cells = {"zeta": formats.number(float(str(zeta))), "published": formats.spread(part["published"].max(), None)}
        for row in part.to_dict("records"):
            name = row["images"]
            cells[f"{name}_{row['metric']}"] = formats.spread(row["value"], row["std"])
            cells[f"{name}_runs"] = share(row["note"], row["seeds"])
        rows.append(cells)
    return pd.DataFrame(rows).fillna(formats.NOTHING)
