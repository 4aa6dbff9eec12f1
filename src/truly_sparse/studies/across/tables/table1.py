"""Methods of all sources at equal operations: means over datasets, ranks, and how far each is from one network."""

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
from truly_sparse.studies.across.cells import BASELINE, METRICS, by_dataset, ranked_by, table_of

#: Columns of the CSV beside those of every results CSV.
MORE = ("low", "high", "p", "p_holm", "wins", "losses", "datasets")
#: The mean over datasets, of which a row's values are.
ALL = "all"
_SHOWN = (
    Column("label", "Method", align="l"),
    Column("accuracy", "acc. (%)"),
    Column("rank", "rank"),
    Column("gain", "points", "Against one network"),
    Column("interval", "95 % interval", "Against one network"),
    Column("wins", "+ / −", "Against one network"),
    Column("p", "p", "Against one network"),
    Column("log_loss", "loss"),
    Column("ece", "ECE"),
    Column("disagreement", "dis."),
    Column("operations", "ops"),
)


def make(inputs: Inputs) -> Table:
    """Return the table of all methods, best rank first."""
    cells = by_dataset(inputs)
    accuracies = ranked_by(inputs, cells)
    frame, origin = tidy(cells, accuracies), inputs.origin()
    seeds = cells.groupby("dataset")["seeds"].first()
    datasets, few, many = len(seeds), seeds.min(), seeds.max()
    each = f"{few}" if few == many else f"{few} to {many}"
    caption = (
        f"Methods of all sources at equal operations, over {datasets} datasets: one sparse network for some epochs, or "
        "what takes as many multiply-adds. Means over datasets of means over seeds "
        f"({each} on each). Rank: of accuracy, 1 is best. Points: difference in accuracy from "
        "one sparse network with SET, with Student's interval over datasets, on how many datasets it is better (+) and "
        "worse (−), and p of Wilcoxon's test over datasets, corrected by Holm. Loss: log loss in nats; ECE: expected "
        "calibration error; dis.: pairs of members with another class; ops: operations, as parts of FD-TSE's. "
        f"{_ranked(accuracies, datasets)}{origin.closing()}"
    )
    return Table(frame, [Part("A1", caption, _cells(frame), _SHOWN, [origin.line()])])


def tidy(cells: pd.DataFrame, accuracies: pd.DataFrame) -> pd.DataFrame:
    """Return rows by method: the mean of each metric, `rank` by `accuracies`, and `gain` with what is known of it."""
    accuracy = table_of(cells, "accuracy")
    ranks = friedman(accuracies).average if len(accuracies) > 1 else accuracies.iloc[0].rank(ascending=False)
    commits = cells.groupby("method")["commit"].agg(lambda each: ", ".join(dict.fromkeys(each)))
    rows: list[dict[str, Any]] = []
    for method in ranks.sort_values(kind="stable").index:
        own = cells[cells["method"] == method]
        head = {"table": "across_table1", "dataset": ALL, "method": method, "setting": "equal operations"}
        head |= {"seeds": int(own["seeds"].sum()), "datasets": len(own), "commit": commits[method]}
        rows += [head | {"metric": name, "value": own[name].mean()} for name in METRICS]
        rows.append(head | {"metric": "rank", "value": ranks[method], "datasets": len(accuracies)})
        if method != BASELINE and len(own) > 1:
            found = compare(accuracy[method].to_numpy(float), accuracy[BASELINE].to_numpy(float))
            differences = (accuracy[method] - accuracy[BASELINE]).round(9)
            known = {
                "low": found["low"],
                "high": found["high"],
                "p": found["wilcoxon_p"] if len(own) >= FEWEST else None,
            }
            counts = {"wins": int((differences > 0).sum()), "losses": int((differences < 0).sum())}
            rows.append(head | {"metric": "gain", "value": found["difference"], **known, **counts})
    frame = pd.DataFrame(rows).reindex(columns=[*COLUMNS, *MORE])
    gains = frame["metric"] == "gain"
    frame.loc[gains, "p_holm"] = holm(frame.loc[gains, "p"].astype(float))
    return frame.astype({"wins": "Int64", "losses": "Int64"})


def _ranked(accuracies: pd.DataFrame, datasets: int) -> str:
    """Return in sentences where methods diverged, and whether their ranks differ by more than chance."""
    text = ""
    for dataset, row in accuracies.iloc[datasets:].iterrows():
        names = listed([method_title(str(method)) for method in row.index[row == 0]])
        text += f"On {dataset_title(str(dataset))}, which is in no mean, {names} diverged and is last in rank. "
    if len(accuracies) < FEWEST:
        return text
    found = friedman(accuracies)
    return (
        f"{text}Friedman's test over {found.datasets} datasets: p {formats.p_value(found.p_value)}; two mean ranks "
        f"that lie {found.critical_difference:.2f} apart differ (Nemenyi, 5 %). "
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for method, own in frame.groupby("method", sort=False):
        value = own.set_index("metric")["value"].astype(float)
        gains = own[own["metric"] == "gain"].to_dict("records")
        row: dict[str, Any] = {"label": method_title(str(method))}
        row |= {
            "accuracy": f"{value['accuracy']:.2f}",
            "rank": f"{value['rank']:.2f}",
            "operations": f"{value['operations']:.2f}",
        }
        row |= {name: f"{value[name]:.3f}" for name in ("log_loss", "ece")}
        row["disagreement"] = formats.NOTHING if pd.isna(value["disagreement"]) else f"{value['disagreement']:.3f}"
        for gain in gains:
            row |= {
                "gain": formats.difference(gain["value"], 2),
                "interval": formats.interval(gain["low"], gain["high"]),
                "wins": f"{gain['wins']} / {gain['losses']}",
                "p": formats.p_value(gain["p_holm"]),
            }
        rows.append(row)
    return pd.DataFrame(rows, columns=[column.key for column in _SHOWN], dtype=object).fillna(formats.NOTHING)
