"""The three products of a truly sparse convolution beside sgemm: forward, errors, and the gradient of its links.

    python benchmarks/products.py [--rounds 12]

A layer of 3 x 3 from as many channels to as many, of maps as SPaS-CNN and the plain network have them. The products
alone are timed, on the bands of a batch as the engine makes them; sgemm runs in the same rounds.
"""

import single_core  # noqa: F401, I001

import argparse
import os
import statistics
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import columns
import epochs
import numpy as np
from columns import Columns
from numba import njit
from rounds import clocked, interleaved

from truly_sparse.engine import topology
from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.convolution.steps import map_of, sides_of, step_of
from truly_sparse.engine.convolution.layers import Convolution, Layer, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.convolution.walks import PIECES, alike, convolve, correlate, correlate_flat
from truly_sparse.engine.optimisers import SGD
from truly_sparse.engine.registers import LANES

BATCH, KERNEL, DENSITIES = 128, 3, (1.0, 0.2, 0.05, 0.013)
#: Channels, and rows and columns of their maps.
SHAPES = ((16, 32), (32, 16), (64, 8), (64, 4))
#: Share of sgemm's rate that is asked for, by density.
ASKED = {0.2: 0.5, 0.05: 0.4}
#: The layer that is measured, among those of `layers`.
MEASURED = 1


def layers(channels: int) -> list[Layer]:
    """Return a network whose second layer is as one in the middle of another."""
    first = Convolution((0,), channels, KERNEL, activation="none")
    return [first, Convolution((1,), channels, KERNEL), Convolution((2,), 10, 1, 0, pool="global")]


class Part(NamedTuple):
    """What the kernels take: tables, links, biases and room of a network."""

    tables: Any
    links: Any
    bias: Any
    space: Any


def part_of(network: SparseCNN, batch: int) -> Part:
    """Return what the kernels take, with what one step of training, by a rate of zero, leaves in the bands."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, network.features)).astype(np.float32)
    network.train_epoch(x, rng.integers(0, network.sizes[-1], batch), np.arange(batch), batch, SGD(0.0, 0.0, 0.0))
    own = network._reserve(batch)
    return Part(own.tables, network._links(own), network._bias, own.space)


@njit(**COMPILED)
def forward(part, s):
    """Sum up the links of all channels of layer s at all positions of the batch, as `kernels.forward` does."""
    step, links, space = step_of(part.tables.steps, s), part.links, part.space
    made = map_of(part.tables.maps, step.target)
    many, (high, columns) = 1 if step.window else made.channels, sides_of(step)
    apart, lane = step.taken * step.inside * LANES, columns * LANES
    for _ in range(made.tiles):
        for c in range(0, made.channels, many):
            pointers = links.pointers[PIECES * (step.neuron + c) : PIECES * (step.neuron + c + many) + 1]
            shared = alike(pointers, step.kernel**2 * step.taken)
            for first in range(0, high, step.band):
                rows = min(step.band, high - first)
                convolve(links.forth, links.reach, pointers, step.kernel * step.taken, shared,
                         part.bias[made.channel + c :], space.taken, apart, space.passed, many * lane, lane, rows,
                         columns)  # fmt: skip


@njit(**COMPILED)
def errors(part, s):
    """Lead the errors of layer s back to what it takes, as `kernels.backward` does."""
    step, links, space = step_of(part.tables.steps, s), part.links, part.space
    made = map_of(part.tables.maps, step.target)
    pointers = links.back_pointers[PIECES * step.back : PIECES * (step.back + step.taken) + 1]
    shared, beyond = alike(pointers, step.kernel**2 * made.channels), made.channels * step.beyond * LANES
    for _ in range(made.tiles):
        for first in range(0, step.rows, step.band):
            rows = min(step.band, step.rows - first)
            convolve(links.back, links.back_reach, pointers, step.kernel * made.channels, shared, space.zeros,
                     space.wrong, beyond, space.passed, step.taken * step.columns * LANES, step.columns * LANES, rows,
                     step.columns)  # fmt: skip


@njit(**COMPILED)
def gradient(part, s):
    """Sum up the products of errors and of what the links of layer s reach, as `kernels.backward` does."""
    step, links, space = step_of(part.tables.steps, s), part.links, part.space
    made = map_of(part.tables.maps, step.target)
    many, (high, columns) = 1 if step.window else made.channels, sides_of(step)
    if made.flat:
        pointers = links.pointers[PIECES * step.neuron : PIECES * (step.neuron + made.channels) + 1]
        correlate_flat(links.gradient, links.position, links.reach, pointers, step.taken, space.wrong,
                       step.beyond * LANES, space.taken, columns)  # fmt: skip
        return
    inside, beyond = step.taken * step.inside * LANES, many * step.beyond * LANES
    for _ in range(made.tiles):
        for c in range(0, made.channels, many):
            pointers = links.pointers[PIECES * (step.neuron + c) : PIECES * (step.neuron + c + many) + 1]
            shared = alike(pointers, step.kernel**2 * step.taken)
            for first in range(0, high, step.band):
                rows = min(step.band, high - first)
                correlate(links.products, links.reach, pointers, step.kernel * step.taken, shared, space.wrong,
                          (step.kernel - 1 - step.border) * (beyond + LANES), beyond, step.beyond * LANES, space.taken,
                          inside, rows, columns)  # fmt: skip


PRODUCTS = {"forward": forward, "errors": errors, "gradient": gradient}


def network_of(channels: int, side: int, density: float) -> SparseCNN:
    """Return a network each of whose links exists with a probability."""
    picture, rng = (channels, side, side), np.random.default_rng(0)
    plan = Plan(picture, layers(channels))
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], density, rng) for i, j in plan.pairs}
    return SparseCNN.start(picture, plan.layers, links, rng)


def bytes_of(network: SparseCNN, part: Part, name: str) -> int:
    """Return what a product reads and writes at least once: the bands of channels that have links, where it reads, and
    of all channels, where it writes; and of links their value and reach, or their sums and reach.
    """
    step = step_of.py_func(part.tables.steps, MEASURED)
    made = map_of.py_func(part.tables.maps, step.target)
    taps, targets = np.divmod(network.blocks[MEASURED].links(), made.channels)
    bands = [min(step.band, made.rows - first) for first in range(0, made.rows, step.band)]
    lines = sum(bands) + len(bands) * (KERNEL - 1)
    taken = lines * len(np.unique(taps // KERNEL % step.taken)) * step.inside
    wrong = lines * len(np.unique(targets)) * step.beyond
    written = made.rows * made.channels * made.columns  # as many as go back
    vectors = {"forward": taken + written, "errors": wrong + written, "gradient": taken + wrong}[name]
    of_link = 2 * 4 * LANES + 4 if name == "gradient" else 4 + 4
    return int(made.tiles * (4 * LANES * vectors + len(bands) * of_link * len(taps)))


def measure(rounds: int) -> dict[str, Any]:
    """Return CPU seconds of every product, round by round, and those of the products and streams of BLAS."""
    load = os.getloadavg()[0]
    calls: dict[Any, Callable[[], float]] = {**epochs.blas()}
    about: dict[Any, dict[str, Any]] = {}
    for (channels, side), density in product(SHAPES, DENSITIES):
        network = network_of(channels, side, density)
        part, links = part_of(network, BATCH), network.link_counts[MEASURED]
        operations = 2 * links * network.plan.positions[MEASURED] * BATCH
        times = max(1, round(2e7 / operations))
        for name, own in PRODUCTS.items():
            what = channels, side, density, name
            calls[what] = partial(clocked, partial(own, part, MEASURED), times)
            about[what] = {"channels": channels, "side": side, "density": density, "product": name, "links": links,
                           "operations": operations, "bytes": bytes_of(network, part, name)}  # fmt: skip
    seconds = interleaved(calls, rounds, "products")
    rows = [{**own, "seconds": seconds[what]} for what, own in about.items()]
    return {"products": rows, **epochs.of_blas(seconds), "loads": [load, os.getloadavg()[0]]}


def rate(row: dict[str, Any]) -> float:
    """Return the useful operations per second."""
    return row["operations"] / statistics.median(row["seconds"])


def share(found: dict[str, Any], row: dict[str, Any]) -> float:
    """Return the rate of a product as a share of sgemm's, the median over rounds."""
    pairs = zip(row["seconds"], epochs.sgemm(found), strict=True)
    return statistics.median(row["operations"] / seconds / sgemm for seconds, sgemm in pairs)


def measured(machines: Columns) -> Columns:
    """Return what was found on the machines that measured this."""
    return {title: found["products"] for title, found in machines.items() if "products" in found}


def markdown(machines: Columns) -> str:
    """Return the table of all machines that measured this."""
    rows = []
    for title, found in measured(machines).items():
        own = {(row["channels"], row["side"], row["density"], row["product"]): row for row in found["products"]}
        for (channels, side), density in product(SHAPES, DENSITIES):
            three = [own[channels, side, density, name] for name in PRODUCTS]
            cells = [f"{rate(row) / 1e9:.0f} ({share(found, row):.2f})" for row in three]
            layer = f"{channels} to {channels}, {side} x {side}"
            rows.append([title, layer, f"{density:g}", f"{three[0]['links']:,}", *cells, ASKED.get(density, "")])
    if not rows:
        return "Not measured yet."
    loads = "; ".join("{:.1f}, {:.1f}".format(*found["loads"]) for found in measured(machines).values())
    note = (
        f"Layers of {KERNEL} x {KERNEL}, {BATCH} pictures, float32: useful GFLOP/s of each product alone, and in "
        "brackets its share of what sgemm of OpenBLAS does in the same rounds. So many processes wanted a core at the "
        f"beginning and the end: {loads}; other work slows products and sgemm alike."
    )
    head = ["column", "channels, positions", "density", "links", *PRODUCTS, "asked for"]
    return f"{note}\n\n{columns.markdown(head, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=12, help="interleaved rounds (default 12)")
    print(markdown({"here": {"products": measure(parser.parse_args().rounds)}}))
