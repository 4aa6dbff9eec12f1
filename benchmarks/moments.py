"""What convolutional networks of few links lose to the running moments of their normalisation.

    python benchmarks/moments.py [--links 5000] [--epochs 3] [--seed 1]

A plain network of SPaS with few links learns CIFAR-10 by the settings of the thesis (Adam with L1), here and, from the
same start and in the same order, in PyTorch with a mask. After each epoch the test rows are predicted twice: as the
epoch left the network, and when its running means and variances have followed some more batches of training rows, of
which nothing was learnt. Needs PyTorch, and the data of `config/spas.yaml` prepared; one to two minutes of one core for
each epoch.
"""

import single_core  # noqa: F401, I001

import argparse
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import columns
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from truly_sparse.data.arrays import floats
from truly_sparse.engine.convolution.start import numbers, plan_of, start
from truly_sparse.engine.optimisers import Adam
from truly_sparse.estimators.torch_export import network_to_torch
from truly_sparse.experiments import outcome
from truly_sparse.experiments.configuration import load_config
from truly_sparse.experiments.grid import runs
from truly_sparse.files import write_json

RESULT = Path(__file__).parent / "results/moments.json"
STUDY, EXPERIMENT, DATASET, METHOD = "config/spas.yaml", "spas_cnn_budgets", "cifar10", "cnn_static"
#: Rows of a batch, and batches that running moments follow without a step.
BATCH, FOLLOWED = 128, 100

Rows = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
#: Pixels and classes.
Part = tuple[Rows, Labels]


def _batches(part: Part, order: Labels, shape: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
    """Give batches as tensors, in order."""
    import torch

    x, y = part
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        yield torch.from_numpy(x[rows].reshape(-1, *shape)), torch.from_numpy(y[rows])


def accuracies(module: Any, train: Part, test: Part, shape: tuple[int, ...]) -> dict[str, float]:
    """Return the accuracy on the test rows as a module is, and when its running moments have followed training rows."""
    import torch

    def accuracy() -> float:
        module.eval()
        tested = _batches(test, np.arange(len(test[1])), shape)
        hits = [int((module(rows).argmax(1) == own).sum()) for rows, own in tested]
        return sum(hits) / len(test[1])

    module, found = copy.deepcopy(module), {}
    order = np.random.default_rng(0).permutation(len(train[1]))[: FOLLOWED * BATCH]
    with torch.no_grad():
        found["as it is"] = accuracy()
        module.train()
        for rows, _ in _batches(train, order, shape):
            module(rows)
        found["followed"] = accuracy()
    return found


def in_torch(module: Any, optimiser: Any, l1: float, train: Part, order: Labels, shape: tuple[int, ...]) -> float:
    """Train a module for an epoch, on its links alone; return the mean loss."""
    import torch

    module.train()
    masks = [(own, (own != 0).float()) for own in module.parameters() if own.ndim > 1]
    drawn = [own for name, own in module.named_parameters() if "norm" not in name]
    losses = []
    for rows, labels in _batches(train, order, shape):
        optimiser.zero_grad()
        loss = torch.nn.functional.cross_entropy(module(rows), labels)
        (loss + l1 * sum(own.abs().sum() for own in drawn)).backward()
        for own, mask in masks:
            own.grad *= mask
        optimiser.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def measure(links: int, epochs: int, seed: int) -> dict[str, Any]:
    """Return loss and accuracies after each epoch, here and in PyTorch."""
    import torch

    torch.set_num_threads(1)
    config = load_config(STUDY)
    spec = next(
        spec
        for spec in runs(config)
        if (spec.experiment, spec.dataset, spec.method, spec.seed) == (EXPERIMENT, DATASET, METHOD, seed)
        and spec.settings["training"].get("links") == links
    )
    own, data = spec.settings["training"], outcome.data_of(spec, config["data"])
    train, test, shape = (floats(data.x_train), data.y_train), (floats(data.x_test), data.y_test), (3, 32, 32)
    plan = plan_of(own["architecture"], own["hidden_layer_sizes"], own["activation"], False, shape, len(data.classes))
    network = start(plan, numbers(plan, 0.0, None, links), np.random.default_rng(seed), own["init"])
    module = network_to_torch(network)
    rate, l1 = own["learning_rate"], own["l1"]
    theirs = torch.optim.Adam(module.parameters(), rate)
    rows = []
    for epoch in tqdm(range(1, epochs + 1), unit="epoch"):
        order = np.random.default_rng([seed, epoch]).permutation(len(train[1]))[: len(train[1]) // BATCH * BATCH]
        loss = network.train_epoch(*train, order, BATCH, Adam(rate, l1=l1)).loss
        rows.append({"by": "here", "epoch": epoch, "loss": loss,
                     **accuracies(network_to_torch(network), train, test, shape)})  # fmt: skip
        loss = in_torch(module, theirs, l1, train, order, shape)
        rows.append({"by": "in PyTorch", "epoch": epoch, "loss": loss, **accuracies(module, train, test, shape)})
    return {"links": links, "seed": seed, "rows": rows, "torch": torch.__version__}


def markdown(found: dict[str, Any]) -> str:
    """Return the table of what was measured."""
    note = (
        f"A plain network of {found['links']:,} links, static; PyTorch is {found['torch']}. Accuracy on the test rows "
        "in percent, as an epoch left the network, and when its running means and variances have followed "
        f"{FOLLOWED} batches of training rows without a step."
    )
    head = ["epoch", "trained", "training loss", "as it is", "followed"]
    rows = [
        [row["epoch"], row["by"], f"{row['loss']:.3f}", f"{100 * row['as it is']:.1f}", f"{100 * row['followed']:.1f}"]
        for row in sorted(found["rows"], key=lambda row: (row["epoch"], row["by"] != "here"))
    ]
    return f"{note}\n\n{columns.markdown(head, rows)}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--links", type=int, default=5000, help="links of the network (default 5000)")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    made = measure(arguments.links, arguments.epochs, arguments.seed)
    write_json(RESULT, made)
    print(markdown(made))
