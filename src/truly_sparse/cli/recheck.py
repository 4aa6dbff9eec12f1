"""`recheck`: train a random sample of the committed runs again, and say how many came out as they must."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truly_sparse.errors import UserError

if TYPE_CHECKING:
    from truly_sparse.experiments.recheck import Candidate, Outcome

#: How many in a hundred models on BLAS may lie outside their intervals: of fewer than 34, none.
OUTSIDE = 3


def add(commands: Any, config: str) -> None:
    """Add the command to a parser's subcommands; `config` says what a configuration is."""
    summary = "train a random sample of the committed runs again, and compare"
    command = commands.add_parser("recheck", help=summary, description=summary)
    command.add_argument("--seed", required=True, help="of the sample, any word or number of yours")
    command.add_argument("--runs", type=int, default=60, help="how many (default 60)")
    command.add_argument(
        "--minutes", type=float, help="leave out runs whose records say more CPU minutes (default: none)"
    )
    command.add_argument(
        "--leave-out-untrained",
        action="store_true",
        help="runs that cannot be trained here, as their data are missing, are no failure",
    )
    command.add_argument("--outcome", type=Path, metavar="FILE", help="add a line of JSON about what came out here")
    command.add_argument("--dry-run", action="store_true", help="print the sample and what it costs, and train nothing")
    command.add_argument("--config", action="append", default=[], metavar="FILE", help=config)


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Returns
    -------
    int
        Exit code: 1 where a run could not be trained, and such were not to be left out.

    Raises
    ------
    UserError
        Where a sparse run missed its record, too many of the others their intervals, or none could be trained.
    """
    from truly_sparse.experiments import recheck
    from truly_sparse.experiments.configuration import load_configs
    from truly_sparse.experiments.jobs import claim_result

    if arguments.runs < 1:
        raise UserError(f"--runs {arguments.runs}: there is nothing to check; ask for at least 1")
    configs = load_configs(arguments.config)
    found = recheck.candidates(configs)
    within = [one for one in found if arguments.minutes is None or one.seconds <= 60 * arguments.minutes]
    sample = recheck.draw(within, arguments.runs, arguments.seed)
    if not sample:
        raise UserError("there is no committed run to check; raise --minutes" if found else "no committed run holds")
    _tell(sample, found, within, arguments)
    if arguments.dry_run:
        return 0
    if arguments.outcome:
        arguments.outcome.open("a").close()  # what cannot be written is known before hours of training
    with claim_result(recheck.separate(configs[0]), "recheck", ""):
        recheck.clear(configs)
        outcomes = []
        for outcome in recheck.check(sample, found):
            outcomes.append(outcome)
            print(f"{len(outcomes)} of {len(sample)}: {outcome.candidate.name}: {said(outcome)}", flush=True)
    if arguments.outcome:
        line = {"seed": arguments.seed, "minutes": arguments.minutes, **summary(outcomes)}
        with arguments.outcome.open("a", encoding="utf-8") as stream:
            stream.write(f"{json.dumps(line)}\n")
    return judge(outcomes, arguments.leave_out_untrained)


def _tell(
    sample: Sequence["Candidate"],
    found: Sequence["Candidate"],
    within: Sequence["Candidate"],
    arguments: argparse.Namespace,
) -> None:
    """Print the sample, what each run must come to and what all cost, before anything is trained."""
    from truly_sparse.experiments.recheck import digest, expectations

    print("digest        CPU s  must come to      run")
    for one, must in zip(sample, expectations(sample, found), strict=True):
        print(f"{digest(arguments.seed, one.name)[:12]} {one.seconds:6.0f}  {must!s:16}  {one.name}")
    kinds, every = ({one.kind for one in several} for several in (sample, within))
    print(
        f"seed {arguments.seed}: {len(sample):,} of {len(within):,} runs, {len(kinds)} of {len(every)} kinds of "
        f"{len({study for study, *_ in kinds})} studies; "
        f"their records say {sum(one.seconds for one in sample) / 60:.1f} core-minutes"
    )
    left = Counter(one.config["study"] for one in found)
    left.subtract(one.config["study"] for one in within)
    if left.total():
        whole = Counter(one.config["study"] for one in found)
        named = ", ".join(f"{count:,} of {whole[study]:,} of {study}" for study, count in left.items() if count)
        print(f"left out, as longer than {arguments.minutes:g} core-minutes each: {left.total():,} runs ({named})")
    sys.stdout.flush()


def said(outcome: "Outcome") -> str:
    """Return what came of a run, in words."""
    if outcome.absent:
        return f"not trained: {outcome.absent}"
    if outcome.missed:
        return f"MISSED: {outcome.missed}"
    if outcome.same:
        return "the same bytes"
    if outcome.expected.interval is None:
        return "the same bytes, but measures of probabilities to 12 digits"
    return f"inside {outcome.expected}"


def _parted(outcomes: Sequence["Outcome"]) -> tuple[list["Outcome"], list["Outcome"], list["Outcome"]]:
    """Return sparse runs, models on BLAS, and what could not be trained."""
    trained = [one for one in outcomes if not one.absent]
    sparse = [one for one in trained if one.expected.interval is None]
    others = [one for one in trained if one.expected.interval is not None]
    return sparse, others, [one for one in outcomes if one.absent]


def summary(outcomes: Sequence["Outcome"]) -> dict[str, Any]:
    """Return what an outcome file keeps of a re-check: counts, the names of misses, commit and processor."""
    from truly_sparse.experiments.provenance import code_version
    from truly_sparse.measure import host

    sparse, others, absent = _parted(outcomes)
    return {
        "runs": len(outcomes),
        "sparse": {"same": sum(not one.missed for one in sparse), "of": len(sparse)},
        "blas": {"inside": sum(not one.missed for one in others), "of": len(others)},
        "not_trained": len(absent),
        "missed": [one.candidate.name for one in (*sparse, *others) if one.missed],
        **code_version(),
        "processor": {"name": host.processor(), **host.processor_facts()},
    }


def judge(outcomes: Sequence["Outcome"], leave_out: bool) -> int:
    """Print how many runs came out as they must.

    Parameters
    ----------
    outcomes : sequence of Outcome
    leave_out : bool
        Whether runs that could not be trained are no failure.

    Returns
    -------
    int
        Exit code: 1 where a run could not be trained and was not to be left out.

    Raises
    ------
    UserError
        Where a sparse run missed, more than 3 in 100 of the others did, or none was trained.
    """
    sparse, others, absent = _parted(outcomes)
    trained = len(sparse) + len(others)
    print(
        f"{sum(not one.missed for one in sparse)} of {len(sparse)} sparse runs gave the same bytes"
        f" ({sum(one.same for one in sparse)} to the last digit of every measure)"
    )
    print(
        f"{sum(not one.missed for one in others)} of {len(others)} models on BLAS came out inside their intervals"
        f" ({sum(one.same for one in others)} with the same bytes)"
    )
    untrained = f"; {len(absent)} runs could not be trained here" if absent else ""
    print(f"{trained} of {len(outcomes)} runs were trained{untrained}", flush=True)
    missed = [one.candidate.name for one in (*sparse, *others) if one.missed]
    if any(one.missed for one in sparse) or 100 * sum(bool(one.missed) for one in others) > OUTSIDE * len(others):
        raise UserError(f"{len(missed)} runs came out differently: {', '.join(missed)}")
    if not trained:
        raise UserError(f"none of the runs could be trained here; the first: {absent[0].absent}")
    if not absent or leave_out:
        return 0
    first = absent[0]
    print(
        f"error: {len(absent)} of {len(outcomes)} runs were not trained (--leave-out-untrained lets that pass); "
        f"the first, {first.candidate.name}: {first.absent}",
        file=sys.stderr,
    )
    return 1
