"""What every method of the large budget does, from the settings of its runs."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.origin import join
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import OF_A_PARENT, frame_of

EXPERIMENT = "whitaker_large"
#: How members come to be, by strategy.
STRATEGIES = {
    "none": "one network",
    "independent": "from scratch, one by one",
    "mc_dropout": "one network, many passes",
    "snapshot": "ends of cycles of the rate",
    "fast_geometric": "cycles from two states",
    "noisy_subnetworks": "noise on a parent, chosen",
    "sparse_subnetworks": "children, tuned",
    "stochastic_subnetworks": "children, links annealed",
}
#: Settings that are said where they are not these.
USUAL = {"sampler": "partition", "parts": 2, "sparsity": 0.5, "inherit": True, "bag_fraction": 1.0, "compression": None}
_PRINTED = (
    Column("method", "Method", align="l"),
    Column("strategy", "members", align="l"),
    Column("members", "M"),
    Column("epochs", "epochs"),
    Column("child_epochs", "of a child"),
    Column("own", "its own", align="l"),
)


def make(inputs: Inputs) -> Table:
    """Return Table M: the methods of Table 5.2 and their settings."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "What the methods of Table 5.2 do: how members come to be, how many there are (M, without the parent), epochs "
        "of the network or the parent and of each child, on tables and on pictures; settings that are not those of the "
        f"others. {origin.stamp()}"
    )
    cells = frame.assign(method=frame["method"].map(method_title))[[column.key for column in _PRINTED]]
    return Table(frame, [Part("M", caption, cells, _PRINTED, [origin.line()])])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return a row per method, its settings as text."""
    runs = frame_of(inputs, EXPERIMENT)
    strategies = {record["method"]: record["settings"]["strategy"] for record in inputs.records}
    rows: list[dict[str, Any]] = []
    for method, own in runs.groupby("method", sort=False):
        strategy = strategies.get(str(method))
        if strategy is None:
            continue
        tuned = strategy in OF_A_PARENT[:2]
        parts = [f"{name.replace('_', ' ')} {formats.setting(own[name].iloc[0])}" for name in _differing(own, strategy)]
        rows.append(
            {
                "method": str(method),
                "strategy": STRATEGIES.get(strategy, strategy.replace("_", " ")),
                "members": f"{own['members'].iloc[0]:g}",
                "epochs": join(own["epochs"]),
                "child_epochs": join(own["child_epochs"]) if tuned else formats.NOTHING,
                "own": ", ".join(parts) or formats.NOTHING,
            }
        )
    commit = ", ".join(dict.fromkeys(filter(None, runs["commit"])))
    more = [column.key for column in _PRINTED[1:]]
    return shown.tidy(pd.DataFrame(rows).assign(commit=commit), "whitaker_methods", more)


def _differing(own: pd.DataFrame, strategy: str) -> list[str]:
    """Return the settings of a method that are worth saying."""
    first = own.iloc[0]
    children = strategy in OF_A_PARENT[:2]
    names = [name for name in USUAL if children or name in ("bag_fraction", "compression")]
    return [name for name in names if not formats.missing(_number(first[name])) and first[name] != USUAL[name]]


def _number(value: Any) -> float | None:
    """Return a number as it is, anything else that is there as 1."""
    return value if value is None or isinstance(value, float) else 1.0
