"""What networks of links have in common, whatever their links mean: blocks, topology steps, subnetworks and state."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import topology
from truly_sparse.engine.graph import STATE, Block, Graph, Pair
from truly_sparse.engine.optimisers import Optimiser
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.rows import Bytes, NonZeros, Numbers, Samples
from truly_sparse.engine.streams import Streams
from truly_sparse.engine.topology import Links
from truly_sparse.errors import UserError

Floats = npt.NDArray[np.float32]
#: Marks the links that survive pruning a fraction, given their values.
Survivors = Callable[[Floats, float], npt.NDArray[np.bool_]]


class EpochResult(NamedTuple):
    """Mean cross-entropy and accuracy over the samples of one training epoch, as seen with dropout."""

    loss: float
    accuracy: float
    samples: int
    #: Links that took part in a step, and those of them that lead from the inputs, in the mean over steps.
    links: float
    input_links: float
    #: Multiply-adds of a sample through all links, and through those from the inputs, in the mean over steps, where a
    #: link has several.
    multiply_adds: tuple[float, float] | None = None


def steps_of(order: npt.NDArray[np.int64], batch: int) -> int:
    """Return how many full batches there are in an order of samples.

    Raises
    ------
    UserError
        Where there is none.
    """
    if len(order) < batch:
        raise UserError(f"a batch of {batch} samples cannot be made of {len(order)}; lower batch_size")
    return len(order) // batch


class Linked(ABC):
    """A network whose links are those of a graph.

    Attributes
    ----------
    graph : Graph
    sizes : tuple of int
        Of the layers of the graph.
    bounds : dict of (int, int) to float
        Half-width of the start values of each block.
    storage : {"float32", "bfloat16"}
        How training keeps activations.
    biases : ndarray of float32
    """

    graph: Graph
    sizes: tuple[int, ...]
    bounds: dict[Pair, float]
    storage: str
    biases: Floats
    #: beta1^t and beta2^t of Adam after t steps.
    _powers: npt.NDArray[np.float64]
    _bias_second: Floats

    @property
    @abstractmethod
    def features(self) -> int:
        """Features of a sample."""

    @abstractmethod
    def skips(self, block: Block) -> bool:
        """Tell whether the links of a block are shortcuts."""

    @abstractmethod
    def train_epoch(
        self,
        x: Samples,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        optimiser: Optimiser,
        dropout: float,
        key: int,
        first_step: int,
    ) -> EpochResult:
        """Train on every full batch of `order`; the last incomplete batch is dropped."""

    @abstractmethod
    def predict_proba(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, shape (samples, features)."""

    @abstractmethod
    def predict_as_trained(self, x: Samples) -> Floats:
        """Return what `predict_proba` does, with activations stored as in training."""

    @abstractmethod
    def _with(self, graph: Graph) -> Self:
        """Return a new network of the same kind with another graph."""

    @abstractmethod
    def _other_state(self) -> dict[str, npt.NDArray]:
        """Return all that training changes besides the graph; moments are called ..._velocity and ..._second."""

    @abstractmethod
    def _keep_second_moments(self) -> None:
        """Make room for second moments, where there is none."""

    @property
    def blocks(self) -> list[Block]:
        """The blocks of the graph."""
        return self.graph.blocks

    @property
    def link_counts(self) -> list[int]:
        """Links of every block."""
        return [len(block) for block in self.blocks]

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one sample through all links."""
        return len(self.graph)

    @property
    def bias_count(self) -> int:
        """Biases, of which a neuron may have several."""
        return len(self.biases)

    def without(self, prune: npt.NDArray[np.bool_]) -> Self:
        """Return a network without the marked links; values and moments of the others, and all else, are copied.

        Parameters
        ----------
        prune : ndarray of bool, shape (links,)
            In the order of ``graph.values``.
        """
        child = self._with(self.graph.without(prune))
        if len(self._bias_second):
            child._keep_second_moments()
        own = self._other_state()
        for name, copied in child._other_state().items():
            copied[:] = own[name]
        return child

    def subnetwork(self, keep: npt.NDArray[np.bool_]) -> Self:
        """Return the network of the marked links; see `without`."""
        return self.without(~keep)

    def evolve(
        self,
        fraction: float,
        streams: Streams,
        blocked: Mapping[int, Links] | None = None,
        survivors: Survivors = topology.survivors,
    ) -> int:
        """Make one SET step: in every block but those to the output, prune `fraction` of each sign, regrow at random.

        `blocked` gives, by number of the block, links that must not be grown while other places are free; `survivors`
        is another rule of what stays, such as `topology.between`. Returns how many blocked places were taken all the
        same.
        """
        bounds, avoided = self.bounds, blocked or {}
        return sum(
            regrow_at_random(
                block, fraction, bounds[block.pair], streams.evolution, avoided.get(number), survivors=survivors
            )
            for number, block in enumerate(self.blocks)
            if block.target < len(self.sizes) - 1
        )

    def rest(self) -> None:
        """Forget the moments of all parameters, and the steps that Adam has made."""
        moments = [own for name, own in self._other_state().items() if name.endswith(("velocity", "second"))]
        for own in (self.graph.velocity, self.graph.arrays.second, *moments):
            own[:] = 0
        self._powers[:] = 1

    def forget_biases(self) -> None:
        """Set all parameters but links to what they are before training that draws none: biases to 0."""
        self.biases[:] = 0

    def is_finite(self) -> bool:
        """Tell whether all parameters, and all that training keeps of them, are finite numbers."""
        own = (self.graph.values, self.graph.velocity, self.graph.arrays.second, *self._other_state().values())
        return all(bool(np.isfinite(array).all()) for array in own)

    def copy_state(self) -> dict[str, npt.NDArray]:
        """Return a copy of everything training changes: topology, values, moments, all other parameters."""
        links = {name: getattr(self.graph.arrays, name).copy() for name in STATE}
        return links | {name: own.copy() for name, own in self._other_state().items()}

    def load_state(self, state: Mapping[str, npt.NDArray]) -> None:
        """Take over a state made by `copy_state` of a network of the same shape and number of links."""
        if len(state["bias_second"]):  # without links there are no second moments of links
            self._keep_second_moments()
        self.graph.load(state)
        for name, own in self._other_state().items():
            own[:] = state[name]

    def _samples(self, x: Samples) -> Numbers | Bytes:
        """Return samples as the kernels take them."""
        if isinstance(x, NonZeros):
            raise UserError("sparse rows are for perceptrons; give this network dense ones")
        if len(x.shape) != 2 or x.shape[1] != self.features:
            raise ValueError(f"{self.features} features expected, found an array of shape {x.shape}")
        if isinstance(x, Ramped):
            raise ValueError("samples of ramps are for networks whose links are single ones")
        if not isinstance(x, Bytes):
            return Numbers(np.ascontiguousarray(x, np.float32))
        scale, shift = (np.ascontiguousarray(part, np.float32) for part in (x.scale, x.shift))
        if x.values.dtype != np.uint8 or scale.shape != shift.shape or scale.shape != (self.features,):
            raise ValueError(f"bytes are uint8 with scale and shift for each of {self.features} features")
        return Bytes(np.ascontiguousarray(x.values), scale, shift)


def regrow_at_random(
    block: Block,
    fraction: float,
    bound: float,
    rng: np.random.Generator,
    blocked: Links | None = None,
    survivors: Survivors = topology.survivors,
) -> int:
    """Prune `fraction` of each sign and regrow as many links at free places, away from `blocked` while possible.

    `survivors` is another rule of what stays.

    A removed place is free again. Survivors keep value and velocity, new links start with velocity zero.

    Returns
    -------
    int
        New links that had to take a blocked place because no other was free.
    """
    keep = survivors(block.values, fraction)
    count = int(len(keep) - keep.sum())
    kept = block.kept(keep, len(keep) - count)
    if blocked is None:
        grown, fallbacks = topology.grow(kept, count, block.places, rng), 0
    else:
        grown, fallbacks = topology.grow_avoiding(kept, blocked, count, block.places, rng)
    block.replant(keep, grown, topology.start_values(count, bound, rng))
    return fallbacks
