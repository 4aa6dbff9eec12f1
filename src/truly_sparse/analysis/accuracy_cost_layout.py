"""How accuracy and cost are printed: a table of each, and both in short for the terminal."""

from dataclasses import dataclass

import pandas as pd

from truly_sparse.analysis import formats
from truly_sparse.analysis.latex import Column
from truly_sparse.analysis.names import dataset_title, row_title, split_setting
from truly_sparse.analysis.origin import Origin, join
from truly_sparse.analysis.table import Part, Table

_ROW = (Column("label", "Method", align="l"), Column("epsilon", "ε"), Column("lambda", "λ"))
_ACCURACY = (
    Column("accuracy_published", "published", "Test accuracy (%)"),
    Column("accuracy", "here", "Test accuracy (%)"),
    Column("difference", "difference", "Test accuracy (%)"),
    Column("seeds", "seeds"),
    Column("member_accuracy", "mean member (%)"),
    Column("note", "note", align="l"),
)
_COST = (
    Column("weights_published", "published", "Weights"),
    Column("weights", "here", "Weights"),
    Column("weights_ratio", "× dense", "Weights"),
    Column("operations_published", "published", "Training operations"),
    Column("operations", "here", "Training operations"),
    Column("operations_ratio", "× dense", "Training operations"),
    Column("time_published", "published", "Time (min)"),
    Column("time", "here (CPU)", "Time (min)"),
    Column("note", "note", align="l"),
)
_TERMINAL = (
    *_ROW,
    Column("accuracy_published", "publ.", "Accuracy %"),
    Column("accuracy", "here", "Accuracy %"),
    Column("difference", "diff.", "Accuracy %"),
    Column("seeds", "n"),
    Column("weights_ratio_published", "publ.", "Weights"),
    Column("weights_ratio", "here", "Weights"),
    Column("operations_ratio_published", "publ.", "Operations"),
    Column("operations_ratio", "here", "Operations"),
    Column("time_published_short", "publ.", "Minutes"),
    Column("time_short", "here", "Minutes"),
    Column("note", "", align="l"),
)


@dataclass(frozen=True)
class Display:
    """The printed cells, one row per (dataset, method, setting), and the notes their letters point to."""

    cells: pd.DataFrame
    notes: list[str]

    def columns(self, wanted: tuple[Column, ...]) -> list[Column]:
        """Leave out lambda and note where no row has one."""
        return [column for column in wanted if column.key not in ("lambda", "note") or any(self.cells[column.key])]


def display(frame: pd.DataFrame, also: str) -> Display:
    """Return the printed cells; arguments as for `lay_out`."""
    letters: dict[str, str] = {}
    rows, last = [], None
    for key, part in frame.groupby(["dataset", "method", "setting"], sort=False):
        dataset, method, setting = map(str, key)
        value, std, published, published_std, difference = (
            part.set_index("metric")[column].astype(float).to_dict()
            for column in ("value", "std", "published", "published_std", "difference")
        )
        marks = [
            letters.setdefault(remark, _letter(len(letters)))
            for remark in dict.fromkeys("; ".join(part["note"].dropna()).split("; "))
            if remark
        ]
        lambda_, others = split_setting(setting)
        label = row_title(method, others)
        ratio_of = formats.printed_ratio
        absolute = {name: published[name] for name in ("weights", "training_operations")}
        rows.append(
            {
                "dataset": dataset_title(dataset),
                "label": "" if (dataset, label) == last else label,
                "epsilon": formats.number(part["epsilon"].astype(float).iloc[0]),
                "lambda": lambda_,
                "accuracy_published": formats.spread(published["test_accuracy"], published_std["test_accuracy"]),
                **_also(part, also),
                "accuracy": formats.spread(value["test_accuracy"], std["test_accuracy"]),
                "difference": formats.difference(difference["test_accuracy"]),
                "seeds": formats.number(value["runs_ok"]),
                "member_accuracy": formats.spread(value["member_accuracy"], std["member_accuracy"]),
                "weights_published": ratio_of(published["weights_ratio"])
                if formats.missing(absolute["weights"])
                else formats.count(absolute["weights"]),
                "weights_ratio_published": ratio_of(published["weights_ratio"]),
                "weights": formats.count(value["weights"]),
                "weights_ratio": formats.ratio(value["weights_ratio"]),
                "operations_published": ratio_of(published["training_operations_ratio"])
                if formats.missing(absolute["training_operations"])
                else formats.scientific(absolute["training_operations"]),
                "operations_ratio_published": ratio_of(published["training_operations_ratio"]),
                "operations": formats.scientific(value["training_operations"]),
                "operations_ratio": formats.ratio(value["training_operations_ratio"]),
                "time_published": formats.spread(published["train_time"], published_std["train_time"]),
                "time": formats.minutes(value["train_time"], std["train_time"]),
                "time_published_short": formats.spread(published["train_time"], None),
                "time_short": formats.minutes(value["train_time"], None),
                "note": " ".join(marks),
            }
        )
        last = dataset, label
    return Display(pd.DataFrame(rows), [f"{letter}: {remark}." for remark, letter in letters.items()])


def lay_out(frame: pd.DataFrame, origin: Origin, number: str, also: str = "") -> Table:
    """Return two printed tables, a for accuracy and b for cost, and one of 100 columns for a terminal.

    Parameters
    ----------
    frame : DataFrame
        As `accuracy_cost.tidy` returns it.
    origin : Origin
        Of the runs.
    number : str
        That of the table in its source.
    also : str
        Another source that prints these accuracies; in the frame's columns of that name and `<also>_std`.
    """
    shown = display(frame, also)
    runs = join(f"{n:g}" for n in sorted(set(frame["published_runs"].dropna())))
    source = join(frame["source"].dropna())
    printed = f"{source}, number of runs {runs}" if source != "unknown" else "nothing for these datasets"
    accuracy = (
        "Test accuracy, published and measured here: mean ± standard deviation over runs, difference in percentage "
        f"points. Published: {printed}. Mean member: the accuracy of the members alone, averaged. "
        f"Preset {origin.preset}; seeds per row: {origin.seeds}; commit {origin.commits}; processor {origin.cpu}."
        f"{origin.warning()}"
    )
    cost = (
        "Cost of training. Weights: links and biases of all members, output block included; × dense: multiple of "
        "the single dense network, whose own row holds counts. The published ratios leave the output block out. "
        f"Training operations: {origin.convention}; counted from the links in use at each step, over forward, "
        "backward and gradient. Time: published minutes on the authors' machine; here the CPU minutes of the whole "
        f"run on one core of {origin.cpu}. {origin.closing(seeds=True)}"
    )
    first, *others = _ACCURACY
    other = [Column("accuracy_also", also, first.over)] if also else []
    columns = (first, *other, *others)
    notes = [*shown.notes, origin.line()]
    in_short = [
        *shown.notes,
        "Accuracy: mean ± standard deviation over n seeds. Weights, operations: multiples of a single dense network.",
        "Minutes: published on the authors' machine; here CPU minutes on one core.",
        origin.line(),
    ]

    def part(name: str, columns: tuple[Column, ...], caption: str, under: list[str]) -> Part:
        return Part(name, caption, shown.cells, shown.columns(columns), under, group="dataset", block="label")

    return Table(
        frame,
        [part(f"{number}a", _ROW + columns, accuracy, notes), part(f"{number}b", _ROW + _COST, cost, notes)],
        terminal=[part(number, _TERMINAL, "published and measured here", in_short)],
    )


def _also(part: pd.DataFrame, also: str) -> dict[str, str]:
    """Return the cell of what another source prints; nothing without one."""
    if not also:
        return {}
    row = part[part["metric"] == "test_accuracy"].iloc[0]
    return {"accuracy_also": formats.spread(row[also], row[f"{also}_std"])}


def _letter(position: int) -> str:
    first, second = divmod(position, 26)
    return (chr(96 + first) if first else "") + chr(97 + second)
