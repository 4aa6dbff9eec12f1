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
from truly_sparse.cli import golden, model_commands, recheck, regain, score
from truly_sparse.errors import UserError

Command = Callable[[dict[str, Any], argparse.Namespace], None]


def _data(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.cli.datasets import prepare_all

    prepare_all(config, arguments.names, everything=arguments.all)


def _run(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments.jobs.run_job import train

    train(config, arguments.name, restart=arguments.restart)


def _store(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments import measurements, records

    kind = measurements if arguments.name in config["measurements"] else records
    print(kind.store(config, arguments.name, _golden))


def _golden() -> None:
    from truly_sparse.golden.check import main

    main([], None)


def _table(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.studies.make import table

    table(config, arguments.name)


def _figure(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.studies.make import figure

    figure(config, arguments.name)


def _results(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.studies.make import results

    results(config, arguments.names)


def _measure(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.experiments.jobs.measurement_job import measure

    print(measure(config, arguments.name))


def _pdf(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.studies.pdf import build

    build(config)


def _provenance(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.analysis.inventory import write

    for path in write(config):
        print(path)


def _crate(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    del arguments
    from truly_sparse.analysis.crate import make
    from truly_sparse.studies.discovery import find

    print(make(find(config["study"]), config))


def _show(config: dict[str, Any], arguments: argparse.Namespace) -> None:
    from truly_sparse.studies.show import show

    show(config, arguments.name)


COMMANDS: dict[str, tuple[Command, str, str | None]] = {
    "data": (_data, "fetch, verify and write datasets, and say where they came from", None),
    "run": (_run, "train one run and write its folder", "run, such as table1/gesture/fd_tse/eps20/seed0"),
    "store": (_store, "add finished runs or a measurement to the committed records", "experiment, such as table1"),
    "table": (_table, "make one table from the records", "table, such as table1"),
    "figure": (_figure, "make one figure from the records", "figure, such as accuracy"),
    "results": (_results, "make several tables and figures of one study, those first that others draw on", None),
    "measure": (_measure, "measure what is no training run", "measurement, such as scalability"),
    "pdf": (_pdf, "build the PDF of every study with a text", None),
    "provenance": (_provenance, "list what every run came from, and the environment", None),
    "crate": (_crate, "describe the results of every study as RO-Crates", None),
    "show": (_show, "print one table and where it lies", "table, such as table1"),
}
#: Commands that have modules of their own.
APART: dict[str, Any] = {"golden": golden, "recheck": recheck, "regain": regain, "score": score}
WORKFLOW = "run the workflow under one progress bar; its log goes into a file"
CONFIG = "configuration of a study or a preset, such as config/quick.yaml (default: every study at full scale)"


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="truly-sparse",
        description="Truly sparse ensembles: models of your own tables; data, runs, tables and figures of the papers.",
        epilog="examples:\n"
        "  truly-sparse fit iris.csv --target species\n"
        "  truly-sparse compare iris.csv --target species\n"
        "  truly-sparse run table1/gesture/fd_tse/eps20/seed0\n"
        "  truly-sparse show table1 --config config/quick.yaml\n\n"
        "`truly-sparse COMMAND --help` has examples of the command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    model_commands.add(commands)
    golden.add(commands)
    recheck.add(commands, CONFIG)
    regain.add(commands, CONFIG)
    score.add(commands, CONFIG)
    watched = commands.add_parser("workflow", help=WORKFLOW, description=WORKFLOW)
    watched.add_argument("--config", metavar="FILE", help=CONFIG)
    watched.add_argument("--cores", default="all", help="cores to use at once (default: all)")
    watched.add_argument("more", nargs="*", help="targets, and after -- any option of Snakemake")
    for name, (_, summary, what) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if what is not None:
            command.add_argument("name", help=what)
        command.add_argument("--config", action="append", default=[], metavar="FILE", help=CONFIG)
        if name == "data":
            command.add_argument("names", nargs="*", metavar="name", help="dataset, such as gesture")
            command.add_argument("--all", action="store_true", help="every dataset of registry and configuration")
        if name == "results":
            command.add_argument("names", nargs="+", metavar="name", help="table or figure, such as table1 accuracy")
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


def _concerned(configs: list[dict[str, Any]], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the configurations that a command works on: all, or the one that has what it names."""
    if arguments.command == "data":
        datasets: dict[str, Any] = {}
        for config in configs:
            datasets |= {name: block for name, block in config["datasets"].items() if name not in datasets}
        return [configs[0] | {"datasets": datasets}]
    if len(configs) == 1:
        return configs
    if arguments.command == "pdf":
        from truly_sparse.studies.pdf import sources

        return [config for config in configs if sources(config["study"])]
    from truly_sparse.studies.discovery import owner

    if arguments.command == "results":
        return [owner("table or figure", arguments.names[0], configs)]
    if COMMANDS[arguments.command][2] is None:
        return configs
    if arguments.command in ("table", "figure", "show"):
        return [owner("figure" if arguments.command == "figure" else "table", arguments.name, configs)]
    first = arguments.name.split("/")[0]
    return [next((one for one in configs if first in one["experiments"] or first in one["measurements"]), configs[0])]


def _alone(config: dict[str, Any], arguments: argparse.Namespace) -> AbstractContextManager[Any]:
    """Keep other processes from the file a command writes; runs and datasets have locks of their own."""
    if arguments.command in ("run", "data", "show"):
        return nullcontext()
    from truly_sparse.experiments.jobs import claim_result

    return claim_result(config, arguments.command, getattr(arguments, "name", ""))


def _obeyed(arguments: argparse.Namespace) -> int:
    """Run a command; return its exit code."""
    if arguments.command in model_commands.COMMANDS:
        model_commands.run(arguments)
        return 0
    if arguments.command in APART:
        return APART[arguments.command].run(arguments) or 0
    if arguments.command == "workflow":
        from truly_sparse.cli import workflow

        return workflow.run(arguments.config, arguments.cores, arguments.more)
    from truly_sparse.experiments.configuration import load_configs

    for config in _concerned(load_configs(arguments.config), arguments):
        with _alone(config, arguments):
            COMMANDS[arguments.command][0](config, arguments)
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run one command; return its exit code.

    It is 2 after one line about what is wrong, 1 where a re-check is not whole, 130 after an interrupt, 141 where
    nobody reads on.
    """
    arguments = model_commands.completed(parser()).parse_args(argv)
    one_thread()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ± must not stop a command
    try:
        code = _obeyed(arguments)
        sys.stdout.flush()
        return code
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever reads has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter complains at its end
        return 141
    except OSError as error:  # disk full, no permission, a file that vanished
        print(f"error: {error.strerror or error} ({error.filename or 'no file named'})", file=sys.stderr)
        return 2
    except MemoryError as error:
        print(f"error: out of memory ({error or 'nothing left'}); give it more, or train less at once", file=sys.stderr)
        return 2
