"""Thesis Table X: hyperparameters, as printed and as the configuration has them."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import hyperparameters
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.study import Config
from truly_sparse.analysis.table import Part, Table
from truly_sparse.experiments.grid import runs

#: What the thesis sums up as the aggregated datasets; their runs are the journal's.
TABULAR = "tabular14"
#: The runs of the printed tables; of several with a method and a dataset, the first is that of the printed one.
_EXPERIMENTS = ("thesis_table7", "thesis_tables8_9", "thesis_dense")


def make(inputs: Inputs) -> Table:
    """Return the printed hyperparameters beside those of the first run of each method on each dataset."""
    frame = tidy(inputs.config, inputs.published_text("table10"))
    caption = (
        "Hyperparameters as printed and as used here; rate and frequency over exploration and both halves of the "
        "refinement. HIGGS starts by He here, as in the journal, which says so of all weights. The aggregated datasets "
        f"are the journal's tabular benchmark, which is not run again for the thesis. Preset {inputs.preset}; no runs."
    )
    notes = [f"Generated from the configuration. Preset {inputs.preset}; no runs."]
    cells = hyperparameters.cells(frame, _title)
    return Table(
        frame, [Part("X", caption, cells, hyperparameters.columns(hyperparameters.METRICS), notes, group="group")]
    )


def tidy(config: Config, printed: pd.DataFrame) -> pd.DataFrame:
    """Return one row per printed hyperparameter: what the configuration has in its place, and whether that is the same.

    Parameters
    ----------
    config : dict
    printed : DataFrame
        All text: `dataset, method, setting` (the printed group), `metric` and `printed`.
    """
    settings: dict[tuple[str, str], dict[str, Any]] = {}
    for experiment in _EXPERIMENTS:
        for spec in runs(config, experiment):
            settings.setdefault((spec.dataset, spec.method), spec.settings)
    rows = []
    for row in printed.to_dict("records"):
        used = settings.get((row["dataset"], row["method"]))
        here = hyperparameters.used(used["training"], used["model"] == "dense")[row["metric"]] if used else ""
        said = "" if pd.isna(row["printed"]) else row["printed"]
        head = {name: row[name] for name in ("dataset", "method", "setting", "metric")}
        rows.append({"table": "thesis_table10", **head, "value": here, "published": said, "same": here == said})
    return pd.DataFrame(rows)


def _title(dataset: str) -> str:
    return "Aggregated datasets" if dataset == TABULAR else dataset_title(dataset)
