"""Table 1: accuracy at every replaced fraction, beside the fitted curve and the printed one."""

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.evidence import Missing
from truly_sparse.analysis.inputs import Inputs
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title
from truly_sparse.analysis.rounding import FITTED_DIGITS, significant
from truly_sparse.analysis.table import Part, Table
from truly_sparse.studies.van_engers import formula
from truly_sparse.studies.van_engers.formula import Printed
from truly_sparse.studies.van_engers.runs import DATASET, METRICS, WHAT, frame_of, means, share, tidy

#: Columns of the CSV beside those of every results CSV: the fraction, and what the fitted curve gives for it.
MORE = ("zeta", "approximated")
_PRINTED = (
    Column("zeta", "ζ"),
    Column("best", "best epoch", "here"),
    Column("approximated", "curve", "here"),
    Column("last", "last epoch", "here"),
    Column("last_tenth", "last tenth", "here"),
    Column("published", "curve", "printed"),
    Column("difference", "best less printed"),
    Column("runs", "runs"),
)


def make(inputs: Inputs) -> Table:
    """Return accuracies by replaced fraction."""
    frame = _tidy(inputs)
    origin = inputs.origin()
    caption = (
        f"Accuracy on the test images of {dataset_title(frame['dataset'].iloc[0])} against the fraction ζ of links "
        "replaced after every epoch (%), mean ± standard deviation over seeds. Best epoch: the highest test accuracy "
        "of any epoch, which the paper reports and which choosing it makes too high; last tenth: the mean over the "
        "last tenth of the epochs. Curve here: fitted to the best epochs (Table F1). Of the printed table "
        f"only the curve is known. {origin.closing(seeds=True)}"
    )
    return Table(frame, [Part("1", caption, _cells(frame), _PRINTED, [origin.line()])])


def _tidy(inputs: Inputs) -> pd.DataFrame:
    runs, printed = frame_of(inputs), Printed(inputs.published("model"))
    frame = means(runs, [*WHAT, "zeta", "epsilon"])
    known = (frame["metric"] == "best") & (frame["dataset"] == DATASET)
    frame["published"] = frame["zeta"].map(printed.accuracy).where(known)
    frame["source"] = known.map({True: "van Engers formula 1", False: None})
    for metric in METRICS:
        try:
            own = formula.fitted(runs, metric)
        except Missing:
            continue
        values = frame["zeta"].map(lambda zeta, own=own: significant(100 * own.at(zeta), FITTED_DIGITS))
        frame.loc[frame["metric"] == metric, "approximated"] = values
    return tidy(frame, "van_engers_table1", inputs, MORE)


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for zeta, part in frame.groupby("zeta", sort=False):
        found = {row["metric"]: row for row in part.to_dict("records")}
        best = found["best"]
        rows.append(
            {
                "zeta": formats.number(float(str(zeta))),
                **{name: formats.spread(found[name]["value"], found[name]["std"], 2) for name in METRICS},
                "approximated": formats.spread(best["approximated"], None, 2),
                "published": formats.spread(best["published"], None, 2),
                "difference": formats.difference(best["difference"], 2),
                "runs": share(best["note"], best["seeds"]),
            }
        )
    return pd.DataFrame(rows)
