"""The formula: printed numbers beside those fitted here, where the plateau ends, and rival forms."""

from typing import Any

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.table import COLUMNS, Part, Table
from truly_sparse.studies.van_engers import formula
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import DATASET, METRICS, SWEEP, frame_of

#: Columns of the CSV beside those of every results CSV: the accuracy that was fitted.
MORE = ("accuracy",)
#: What the rows of F1 have as their setting; those of F2 have the form.
CURVE = "numbers of the curve"
#: Numbers about the curve, their names, and their decimals.
_NUMBERS = {
    "a": ("a", 3),
    "b": ("b", 0),
    "plateau": ("plateau", 4),
    "contour": ("contour (2 standard errors)", 3),
    "falls_tenth": ("curve has lost 0.1 points at ζ", 4),
    "falls_half": ("curve has lost 0.5 points at ζ", 4),
    "error": ("mean squared error", None),
    "printed_error": ("mean squared error of the printed curve", None),
}
_COLUMNS = (
    Column("number", "Number", align="l"),
    Column("published", "printed"),
    *(Column(metric, words, "fitted here to the") for metric, words in METRICS.items()),
)
_RIVALS = (
    Column("words", "Loss of accuracy", align="l"),
    *(
        Column(f"{metric}_{end}", header, f"{METRICS[metric]}")
        for metric in METRICS
        for end, header in (("error", "MSE"), ("aic", "AIC"))
    ),
)


def make(inputs: Inputs) -> Table:
    """Return F1, numbers of the curve, and F2, rival forms."""
    frame = _tidy(inputs)
    origin = inputs.origin()
    caption = (
        "The curve acc(ζ) = plateau − a exp(b (ζ − 1)), accuracies as fractions. Plateau: mean over the fractions "
        "before the contour, which is the smallest ζ from which on all means lie more than 2 standard errors below "
        "the mean up to 0.9; the paper takes 0.96 by eye. a and b have the least squared error, every ζ weighing the "
        "same. The printed error is 0.013 percent: of squared fractions it is 1.3·10⁻⁴, of squared percent "
        f"1.3·10⁻⁶. {origin.closing()}"
    )
    rivals = (
        "Rival forms of the loss with the same plateau, each with a free factor: mean squared error and Akaike's "
        f"criterion (smaller is better; 10 less is much). {origin.stamp()}"
    )
    parts = [Part("F1", caption, _cells(frame[frame["setting"] == CURVE]), _COLUMNS, [origin.line()])]
    compared = frame[frame["setting"] != CURVE]
    if len(compared):
        parts.append(Part("F2", rivals, _compared(compared), _RIVALS, [origin.line()]))
    return Table(frame, parts)


def _tidy(inputs: Inputs) -> pd.DataFrame:
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    dataset = runs["dataset"].iloc[0]
    known = printed.curve if dataset == DATASET else None
    said: dict[str, float | None] = {}
    if known is not None:
        said |= {name: printed[name] for name in ("a", "b", "plateau", "contour")}
        said |= {"falls_tenth": known.falls(formula.TENTH), "falls_half": known.falls(formula.HALF)}
        said["error"] = printed["error_percent"] / 100
    rows: list[dict[str, Any]] = []
    for metric in METRICS:
        head = {"dataset": dataset, "method": runs["method"].iloc[0], "accuracy": metric, "note": ""}
        own = formula.numbers(runs, metric, known)
        rows += [
            {**head, "setting": CURVE, "metric": name, "value": own[name], "published": said.get(name)}
            for name in _NUMBERS
        ]
        try:
            compared = formula.rivals(runs, metric).to_dict("records")
        except Missing:
            continue
        rows += [
            {**head, "setting": row["form"], "metric": name, "value": row[name], "note": row["words"]}
            for row in compared
            for name in ("error", "aic")
        ]
    frame = pd.DataFrame(rows).assign(table="van_engers_fit", commit=inputs.origin(SWEEP).commits)
    return frame.reindex(columns=[*COLUMNS, *MORE]).astype({"value": float, "published": float})


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for name, part in frame.groupby("metric", sort=False):
        words, digits = _NUMBERS[str(name)]
        value = part.set_index("accuracy")["value"].to_dict()
        cells = {metric: _written(value.get(metric), digits) for metric in METRICS}
        rows.append({"number": words, "published": _written(part["published"].iloc[0], digits), **cells})
    return pd.DataFrame(rows)


def _compared(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for words, part in frame.groupby("note", sort=False):
        value = part.set_index(["accuracy", "metric"])["value"].to_dict()
        cells = {f"{metric}_error": formats.scientific(value.get((metric, "error"))) for metric in METRICS}
        cells |= {f"{metric}_aic": formats.spread(value.get((metric, "aic")), None) for metric in METRICS}
        rows.append({"words": words, **cells})
    return pd.DataFrame(rows)


def _written(value: float | None, digits: int | None) -> str:
    return formats.scientific(value) if digits is None else formats.spread(value, None, digits)
