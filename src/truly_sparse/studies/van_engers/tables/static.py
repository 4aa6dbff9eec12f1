"""Links that stay where they were drawn, and links that are all drawn anew, but seldom, beside the usual fraction."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import METRICS, WHAT, frame_of, means, share, tidy

MORE = ("zeta", "evolution_every")
#: Fraction of the sweep beside them where every link is replaced.
ALL = 1.0
_COLUMNS = (
    Column("what", "Links", align="l"),
    Column("zeta", "ζ"),
    Column("every", "epochs per step"),
    *(Column(metric, words) for metric, words in METRICS.items()),
    Column("runs", "runs"),
)


def make(inputs: Inputs) -> Table:
    """Return the controls, and beside them the sweep at the usual fraction and at 1."""
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    runs = runs[(runs["experiment"] == "van_engers_static") | runs["zeta"].isin([printed["usual"], ALL])]
    # What never evolves has no fraction.
    runs = runs.assign(zeta=runs["zeta"].where(runs["evolution_every"] > 0))
    runs = runs.sort_values(["evolution_every", "zeta", "seed"], na_position="first", kind="stable")
    frame = tidy(means(runs, [*WHAT, "zeta", "epsilon", "evolution_every"]), "van_engers_static", inputs, MORE)
    origin = inputs.origin()
    caption = (
        "Test accuracy (%) of links that stay where they were drawn, of those that SET replaces after every epoch, and "
        f"of those that are all drawn anew, but seldom. {origin.closing(seeds=True)}"
    )
    return Table(frame, [Part("T1", caption, _cells(frame), _COLUMNS, [origin.line()])])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (every, _), part in frame.groupby(["evolution_every", "zeta"], sort=False, dropna=False):
        first, found = part.iloc[0], part.set_index("metric")
        evolves = first["evolution_every"] > 0
        rows.append(
            {
                "what": "evolve" if evolves else "stay",
                "zeta": formats.number(first["zeta"]) if evolves else formats.NOTHING,
                "every": str(every) if evolves else formats.NOTHING,
                **{name: formats.spread(found["value"][name], found["std"][name]) for name in METRICS},
                "runs": share(first["note"], first["seeds"]),
            }
        )
    return pd.DataFrame(rows)
