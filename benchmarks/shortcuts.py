"""SPaS's perceptron on rows as large as CIFAR-10's: truly sparse, and as masks over dense layers in PyTorch.

    python benchmarks/shortcuts.py [--rounds 5]

The masked one is the same network as it is usually written: a linear layer for each pair of layers, sequential or
shortcut, whose weights are multiplied by a mask, Adam in its fused form, and the sum of all magnitudes in the loss.
Beside it, what a link costs with shortcuts and without, at as many links.
"""

import single_core  # noqa: F401, I001

import argparse
import functools
import statistics
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import columns
import numpy as np
import peers
from columns import Columns
from rounds import clocked, interleaved

from truly_sparse.engine import shortcuts
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.rows import Bytes

SIZES, ROWS, BATCH, RATE, L1 = (3072, 100, 100, 100, 10), 50_000, 128, 0.005, 5e-5
COMPRESSIONS = (5, 25, 75)
#: Steps that are timed of the 390 of an epoch: ours, and the masked network's, which takes as long whatever is masked.
STEPS, MASKED_STEPS = 390, 40
OURS, MASKED = "truly sparse", "PyTorch, masks"
#: Epsilon of the network that is trained with shortcuts and without, and the part of its links that skip layers.
EPSILON, RATIO = 20, 0.5


def network(compression: float) -> SparseMLP:
    """Return SPaS's network, half of whose links are shortcuts."""
    numbers = shortcuts.numbers(SIZES, 0.5, compression)
    return shortcuts.start(SIZES, *numbers, "mish", np.random.default_rng(0))


@functools.cache
def images() -> tuple[Bytes, np.ndarray]:
    """Return random bytes and classes, as many as CIFAR-10 has for training."""
    rng = np.random.default_rng(0)
    part = np.full(SIZES[0], 1 / 64, np.float32)
    values = rng.integers(0, 256, (ROWS, SIZES[0]), dtype=np.uint8)
    return Bytes(values, part, -128 * part), rng.integers(0, SIZES[-1], ROWS)


def truly_sparse(compression: float) -> Callable[[], float]:
    """Return what measures the seconds of one of our steps."""
    model, (x, y), rng = network(compression), images(), np.random.default_rng(1)

    def epoch() -> None:
        model.train_epoch(x, y, rng.permutation(ROWS), BATCH, Adam(RATE, l1=L1), 0.0, 0, 0)

    return lambda: clocked(epoch) / STEPS


def masked(compression: float) -> Callable[[], float]:
    """Return what measures the seconds of one step of the masked network."""
    import torch

    torch.set_num_threads(1)
    (samples, labels), sparse = images(), network(compression)
    # Scaled once, before any clock runs.
    x = torch.from_numpy(samples.values[: MASKED_STEPS * BATCH].astype(np.float32) / 64 - 2)
    y = torch.from_numpy(labels[: MASKED_STEPS * BATCH])
    weights, biases, masks = {}, {}, {}
    for block in sparse.blocks:
        mask = np.zeros(block.places, np.float32)
        mask[block.links()] = 1.0
        masks[block.pair] = torch.from_numpy(mask.reshape(block.n_in, block.n_out).T.copy())
        layer = torch.nn.Linear(block.n_in, block.n_out)
        weights[block.pair], biases[block.pair] = layer.weight, layer.bias
    parameters = [*weights.values(), *biases.values()]
    optimiser = torch.optim.Adam(parameters, lr=RATE, fused=True)
    linear, mish = torch.nn.functional.linear, torch.nn.functional.mish

    def step(rows: slice) -> None:
        optimiser.zero_grad()
        own = {pair: weight * masks[pair] for pair, weight in weights.items()}
        outputs = [x[rows]]
        for layer in range(1, len(SIZES)):
            sums = sum(linear(outputs[i], own[i, layer], biases[i, layer]) for i in range(layer))
            outputs.append(mish(sums) if layer < len(SIZES) - 1 else sums)
        loss = torch.nn.functional.cross_entropy(outputs[-1], y[rows])
        loss = loss + L1 * (
            sum(weight.abs().sum() for weight in own.values()) + sum(b.abs().sum() for b in biases.values())
        )
        loss.backward()
        optimiser.step()

    def steps() -> None:
        for number in range(MASKED_STEPS):
            step(slice(number * BATCH, (number + 1) * BATCH))

    return lambda: clocked(steps) / MASKED_STEPS


def skipping(ratio: float) -> tuple[Callable[[], float], int]:
    """Return what measures the seconds of a step of the journal's network with some shortcuts, and its links."""
    rng, sizes = np.random.default_rng(0), peers.SIZES
    model = shortcuts.erdos_renyi(sizes, EPSILON, ratio, [0.0] * (len(sizes) - 2), rng, storage="bfloat16")
    x, y = peers.problem()

    def epoch() -> None:
        model.train_epoch(x, y, rng.permutation(peers.ROWS), BATCH, SGD(peers.ETA), peers.DROPOUT, 7, 0)

    return lambda: clocked(epoch) / peers.STEPS, len(model.graph)


def measure(rounds: int) -> dict[str, Any]:
    """Return CPU seconds of a step of everything, round by round."""
    makes = {OURS: truly_sparse} | ({MASKED: masked} if find_spec("torch") else {})
    calls: dict[Any, Callable[[], float]] = {(name, c): make(c) for name, make in makes.items() for c in COMPRESSIONS}
    links = {}
    for ratio in (0.0, RATIO):
        calls["skip", ratio], links[ratio] = skipping(ratio)
    seconds = interleaved(calls, rounds, "shortcuts")
    return {
        "steps": [
            {"what": name, "compression": c, "links": len(network(c).graph), "seconds": seconds[name, c]}
            for name in makes
            for c in COMPRESSIONS
        ],
        "skipping": [{"ratio": ratio, "links": links[ratio], "seconds": seconds["skip", ratio]} for ratio in links],
    }


def times(found: dict[str, Any], compression: float) -> float | None:
    """Return how many times longer the masked network takes for a step; None where it was not measured."""
    rows = {row["what"]: row["seconds"] for row in found["steps"] if row["compression"] == compression}
    if MASKED not in rows:
        return None
    return statistics.median(other / own for own, other in zip(rows[OURS], rows[MASKED], strict=True))


def per_link(found: dict[str, Any]) -> float:
    """Return what a link costs with shortcuts, as a part of what it costs without."""
    without, with_ = ([s / row["links"] for s in row["seconds"]] for row in found["skipping"])
    return statistics.median(one / other for one, other in zip(with_, without, strict=True))


def markdown(machines: Columns) -> str:
    """Return the table of all machines that measured this."""
    measured = {title: found["shortcuts"] for title, found in machines.items() if "shortcuts" in found}
    if not measured:
        return "Not measured yet."
    rows = []
    for title, found in measured.items():
        for row in found["steps"]:
            if row["what"] != OURS:
                continue
            ratio = times(found, row["compression"])
            epoch = statistics.median(row["seconds"]) * STEPS
            other = "not installed" if ratio is None else f"{ratio:.0f} times ours"
            rows.append([title, f"{row['compression']}x", f"{row['links']:,}", f"{epoch:.3f}", other])
    costs = ", ".join(f"{per_link(found):.2f} ({title})" for title, found in measured.items())
    note = (
        f"An epoch of {ROWS:,} rows of {SIZES[0]:,} bytes, batch {BATCH}, hidden layers of 100, half of the links "
        f"shortcuts, Mish, Adam with L1, float32. The masked one has {sum(shortcuts.numbers(SIZES, 0, 0)):,} weights; "
        f"{MASKED_STEPS} of its steps were timed, of rows scaled before. In the journal's network at epsilon "
        f"{EPSILON}, with half of the links shortcuts, a link costs {costs} of what it costs without."
    )
    return f"{note}\n\n{columns.markdown(['column', 'compression', 'links', 'our epoch (s)', MASKED], rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    print(markdown({"here": {"shortcuts": measure(parser.parse_args().rounds)}}))
