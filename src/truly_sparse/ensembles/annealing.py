"""How a child comes to its links while it is tuned: they fall by and by, or are active less and less often.

Everything follows from the child as its stage begins, with all links of its parent, and from its streams; so that a run
that was killed finds it again.
"""

from abc import ABC, abstractmethod
from math import cos, exp, pi

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.gate import Gate, thresholds_of
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.streams import Streams
from truly_sparse.ensembles.subnetworks import Marks, fallen, ranked
from truly_sparse.training.config import TrainingConfig

#: By how many halves of e the exponential shape falls over its epochs; the source names no number.
STEEPNESS = 5.0


def height(shape: str, part: float) -> float:
    """Return what is left of a temperature when a part of its epochs has gone by (Whitaker equations 6.2 to 6.4).

    Equation 6.3 prints cos(t / T), which would end at 0.77; here it is cos(pi t / T). All end at 0.
    """
    if part >= 1:
        return 0.0
    if shape == "cosine":
        return (1 + cos(pi * part)) / 2
    return 1 - part if shape == "linear" else exp(-STEEPNESS * part)


class Annealing(ABC):
    """What happens to a child's links before each epoch of its tuning."""

    @abstractmethod
    def before(self, network: Linked, epoch: int) -> tuple[Linked, Gate | None]:
        """Return the network of an epoch, counted from 0, and which of its links take part in each step."""

    @abstractmethod
    def final(self, network: Linked) -> Linked:
        """Return the network of those links of the child, as it is now, that it will end with."""


class Iterative(Annealing):
    """An equal part of what is to fall does before each of some epochs, block by block.

    Parameters
    ----------
    network : SparseMLP or SparseCNN
        The child with all links of its parent.
    settings : TrainingConfig
    rng : Generator
        Draws the order in which links fall, unless the smallest do, which are looked for anew each time.
    """

    def __init__(self, network: Linked, settings: TrainingConfig, rng: np.random.Generator) -> None:
        self.settings, last = settings, len(network.sizes) - 1
        self.counts = {
            block.pair: len(block) for block in network.blocks if block.target < last or settings.prune_output_block
        }
        self.orders = {pair: rng.permutation(count) for pair, count in self.counts.items()}

    def _left(self, pair: tuple[int, int], steps: int) -> int:
        """Return how many links a block has after so many steps: n - round(j s n / steps in all)."""
        share = min(steps, self.settings.prune_epochs) / self.settings.prune_epochs
        return self.counts[pair] - fallen(self.counts[pair], share * self.settings.sparsity)

    def before(self, network: Linked, epoch: int) -> tuple[Linked, None]:
        """Let links fall; see `Annealing.before`."""
        if epoch >= self.settings.prune_epochs:
            return network, None
        return self._after(network, epoch, epoch + 1), None

    def final(self, network: Linked) -> Linked:
        """Return the network itself: what will fall is part of it as yet."""
        return network

    def _after(self, network: Linked, done: int, steps: int) -> Linked:
        keep = np.ones(len(network.graph), bool)
        for block in network.blocks:
            if block.pair in self.counts:
                left = self._left(block.pair, steps)
                if self.settings.sampler == "magnitude":
                    own = ranked(np.abs(block.values)) >= len(block) - left
                else:
                    ranks = self.orders[block.pair]
                    own = ranks[ranks < self._left(block.pair, done)] < left
                keep[block.where] = own
        return network.subnetwork(keep)


class Stochastic(Annealing):
    """Links that are to fall are active in ever fewer steps, then fall with their velocity (Whitaker chapter 6).

    Parameters
    ----------
    target : ndarray of bool, shape (links,)
        Which of the parent's links the child will end with, in order of ``graph.values``.
    settings : TrainingConfig
        `annealing`, `annealing_epochs`, `annealing_shape`, `temperature`, `inactive`.
    streams : Streams
        Draw the key of the hash, and the first probabilities of `annealing` random.
    drawn : ndarray of bool, shape (links,), optional
        Which links these probabilities are drawn for, those that could have fallen; the others are always active.
    """

    def __init__(self, target: Marks, settings: TrainingConfig, streams: Streams, drawn: Marks | None = None) -> None:
        self.target, self.settings = target, settings
        self.key = int(streams.gate.integers(2**64, dtype=np.uint64))
        self.first: npt.NDArray[np.float32] | None = None
        if settings.annealing == "random":
            # A share of links as large as the child's has the highest numbers of all, so that their mean is a half.
            among = np.ones(len(target), bool) if drawn is None else drawn
            fall, uniform = 1 - target[among].mean(), streams.gate.random(len(target), np.float32)
            first = np.where(target, fall + (1 - fall) * uniform, fall * uniform)
            self.first = np.where(among, first, 1).astype(np.float32)

    def probabilities(self, epoch: int) -> npt.NDArray[np.float64]:
        """Return the probability of each of the parent's links to be active in a step of an epoch."""
        part = min(1.0, epoch / self.settings.annealing_epochs)
        if self.first is not None:
            first = self.first.astype(np.float64)
            return np.asarray(first + (self.target - first) * part)
        return np.where(self.target, 1.0, self.settings.temperature * height(self.settings.annealing_shape, part))

    def before(self, network: Linked, epoch: int) -> tuple[Linked, Gate | None]:
        """Let probabilities change; see `Annealing.before`."""
        if epoch < self.settings.annealing_epochs:
            return network, Gate(thresholds_of(self.probabilities(epoch)), self.key, self.settings.inactive == "coast")
        return self.final(network), None

    def final(self, network: Linked) -> Linked:
        """Return the network of the links that are never to fall; see `Annealing.final`."""
        return network.subnetwork(self.target) if len(network.graph) == len(self.target) else network
