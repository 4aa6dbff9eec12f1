"""Journal Table 7, the sizes of the tabular datasets, from the prepared files themselves: no run is needed."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truly_sparse.analysis import latex, text
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import banner, dataset_title
from truly_sparse.analysis.table1 import COLUMNS
from truly_sparse.errors import UserError
from truly_sparse.experiments.provenance import code_version

METRICS = ("features", "samples", "classes")
NOT_FEATURES = {"target", "video"}
_PRINTED = (
    Column("dataset", "Dataset", align="l"),
    *(Column(f"{metric}_{which}", which, metric) for metric in METRICS for which in ("published", "here")),
    Column("source", "source", align="l"),
    Column("note", "note", align="l"),
)


def table7(config: dict[str, Any], published: pd.DataFrame) -> pd.DataFrame:
    """Return journal Table 7 as a tidy frame with the columns of every results CSV, and `data_source`.

    Parameters
    ----------
    config : dict
        A validated configuration; its `data.folder` holds the prepared datasets.
    published : DataFrame
        Printed numbers, one row per (dataset, metric); they say which datasets there are.

    Raises
    ------
    UserError
        Where a dataset is not prepared.
    """
    measured = {name: _measure(Path(config["data"]["folder"]), name) for name in published["dataset"].unique()}
    lines = []
    for row in published.itertuples():
        sizes, about = measured[str(row.dataset)]
        value, remark = sizes[str(row.metric)], "" if pd.isna(row.note) else f"published: {row.note}"
        partial = f"partial data: {about['partial']}" if about["partial"] else ""
        lines.append(
            {
                **{"table": "table7", "dataset": row.dataset, "setting": "data", "metric": row.metric},
                **{"value": value, "published": row.published, "difference": value - float(str(row.published))},
                **{"note": "; ".join(filter(None, (partial, remark))), "source": row.source},
                **{"commit": code_version()["commit"] or "unknown", "data_source": about["source"]},
            }
        )
    return pd.DataFrame(lines, columns=[*COLUMNS, "data_source"])


def _measure(folder: Path, name: str) -> tuple[dict[str, int], dict[str, Any]]:
    """Count features, rows and classes in a prepared file; return them with its sidecar."""
    path = folder / f"{name}.parquet"
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        content = pq.ParquetFile(path)
        classes = pc.count_distinct(content.read(["target"])["target"]).as_py()
        features = [column for column in content.schema_arrow.names if column not in NOT_FEATURES]
        return {"features": len(features), "samples": content.metadata.num_rows, "classes": classes}, about
    except (OSError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"dataset {name} is not prepared ({reason}); run `python -m truly_sparse data {name}`"
        ) from None


def to_latex(frame: pd.DataFrame, preset: str) -> str:
    """Return the printed table."""
    return latex.booktabs(
        _cells(frame),
        _PRINTED,
        caption="Tabular datasets: features, samples and classes, published and counted in the prepared files. "
        f"{_origin(frame, preset)}",
        label="table7",
        number="7",
        banner=banner(preset),
        notes=[_differences(frame), _origin(frame, preset)],
    )


def to_text(frame: pd.DataFrame, preset: str, encoding: str = "utf-8") -> str:
    """Return the table for the terminal."""
    return text.plain(
        _cells(frame),
        _PRINTED,
        title="Table 7: sizes of the tabular datasets, published and here",
        banner=banner(preset),
        notes=[_differences(frame), _origin(frame, preset)],
        encoding=encoding,
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, part in frame.groupby("dataset", sort=False):
        by_metric = part.set_index("metric")
        cells = {"dataset": dataset_title(str(name)), "source": part["data_source"].iloc[0]}
        for metric in METRICS:
            cells |= {
                f"{metric}_published": f"{by_metric['published'][metric]:,.0f}",
                f"{metric}_here": f"{by_metric['value'][metric]:,.0f}",
            }
        partial = [note for note in part["note"].str.split("; ").iloc[0] if note.startswith("partial")]
        rows.append(cells | {"note": partial[0] if partial else ""})
    return pd.DataFrame(rows)


def _differences(frame: pd.DataFrame) -> str:
    other = frame[frame["difference"] != 0]
    if other.empty:
        return f"All {len(frame)} numbers are the published ones."
    named = ", ".join(dict.fromkeys(map(dataset_title, other["dataset"])))
    return f"{len(other)} of {len(frame)} numbers differ from the published ones: {named}."


def _origin(frame: pd.DataFrame, preset: str) -> str:
    partial = frame[frame["note"].str.contains("partial data")].drop_duplicates("dataset")
    parts = ", ".join(
        f"{dataset_title(row.dataset)} ({row.note.split('; ')[0].removeprefix('partial data: ')})"
        for row in partial.itertuples()
    )
    warning = f" Only a part of the rows: {parts}." if parts else ""
    return f"Preset {preset}; no runs; commit {str(frame['commit'].iloc[0])[:10]}.{warning}"
