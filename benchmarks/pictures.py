"""Truly sparse convolution beside dense PyTorch: a whole step of training, of pictures as large as CIFAR-10's.

    python benchmarks/pictures.py [--rounds 5]

PyTorch trains the same network without masks, as it is exported, contiguous and with its channels last, by fused SGD;
the quicker of both counts. (`torch.compile`, which takes a minute first, was 2 % quicker for the plain network, and
slower for SPaS-CNN.) The products of links are timed alone as well: what else a step takes is normalising, bending and
pooling, and waiting for maps that no cache holds.
"""

import single_core  # noqa: F401, I001

import argparse
import functools
import statistics
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import product
from typing import Any

import columns
import numpy as np
import products
from columns import Columns
from rounds import clocked, interleaved

from truly_sparse.engine import topology
from truly_sparse.engine.convolution import architectures
from truly_sparse.engine.convolution.layers import Layer, Plan
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.optimisers import SGD
from truly_sparse.estimators.torch_export import network_to_torch

PICTURE, CLASSES, BATCH, STEPS = (3, 32, 32), 10, 128, 4
DENSITIES = (1.0, 0.2, 0.05, 0.013)
#: Times quicker than dense PyTorch that is asked for, by density.
ASKED = {1.0: 1.0, 0.2: 3.5, 0.05: 7.0, 0.013: 9.0}
#: Share of a step beside its products that is allowed at a density of 0.05.
REST = 0.4
NETWORKS: dict[str, Callable[[], list[Layer]]] = {
    "plain, ReLU": lambda: architectures.plain(CLASSES),
    "SPaS-CNN, ReLU": lambda: architectures.spas(CLASSES, activation="relu"),
    "DenseNet, ReLU": lambda: architectures.densenet(CLASSES, activation="relu"),
    "SPaS-CNN, Mish": lambda: architectures.spas(CLASSES),
    "LeNet-L, ReLU": lambda: architectures.lenet(CLASSES, (64, 128), (1024, 512)),
}
STORAGES = ("float32", "bfloat16")
FORMATS = ("contiguous", "channels last")


@functools.cache
def pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return random pictures and classes for a few steps."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(STEPS * BATCH, int(np.prod(PICTURE)))).astype(np.float32)
    return x, rng.integers(0, CLASSES, STEPS * BATCH)


def sparse(layers: list[Layer], density: float, storage: str) -> SparseCNN:
    """Return a network each of whose links exists with a probability."""
    plan, rng = Plan(PICTURE, layers), np.random.default_rng(0)
    links = {(i, j): topology.bernoulli(plan.sizes[i] * plan.sizes[j], density, rng) for i, j in plan.pairs}
    return SparseCNN.start(PICTURE, layers, links, rng, storage=storage)


def in_a_row(steps: Callable[[int], object]) -> float:
    """Return the seconds of one of some steps, after one that is not timed: training makes thousands in a row."""
    steps(1)
    return clocked(lambda: steps(STEPS)) / STEPS


def ours(network: SparseCNN) -> Callable[[], float]:
    """Return what measures the seconds of a step."""
    x, y = pictures()
    order = np.arange(len(y))

    return lambda: in_a_row(lambda many: network.train_epoch(x, y, order[: many * BATCH], BATCH, SGD(0.01)))


def products_of(network: SparseCNN) -> Callable[[], float]:
    """Return what measures the seconds that the products of a step's links take, on bands that are near."""
    part = products.part_of(network, BATCH)
    steps = part.tables.steps
    numbers = [s for s in range(len(steps)) if products.step_of.py_func(steps, s).links]

    def run() -> None:
        for s in numbers:
            products.forward(part, s)
            products.gradient(part, s)
            if products.step_of.py_func(steps, s).passes:
                products.errors(part, s)

    return lambda: clocked(run)


def dense(layers: list[Layer], form: str) -> Callable[[], float]:
    """Return what measures the seconds of a step of the same network in PyTorch."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    memory = torch.channels_last if form == "channels last" else torch.contiguous_format
    network = network_to_torch(sparse(layers, 1.0, "float32")).train().to(memory_format=memory)
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9, fused=True)
    x, y = pictures()
    batches = torch.from_numpy(x.reshape(STEPS, BATCH, *PICTURE))
    labels = torch.from_numpy(y.reshape(STEPS, BATCH))

    def steps(many: int) -> None:
        for some, classes in zip(batches[:many], labels[:many], strict=True):
            optimiser.zero_grad()
            functional.cross_entropy(network(some.to(memory_format=memory)), classes).backward()
            optimiser.step()

    return lambda: in_a_row(steps)


def measure(rounds: int) -> dict[str, Any]:
    """Return CPU seconds of a step of everything, round by round; of PyTorch where it is installed."""
    rows = []
    for name, layers in NETWORKS.items():
        calls, about = dict[str, Callable[[], float]](), dict[str, dict[str, Any]]()
        for density, storage in product(DENSITIES, STORAGES):
            network, what = sparse(layers(), density, storage), f"{density}, {storage}"
            calls[what], calls[f"{what}, products"] = ours(network), products_of(network)
            about[what] = {"density": density, "storage": storage, "multiply_adds": network.multiply_adds,
                           "links": len(network.graph)}  # fmt: skip
        for form in FORMATS if find_spec("torch") else ():
            calls[form], about[form] = dense(layers(), form), {"format": form}
        seconds = interleaved(calls, rounds, f"pictures, {name}")
        for what, own in about.items():
            rows.append({"network": name, **own, "seconds": seconds[what]})
            if "format" not in own:
                rows[-1]["products"] = seconds[f"{what}, products"]
    return {"steps": rows, "torch": version("torch") if find_spec("torch") else None}


def times(found: dict[str, Any], network: str, density: float, storage: str) -> float | None:
    """Return how many times quicker than the quicker form of dense PyTorch a step is; None without PyTorch."""
    rows = [row for row in found["steps"] if row["network"] == network]
    peers = [statistics.median(row["seconds"]) for row in rows if "format" in row]
    (own,) = (row for row in rows if row.get("density") == density and row.get("storage") == storage)
    return min(peers) / statistics.median(own["seconds"]) if peers else None


def rest(row: dict[str, Any]) -> float:
    """Return the share of a step that is none of its products, the median over rounds."""
    return statistics.median(1 - a / b for a, b in zip(row["products"], row["seconds"], strict=True))


def markdown(machines: Columns) -> str:
    """Return the table of all machines that measured this."""
    measured = {title: found["pictures"] for title, found in machines.items() if "pictures" in found}
    if not measured:
        return "Not measured yet."
    rows = []
    for title, found in measured.items():
        for row in found["steps"]:
            time = statistics.median(row["seconds"])
            if "format" in row:
                rows.append(
                    [title, row["network"], f"dense PyTorch, {row['format']}", "", f"{1e3 * time:.1f}", "", "", ""]
                )
                continue
            ratio = times(found, row["network"], row["density"], row["storage"])
            rate = 6 * BATCH * row["multiply_adds"] / time / 1e9
            what = f"density {row['density']}, {row['storage']}"
            rows.append([title, row["network"], what, f"{row['links']:,}", f"{1e3 * time:.1f}", f"{rate:.0f}",
                         f"{rest(row):.0%}", "" if ratio is None else f"{ratio:.1f}"])  # fmt: skip
    asked = ", ".join(f"{most:g} at {density:g}" for density, most in ASKED.items())
    versions = ", ".join(sorted({found["torch"] or "not installed" for found in measured.values()}))
    note = (
        f"A step of {BATCH} pictures of {' x '.join(map(str, PICTURE))}, SGD with momentum: {STEPS} in a row, after "
        "one that is not timed, since other networks have had the caches meanwhile. GFLOP/s are those of links "
        "alone, over the whole step; the rest of a step is what products do not take when they are timed alone. "
        f"PyTorch is {versions}. Asked for: {asked} times the quicker dense PyTorch, and a rest of at most {REST:.0%} "
        "at 0.05."
    )
    head = ["column", "network", "what", "links", "step (ms)", "GFLOP/s", "rest", "times PyTorch"]
    return f"{note}\n\n{columns.markdown(head, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    print(markdown({"here": {"pictures": measure(parser.parse_args().rounds)}}))
