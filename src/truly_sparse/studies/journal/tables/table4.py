"""Journal Table 4: time and iterations of one re-initialisation by size of the block, with links and memory."""

import math
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import method_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.table import COLUMNS, Part, Table

#: What stands for a dataset: the block is drawn at random.
BLOCK = "erdos_renyi"
#: Metric: column of the measurement. Seconds are CPU seconds, bytes those of the block's arrays.
METRICS = {
    "running_time": "cpu_seconds",
    "wall_time": "seconds",
    "iterations": "draws",
    "connections": "links",
    "block_bytes": "block_bytes",
}
DISTANCES = {"row_wise": "row by row", "all_pairs": "all pairs"}
_PRINTED = (
    Column("method", "Method", align="l"),
    Column("distance", "distance", align="l"),
    Column("n", "neurons"),
    Column("connections", "links"),
    Column("memory", "MB", "Memory"),
    Column("time_published", "published", "Time (s)"),
    Column("time", "here (CPU)", "Time (s)"),
    Column("faster", "ratio", "Time (s)"),
    Column("iterations_published", "published", "Iterations"),
    Column("iterations", "here", "Iterations"),
)
_TERMINAL = (
    Column("method", "Method", align="l"),
    Column("distance", "distance", align="l"),
    Column("n", "neurons"),
    Column("connections", "links"),
    Column("time_published", "publ.", "Time (s)"),
    Column("time", "here (CPU)", "Time (s)"),
    Column("faster", "ratio", "Time (s)"),
    Column("iterations_published", "publ.", "Iterations"),
    Column("iterations", "here", "Iterations"),
)


def make(inputs: Inputs) -> Table:
    """Return journal Table 4: seconds and iterations, published and measured, with links and memory."""
    measured, origin = inputs.measured("scalability")
    frame = tidy(measured, inputs.published("table4"), origin.commit)
    lambdas = ", ".join(f"{value:g}" for value in measured["lambda"].dropna().unique())
    caption = (
        "Scalability: one re-initialisation of a block between two layers of n neurons. "
        f"Mean and sample standard deviation over {int(frame['seeds'].max())} re-initialisations one after the other; "
        f"ε = {measured['epsilon'].iloc[0]:g}, λ = {lambdas} for Dist-TSE. Iterations are the regrowths drawn, those "
        "for the estimate of mean and standard deviation included. The published column does not say which distance "
        "was used, and stands beside both. Ratio: published time through ours. Memory is that of the block: values, "
        f"velocities and both indices. Preset {inputs.preset}; no runs; commit {origin.commit}."
    )
    notes = [*_growth(frame), "Published times are those of the authors' machine and code.", origin.line()]
    printed = cells(frame)
    terminal = [Part("4", caption, printed, _TERMINAL, notes)]
    return Table(frame, [Part("4", caption, printed, _PRINTED, notes, block="method")], terminal)


def tidy(measured: pd.DataFrame, published: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Return one row per (method, setting, metric), with the columns of every results CSV and `n` and `distance`.

    Metrics: running_time (CPU seconds), wall_time (seconds), iterations, connections, block_bytes. `seeds` counts the
    repetitions; `std` is their sample standard deviation (ddof 1).
    """
    printed = published.set_index(["method", "setting", "metric"])
    lines = []
    known = measured.fillna({"distance": ""}).sort_values("n", kind="stable")
    order: Any = {
        key: place for place, key in enumerate(dict.fromkeys(zip(known["method"], known["distance"], strict=True)))
    }
    groups: Any = sorted(
        known.groupby(["method", "distance", "n"]), key=lambda group: (order[group[0][:2]], group[0][2])
    )
    for (method, distance, n), part in groups:
        epsilon, lambda_ = part["epsilon"].iloc[0], part["lambda"].iloc[0]
        setting = f"eps{epsilon:g}" + (f"_lambda{lambda_}" if distance else "") + f"_n{n}"
        for metric, column in METRICS.items():
            if metric == "iterations" and not distance:
                continue
            value, std = part[column].mean(), part[column].std()
            key: Any = (method, setting, metric)
            source = printed.loc[key].to_dict() if key in printed.index else {}
            remark = f"published: {source['note']}" if isinstance(source.get("note"), str) else ""
            lines.append(
                {
                    "table": "table4",
                    "dataset": BLOCK,
                    "method": method,
                    "epsilon": epsilon,
                    "setting": "_".join(filter(None, (setting, distance))),
                    "metric": metric,
                    "value": value,
                    "std": std,
                    "seeds": len(part),
                    "note": remark,
                    "commit": commit,
                    "n": n,
                    "distance": distance,
                    **{name: source.get(name) for name in ("published", "published_std", "published_runs", "source")},
                    "difference": less(value, source["published"]) if source else None,
                }
            )
    return pd.DataFrame(lines, columns=[*COLUMNS, "n", "distance"]).astype({"published_runs": "Int64"})


def cells(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the printed cells, methods as in the journal, sizes ascending."""
    rows, last = [], ""
    for (method, distance, n), part in frame.groupby(["method", "distance", "n"], sort=False):
        by = part.set_index("metric")
        head = f"{method}-{distance}"
        time: Any = by.loc["running_time"]
        row = {
            "method": "" if head == last else method_title(str(method)),
            "distance": "" if head == last else DISTANCES.get(str(distance), ""),
            "n": f"{n:,}",
            "connections": formats.count(by["value"]["connections"]),
            "memory": f"{by['value']['block_bytes'] / 1e6:.2f}",
            "time_published": _as_printed(time),
            "time": seconds(time["value"], time["std"]),
            "faster": formats.NOTHING if pd.isna(time["published"]) else _times(time["published"] / time["value"]),
        }
        drawn = by.reindex(["iterations"]).iloc[0]
        row |= {"iterations_published": _as_printed(drawn), "iterations": formats.spread(drawn["value"], drawn["std"])}
        rows.append(row)
        last = head
    return pd.DataFrame(rows)


def _as_printed(line: "pd.Series[Any]") -> str:
    """Return a published number and its spread with the digits they have."""
    return formats.NOTHING if pd.isna(line["published"]) else f"{line['published']:g} ± {line['published_std']:g}"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}×" if ratio >= 10 else f"{ratio:.2g}×"


def seconds(value: float | None, std: float | None) -> str:
    """Return seconds with as many digits as show three figures of the value."""
    if value is None or formats.missing(value) or value <= 0:
        return formats.NOTHING
    return formats.spread(value, std, min(6, max(0, 2 - math.floor(math.log10(value)))))


def _growth(frame: pd.DataFrame) -> list[str]:
    """Say how time grows with the block, as the slope of its logarithm over that of the links."""
    if frame["n"].nunique() < 2:
        return []
    wide = frame.pivot_table("value", ["method", "distance", "n"], "metric", sort=False)
    slopes = []
    for (method, distance), part in wide.groupby(level=["method", "distance"], sort=False):
        first, last = part.iloc[0], part.iloc[-1]
        links = math.log(last["connections"] / first["connections"])
        slope = math.log(last["running_time"] / first["running_time"]) / links
        label = method_title(str(method)) + (f" ({DISTANCES[str(distance)]})" if distance else "")
        slopes.append(f"{label} {slope:.1f}")
    return [f"From the smallest to the largest block, time grows as the links to the power of: {', '.join(slopes)}."]
