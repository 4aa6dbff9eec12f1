"""Where the time of a training step goes, kernel by kernel.

    python benchmarks/profile_kernels.py [--rounds 60]

Nothing about the kernels is written here: `SparseMLP.train_epoch` trains one step with the compiled epoch run as plain
Python, so that each compiled function it calls can be seen with the very arguments that the engine gives it. These
calls are then timed alone, in interleaved rounds. "step" is a whole step measured inside an epoch, so that the sum of
the parts can be held against it.
"""

import single_core  # noqa: F401, I001

import argparse
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any
from unittest import mock

import columns
import numpy as np
import peers
from columns import Columns
from numba import njit
from numba.core.dispatcher import Dispatcher
from rounds import clocked, interleaved

from truly_sparse.engine import kernels, optimisers
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD
from truly_sparse.estimators.presets import ENSEMBLE, dropout_of

BEST = ENSEMBLE["best"]
#: Name of a case -> sizes of the layers, epsilon, storage, clipping norm, dropout.
CASES = {
    **{f"epsilon {epsilon}": (peers.SIZES, epsilon, "bfloat16", 0.0, peers.DROPOUT) for epsilon in (10, 20, 30)},
    "epsilon 20, float32": (peers.SIZES, 20, "float32", 0.0, peers.DROPOUT),
    "estimators": (peers.ESTIMATOR_SIZES, 25, "bfloat16", BEST["clip_norm"], dropout_of(BEST)),
}
FORWARD, BACKWARD, GATHER, STEP = "forward", "backward", "gather batch", "step"
#: Calls that are timed together, so that the clock does not count.
TIMES = 5

Call = tuple[Callable[..., object], tuple[object, ...]]


#: Options that keep Python from calling the inner functions of the engine, and those that `njit` sets itself.
_LEFT_OUT = ("no_cpython_wrapper", "no_cfunc_wrapper", "_nrt", "cache", "nopython")


@cache
def _callable(function: Dispatcher) -> Dispatcher:
    """Return the same code, compiled with a way in from Python."""
    return njit(**{name: value for name, value in function.targetoptions.items() if name not in _LEFT_OUT})(
        function.py_func
    )


def parts(network: SparseMLP, clip: float, dropout: float) -> dict[str, list[Call]]:
    """Return the calls of compiled functions that one training step makes, by name, with rates of zero."""
    x, y = peers.problem(network.sizes)
    epoch = kernels.train_epoch
    found: dict[str, list[Call]] = {}

    def recorded(name: str, function: Dispatcher) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            found.setdefault(name.replace("_", " "), []).append((_callable(function), arguments))
            return _callable(function)(*arguments)

        return call

    with ExitStack() as patches:
        for name in epoch.py_func.__code__.co_names:
            function = getattr(kernels, name, None)
            if isinstance(function, Dispatcher):
                # Compiled again: those that only compiled code calls have no way in from Python.
                function = njit(boundscheck=False, error_model="numpy")(function.py_func)
                patches.enter_context(mock.patch.object(kernels, name, recorded(name, function)))
            elif name in OVERLOADED:
                patches.enter_context(mock.patch.object(kernels, name, OVERLOADED[name]))
        patches.enter_context(mock.patch.object(kernels, "train_epoch", epoch.py_func))
        network.train_epoch(x, y, np.arange(peers.BATCH), peers.BATCH, SGD(0.0, decay=0.0, clip=clip), dropout, 7, 0)
    return found


@njit
def _at_step(rates, step, powers):
    return optimisers.at_step(rates, step, powers)


@njit
def _shortened(rates, share):
    return optimisers.shortened(rates, share)


def _single(rates: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function whose numbers are float32 again: on the way to Python they become float64."""

    def call(*arguments: object) -> object:
        found = rates(*arguments)
        return type(found)(*(np.float32(value) if isinstance(value, float) else value for value in found))

    return call


@njit
def _nothing(*arguments):  # noqa: ARG001
    return None


def _all_links(links: Any, *_: object) -> tuple[Any, int]:
    return links, len(links.targets)


def _none(*_: object) -> None:
    pass


#: What only compiled code can call, with a way in from Python; it takes no time worth a row. Nothing here has a gate,
#: ramps or other threads.
OVERLOADED = {
    "at_step": _single(_at_step),
    "shortened": _single(_shortened),
    "taking_part": _all_links,
    "leads": lambda _: True,
    "meet": _nothing,  # compiled, as compiled functions call it as well
    "tell": lambda _, number: number,
    "stretch": lambda _, count: (0, count),
    "returned": _none,
}


def _alone(calls: list[Call]) -> float:
    """Return the CPU seconds of calls, less what it takes to hand over their arguments."""
    own = sum(clocked(lambda f=function, a=arguments: f(*a), TIMES) for function, arguments in calls)
    return max(0.0, own - sum(clocked(lambda a=arguments: _nothing(*a), TIMES) for _, arguments in calls))


def measure(rounds: int) -> list[dict[str, Any]]:
    """Return CPU seconds of every kernel of every case, round by round, with its useful operations."""
    calls: dict[tuple[str, str], Callable[[], float]] = {}
    work: dict[tuple[str, str], int] = {}
    for case, (sizes, epsilon, storage, clip, dropout) in CASES.items():
        network = peers.network(sizes, epsilon, storage)
        links, first = sum(network.link_counts), network.link_counts[0]
        for name, own in parts(network, clip, dropout).items():
            calls[case, name] = lambda own=own: _alone(own)
        calls[case, STEP] = _steps(peers.network(sizes, epsilon, storage), clip, dropout)
        multiply_adds = {FORWARD: links, BACKWARD: 2 * links - first, STEP: 3 * links - first}
        work |= {(case, name): 2 * count * peers.BATCH for name, count in multiply_adds.items()}
    return [
        {"case": case, "kernel": name, "seconds": seconds, "operations": work.get((case, name), 0)}
        for (case, name), seconds in interleaved(calls, rounds, "kernels").items()
    ]


def _steps(network: SparseMLP, clip: float, dropout: float) -> Callable[[], float]:
    x, y = peers.problem(network.sizes)
    steps = 10
    order = np.random.default_rng(0).permutation(peers.ROWS)[: steps * peers.BATCH]
    optimiser = SGD(peers.ETA, clip=clip)
    return lambda: clocked(lambda: network.train_epoch(x, y, order, peers.BATCH, optimiser, dropout, 7, 0)) / steps


def rate(row: dict[str, Any]) -> float:
    """Return the useful operations per second of a kernel."""
    return row["operations"] / statistics.median(row["seconds"])


def share(found: dict[str, Any], case: str, kernel: str) -> float:
    """Return the share of a step that a kernel takes, the median over rounds."""
    rows = {(row["case"], row["kernel"]): row["seconds"] for row in found["kernels"]}
    return statistics.median(a / b for a, b in zip(rows[case, kernel], rows[case, STEP], strict=True))


def _cell(found: dict[str, Any], case: str, kernel: str) -> str:
    row = next((r for r in found["kernels"] if (r["case"], r["kernel"]) == (case, kernel)), None)
    if row is None:
        return ""
    gflops = f", {rate(row) / 1e9:.0f} GFLOP/s" if row["operations"] else ""
    return f"{1e6 * statistics.median(row['seconds']):.1f} ({share(found, case, kernel):.1%}{gflops})"


def markdown(machines: Columns) -> str:
    """Return the profile as Markdown, one column for each machine and instruction set."""
    labels = dict.fromkeys((row["case"], row["kernel"]) for found in machines.values() for row in found["kernels"])
    order = [*CASES]
    labels = sorted(labels, key=lambda label: order.index(label[0]))
    return "\n\n".join(
        [
            "The kernels of one training step: CPU microseconds, share of the step, and useful operations a second "
            f"where there are any. The estimators' network is {'-'.join(map(str, peers.ESTIMATOR_SIZES))}, "
            f"its gradient clipped.",
            columns.markdown(
                ["case", "kernel", *machines],
                [[case, name, *(_cell(found, case, name) for found in machines.values())] for case, name in labels],
            ),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60)
    print(markdown({"microseconds": {"kernels": measure(parser.parse_args().rounds)}}))
