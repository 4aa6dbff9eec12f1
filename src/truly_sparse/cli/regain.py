"""`regain`: train committed runs that have no test probabilities again, and keep these."""

import argparse
from typing import Any

from truly_sparse.cli.recheck import said
from truly_sparse.errors import UserError

SUMMARY = "train committed runs that have no test probabilities again, and keep these where the results are the same"


def add(commands: Any, config: str) -> None:
    """Add the command to a parser's subcommands; `config` says what a configuration is."""
    command = commands.add_parser("regain", help=SUMMARY, description=SUMMARY)
    command.add_argument("experiments", nargs="+", metavar="experiment", help="such as table1")
    command.add_argument("--dry-run", action="store_true", help="print how many runs and what they cost, and no more")
    command.add_argument("--config", action="append", default=[], metavar="FILE", help=config)


def run(arguments: argparse.Namespace) -> None:
    """Run the command; what was kept stays kept if it is stopped, and the same command goes on.

    Raises
    ------
    UserError
        Where an experiment is unknown, or a run came out differently or could not be trained.
    """
    from truly_sparse.experiments import recheck
    from truly_sparse.experiments.configuration import check_experiments, load_configs
    from truly_sparse.experiments.jobs import claim_result

    configs = load_configs(arguments.config)
    check_experiments(configs, arguments.experiments)
    found = recheck.candidates(configs)
    wanted = recheck.lacking(found, arguments.experiments)
    hours = sum(one.seconds for one in wanted) / 3600
    print(f"{len(wanted):,} runs lack test probabilities; their records say {hours:.1f} core-hours", flush=True)
    if arguments.dry_run or not wanted:
        return
    bad = []
    with claim_result(recheck.separate(configs[0]), "recheck", ""):
        for number, outcome in enumerate(recheck.regain(wanted, found), 1):
            print(f"{number} of {len(wanted)}: {outcome.candidate.name}: {said(outcome)}", flush=True)
            if not outcome.well:
                bad.append(outcome.candidate.name)
    if bad:
        raise UserError(f"nothing is kept of {len(bad)} of {len(wanted)} runs, the first {bad[0]}; see above")
