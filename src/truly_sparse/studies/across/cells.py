"""One number for each method and dataset: means over the seeds that all methods with runs there have."""

from typing import Any, NamedTuple

import pandas as pd

from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.rounding import rounded
from truly_sparse.analysis.runs import frame_of
from truly_sparse.errors import UserError

#: Methods in the order in which they are shown.
METHODS = (
    "fd_tse",
    "edst_rg",
    "edst_rg_comprehensive",
    "sparse_subnetworks",
    "stochastic_subnetworks",
    "set_ensemble_cost",
    "set_mlp_tse",
    "spas_set_tse",
    "dense_ensemble_equal",
)
#: What all are compared with: the simplest way to spend the same operations.
BASELINE = "set_mlp_tse"
#: Methods of the configuration that are run with another setting, too, and what they are called then.
VARIANTS = {("edst_rg", "comprehensive"): "edst_rg_comprehensive"}
#: What is measured of a run, and whether more of it is better.
METRICS = {"accuracy": True, "log_loss": False, "ece": False, "disagreement": True, "operations": False}
#: Said of a method where a run of it ended so.
DIVERGED = "diverged"


class Training(NamedTuple):
    """How a method trains: its refinement, the rate that it begins with, and the epochs of its networks in words."""

    refinement: str
    rate: float
    epochs: str


def by_dataset(inputs: Inputs) -> pd.DataFrame:
    """Return a row for each (dataset, method) with the mean of each of `METRICS`, and how many seeds there are.

    Only seeds that all methods with runs on a dataset have count; a method without a run there has no row, and one of
    which a run diverged has no numbers: `diverged` says so. A dataset without the baseline is left out. `operations`
    are parts of the baseline's.

    Raises
    ------
    UserError
        Where no dataset has a run of the baseline and of another method with the same seed.
    """
    runs = _runs(inputs)
    found: list[dict[str, Any]] = []
    for dataset, own in runs.groupby("dataset", sort=False):
        methods = [name for name in METHODS if name in set(own["method"])]
        counts = own.groupby("seed")["method"].nunique()
        whole = own[own["seed"].isin(counts.index[counts == len(methods)])]
        base = whole[whole["method"] == BASELINE].set_index("seed")
        if base.empty or base["diverged"].any() or len(methods) < 2:
            continue
        for method in methods:
            each = whole[whole["method"] == method]
            parts = each.set_index("seed")["operations"] / base["operations"]
            row: dict[str, float | None]
            row = {name: each[name].astype(float).mean() for name in METRICS if name != "operations"}
            row |= {"operations": parts.mean(), "std": each["accuracy"].astype(float).std()}
            row = dict.fromkeys(row, None) if each["diverged"].any() else row
            about = {"seeds": len(each), "diverged": bool(each["diverged"].any()), "note": each["partial"].iloc[0]}
            commits = ", ".join(dict.fromkeys(each["commit"]))
            found.append({"dataset": dataset, "method": method, **row, **about, "commit": commits})
    if not found:
        raise UserError("no dataset has finished runs of one network and of another method with the same seed")
    cells = pd.DataFrame(found)
    return rounded(cells.astype(dict.fromkeys([*METRICS, "std"], float)))


def ranked_by(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the accuracies that methods are ranked by, a row for each dataset and a column for each method.

    They are those of the methods that have runs on every dataset; where one diverged its accuracy is 0, so that it is
    last.
    """
    ended = cells.assign(accuracy=cells["accuracy"].where(~cells["diverged"], 0.0))
    return table_of(ended, "accuracy").dropna(axis="columns")


def table_of(cells: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a metric with a row for each dataset and a column for each method, larger is better."""
    table = cells.pivot_table(index="dataset", columns="method", values=metric, sort=False)
    table = table.reindex(index=cells["dataset"].unique(), columns=list(METHODS))  # one network disagrees with none
    return table if METRICS[metric] else -table


def trainings(inputs: Inputs) -> dict[str, Training]:
    """Return how each method of the grid trains, whether its runs have finished or not."""
    found = {}
    for settings in _settings(inputs):
        training, members = settings["training"], settings["training"]["members"]
        epochs = f"{training['epochs']}"
        if settings["strategy"] == "independent":
            epochs = f"{members} × {epochs}"
        elif settings["strategy"] in ("sparse_subnetworks", "stochastic_subnetworks"):
            epochs += f" + {members} × {training['child_epochs']}"
        found[_called(settings)] = Training(training["refinement"], training["learning_rate"], epochs)
    return {name: found[name] for name in METHODS if name in found}


def wanted(inputs: Inputs) -> dict[str, int]:
    """Return on how many datasets the grid has each of its methods."""
    there = {(_called(settings), settings["dataset"]) for settings in _settings(inputs)}
    return {name: sum(method == name for method, _ in there) for name in trainings(inputs)}


def _settings(inputs: Inputs) -> list[dict[str, Any]]:
    """Return the settings of all runs of the grid."""
    return [*(record["settings"] for record in inputs.records), *(spec.settings for spec in inputs.absent)]


def _called(settings: dict[str, Any]) -> str:
    """Return what a run's method is called here."""
    method = str(settings["method"])
    return VARIANTS.get((method, str(settings["training"]["refinement"])), method)


def _runs(inputs: Inputs) -> pd.DataFrame:
    """Return a row per run that has ended; those that diverged have no numbers."""
    whole, others = ([one for one in inputs.records if (one["status"] == "ok") is ok] for ok in (True, False))
    ended = [
        {"dataset": record["dataset"], "method": record["method"], "seed": record["seed"], "diverged": True,
         "partial": record["data"]["partial"] or "", "commit": (record["code"]["commit"] or "unknown")[:10]}
        for record in others
    ]  # fmt: skip
    rows = [*frame_of(whole).assign(diverged=False).to_dict("records"), *ended]
    return pd.DataFrame(rows).assign(method=[_called(record["settings"]) for record in (*whole, *others)])
