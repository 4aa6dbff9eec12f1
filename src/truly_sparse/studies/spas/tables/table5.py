"""SPaS Table 5: what shortcuts add on every dataset, each model in its best setting."""

from typing import Any

import pandas as pd
from scipy.stats import levene

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.judging import welch
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.origin import marked_title
from truly_sparse.analysis.rounding import less
from truly_sparse.analysis.statistics.stratified import FEWEST as LEAST_FREEDOM
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.spas import shown
from truly_sparse.studies.spas.runs import CNN, DENSENET, MLP, MODELS, SPAS, SPAS_CNN, cells, frame_of, spread_of

EXPERIMENTS = ("spas_cifar", "spas_tabular", "spas_cnn")
#: Columns of the CSV beside those of every results CSV: the best setting of the model that is named and of the one with
#: shortcuts, whatever their kind, runs of the smaller side, and a test.
MORE = ("best_mlp", "best_spas", "asked", "p", "printed")
#: What is compared: the model that names a row, and the one with shortcuts.
COMPARED = {MLP: SPAS, CNN: SPAS_CNN, DENSENET: SPAS_CNN}
#: Seeds of both from which on their spreads are tested: of two or three, deviations from a median say too little.
FEWEST = 5
_CELL = ("dataset", "model", "mode", "setting")
_KEYS = ["dataset", "method"]
_PRINTED = (
    Column("dataset", "Dataset", align="l"),
    Column("compared", "Compared", align="l"),
    *(
        Column(f"{metric}{end}", header, title)
        for metric, title in (("delta_iqm", "IQM"), ("delta_max", "Best run"))
        for end, header in (("_published", "publ."), ("", "here"))
    ),
    Column("p", "p"),
    Column("std", "sd"),
    Column("best_mlp", "second", "Best setting", "l"),
    Column("best_spas", "first", "Best setting", "l"),
)


def make(inputs: Inputs) -> Table:
    """Return SPaS Table 5: differences in points, printed and measured here."""
    frame, origin = tidy(inputs), inputs.origin()
    caption = (
        "What shortcuts add, in points of accuracy: the first model less the second, each in the setting "
        "(compression, training, dense included) of the best interquartile mean (IQM) on the dataset, and the best "
        "single run of any setting. p: Welch's test, two-sided, over the seeds of both settings, which were chosen by "
        f"the same seeds; a dash below {LEAST_FREEDOM} degrees of freedom. sd: standard deviation of the first "
        f"less that of the second, in points. {origin.closing()}"
    )
    return Table(frame, [Part("5", caption, _cells(frame), _PRINTED, [origin.line()], block="dataset")])


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return one row per (dataset, method, metric), with the columns of every results CSV and `MORE`.

    `method` is the model that the one with shortcuts is compared with, as in print; metrics are `delta_iqm` with
    Welch's p, `delta_max`, and `delta_std`, the difference of standard deviations over seeds, with that of Levene's
    test about the medians from `FEWEST` seeds on. A printed comparison of which nothing has finished has its printed
    numbers only.
    """
    runs = frame_of(inputs, *EXPERIMENTS)
    lines: list[dict[str, Any]] = []
    for dataset, of_dataset in runs.groupby("dataset", sort=False):
        for plain, skipping in COMPARED.items():
            own = of_dataset[of_dataset["model"].isin([plain, skipping])]
            done = own[own["accuracy"].notna()]
            if set(done["model"]) == {plain, skipping}:
                lines += _compared(str(dataset), plain, done, len(own) - len(done))
    rows = pd.DataFrame(lines, columns=None if lines else _KEYS)
    printed = inputs.published("table5")
    rows = shown.beside_printed(inputs, rows, "table5") if lines else rows
    here = pd.MultiIndex.from_frame(printed[_KEYS]).isin(pd.MultiIndex.from_frame(rows[_KEYS]))
    others = printed[~here & printed["dataset"].isin(set(runs["dataset"]))]
    whole = pd.concat([rows, others.assign(note=shown.NOT_RUN)], ignore_index=True)
    places = {name: place for place, name in enumerate([*dict.fromkeys(runs["dataset"]), *COMPARED])}
    whole = whole.sort_values(_KEYS, key=lambda column: column.map(places), kind="stable")
    return shown.tidy(whole, "spas_table5", MORE)


def _compared(dataset: str, plain: str, done: pd.DataFrame, lacking: int) -> list[dict[str, Any]]:
    """Return the rows of one dataset and a model without the shortcuts that are compared, given the runs of both."""
    found = cells(done, _CELL)
    skipping = COMPARED[plain]
    best = {model: found[found["model"] == model].nlargest(1, "iqm").iloc[0] for model in (plain, skipping)}
    top = {model: float(done.loc[done["model"] == model, "accuracy"].max()) for model in (plain, skipping)}
    one, other = best[skipping], best[plain]
    runs = [done.loc[(done[list(_CELL)] == row[list(_CELL)]).all(axis=1), "accuracy"] for row in (one, other)]
    spread = min(map(len, runs)) > 1 and max(one["std"], other["std"]) > 0
    tested = spread and min(map(len, runs)) >= FEWEST
    head = {
        "dataset": dataset,
        "method": plain,
        "setting": "best",
        "seeds": min(one["seeds"], other["seeds"]),
        "best_mlp": _setting(other),
        "best_spas": _setting(one),
        "note": "; ".join(filter(None, (one["note"], f"{lacking} runs missing" if lacking else ""))),
        "commit": one["commit"],
    }
    return [
        head | {"metric": "delta_iqm", "value": less(one["iqm"], other["iqm"]), "p": _welch(one, other)},
        head | {"metric": "delta_max", "value": less(top[skipping], top[plain]), "p": None},
        head
        | {
            "metric": "delta_std",
            "value": less(one["std"], other["std"]) if spread else None,
            "p": float(levene(*runs, center="median").pvalue) if tested else None,
        },
    ]


def _welch(one: pd.Series, other: pd.Series) -> float | None:
    try:
        return welch(spread_of(one), spread_of(other))
    except Missing:
        return None


def _setting(row: pd.Series) -> str:
    """Return a best setting in a few words, such as "static c5"."""
    return f"{row['mode']} {row['setting']}"


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for dataset, found in frame.groupby("dataset", sort=False):
        for place, (method, part) in enumerate(found.groupby("method", sort=False)):
            title = marked_title(str(dataset), part["note"])
            compared = f"{MODELS[COMPARED[str(method)]]}, {MODELS[str(method)]}"
            cells: dict[str, Any] = {"dataset": "" if place else title, "compared": compared}
            for row in part.to_dict("records"):
                here = row["note"] != shown.NOT_RUN
                text = formats.difference(row["value"], 2) if here else shown.NOT_RUN
                if row["metric"] == "delta_std":
                    cells["std"] = text
                    continue
                cells[f"{row['metric']}_published"] = formats.difference(row["published"], 2)
                cells[row["metric"]] = text
                if row["metric"] == "delta_iqm" and here:
                    cells |= {
                        "p": formats.p_value(row["p"]),
                        "best_mlp": row["best_mlp"],
                        "best_spas": row["best_spas"],
                    }
            rows.append(cells)
    return pd.DataFrame(rows, columns=[column.key for column in _PRINTED], dtype=object).fillna(formats.NOTHING)
