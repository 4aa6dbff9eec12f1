"""`golden`: run the golden runs and compare their digests, or make the digests anew. No configuration."""

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Add the command to a parser's subcommands."""
    summary = "run small runs whose output digests are committed, and compare"
    command = commands.add_parser("golden", help=summary, description=summary)
    command.add_argument("names", nargs="*", metavar="name", help='golden run, such as "static" (default: all)')
    command.add_argument("--make", metavar="REASON", help="write the digests anew; the reason is kept with them")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    from truly_sparse.golden.check import main

    main(arguments.names, arguments.make)
