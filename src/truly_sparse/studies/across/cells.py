"""One number for each method and dataset: means over the seeds that all methods have there."""

from typing import Any

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.rounding import rounded
from truly_sparse.analysis.runs import frame_of
from truly_sparse.errors import UserError

#: Methods in the order in which they are shown.
METHODS = (
    "fd_tse",
    "edst_rg",
    "sparse_subnetworks",
    "stochastic_subnetworks",
    "set_ensemble_cost",
    "set_mlp_tse",
    "spas_set_tse",
    "dense_ensemble_equal",
)
#: What all are compared with: the simplest way to spend the same operations.
BASELINE = "set_mlp_tse"
#: What is measured of a run, and whether more of it is better.
METRICS = {"accuracy": True, "log_loss": False, "ece": False, "disagreement": True, "operations": False}


def by_dataset(inputs: Inputs) -> pd.DataFrame:
    """Return a row for each (dataset, method) with the mean of each of `METRICS`, and how many seeds there are.

    Only seeds that all methods of a dataset have count; a dataset on which a method has none, or on which a run of it
    diverged, is left out. `operations` are parts of those of FD-TSE.

    Raises
    ------
    UserError
        Where no dataset is whole.
    """
    runs = frame_of(inputs.records)
    found: list[dict[str, Any]] = []
    for dataset, own in runs.groupby("dataset", sort=False):
        counts = own.groupby("seed")["method"].nunique()
        seeds = sorted(counts.index[counts == len(METHODS)])
        whole = own[own["seed"].isin(seeds)]
        for method in METHODS if seeds else ():
            each = whole[whole["method"] == method]
            base = whole[whole["method"] == "fd_tse"].set_index("seed")["operations"]
            parts = each.set_index("seed")["operations"] / base
            row = {name: each[name].astype(float).mean() for name in METRICS if name != "operations"}
            row |= {"operations": parts.mean(), "std": each["accuracy"].std(), "seeds": len(seeds)}
            commits = ", ".join(dict.fromkeys(each["commit"]))
            found.append(
                {"dataset": dataset, "method": method, **row, "note": each["partial"].iloc[0], "commit": commits}
            )
    if not found:
        raise UserError("no dataset has finished runs of all methods with the same seed; train more of them")
    return rounded(pd.DataFrame(found))


def ranked_by(inputs: Inputs, cells: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies that methods are ranked by, a row for each dataset and a column for each method.

    They are those of `by_dataset`; and those on datasets that are left out there because a method diverged, whose
    accuracy is 0, so that it is last.
    """
    table = table_of(cells, "accuracy")
    ends = pd.DataFrame(
        {
            **{key: record[key] for key in ("dataset", "seed", "method")},
            "accuracy": 100 * record["accuracy"]["test"] if record["status"] == "ok" else 0.0,
        }
        for record in inputs.records
    )
    others = ends[~ends["dataset"].isin(table.index)]
    wide = others.pivot_table("accuracy", ["dataset", "seed"], "method", sort=False).reindex(columns=list(METHODS))
    return pd.concat([table, wide.dropna().groupby(level="dataset", sort=False).mean()])


def table_of(cells: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a metric with a row for each dataset and a column for each method, larger is better."""
    table = cells.pivot_table(index="dataset", columns="method", values=metric, sort=False)
    table = table.reindex(columns=list(METHODS))  # one network disagrees with none
    return table if METRICS[metric] else -table
