"""What the members of an ensemble are like, and how much they differ."""

from typing import Any, cast

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.table import COLUMNS, Part, Table

MEASURES = {
    "accuracy": "ensemble (%)",
    "member_accuracy": "member (%)",
    "oracle_accuracy": "oracle (%)",
    "disagreement": "disagreement (%)",
    "kl_divergence": "KL (nats)",
    "output_correlation": "correlation",
    "ece": "ECE",
}
PERCENT = {"member_accuracy", "oracle_accuracy", "disagreement"}
_COLUMNS = (
    Column("method", "Method", align="l"),
    Column("epsilon", "ε"),
    *(Column(name, title) for name, title in MEASURES.items()),
    Column("seeds", "seeds"),
)


def make(inputs: Inputs) -> Table:
    """Return accuracy of ensemble, member and oracle, and the pairwise measures of diversity."""
    frame = tidy(inputs)
    origin = inputs.origin()
    caption = (
        "Members of the ensembles on the test rows, mean over seeds. Oracle: rows that at least one member gets right; "
        "disagreement: rows on which two members differ, mean over pairs; KL: mean divergence of one member's "
        "probabilities from another's, over ordered pairs; correlation: of two members' probabilities over rows; ECE: "
        f"expected calibration error of the ensemble, 15 bins. λ = 1.5. {origin.closing(seeds=True)}"
    )
    return Table(
        frame, [Part("P3", caption, _cells(frame), _COLUMNS, [origin.line()], group="dataset", block="method")]
    )


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, epsilon, measure) of the ensembles with several members."""
    runs = frame_of(inputs.records).dropna(subset=["disagreement"])
    runs = runs[(runs["method"] != "dist_tse") | (runs["distance_factor"] == 1.5)]
    parts = parts_of(inputs.records)
    lines = []
    for name in MEASURES:
        scaled = runs.assign(**{name: runs[name] * 100}) if name in PERCENT else runs
        for row in summarise(scaled, ["dataset", "method", "epsilon", "setting"], name).to_dict("records"):
            note = partial_note(parts.get(row["dataset"]))
            lines.append({"table": "members", "metric": name, "note": note, **row})
    frame = pd.DataFrame(lines).assign(commit=inputs.origin().commits)
    order = sorted(frame.index, key=lambda i: _order(cast(Any, frame.loc[i])))
    return frame.loc[order].reindex(columns=list(COLUMNS)).reset_index(drop=True).astype({"seeds": "Int64"})


def _order(row: Any) -> tuple[object, ...]:
    epsilon = None if pd.isna(row["epsilon"]) else row["epsilon"]
    return (*row_order(row["dataset"], row["method"], epsilon, row["setting"]), list(MEASURES).index(row["metric"]))


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows, last = [], None
    for (dataset, method, epsilon), part in frame.groupby(["dataset", "method", "epsilon"], sort=False, dropna=False):
        value = part.set_index("metric")["value"].to_dict()
        title = method_title(str(method))
        rows.append(
            {
                "dataset": marked_title(str(dataset), part["note"]),
                "method": "" if (dataset, method) == last else title,
                "epsilon": formats.number(cast(Any, epsilon)),
                **{name: formats.spread(value.get(name), None, 3) for name in MEASURES},
                **{name: formats.spread(value.get(name), None, 1) for name in (*PERCENT, "accuracy")},
                "seeds": formats.number(part["seeds"].iloc[0]),
            }
        )
        last = dataset, method
    return pd.DataFrame(rows)
