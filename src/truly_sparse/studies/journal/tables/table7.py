"""Journal Table 7: the sizes of the tabular datasets, counted in the prepared files."""

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.origin import partial_note
from truly_sparse.analysis.table import COLUMNS, Part, Table

METRICS = ("features", "samples", "classes")
_PRINTED = (
    Column("dataset", "Dataset", align="l"),
    *(Column(f"{metric}_{which}", which, metric) for metric in METRICS for which in ("published", "here")),
    Column("data_source", "source", align="l"),
    Column("partial", "note", align="l"),
)


def make(inputs: Inputs) -> Table:
    """Return journal Table 7: features, samples and classes, published and counted."""
    measured, origin = inputs.measured("datasets")
    frame = tidy(measured, inputs.published("table7"), origin.commit)
    caption = (
        "Tabular datasets: features, samples and classes, published and counted in the prepared files. "
        f"Preset {inputs.preset}; no runs; commit {origin.commit}.{_warning(frame)}"
    )
    return Table(frame, [Part("7", caption, _cells(frame), _PRINTED, [_differences(frame), origin.line()])])


def tidy(measured: pd.DataFrame, published: pd.DataFrame, commit: str) -> pd.DataFrame:
    """Return one row per (dataset, metric) that is printed, with the columns of every results CSV and the source."""
    counted = measured.set_index("dataset")
    lines = []
    for row in published.to_dict("records"):
        here = counted.loc[row["dataset"]]
        partial = "" if pd.isna(here["partial"]) else partial_note(here["partial"])
        remark = "" if pd.isna(row["note"]) else f"published: {row['note']}"
        value = int(here[row["metric"]])
        lines.append(
            {
                "table": "table7",
                "dataset": row["dataset"],
                "setting": "data",
                "metric": row["metric"],
                "value": value,
                "published": row["published"],
                "difference": value - row["published"],
                "note": "; ".join(filter(None, (partial, remark))),
                "source": row["source"],
                "commit": commit,
                "data_source": here["data_source"],
                "partial": "" if not partial else here["partial"],
            }
        )
    return pd.DataFrame(lines, columns=[*COLUMNS, "data_source", "partial"])


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, part in frame.groupby("dataset", sort=False):
        by_metric = part.set_index("metric")
        cells = {"dataset": dataset_title(str(name)), "data_source": part["data_source"].iloc[0]}
        for metric in METRICS:
            cells[f"{metric}_published"] = f"{by_metric['published'][metric]:,.0f}"
            cells[f"{metric}_here"] = f"{by_metric['value'][metric]:,.0f}"
        rows.append(cells | {"partial": part["partial"].iloc[0]})
    return pd.DataFrame(rows)


def _differences(frame: pd.DataFrame) -> str:
    other = frame[frame["difference"] != 0]
    if other.empty:
        return f"All {len(frame)} numbers are the published ones."
    named = ", ".join(dict.fromkeys(map(dataset_title, other["dataset"])))
    return f"{len(other)} of {len(frame)} numbers differ from the published ones: {named}."


def _warning(frame: pd.DataFrame) -> str:
    partial = frame[frame["partial"] != ""].drop_duplicates("dataset")
    parts = ", ".join(f"{dataset_title(str(row.dataset))} ({row.partial})" for row in partial.itertuples())
    return f" Only a part of the rows: {parts}." if parts else ""
