"""A truly sparse multilayer perceptron: a list of blocks over flat arrays, trained by the kernels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import kernels, link_loops, topology
from truly_sparse.engine.block import Block
from truly_sparse.engine.dropout import threshold
from truly_sparse.engine.memory import aligned, second_level_cache
from truly_sparse.engine.registers import BACKWARD, FORWARD, LANES
from truly_sparse.engine.streams import Streams

Floats = npt.NDArray[np.float32]
#: Rows of a batch that is only predicted: few, so that the activations of a layer stay in the cache.
PREDICTION_ROWS = 64
#: Vectors that share 16 words of memory.
SHARE = {"float32": 1, "bfloat16": 2}


class Optimiser(NamedTuple):
    """Momentum SGD: v <- momentum v - eta g; w <- w + v - decay w (the decay is not multiplied by eta).

    With `clip` > 0, g is shortened to that norm (over all parameters) where it is longer.
    """

    eta: float
    momentum: float = 0.9
    decay: float = 0.0002
    clip: float = 0.0


class EpochResult(NamedTuple):
    """Mean cross-entropy and accuracy over the samples of one training epoch, as seen with dropout."""

    loss: float
    accuracy: float
    samples: int


def tile(rows: int) -> tuple[int, ...]:
    """Return the tuple whose length is the number of vectors in a tile: the largest power of two up to 8 that divides.

    It is part of the order in which gradients are summed, and so the same on every processor.
    """
    vectors = 8
    while rows % (vectors * LANES):
        vectors //= 2
    return (0,) * vectors


def width(rows: int, most: int, unit: int) -> tuple[int, ...]:
    """Return the tuple whose length is the largest multiple of `unit` vectors, up to `most`, that divides the row."""
    return (0,) * next(n for n in range(max(most, unit), 0, -1) if n % unit == 0 and rows % (n * LANES) == 0)


class Room:
    """Memory for one batch: a row of every neuron, logits, the masks of the way back, and what one neuron needs."""

    def __init__(self, sizes: Sequence[int], count: int, storage: str) -> None:
        self.count, self.storage = count, storage
        self.offsets = np.concatenate(([0], np.cumsum(sizes[:-1]))).astype(np.int64) * count
        hidden = int(self.offsets[-1])
        self.rows = aligned(sum(sizes) * count, np.uint16 if storage == "bfloat16" else np.float32)
        # Then what a link leads to is asked for some links ahead; otherwise that would only cost.
        self.far = self.rows.nbytes > second_level_cache()
        self.logits = aligned(sizes[-1] * count)
        self.positive, self.kept = np.zeros(hidden // LANES, np.uint16), np.zeros(hidden // LANES, np.uint16)
        self.own, self.sums = aligned(count), aligned(count)
        self.lanes = np.zeros(LANES)
        self.parts = aligned(8 * kernels.GROUP * (count // LANES // len(tile(count))))


class SparseMLP:
    """Multilayer perceptron whose memory and work are proportional to its links.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of every layer, input and output included.
    counts : sequence of int
        Links of every block.
    slopes : sequence of float
        Slope of each hidden layer for z <= 0: f(z) = z if z > 0 else slope * z.
    bounds : sequence of float
        Half-width of the start values of each block, used for new links of any kind.
    storage : {"float32", "bfloat16"}
        How training keeps activations and errors between layers. bfloat16 halves that memory and its traffic; sums,
        links, gradients and predictions are float32 with either.

    Attributes
    ----------
    blocks : list of Block
        The connections, in order of their target layer.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        counts: Sequence[int],
        slopes: Sequence[float],
        bounds: Sequence[float],
        storage: str = "float32",
    ) -> None:
        self.sizes, self.bounds, self.storage = tuple(sizes), tuple(bounds), storage
        self.slopes = np.array([0.0, *slopes, 0.0], np.float32)
        self.blocks = [
            Block(n_in, n_out, layer, layer + 1, count)
            for layer, (n_in, n_out, count) in enumerate(zip(sizes[:-1], sizes[1:], counts, strict=True))
        ]
        self.biases = np.zeros(sum(sizes[1:]), np.float32)
        self.bias_velocity, self._bias_gradient = np.zeros_like(self.biases), np.zeros_like(self.biases)
        self._gradient = np.zeros(0, np.float32)
        self._flatten()
        self._room: Room | None = None

    @classmethod
    def erdos_renyi(
        cls,
        sizes: Sequence[int],
        epsilon: float,
        slopes: Sequence[float],
        rng: np.random.Generator,
        start_values: str = "he",
        storage: str = "float32",
    ) -> "SparseMLP":
        """Start a network with Erdős–Rényi blocks, uniform start values and zero biases (journal section 4.1.3)."""
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        topologies = [topology.erdos_renyi(n_in, n_out, epsilon, rng) for n_in, n_out in pairs]
        bounds = [
            topology.start_bound(n_in, n_out, start_values, topology.density(n_in, n_out, epsilon))
            for n_in, n_out in pairs
        ]
        network = cls(sizes, [len(links) for links in topologies], slopes, bounds, storage)
        for block, links, bound in zip(network.blocks, topologies, bounds, strict=True):
            values = topology.start_values(len(links), bound, rng)
            block.assign(links, values, np.zeros_like(values))
        return network

    def _flatten(self) -> None:
        """Move the blocks' arrays into flat ones that the kernels take, leaving views in the blocks."""
        plan = np.zeros((len(self.blocks), kernels.PLAN_COLUMNS), np.int64)
        links = ins = outs = bias = 0
        for row, block in zip(plan, self.blocks, strict=True):
            row[:] = block.n_in, block.n_out, links, ins, outs, block.source, block.target, bias
            links, ins = links + len(block), ins + block.n_in + 1
            outs, bias = outs + block.n_out + 1, bias + block.n_out
        self._plan = plan
        self._flat = {}
        for name in ("in_pointers", "targets", "values", "velocity", "out_pointers", "sources", "position"):
            flat = np.concatenate([getattr(block, name) for block in self.blocks])
            self._flat[name] = flat
            start = 0
            for block in self.blocks:
                stop = start + len(getattr(block, name))
                setattr(block, name, flat[start:stop])
                start = stop

    def _reserve(self, count: int, storage: str) -> "Room":
        """Return room for the rows of `count` samples, the one of the last call if it fits."""
        if self._room is None or (self._room.count, self._room.storage) != (count, storage):
            self._room = None  # before the new one is made: both may not fit
            self._room = Room(self.sizes, count, storage)
        return self._room

    @property
    def link_counts(self) -> list[int]:
        """Links of every block."""
        return [len(block) for block in self.blocks]

    def train_epoch(
        self,
        x: Floats,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        optimiser: Optimiser,
        dropout: float,
        key: int,
        first_step: int,
    ) -> EpochResult:
        """Train on every full batch of `order`; the last incomplete batch is dropped.

        Parameters
        ----------
        x : ndarray of float32, shape (samples, features)
        y : ndarray of int64, shape (samples,)
            Class of each sample, 0 to classes - 1.
        order : ndarray of int64, shape (n,)
            Rows of `x` in the order of training, n >= batch.
        batch : int
            Samples per step.
        optimiser : Optimiser
        dropout : float
            Rate at which hidden units are dropped (inverted dropout), 0 <= dropout < 1.
        key, first_step : int
            Key of the dropout stream, and the number of this epoch's first step within the whole training.

        Returns
        -------
        EpochResult
            With a loss that is not finite if training diverged; it stops at that batch.
        """
        x, unit = np.ascontiguousarray(x, np.float32), LANES * SHARE[self.storage]
        room = self._reserve(-(-batch // unit) * unit, self.storage)
        count, flat, sums = room.count, self._flat, tile(room.count)
        if optimiser.clip and not len(self._gradient):
            # Only clipping has to hold the gradients of all links.
            self._gradient = np.zeros(len(flat["values"]), np.float32)
        loss, correct = kernels.train_epoch(
            x, y, order, batch, count, self._plan, room.offsets, flat["in_pointers"], flat["targets"],
            flat["out_pointers"], flat["sources"], flat["position"], flat["values"], flat["velocity"], self._gradient,
            self.biases, self.bias_velocity, self._bias_gradient, self.slopes, room.rows, room.logits, room.positive,
            room.kept, room.own, room.sums, room.parts, room.lanes, width(count, FORWARD, SHARE[self.storage]),
            width(count, BACKWARD, len(sums)), sums, np.uint64(key), first_step, threshold(dropout),
            np.float32(1.0 / (1.0 - dropout)), *map(np.float32, optimiser), room.far,
        )  # fmt: skip
        samples = len(order) // batch * batch
        return EpochResult(loss / samples, correct / samples, samples)

    def predict_proba(self, x: Floats) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, float32, shape (samples, features)."""
        return self._predict(x, "float32")

    def predict_as_trained(self, x: Floats) -> Floats:
        """Return what `predict_proba` does, with activations stored as in training: quicker, good to choose by."""
        return self._predict(x, self.storage)

    def _predict(self, x: Floats, storage: str) -> Floats:
        if x.ndim != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"{self.sizes[0]} features expected, found an array of shape {x.shape}")
        x, flat, room = np.ascontiguousarray(x, np.float32), self._flat, self._room
        if room is None or room.storage != storage:
            room = Room(self.sizes, PREDICTION_ROWS, storage)
        probabilities = np.empty((len(x), self.sizes[-1]), np.float32)
        kernels.predict(
            x, room.count, self._plan, room.offsets, flat["out_pointers"], flat["sources"], flat["position"],
            flat["values"], self.biases, self.slopes, room.rows, room.logits, room.positive, room.kept, room.sums,
            room.parts, width(room.count, FORWARD, SHARE[storage]), room.far, np.arange(len(x)), probabilities,
        )  # fmt: skip
        return probabilities

    def evolve(self, fraction: float, streams: Streams, blocked: Mapping[int, topology.Links] | None = None) -> int:
        """Make one SET step: in every block but the output's, prune `fraction` of each sign, regrow at random.

        `blocked` gives, by source layer, links that must not be grown while other places are free.
        Returns how many blocked places were taken all the same.
        """
        return sum(
            regrow_at_random(
                block, fraction, self.bounds[block.source], streams.evolution, (blocked or {}).get(block.source)
            )
            for block in self.blocks[:-1]
        )

    def copy_state(self) -> dict[str, npt.NDArray]:
        """Return a copy of everything training changes: topology, values, velocities, biases."""
        names = ("in_pointers", "targets", "values", "velocity")
        state = {name: self._flat[name].copy() for name in names}
        return state | {"biases": self.biases.copy(), "bias_velocity": self.bias_velocity.copy()}

    def load_state(self, state: dict[str, npt.NDArray]) -> None:
        """Take over a state made by `copy_state` of a network of the same shape and link counts."""
        for name in ("in_pointers", "targets", "values", "velocity"):
            self._flat[name][:] = state[name]
        self.biases[:] = state["biases"]
        self.bias_velocity[:] = state["bias_velocity"]
        for block in self.blocks:
            block.index()


def regrow_at_random(
    block: Block,
    fraction: float,
    bound: float,
    rng: np.random.Generator,
    blocked: topology.Links | None = None,
) -> int:
    """Prune `fraction` of each sign and regrow as many links at free places, away from `blocked` while possible.

    A removed place is free again. Survivors keep value and velocity, new links start with velocity zero.

    Returns
    -------
    int
        New links that had to take a blocked place because no other was free.
    """
    keep = topology.survivors(block.values, fraction)
    count = int(len(block) - keep.sum())
    kept = np.empty(len(block) - count + 1, np.int64)  # the last one takes what is written after the last kept link
    link_loops.kept_links(block.in_pointers, block.targets, keep, block.n_out, kept)
    kept = kept[:-1]
    if blocked is None:
        grown, fallbacks = topology.grow(kept, count, block.places, rng), 0
    else:
        grown, fallbacks = topology.grow_avoiding(kept, blocked, count, block.places, rng)
    block.replant(keep, grown, topology.start_values(count, bound, rng))
    return fallbacks


def all_relu_slopes(hidden_layers: int, alpha: float) -> list[float]:
    """Slopes of All-ReLU: -alpha, +alpha, -alpha, ... on hidden layers 1, 2, 3, ... (Curci et al. 2021)."""
    return [alpha if layer % 2 else -alpha for layer in range(hidden_layers)]
