"""Weights and operations of Tables VII to IX as the configuration gives them, beside the printed multiples."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.rounding import differences
from truly_sparse.analysis.study import Config
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.experiments.grid import runs
from truly_sparse.measure.flops import CONVENTION
from truly_sparse.studies.thesis import counts

#: Printed tables with multiples of a dense network.
TABLES = ("table7", "table8", "table9")
WEIGHTS, INNER, OPERATIONS = "weights_ratio", "weights_ratio_inner", "training_operations_ratio"
DENSE = "dense_operations"
#: The method whose printed multiples stand for those of all ensembles, which are alike.
METHOD = "edst_rg"
_PRINTED = (
    Column("epsilon", "ε"),
    Column("weights_published", "published", "Weights, × dense"),
    Column("inner", "without\noutput block", "Weights, × dense"),
    Column("weights", "all", "Weights, × dense"),
    Column("operations_published", "published", "Training operations, × dense"),
    Column("operations", "here", "Training operations, × dense"),
    Column("dense_published", "published", "Dense, operations"),
    Column("dense", "3 × weights\n× samples", "Dense, operations"),
    Column("rows", "over", align="l"),
)


def make(inputs: Inputs) -> Table:
    """Return the multiples of one dense network that an ensemble of five has, by dataset and epsilon."""
    printed = pd.concat([inputs.published(name) for name in TABLES], ignore_index=True)
    frame = tidy(inputs.config, printed, inputs.published_text("table1"))
    caption = (
        "Weights and operations of training an ensemble, as multiples of one dense network's: published, and counted "
        "from the configuration for the mean number of links that an Erdős–Rényi start has. The printed multiples of "
        f"weights leave output block and biases out. Operations here: {CONVENTION}. Dense: what the printed figure "
        f"comes out of, and over which samples. Preset {inputs.preset}; no runs."
    )
    note = f"Generated from the configuration. Preset {inputs.preset}; no runs."
    return Table(frame, [Part("C1", caption, _cells(frame), _PRINTED, [note], group="dataset")])


def tidy(config: Config, printed: pd.DataFrame, datasets: pd.DataFrame) -> pd.DataFrame:
    """Return one row per (dataset, epsilon, metric), with the columns of every results CSV.

    Parameters
    ----------
    config : dict
    printed : DataFrame
        Printed numbers, as `published.load` returns them.
    datasets : DataFrame
        The printed Table I, all text: `dataset, metric, printed`.
    """
    settings: dict[str, dict[str, Any]] = {}
    for spec in runs(config):
        if spec.method == METHOD:
            settings.setdefault(spec.dataset, spec.settings)
    lines = []
    for dataset, about in datasets.groupby("dataset", sort=False):
        if dataset in settings:
            facts = about.set_index("metric")["printed"].to_dict()
            own = printed[printed["dataset"] == dataset]
            lines += _lines(str(dataset), facts, settings[str(dataset)], own)
    frame = pd.DataFrame(lines).assign(table="thesis_counts", source="worked out").reindex(columns=list(COLUMNS))
    frame["difference"] = differences(frame)
    return frame


def _lines(
    dataset: str, facts: Mapping[Any, str], settings: Mapping[str, Any], printed: pd.DataFrame
) -> list[dict[str, Any]]:
    training, data = settings["training"], settings["data"]
    sizes = [int(facts["features"]), *training["hidden_layer_sizes"], int(facts["classes"])]
    whole, epochs, batch = int(facts["train_samples"]), training["epochs"], training["batch_size"]
    trained = whole - round(whole * data["validation_fraction"])
    seen = trained // batch * batch
    said = printed.set_index(["method", "metric", "epsilon"])["published"].sort_index()
    dense = counts.training_operations(sizes, None, seen, epochs)
    lines = []
    for epsilon in sorted(printed["epsilon"].dropna().unique()):
        found = {
            WEIGHTS: counts.weights_ratio(sizes, epsilon, training["members"]),
            INNER: counts.inner_ratio(sizes, epsilon, training["members"]),
            OPERATIONS: counts.training_operations(sizes, epsilon, seen, epochs) / dense,
        }
        head = {"dataset": dataset, "method": METHOD, "epsilon": epsilon, "setting": f"eps{epsilon:g}"}
        for metric, value in found.items():
            known = WEIGHTS if metric == INNER else metric
            lines.append({**head, "metric": metric, "value": value, "published": said[METHOD, known, epsilon]})
    of_dense = (printed["method"] == "dense") & (printed["metric"] == "training_operations")
    figure = float(printed.loc[of_dense, "published"].iloc[0])
    # Over all samples, or over those that are not for validation: whichever the printed figure is nearer to.
    choices = {f"all {whole:,} samples": whole, f"{trained:,} samples": trained}
    by_words = {words: float(counts.all_passes(sizes, samples, epochs)) for words, samples in choices.items()}
    words = min(by_words, key=lambda one: abs(by_words[one] - figure))
    head = {"dataset": dataset, "method": "dense", "setting": "default", "metric": DENSE}
    return [*lines, {**head, "value": by_words[words], "published": figure, "note": f"over {words}"}]


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, part in frame.groupby("dataset", sort=False):
        dense = part[part["metric"] == DENSE].iloc[0]
        for place, (epsilon, own) in enumerate(part[part["metric"] != DENSE].groupby("epsilon")):
            found = own.set_index("metric")
            rows.append(
                {
                    "dataset": dataset_title(str(dataset)),
                    "epsilon": formats.number(float(str(epsilon))),
                    "weights_published": formats.printed_ratio(found["published"][WEIGHTS]),
                    "inner": formats.ratio(found["value"][INNER]),
                    "weights": formats.ratio(found["value"][WEIGHTS]),
                    "operations_published": formats.printed_ratio(found["published"][OPERATIONS]),
                    "operations": formats.ratio(found["value"][OPERATIONS]),
                    "dense_published": "" if place else formats.scientific(dense["published"]),
                    "dense": "" if place else formats.scientific(dense["value"]),
                    "rows": "" if place else dense["note"].removeprefix("over "),
                }
            )
    return pd.DataFrame(rows)
