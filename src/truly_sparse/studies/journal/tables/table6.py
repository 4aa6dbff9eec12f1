"""Journal Table 6: hyperparameters, from the configuration that was used, with a mark where the sources are silent."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats, hyperparameters
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.table import Part, Table
from truly_sparse.experiments.configuration import training_of

#: Rows of the journal: its name, and the method of ours whose settings stand for it.
GROUPS = {"Truly Sparse Ensembles": "fd_tse", "Baseline ensemble": "set_mlp", "Dense models": "dense"}
METRICS = {name: title for name, title in hyperparameters.METRICS.items() if name != "weight_init"}
#: What the journal sums up as the tabular benchmark, by the first of its sets.
TABULAR = "tabular14"
_OTHERS = (
    Column("key", "Setting", align="l"),
    Column("value", "value", align="l"),
    Column("source", "who says so", align="l"),
    Column("note", "note", align="l"),
)


def make(inputs: Inputs) -> Table:
    """Return 6a, the printed hyperparameters beside ours, and 6b, every other setting and who says so."""
    config, origin = inputs.config, inputs.origin()
    printed = inputs.published_text("table6")
    sources = inputs.published_text("settings_sources").set_index("key")
    frame = _tidy(config, printed)
    others = [
        {
            # "decay times learning rate" would make the table too wide.
            "key": key.replace("times_learning", "times").replace("_", " ")
            + ("†" if sources["source"][key] == "silent" else ""),
            "value": formats.setting(value),
            **{name: "" if pd.isna(sources[name][key]) else sources[name][key] for name in ("source", "note")},
        }
        for key, value in config["training"].items()
    ]
    closing = origin.stamp()
    notes = [f"Generated from the configuration. {closing}"]
    return Table(
        frame,
        [
            Part(
                "6a",
                "Hyperparameters as printed and as used here; rate and frequency over exploration and both halves of "
                f"the refinement. {closing}",
                hyperparameters.cells(frame, _title),
                hyperparameters.columns(METRICS),
                notes,
                group="group",
            ),
            Part(
                "6b",
                "All training settings of the configuration, before those of a dataset or method, and which source "
                f"they come from. †: the sources are silent. {closing}",
                pd.DataFrame(others),
                _OTHERS,
                notes,
            ),
        ],
    )


def used(config: dict[str, Any], dataset: str, method: str) -> dict[str, str]:
    """Return the four printed hyperparameters of a method on a dataset, written as the journal writes them."""
    dense = config["methods"][method]["model"] == "dense"
    found = hyperparameters.used(training_of(config, dataset, method), dense)
    return {metric: found[metric] for metric in METRICS}


def _tidy(config: dict[str, Any], printed: pd.DataFrame) -> pd.DataFrame:
    known = printed.set_index(["dataset", "method", "metric"])["printed"].to_dict()
    tabular = next((name for name in config["datasets"] if name not in ("gesture", "higgs")), None)
    lines = []
    for group, method in GROUPS.items():
        for dataset, ours in (("gesture", "gesture"), ("higgs", "higgs"), (TABULAR, tabular)):
            if ours not in config["datasets"] or method not in config["methods"]:
                continue
            for metric, value in used(config, str(ours), method).items():
                said = known.get((dataset, method, metric), "")
                head = {"table": "table6", "dataset": dataset, "method": method, "setting": group, "metric": metric}
                lines.append({**head, "value": value, "published": said, "same": value == said})
    return pd.DataFrame(lines)


def _title(dataset: str) -> str:
    return "Tabular benchmark" if dataset == TABULAR else dataset_title(dataset)
