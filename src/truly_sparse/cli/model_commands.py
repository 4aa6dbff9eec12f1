"""`fit`, `predict`, `inspect` and `compare`: the estimators on your own tables, without any configuration.

Only parsing is here, so that `--help` and shell completion are quick; the work is in `cli/models.py` and
`cli/compare.py`.
"""

import argparse
import csv
from collections.abc import Callable, Iterable
from typing import Any

from truly_sparse.cli.candidates import METHODS, RIVALS

PRESETS = ("best", "fast", "accurate", "paper")
COMMANDS = ("fit", "predict", "inspect", "compare")
EXAMPLES = {
    "fit": """examples:
  truly-sparse fit iris.csv --target species
  truly-sparse fit houses.parquet --target price --output houses.npz --test-fraction 0.2
  truly-sparse fit big.csv --target y --method set --set epochs=50 --set hidden_layer_sizes=500,500 --json""",
    "predict": """examples:
  truly-sparse predict model.npz new.csv --output predictions.csv
  truly-sparse predict model.npz new.csv --probabilities --json""",
    "inspect": """examples:
  truly-sparse inspect model.npz
  truly-sparse inspect model.npz --plots figures/ --json
  truly-sparse inspect model.npz --onnx model.onnx""",
    "compare": """examples:
  truly-sparse compare iris.csv --target species
  truly-sparse compare iris.csv --target species --methods fd-tse set boosting --seeds 5 --output comparison/""",
}
SUMMARIES = {
    "fit": "train a model on a CSV or Parquet table, and write it to a file",
    "predict": "predict the rows of a table with a model file",
    "inspect": "show what is in a model file: links, memory, features; plots and ONNX",
    "compare": "train every method on a table, and write a table and a figure of their scores",
}


def add(commands: Any) -> None:
    """Add the commands to a parser's subcommands."""
    for name in COMMANDS:
        command = commands.add_parser(
            name,
            help=SUMMARIES[name],
            description=SUMMARIES[name],
            epilog=EXAMPLES[name],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_argument("--json", action="store_true", help="print one JSON object instead of text")
        globals()[f"_{name}"](command)


def _fit(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", help="table: .csv, .csv.gz or .parquet")
    _completes(command.add_argument("--target", required=True, help="column to predict"), _columns)
    command.add_argument("--output", default="model.npz", help="model file (default: model.npz)")
    command.add_argument("--task", choices=("auto", "classify", "regress"), default="auto", help=(
        "auto: regress where the target is fractional numbers (default)"
    ))  # fmt: skip
    method = command.add_argument("--method", default="fd-tse", help=f"{', '.join(METHODS)} (default: fd-tse)")
    _completes(method, lambda _: METHODS)
    command.add_argument("--preset", choices=PRESETS, default=PRESETS[0], help="settings (default: best)")
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the estimator; repeatable"
    )
    command.add_argument("--stream", action="store_true", help=(
        "read the table in pieces and keep it in a temporary file beside the model: the same model in little memory "
        "(done by itself where memory might not hold the table)"
    ))  # fmt: skip
    command.add_argument(
        "--test-fraction", type=float, default=0.0, help="part of the rows kept for a test (default: 0)"
    )
    _common(command)


def _predict(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", help="model file that `fit` wrote")
    command.add_argument("data", help="table with the columns of training; the target may be missing")
    command.add_argument("--output", help="CSV file to write (default: print)")
    command.add_argument("--probabilities", action="store_true", help="also write the probability of every class")


def _inspect(command: argparse.ArgumentParser) -> None:
    command.add_argument("model", help="model file that `fit` wrote")
    command.add_argument("--plots", metavar="FOLDER", help="write the plots there, as PNG")
    command.add_argument("--onnx", metavar="FILE", help="write an ONNX model")
    command.add_argument("--sparse", action="store_true", help="ONNX with sparse initialisers")


def _compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("data", help="table: .csv, .csv.gz or .parquet")
    _completes(command.add_argument("--target", required=True, help="column to predict"), _columns)
    every = (*METHODS, *RIVALS)
    methods = command.add_argument(
        "--methods", nargs="+", metavar="METHOD", help=f"of {', '.join(every)} (default: all)"
    )
    _completes(methods, lambda _: every)
    command.add_argument("--preset", choices=PRESETS, default=PRESETS[0], help="settings (default: best)")
    command.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter for all of ours")
    command.add_argument("--seeds", type=int, default=3, help="splits, each a fifth for test (default: 3)")
    command.add_argument("--output", default="comparison", help="folder of table and figure (default: comparison)")
    command.add_argument("--quiet", action="store_true", help="no progress")


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--seed", type=int, default=0, help="random state (default: 0)")
    command.add_argument("--quiet", action="store_true", help="no progress")


def _completes(action: argparse.Action, values: Callable[[argparse.Namespace], Iterable[str]]) -> None:
    """Tell the shell's completion what an argument may be; nothing else is refused by it."""
    action.completer = lambda parsed_args, **_: values(parsed_args)  # type: ignore[attr-defined]


def _columns(arguments: argparse.Namespace) -> list[str]:
    """Return the columns of a CSV file that was named already."""
    try:
        with open(arguments.data, encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeError, TypeError, csv.Error):
        return []


def completed(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Answer the shell's question for completions, where argcomplete is installed; otherwise return the parser."""
    try:
        import argcomplete
    except ModuleNotFoundError:
        return parser
    argcomplete.autocomplete(parser)
    return parser


def run(arguments: argparse.Namespace) -> None:
    """Run one of the commands."""
    from truly_sparse.cli import compare, models

    module = compare if arguments.command == "compare" else models
    getattr(module, arguments.command)(arguments)
