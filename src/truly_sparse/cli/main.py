# PYTHON_ARGCOMPLETE_OK
"""`python -m truly_sparse COMMAND`: every job of the workflow, and the same things by hand.

Modules are imported inside the commands, so that a job pays only for what it uses.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from truly_sparse import __version__
from truly_sparse.cli import golden, own
from truly_sparse.errors import UserError

# Returns an exit code, or nothing for 0.
Command = Callable[[dict[str, Any], argparse.Namespace], int | None]


def _workflow(config: dict[str, Any], arguments: argparse.Namespace) -> int:
    from truly_sparse.cli import workflow

    return workflow.run(config, arguments.config, arguments.cores, arguments.more)


def _data(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.cli.datasets import prepare_all

    prepare_all(config, arguments.names, everything=arguments.all)


def _run(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments.job import train

    train(config, arguments.name, restart=arguments.restart)


def _store(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments import measurements, records

    kind = measurements if arguments.name in config["measurements"] else records
    print(kind.store(config, arguments.name, _golden))


def _golden() -> None:
    from truly_sparse.golden.check import main

    main([], None)


def _verify(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments.verify import verify

    failures = verify(config, arguments.count, arguments.seed, arguments.longest)
    if failures:
        raise UserError(f"{len(failures)} runs came out differently: {'; '.join(failures)}")


def _table(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.analysis.make import table

    table(config, arguments.name)


def _figure(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.analysis.make import figure

    figure(config, arguments.name)


def _measure(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments.measuring_job import measure

    print(measure(config, arguments.name))


def _pdf(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.analysis.pdf import build

    build(config)


def _provenance(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.analysis.inventory import write

    for path in write(config):
        print(path)


def _crate(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.analysis.crate import make

    print(make(config))


def _show(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.analysis.show import show

    show(config, arguments.name)


COMMANDS: dict[str, tuple[Command, str, str | None]] = {
    "workflow": (_workflow, "run the workflow under one progress bar; its log goes into a file", None),
    "data": (_data, "fetch, verify and write datasets, and say where they came from", None),
    "run": (_run, "train one run and write its folder", "run, such as table1/gesture/fd_tse/eps20/seed0"),
    "store": (_store, "add finished runs or a measurement to the committed records", "experiment, such as table1"),
    "verify": (_verify, "run a random sample of the committed runs again and compare", None),
    "table": (_table, "make one table from the records", "table, such as table1"),
    "figure": (_figure, "make one figure from the records", "figure, such as accuracy"),
    "measure": (_measure, "measure what is no training run", "measurement, such as scalability"),
    "pdf": (_pdf, "build the paper of this preset", None),
    "provenance": (_provenance, "list what every run came from, and the environment", None),
    "crate": (_crate, "describe the results folder as an RO-Crate", None),
    "show": (_show, "print one table and where it lies", "table, such as table1"),
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="truly-sparse",
        description="Truly sparse ensembles: models of your own tables; data, runs, tables and figures of the paper.",
        epilog="examples:\n"
        "  truly-sparse fit iris.csv --target species\n"
        "  truly-sparse compare iris.csv --target species\n"
        "  truly-sparse run table1/gesture/fd_tse/eps20/seed0 --config config/config.yaml\n\n"
        "`truly-sparse COMMAND --help` has examples of the command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    own.add(commands)
    golden.add(commands)
    for name, (_, summary, what) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if what is not None:
            command.add_argument("name", help=what)
        command.add_argument("--config", default="config/config.yaml", help="configuration (default: the paper's)")
        if name == "workflow":
            command.add_argument("--cores", default="all", help="cores to use at once (default: all)")
            command.add_argument("more", nargs="*", help="targets, and after -- any option of Snakemake")
        if name == "data":
            command.add_argument("names", nargs="*", metavar="name", help="dataset, such as gesture")
            command.add_argument("--all", action="store_true", help="every dataset of registry and configuration")
        if name == "verify":
            command.add_argument(
                "--count", type=int, default=5, help="runs, spread over experiments and methods (default 5)"
            )
            command.add_argument("--seed", type=int, default=0, help="of the choice (default 0)")
            command.add_argument("--longest", type=float, help="leave out runs of more CPU seconds (default: none)")
        if name == "run":
            command.add_argument("--restart", action="store_true", help="train anew, whatever checkpoint there is")
    return top


def one_thread() -> None:
    """Keep numerical libraries to one thread and to the processor's own BLAS kernels; call before importing NumPy.

    An inherited OPENBLAS_CORETYPE can halve the speed of the dense models, so it is dropped, and said.
    """
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
        os.environ[f"{name}_NUM_THREADS"] = "1"
    kernel = os.environ.pop("OPENBLAS_CORETYPE", None)
    if kernel is not None:
        print(f"OPENBLAS_CORETYPE={kernel} ignored: BLAS chooses the processor's own kernels", file=sys.stderr)


def _alone(config: dict[str, Any], arguments: argparse.Namespace) -> AbstractContextManager[Any]:
    """Keep other processes from the file a command writes; workflows, runs and datasets have locks of their own."""
    if arguments.command in ("workflow", "run", "data", "show"):
        return nullcontext()
    from truly_sparse.experiments.claims import claim_result

    return claim_result(config, arguments.command, getattr(arguments, "name", ""))


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code: 2 after one line about what is wrong."""
    arguments = own.completed(parser()).parse_args(argv)
    one_thread()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ± must not stop a command
    try:
        if arguments.command in own.COMMANDS:
            own.run(arguments)
            return 0
        if arguments.command == "golden":
            golden.run(arguments)
            return 0
        from truly_sparse.experiments.config import load_config

        config = load_config(arguments.config)
        with _alone(config, arguments):
            return COMMANDS[arguments.command][0](config, arguments) or 0
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # disk full, no permission, a file that vanished
        print(f"error: {error.strerror or error} ({error.filename or 'no file named'})", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"error: out of memory ({error or 'nothing left'}); give it more, or train less at once", file=sys.stderr)
        return 2
