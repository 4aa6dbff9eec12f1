"""What is it that helps? Regrowth, refinement, scaling, decay and schedule, each varied on its own."""

from typing import Any, cast

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, method_title, row_order
from truly_sparse.analysis.origin import marked_title, partial_note, parts_of
from truly_sparse.analysis.rounding import FITTED_DIGITS, significant
from truly_sparse.analysis.runs import frame_of, summarise
from truly_sparse.analysis.statistics.factorial import effects
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.errors import UserError
from truly_sparse.studies.journal.tables import ablation_points

#: experiment -> the two factors it crosses.
CROSSED = {name: tuple(factors) for name, factors in ablation_points.CROSSED.items()}
_MEASURES = ("df", "F", "p_value", "partial_eta_squared")
#: Networks that the journal compares with, whose features are scaled the other way too.
_SINGLE = ("set_mlp", "static")
_EFFECTS = (
    Column("what", "Varied", align="l"),
    Column("epsilon", "ε"),
    Column("effect", "effect", align="l"),
    Column("df", "df"),
    Column("F", "F"),
    Column("p", "p"),
    Column("eta", "partial η²"),
    Column("runs", "runs"),
)
_CELLS = (
    Column("what", "Features", align="l"),
    Column("fd_tse", "decay as printed", "FD-TSE"),
    Column("scaled", "decay times η", "FD-TSE"),
    *(Column(name, method_title(name), "single networks as printed") for name in _SINGLE),
)
_ALONE = (Column("what", "Model", align="l"), Column("accuracy", "accuracy (%)"), Column("seeds", "seeds"))


def make(inputs: Inputs) -> Table:
    """Return H1 (analysis of variance), H2 (the same in points), H3 (scaling by decay), H4 (single networks)."""
    runs = frame_of(inputs.records)
    partial = parts_of(inputs.records)
    found, scaled, single = (_noted(made, partial) for made in (_effects(runs), _scaled(runs), alone(runs)))
    points = ablation_points.points(runs, partial)
    frame = pd.concat([found, points, scaled, single], ignore_index=True)
    origin = inputs.origin()
    frame = frame.assign(table="ablations", commit=origin.commits).reindex(columns=[*COLUMNS, *ablation_points.MORE])
    closing = origin.closing()
    h1 = (
        "What moves the test accuracy: analysis of variance (type II, seeds as blocks) of two crossed experiments. "
        "Regrowth (random, RD, FD, Dist with λ = 1.5) by refinement (none, η, η and ζ, comprehensive), and scaling "
        "(min-max of all rows, standardised, normal quantiles) by decay (as printed, times η) for FD-TSE at ε = 20. "
        f"Partial η²: the effect's share of what the others leave. {closing}"
    )
    h2 = (
        "What moves the test accuracy, in points: each level less the first of its factor, averaged over the levels of "
        "the other factor, with Student's 95 % interval and two-sided p by least squares, seeds (and datasets, where "
        "they are pooled) as blocks; not corrected for their number. An interval over pooled datasets is about "
        f"these datasets, trained again. Interactions are in the CSV. {closing}"
    )
    h3 = (
        "Scaling of the features, by decay for FD-TSE, and for single networks as in Tables 1 and 2; ε = 20: test "
        "accuracy (%), mean ± standard deviation over seeds. The sources use min-max of all rows on Gesture and a "
        f"decay that the rate does not scale. {closing}"
    )
    h4 = (
        "Single networks, and five independent ones, with the ensembles' own rate and schedule, ε = 20: test accuracy "
        "(%), mean ± standard deviation over seeds. Equal cost: as many epochs in all as an ensemble; equal epochs: "
        f"350 each. Beside them the models of Table 1 as printed. {closing}"
    )
    notes = [origin.line()]
    parts = [
        Part("H1", h1, _effect_cells(found), _EFFECTS, notes, group="dataset", block="what"),
        Part("H2", h2, ablation_points.cells(points), ablation_points.PRINTED, notes, group="dataset", block="what"),
        Part("H3", h3, _scaled_cells(scaled), _CELLS, notes, group="dataset"),
    ]
    wide, columns = _alone_side_by_side(single)
    printed, narrow = Part("H4", h4, wide, columns, notes), _alone_cells(single)
    return Table(frame, [*parts, printed], terminal=[*parts, Part("H4", h4, narrow, _ALONE, notes, group="dataset")])


def _noted(frame: pd.DataFrame, parts: dict[str, str]) -> pd.DataFrame:
    return frame.assign(note=[partial_note(parts.get(name)) for name in frame["dataset"]])


def _effects(runs: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for experiment, factors in CROSSED.items():
        part = runs[runs["experiment"] == experiment]
        for (dataset, epsilon), cell in part.groupby(["dataset", "epsilon"], sort=False):
            try:
                tested = effects(cell, factors, ["seed"])
            except UserError:
                continue  # not every combination has finished
            for row in tested.to_dict("records"):
                method = "fd_tse" if experiment == "preprocessing" else ""
                head = {
                    "dataset": dataset,
                    "method": method,
                    "epsilon": epsilon,
                    "setting": experiment,
                    "effect": _title(str(row["effect"])),
                    "seeds": row["runs"],
                }
                rows += [
                    {**head, "metric": metric, "value": significant(row[metric], FITTED_DIGITS)} for metric in _MEASURES
                ]
    return pd.DataFrame(rows, columns=[*COLUMNS, "effect"])


def _title(effect: str) -> str:
    return " × ".join(ablation_points.FACTORS.get(name, name) for name in effect.split(" x "))


def _scaled(runs: pd.DataFrame) -> pd.DataFrame:
    varied = runs[runs["experiment"] == "preprocessing"]
    datasets = {*varied["dataset"], *runs.loc[runs["experiment"] == "features", "dataset"]}
    single = runs[runs["experiment"].isin(["features", "table1", "table2"]) & runs["method"].isin(_SINGLE)]
    single = single[single["dataset"].isin(datasets) & (single["epsilon"] == 20)]
    keys = ["dataset", "method", "epsilon", "setting", "scaling", "decay_times_learning_rate"]
    return summarise(pd.concat([varied, single]), keys).assign(metric="test_accuracy", effect="scaling and decay")


def alone_runs(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the models under the ensembles' schedule, and those of Tables 1 and 2 beside them."""
    fair = runs[runs["experiment"] == "protocol"]
    printed = runs[runs["experiment"].isin(["table1", "table2"]) & runs["dataset"].isin(fair["dataset"].unique())]
    printed = printed[((printed["epsilon"] == 20) | printed["epsilon"].isna()) & (printed["distance_factor"] == 1.5)]
    return pd.concat([printed, fair])


def alone(runs: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracies of the models under the ensembles' schedule, and of those of Table 1 beside them."""
    rows = summarise(alone_runs(runs), ["dataset", "method", "epsilon", "setting"]).assign(
        metric="test_accuracy", effect="protocol"
    )
    order = sorted(rows.index, key=lambda i: row_order(rows["dataset"][i], rows["method"][i], None, rows["setting"][i]))
    return rows.loc[order]


def _effect_cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows, last = [], None
    for (dataset, setting, epsilon, effect), part in frame.groupby(
        ["dataset", "setting", "epsilon", "effect"], sort=False
    ):
        value = part.set_index("metric")["value"].astype(float).to_dict()
        what = "regrowth × refinement" if setting == "refinement" else "scaling × decay"
        rows.append(
            {
                "dataset": marked_title(str(dataset), part["note"]),
                "what": "" if (dataset, setting) == last else what,
                "epsilon": formats.number(cast(Any, epsilon)),
                "effect": str(effect),
                "df": formats.number(value["df"]),
                "F": formats.spread(value["F"], None, 1),
                "p": formats.p_value(value["p_value"]),
                "eta": formats.spread(value["partial_eta_squared"], None, 2),
                "runs": formats.number(part["seeds"].iloc[0]),
            }
        )
        last = dataset, setting
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in _EFFECTS)])


def _scaled_cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for dataset, part in frame.groupby("dataset", sort=True):
        for scaling, title in ablation_points.SCALINGS.items():
            cells = {column.key: formats.NOTHING for column in _CELLS}
            cells |= {"dataset": marked_title(str(dataset), part["note"]), "what": title}
            for row in part[part["scaling"] == scaling].to_dict("records"):
                key = "scaled" if row["decay_times_learning_rate"] else row["method"]
                cells[key] = formats.spread(row["value"], row["std"])
            rows.append(cells)
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in _CELLS)])


def _alone_side_by_side(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Column]]:
    """Return a row per model and a column per dataset."""
    rows: dict[str, dict[str, str]] = {}
    titles: dict[str, str] = {}
    for row in sorted(frame.to_dict("records"), key=lambda row: row_order("", row["method"], None, "")):
        cells = rows.setdefault(row["method"], {"what": method_title(row["method"])})
        cells[row["dataset"]] = formats.spread(row["value"], row["std"])
        titles[row["dataset"]] = (dataset_title(row["dataset"]) + (" (part)" if row["note"] else "")).replace(" ", "\n")
    columns = [
        Column("what", "Model", align="p{2.8cm}"),
        *(Column(name, titles[name]) for name in dict.fromkeys(frame["dataset"])),
    ]
    wide = pd.DataFrame(list(rows.values()), columns=[column.key for column in columns])
    return wide.fillna(formats.NOTHING), columns


def _alone_cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "dataset": marked_title(row["dataset"], [row["note"]]),
            "what": method_title(row["method"]),
            "accuracy": formats.spread(row["value"], row["std"]),
            "seeds": formats.number(row["seeds"]),
        }
        for row in frame.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=["dataset", *(column.key for column in _ALONE)])
