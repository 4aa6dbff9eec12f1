"""Ours: what of the gain is due to lost links, to inherited values, to the parent's longer training."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Evidence, Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.statistics.stratified import over_groups
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.whitaker import shown
from truly_sparse.studies.whitaker.runs import frame_of
from truly_sparse.studies.whitaker.verdicts.comparing import RUNS, pairs

SMALL, LARGE = "whitaker_small", "whitaker_large"
SSE = "sse_np"
#: What the children are compared with, and in which experiments it was run.
CONTROLS = {
    "sse_unpruned": "K1, no link lost",
    "sse_fresh": "K2, fresh values",
    "sparse_ensemble": "K3, sparse from scratch",
    "sse_longer": "K4, tuned longer",
    "dense": "K6, one network, rate decays",
    "dense_long": "K6, one network, rate held",
}
#: How budgets are called: the small one has 16 epochs in print and eight times as many here, 16 on pictures.
BUDGETS = {SMALL: "16 × 8 epochs", LARGE: "200 epochs"}
_PRINTED = (
    Column("control", "Compared with", align="l"),
    *(
        Column(f"{experiment}_{key}", header, words)
        for experiment, words in BUDGETS.items()
        for key, header in (("gain", "difference"), ("interval", "95 % interval"), ("datasets", "datasets"))
    ),
)
_HERE = (
    Column("dataset", "Dataset", align="l"),
    *(Column(name, title.split(",")[0] if name != "dense_long" else "K6, held") for name, title in CONTROLS.items()),
)


def make(inputs: Inputs) -> Table:
    """Return Table Ca, differences over datasets, and Cb, those of the large budget on every dataset."""
    frame, origin = tidy(inputs), inputs.origin()
    tail = f" {origin.closing()}"
    means = (
        "Children less controls (ours). The accuracy of children that are parts of a parent, with it, less that of a "
        "control of the same seed; in points, the mean over datasets with its 95 % interval over seeds. "
        "Above zero: the children are better. Of 16 printed epochs there are eight times as many, as an epoch has an "
        f"eighth of the steps of the source's, or fewer; 16 on pictures.{tail}"
    )
    single = (
        f"Children less controls on every dataset (ours). The same differences, {BUDGETS[LARGE]} (three tenths on "
        f"pictures), mean ± standard deviation over seeds. Controls as in Table Ca.{tail}"
    )
    notes = shown.notes(frame, origin)
    parts = [Part("Ca", means, _means(frame), _PRINTED, notes)]
    datasets = _datasets(frame)
    if len(datasets):
        parts.append(Part("Cb", single, datasets, _HERE, notes))
    return Table(frame, parts)


def tidy(inputs: Inputs) -> pd.DataFrame:
    """Return differences to every control: a row per experiment and dataset, and one over all of them."""
    runs = frame_of(inputs)
    evidence, rows = Evidence({RUNS: runs[runs["judged"]]}), []
    for experiment in BUDGETS:
        keys = {"experiment": experiment} | ({"optimiser": "adam"} if experiment == SMALL else {})
        for control in CONTROLS:
            try:
                values = pairs(evidence, {"method": SSE, **keys}, {"method": control, **keys})
            except Missing:
                continue
            found = over_groups(values)
            head = {"method": control, "setting": experiment, "metric": "gain"}
            rows.append(
                {**head, "dataset": shown.ALL, "value": found.mean, "low": found.low, "high": found.high,
                 "seeds": found.seeds, "asked": found.seeds, "note": f"over {len(found.groups)} datasets"}
            )  # fmt: skip
            for dataset, numbers in values.items():
                points = pd.Series(numbers)
                numbers_of = {"value": points.mean(), "std": points.std(), "seeds": len(points), "asked": len(points)}
                rows.append({**head, "dataset": dataset, **numbers_of})
    commit = ", ".join(dict.fromkeys(filter(None, runs["commit"])))
    return shown.tidy(pd.DataFrame(rows, columns=_COLUMNS).assign(commit=commit), "whitaker_controls")


_COLUMNS = ["dataset", "method", "setting", "metric", "value", "std", "low", "high", "seeds", "asked", "note"]


def _means(frame: pd.DataFrame) -> pd.DataFrame:
    known = shown.by_number(frame[frame["dataset"] == shown.ALL], ("setting", "method"))
    rows = []
    for control, title in CONTROLS.items():
        row = {"control": title}
        for experiment in BUDGETS:
            found = known.get((experiment, control))
            if found:
                row[f"{experiment}_gain"] = formats.difference(found["value"], 2)
                row[f"{experiment}_interval"] = formats.interval(found["low"], found["high"])
                row[f"{experiment}_datasets"] = found["note"].split()[1]
        rows.append(row)
    columns = [column.key for column in _PRINTED]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)


def _datasets(frame: pd.DataFrame) -> pd.DataFrame:
    own = frame[(frame["setting"] == LARGE) & (frame["dataset"] != shown.ALL)]
    rows = []
    for dataset, found in own.groupby("dataset", sort=False):
        row = {"dataset": dataset_title(str(dataset))}
        for part in found.to_dict("records"):
            spread = "" if formats.missing(part["std"]) else f" ± {part['std']:.2f}"
            row[part["method"]] = formats.difference(part["value"], 2) + spread
        rows.append(row)
    columns = [column.key for column in _HERE]
    return pd.DataFrame(rows, columns=columns, dtype=object).fillna(formats.NOTHING)
