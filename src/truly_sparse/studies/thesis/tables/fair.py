"""Baselines as the thesis trains them, and with the ensembles' own rate and schedule: what remains of the lead."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.accuracy_cost import tidy as accuracy_cost
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import row_title, split_setting
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.runs import frame_of
from truly_sparse.analysis.statistics.paired import compare
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.analysis.tse import ACCURACY, ENSEMBLES, EPSILON

#: Columns of the CSV beside those of every results CSV.
MORE = ("lead", "lead_published", "low", "high", "pairs")
#: Tables that print these models.
PRINTED = ("table7", "table8", "table9")
#: Rows of a dataset: who trains them so, and the methods.
GROUPS = {
    "ensembles": ENSEMBLES,
    "as printed": ("set_mlp", "static", "dense", "dense_ensemble"),
    "ensembles' schedule": ("set_mlp_tse", "static_tse", "dense_tse", "set_ensemble_cost"),
}
_USUAL = f"eps{EPSILON}"
_SHOWN = (
    Column("label", "Model", align="l"),
    Column("trained", "trained", align="l"),
    Column("published", "published", "Test accuracy (%)"),
    Column("here", "here", "Test accuracy (%)"),
    Column("seeds", "seeds"),
    Column("lead_published", "published", "Ensembles' lead"),
    Column("lead", "here", "Ensembles' lead"),
    Column("interval", "95 % interval", "Ensembles' lead"),
)


def make(inputs: Inputs) -> Table:
    """Return every model at epsilon 20, and by how much the mean of the four ensembles is ahead of it."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        f"Single models and independent ones at ε = {EPSILON} beside the ensembles. As printed: SET-MLP and static "
        "sparse at a tenth of the ensembles' rate, dense networks at a hundredth or, on CIFAR-10, a thousandth; with "
        "the ensembles' schedule: one network with their rate, epochs and refinement, or five networks that share "
        "their epochs. Lead: mean of the four ensembles (Dist-TSE with λ = 1.5) less the model, in points, over the "
        "seeds that all have; the interval is Student's over seeds, and there is none for a single seed. "
        f"{origin.closing(seeds=True)}"
    )
    return Table(frame, [Part("F1", caption, _cells(frame), _SHOWN, [origin.line()], group="dataset", block="trained")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, setting), with the columns of every results CSV and `MORE`."""
    printed = pd.concat([inputs.published(name) for name in PRINTED], ignore_index=True)
    found = accuracy_cost("thesis_fair", inputs.records, printed, inputs.absent)
    found = found[(found["metric"] == ACCURACY) & found["method"].isin(_places()) & found["setting"].map(_is_usual)]
    runs = frame_of(inputs.records)
    lines = [line for dataset, rows in found.groupby("dataset", sort=False) for line in _lines(rows, runs, dataset)]
    return pd.DataFrame(lines).reindex(columns=[*COLUMNS, *MORE]).astype({"pairs": "Int64"})


def _places() -> dict[str, int]:
    """Return the place of each method in its dataset."""
    return {method: place for place, method in enumerate(name for names in GROUPS.values() for name in names)}


def _is_usual(setting: str) -> bool:
    """Say whether a setting is at epsilon 20 or of a dense model; of the lambdas, 1.5 only."""
    epsilon = setting.split("_")[0]
    return (not epsilon.startswith("eps") or epsilon == _USUAL) and split_setting(setting)[0] in ("", "1.5")


def _lines(rows: pd.DataFrame, runs: pd.DataFrame, dataset: Any) -> Iterator[dict[Any, Any]]:
    """Yield the rows of a dataset with the ensembles' lead over each that is none."""
    runs = runs[(runs["dataset"] == dataset) & runs["setting"].map(_is_usual)]
    of_ensembles = runs[runs["method"].isin(ENSEMBLES)].pivot_table("accuracy", "seed", "method")
    complete = set(ENSEMBLES) <= set(of_ensembles)
    leader = of_ensembles.dropna().mean(axis=1) if complete else pd.Series(dtype=float)
    said = rows[rows["method"].isin(ENSEMBLES)]["published"]
    for row in sorted(rows.to_dict("records"), key=lambda row: (_places()[row["method"]], row["setting"])):
        if row["method"] not in ENSEMBLES:
            own = runs[(runs["method"] == row["method"]) & (runs["setting"] == row["setting"])]
            both = pd.concat([leader, own.set_index("seed")["accuracy"]], axis=1, join="inner").to_numpy(float)
            if len(both):
                lead = compare(both[:, 0], both[:, 1])
                row |= {"lead": lead["difference"], **{key: lead[key] for key in ("low", "high", "pairs")}}
            if len(said) == said.count() == len(ENSEMBLES):
                row["lead_published"] = less(said.mean(), row["published"])
        yield row


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    trained = {method: words for words, methods in GROUPS.items() for method in methods}
    rows, last = [], None
    for row in frame.to_dict("records"):
        group = row["dataset"], trained[row["method"]]
        rows.append(
            {
                "dataset": marked_title(row["dataset"], [row["note"]]),
                "label": row_title(row["method"], split_setting(row["setting"])[1]),
                "trained": "" if group == last else group[1],
                "published": formats.spread(row["published"], row["published_std"]),
                "here": formats.spread(row["value"], row["std"]),
                "seeds": formats.number(row["seeds"]),
                "lead_published": formats.difference(row["lead_published"]),
                "lead": formats.difference(row["lead"]),
                "interval": formats.interval(row["low"], row["high"]),
            }
        )
        last = group
    return pd.DataFrame(rows)
