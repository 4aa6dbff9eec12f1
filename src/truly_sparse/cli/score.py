"""`score`: any metric of committed runs, from their kept test probabilities, without training."""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

SUMMARY = "compute metrics of committed runs from their kept test probabilities, without training"
EXAMPLES = """examples:
  truly-sparse score log_loss ece
  truly-sparse score sklearn.metrics:log_loss --experiments whitaker_small whitaker_large
  truly-sparse score mine:macro_f1 --output macro_f1.csv     (def macro_f1(labels, probabilities) in mine.py)"""

KEYS = ("experiment", "dataset", "method", "setting", "seed")
#: What a line of the summary stands for.
PLACE = KEYS[:3]


def add(commands: Any, config: str) -> None:
    """Add the command to a parser's subcommands; `config` says what a configuration is."""
    command = commands.add_parser(
        "score",
        help=SUMMARY,
        description=SUMMARY,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "metrics",
        nargs="+",
        metavar="metric",
        help="accuracy, balanced_accuracy, roc_auc, log_loss, brier or ece; or module:function of your own, "
        "called with class numbers (rows,) and probabilities (rows, classes)",
    )
    command.add_argument("--experiments", nargs="+", default=[], metavar="NAME", help="of these alone (default: all)")
    command.add_argument("--output", type=Path, default=Path("scores.csv"), help="table of all scores (scores.csv)")
    command.add_argument("--config", action="append", default=[], metavar="FILE", help=config)


def run(arguments: argparse.Namespace) -> None:
    """Run the command.

    Raises
    ------
    UserError
        Where no run has test probabilities, a name is unknown, or labels are lacking.
    """
    import pandas as pd

    from truly_sparse.experiments import scores
    from truly_sparse.experiments.configuration import check_experiments, load_configs
    from truly_sparse.files import folder_of, write_text

    folder_of(arguments.output)  # what cannot be written is known before the work
    metrics = {name: scores.metric_of(name) for name in arguments.metrics}
    configs = load_configs(arguments.config)
    check_experiments(configs, arguments.experiments)
    rows: list[tuple[Any, ...]] = []
    notes: list[str] = []
    for config in configs:
        chosen = [name for name in config["experiments"] if name in (arguments.experiments or config["experiments"])]
        found, lacking = scores.kept(config, chosen)
        notes += _lacking(config["study"], len(found), lacking)
        rows += [
            (config["study"], *(record[key] for key in KEYS), metric, value)
            for record, metric, value in scores.score(found, metrics, Path(config["data"]["folder"]))
        ]
    for note in notes:
        print(note, file=sys.stderr)
    if not rows:
        raise UserError("no run has test probabilities to score")
    table = pd.DataFrame(rows, columns=["study", *KEYS, "metric", "value"])
    write_text(arguments.output, table.to_csv(index=False))
    print(_summary(table))
    print(f"{len(table):,} scores of {len(table) // len(metrics):,} runs: {arguments.output}")


def _lacking(study: str, has: int, lacking: Sequence[dict[str, Any]]) -> Iterable[str]:
    """Yield a line on the runs of a study without test probabilities, and what it costs to train them again."""
    hours = Counter[str]()
    for record in lacking:
        if "same_as" not in record:  # else it costs nothing beside the run that stands for it
            hours[record["experiment"]] += record["seconds"]["cpu"] / 3600
    if lacking:
        parts = ", ".join(f"{experiment} {spent:.1f}" for experiment, spent in hours.items())
        yield (
            f"{study}: {has:,} of {has + len(lacking):,} runs have test probabilities; to train the others again costs "
            f"{hours.total():.1f} core-hours by their records" + (f" ({parts})" if parts else "")
        )


def _summary(table: "pd.DataFrame") -> str:
    """Return mean and standard deviation over the runs of each method on each dataset, as text."""
    import pandas as pd

    from truly_sparse.analysis.latex import Column
    from truly_sparse.analysis.text import plain

    lines: dict[Any, dict[Any, str]] = {}
    for (*place, metric), values in table.groupby([*PLACE, "metric"], sort=False)["value"]:
        line = lines.setdefault(
            tuple(place), {**dict(zip(PLACE, map(str, place), strict=True)), "runs": str(len(values))}
        )
        line[metric] = f"{values.mean():.4f}" + (f" ± {values.std():.4f}" if len(values) > 1 else "")
    columns = [Column("dataset", "dataset", align="l"), Column("method", "method", align="l"), Column("runs", "runs")]
    columns += [Column(metric, metric) for metric in table["metric"].unique()]
    return plain(
        pd.DataFrame(lines.values()), columns, title="Mean and standard deviation over runs", group="experiment"
    )
