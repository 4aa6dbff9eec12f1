"""Sizes of the prepared datasets, counted in the files themselves (journal Table 7)."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from truly_sparse.data.arrays import features
from truly_sparse.errors import UserError, one_line


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Count features, rows and classes of every dataset in `settings["datasets"]`.

    Returns
    -------
    DataFrame
        One row per dataset: `features`, `samples`, `classes`, `data_source`, `partial` and `sha256` of the file.

    Raises
    ------
    UserError
        Where a dataset is not prepared.
    """
    folder = Path(config["data"]["folder"])
    return pd.DataFrame([_count(folder, name) for name in settings["datasets"]])


def _count(folder: Path, name: str) -> dict[str, Any]:
    path = folder / f"{name}.parquet"
    try:
        about = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        content = pq.ParquetFile(path)
        classes = pc.count_distinct(content.read(["target"])["target"]).as_py()
    except (OSError, ValueError, KeyError) as error:
        reason = one_line(error)
        raise UserError(
            f"dataset {name} is not prepared ({reason}); run `python -m truly_sparse data {name}`"
        ) from None
    sizes = {"features": features(content), "samples": content.metadata.num_rows, "classes": classes}
    return {
        "dataset": name,
        **sizes,
        "data_source": about["source"],
        "partial": about["partial"],
        "sha256": about["sha256"],
    }
