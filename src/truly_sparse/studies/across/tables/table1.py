"""Methods of all sources at equal operations: means over datasets, ranks, and how far each is from one network."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, method_title
from truly_sparse.analysis.reading import listed
from truly_sparse.analysis.statistics.over_datasets import FEWEST
from truly_sparse.analysis.statistics.paired import compare, holm
from truly_sparse.analysis.statistics.ranks import friedman
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.studies.across.cells import (
    BASELINE,
    METRICS,
    Training,
    by_dataset,
    ranked_by,
    table_of,
    trainings,
    wanted,
)

#: Columns of the CSV beside those of every results CSV.
MORE = (
    "low", "high", "p", "p_holm", "wins", "losses", "datasets", "of", "refinement", "learning_rate", "epochs",
)  # fmt: skip
#: The mean over datasets, of which a row's values are.
ALL = "all"
#: Marks a mean over fewer datasets than others.
FEW = "†"
#: How refinements are called here.
REFINEMENTS = {"comprehensive": "compr.", "eta": "η", "eta_zeta": "η, ζ", "none": "none"}
_SHOWN = (
    Column("label", "Method", align="p{46mm}"),
    Column("refinement", "ref.", align="l"),
    Column("accuracy", "acc. (%)"),
    Column("rank", "rank"),
    Column("n", "n"),
    Column("gain", "points", "Against one network"),
    Column("interval", "95 % interval", "Against one network"),
    Column("wins", "+ / −", "Against one network"),
    Column("p", "p", "Against one network"),
    Column("log_loss", "loss"),
    Column("ece", "ECE"),
)
_TRAINING = (
    Column("label", "Method", align="l"),
    Column("epochs", "epochs"),
    Column("rate", "first rate"),
    Column("refinement", "refinement"),
    Column("operations", "operations"),
    Column("disagreement", "disagreement"),
)


def make(inputs: Inputs) -> Table:
    """Return the table of all methods, best rank first, and of how they train."""
    cells = by_dataset(inputs)
    accuracies = ranked_by(cells)
    frame, origin = tidy(cells, accuracies, trainings(inputs), wanted(inputs)), inputs.origin()
    seeds = cells.groupby("dataset")["seeds"].first()
    few, many = seeds.min(), seeds.max()
    each = f"{few}" if few == many else f"{few} to {many}"
    caption = (
        f"Methods of all sources at equal operations, over {len(seeds)} datasets: one sparse network for some epochs, "
        "or what takes as many multiply-adds. Means over datasets of means over seeds "
        f"({each} on each). n: datasets that a method shares with the one network, over which its row is; means over "
        f"fewer of them ({FEW}) cannot be compared with those of other rows, differences can. Ref.: refinement, what "
        "the second half of a member's epochs changes; comprehensive, η (half the rate alone) or none. Rank: of "
        "accuracy, 1 is best, among the methods that have runs on every dataset. Points: difference in accuracy from "
        "one sparse network with SET, with Student's interval over datasets, on how many datasets it is better (+) and "
        "worse (−), and p of Wilcoxon's test over datasets, corrected by Holm. Loss: log loss in nats; ECE: expected "
        f"calibration error. {_ranked(cells, accuracies)}{origin.closing()}"
    )
    training = (
        "How the methods of Table A1 spend the operations. Epochs: in all, or of networks and of a parent and its "
        "children; the rate they begin with; refinement as in Table A1; operations: multiply-adds of training, as "
        "parts of those of one sparse network; disagreement: pairs of members with another class. "
        f"{origin.closing()}"
    )
    printed, few_rows = _cells(frame), frame["datasets"] < frame["datasets"].max()
    notes = [f"{FEW} Over fewer datasets than others."] if (few_rows & (frame["datasets"] > 0)).any() else []
    lacking = (frame["datasets"] < frame["of"]).any()
    notes += ["(n/m): n of the m datasets of the grid; on the others a run is missing or diverged."] if lacking else []
    return Table(
        frame,
        [
            Part("A1", caption, printed, _SHOWN, [*notes, origin.line()]),
            Part("A1b", training, printed, _TRAINING, [*notes, origin.line()]),
        ],
    )


def tidy(
    cells: pd.DataFrame, accuracies: pd.DataFrame, training: Mapping[str, Training], of: Mapping[str, int]
) -> pd.DataFrame:
    """Return rows by method: the mean of each metric, `rank` by `accuracies`, and `gain` with what is known of it.

    `datasets` are those that the row is over, `of` those of the grid; a method without a run has a row of its accuracy.
    """
    accuracy = table_of(cells, "accuracy")
    ranks = friedman(accuracies).average if len(accuracies) > 1 else accuracies.iloc[0].rank(ascending=False)
    rows: list[dict[str, Any]] = []
    for method in (*ranks.sort_values(kind="stable").index, *(name for name in of if name not in ranks)):
        own = cells[(cells["method"] == method) & ~cells["diverged"]]
        head = {"table": "across_table1", "dataset": ALL, "method": method, "setting": "equal operations"}
        head |= {"seeds": int(own["seeds"].sum()), "datasets": len(own), "of": of[method]}
        head |= {"commit": ", ".join(dict.fromkeys(own["commit"])), "refinement": training[method].refinement}
        head |= {"learning_rate": training[method].rate, "epochs": training[method].epochs}
        rows += [
            head | {"metric": name, "value": own[name].mean()} for name in METRICS if len(own) or name == "accuracy"
        ]
        if method in ranks:
            rows.append(head | {"metric": "rank", "value": ranks[method], "datasets": len(accuracies)})
        shared = accuracy[list(dict.fromkeys((method, BASELINE)))].dropna()
        if method != BASELINE and len(shared) > 1:
            found = compare(shared[method].to_numpy(float), shared[BASELINE].to_numpy(float))
            differences = (shared[method] - shared[BASELINE]).round(9)
            known = {
                "low": found["low"],
                "high": found["high"],
                "p": found["wilcoxon_p"] if len(shared) >= FEWEST else None,
            }
            counts = {"wins": int((differences > 0).sum()), "losses": int((differences < 0).sum())}
            rows.append(head | {"metric": "gain", "value": found["difference"], **known, **counts})
    frame = pd.DataFrame(rows).reindex(columns=[*COLUMNS, *MORE])
    gains = frame["metric"] == "gain"
    frame.loc[gains, "p_holm"] = holm(frame.loc[gains, "p"].astype(float))
    return frame.astype({"wins": "Int64", "losses": "Int64"})


def _ranked(cells: pd.DataFrame, accuracies: pd.DataFrame) -> str:
    """Return in sentences where methods diverged, and whether their ranks differ by more than chance."""
    text = ""
    for dataset, own in cells[cells["diverged"]].groupby("dataset", sort=False):
        names = listed([method_title(str(method)) for method in own["method"]])
        text += f"On {dataset_title(str(dataset))} {names} diverged: last in rank there, and without it in their row. "
    if len(accuracies) < FEWEST:
        return text
    found = friedman(accuracies)
    return (
        f"{text}Friedman's test over {found.datasets} datasets: p {formats.p_value(found.p_value)}; two mean ranks "
        f"that lie {found.critical_difference:.2f} apart differ (Nemenyi, 5 %). "
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows, most = [], frame["datasets"].max()
    for method, own in frame.groupby("method", sort=False):
        value = own.set_index("metric")["value"].astype(float).reindex([*METRICS, "rank"])
        about = own[own["metric"] == "accuracy"].iloc[0]
        few = FEW if about["datasets"] < most else ""
        lacking = about["datasets"] < about["of"]
        row: dict[str, Any] = {"label": method_title(str(method)), "refinement": REFINEMENTS[about["refinement"]]}
        row |= {"rate": f"{about['learning_rate']:g}", "epochs": about["epochs"]}
        row["n"] = f"({about['datasets']}/{about['of']})" if lacking else f"{about['datasets']}"
        decimals = {"accuracy": 2, "rank": 2, "operations": 2, "log_loss": 3, "ece": 3, "disagreement": 3}
        row |= {
            name: f"{value[name]:.{digits}f}{few if name not in ('rank', 'operations') else ''}"
            for name, digits in decimals.items()
            if pd.notna(value[name])
        }
        for gain in own[own["metric"] == "gain"].to_dict("records"):
            row |= {
                "gain": formats.difference(gain["value"], 2),
                "interval": formats.interval(gain["low"], gain["high"]),
                "wins": f"{gain['wins']} / {gain['losses']}",
                "p": formats.p_value(gain["p_holm"]),
            }
        rows.append(row)
    columns = dict.fromkeys(column.key for column in (*_SHOWN, *_TRAINING))
    return pd.DataFrame(rows, columns=list(columns), dtype=object).fillna(formats.NOTHING)
