"""How links per pixel follow the pictures, by replaced fraction (figure 4 in numbers)."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.panels import of_first_dataset
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.studies.van_engers.structure import CEASED, KINDS, correlations, crossing

MORE = ("zeta", "kind")
_COLUMNS = (
    Column("zeta", "ζ"),
    Column("total", "in the block", "Links"),
    Column("left", "survivors", "Links"),
    *(Column(kind, words, "Rank correlation with mean intensity") for kind, words in KINDS.items()),
)


def make(inputs: Inputs) -> Table:
    """Return rank correlations, and where each falls below the level at which nothing is to be seen."""
    measured, origin = inputs.measured("pixels")
    pixels = of_first_dataset(measured)
    frame = correlations(pixels).assign(metric="rank_correlation")
    places = [
        {"kind": kind, "metric": "crossing", "value": crossing(part.set_index("zeta")["value"].dropna())}
        for kind, part in frame.groupby("kind", sort=False)
    ]
    totals = pixels.groupby("prune_fraction")[["links", "survivors"]].sum()
    counts = totals.rename_axis("zeta").reset_index().melt("zeta", var_name="kind").assign(metric="total")
    whole = pd.concat([frame, pd.DataFrame(places), counts], ignore_index=True)
    whole = whole.assign(
        table="van_engers_structure", dataset=pixels["dataset"].iloc[0], note=pixels["partial"].iloc[0],
        setting="input block", commit=origin.commit,
    ).reindex(columns=[*COLUMNS, *MORE])  # fmt: skip
    caption = (
        "Does the input block follow the pictures? Spearman's rank correlation over pixels of the mean intensity with "
        "the links of a pixel and the sum of their magnitudes after the last epoch, and with those of them that a step "
        f"would leave, which is what the implementation saves. Last row: from which ζ on it stays below {CEASED}. "
        f"Preset {inputs.preset}; one network for each ζ; commit {origin.commit}."
    )
    return Table(whole, [Part("P1", caption, _cells(whole), _COLUMNS, [origin.line()])])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    found = frame.set_index(["metric", "zeta", "kind"])["value"].to_dict()
    zetas = sorted(frame["zeta"].dropna().unique())
    rows = [
        {
            "zeta": formats.number(zeta),
            "total": formats.count(found["total", zeta, "links"]),
            "left": formats.count(found["total", zeta, "survivors"]),
            **{kind: formats.spread(found["rank_correlation", zeta, kind], None, 2) for kind in KINDS},
        }
        for zeta in zetas
    ]
    places = frame[frame["metric"] == "crossing"].set_index("kind")["value"].to_dict()
    last = {kind: formats.spread(places[kind], None, 3) for kind in KINDS}
    return pd.DataFrame([*rows, {"zeta": f"below {CEASED}", "total": "", "left": "", **last}])
