"""A truly sparse convolutional network: a graph of links between taps and channels, trained by the kernels."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import topology
from truly_sparse.engine.convolution import kernels
from truly_sparse.engine.convolution.layers import Layer, Plan, tables
from truly_sparse.engine.convolution.orders import Orders, Room, links_of, orders_of, orders_of_some, room
from truly_sparse.engine.gate import Gate, choose, end_step
from truly_sparse.engine.gate import room as gate_room
from truly_sparse.engine.graph import Block, Graph, Pair
from truly_sparse.engine.linked import EpochResult, Floats, Linked, steps_of
from truly_sparse.engine.memory import aligned, padded
from truly_sparse.engine.network import PREDICTION_ROWS
from truly_sparse.engine.optimisers import Adam, AdamRates, MomentumRates, Optimiser, of_epoch, of_steps
from truly_sparse.engine.registers import LANES, LINE
from truly_sparse.engine.rows import Bytes, Numbers, Samples
from truly_sparse.engine.topology import Links
from truly_sparse.errors import UserError


class _Batch:
    """What depends on the number of samples in a batch: tables and room."""

    def __init__(self, plan: Plan, count: int, storage: str) -> None:
        self.count, kind = count, np.uint16 if storage == "bfloat16" else np.float32
        self.tables, room, self.reach = tables(plan, count, storage)
        widest = max(shape.channels for shape in plan.shapes)
        taken = max(shape.channels for shape in plan.taken)
        self.space = kernels.Space(
            maps=aligned(room.maps, kind),
            errors=aligned(room.maps, kind),
            firsts=aligned(room.firsts, np.uint8),
            taken=aligned(room.taken),
            wrong=aligned(room.wrong),
            passed=aligned(room.passed),
            sums=aligned(widest * LANES),
            zeros=aligned(taken),
            lines=aligned(LINE * LANES, np.uint8),
            lanes=np.zeros(LANES),
        )


class SparseCNN(Linked):
    """Convolutional network whose work is proportional to its links times the positions of their maps.

    Parameters
    ----------
    plan : Plan
        Its maps and layers.
    graph : Graph
        Its links, from taps to channels; ``plan.sizes`` and ``plan.pairs`` are its layers and blocks.
    bounds : mapping of (int, int) to float
        Half-width of the start values of each block.
    storage : {"float32", "bfloat16"}
        How maps and their errors are kept; sums, links, gradients and normalisation are float32 with either.

    Attributes
    ----------
    biases : ndarray of float32
        Of each channel that a layer makes, one for each map the layer takes, in order of the blocks.
    norms : ndarray of float32
        Scales of normalisation (gamma), 1 at first, and then shifts (beta), 0 at first.
    """

    def __init__(self, plan: Plan, graph: Graph, bounds: Mapping[Pair, float], storage: str = "float32") -> None:
        self.storage, self.plan, self.graph, self.bounds = storage, plan, graph, dict(sorted(bounds.items()))
        if list(graph.sizes) != plan.sizes or [block.pair for block in graph.blocks] != plan.pairs:
            raise UserError("the graph is not that of the layers")
        if set(self.bounds) != set(plan.pairs):
            raise UserError("bounds: one number is needed for each block")
        self.sizes = graph.sizes
        channels = np.concatenate(([0], np.cumsum([shape.channels for shape in plan.shapes])))
        owners = [np.arange(channels[made], channels[made + 1]) for made, _ in plan.biases]
        self._bias_channels = np.concatenate(owners).astype(np.int32)
        self._bias, self._bias_sums = (np.zeros(int(channels[-1]), np.float32) for _ in range(2))
        self.biases, self._bias_velocity, self._bias_gradient = (padded(len(self._bias_channels)) for _ in range(3))
        self.norms, self._norm_velocity, self._norm_gradient = (padded(2 * plan.norms) for _ in range(3))
        self.norms[: plan.norms] = 1
        self._bias_second, self._norm_second = padded(0), padded(0)
        many, most = int(channels[-1]), max(plan.norms, *(shape.channels for shape in plan.shapes))
        self._norm = kernels.Norm(
            means=np.zeros(many, np.float32),
            spreads=np.zeros(many, np.float32),
            running_means=np.zeros(many, np.float32),
            running_variances=np.ones(many, np.float32),
            slopes=np.zeros(3 * many, np.float32),
            scales=np.zeros(plan.norms, np.float32),
            shifts=np.zeros(plan.norms, np.float32),
            sums=aligned(2 * LANES * most),
        )
        self._powers = np.ones(2)
        self._batch: _Batch | None = None
        self._orders: tuple[Orders, Room] | None = None
        self._ordered = 0

    @classmethod
    def start(
        cls,
        picture: Sequence[int],
        layers: Sequence[Layer],
        links: Mapping[Pair, Links],
        rng: np.random.Generator,
        init: str = "torch",
        storage: str = "float32",
    ) -> "SparseCNN":
        """Start a network with given links, uniform start values and biases.

        Parameters
        ----------
        picture : (int, int, int)
            Channels, rows and columns.
        layers : sequence of Convolution or MaxPool
        links : mapping of (int, int) to ndarray of int64
            Of each block, ``tap * channels + channel``.
        rng : numpy.random.Generator
            Draws values, then biases, block by block.
        init : str
            See `topology.start_bound`; what a neuron takes are all taps of its layer.
        """
        plan = Plan(picture, layers)
        bounds = {}
        for (pair, places), fan_in in zip(plan.places.items(), plan.fan_ins, strict=True):
            share = len(links[pair]) / places
            bounds[pair] = topology.start_bound(fan_in, plan.sizes[pair[1]], init, share)
        network = cls(plan, Graph.of_blocks(plan.sizes, links), bounds, storage)
        for block in network.blocks:
            network.graph.values[block.where] = topology.start_values(len(block), bounds[block.pair], rng)
        drawn = [topology.start_values(plan.shapes[made].channels, bounds[pair], rng) for made, pair in plan.biases]
        network.biases[:] = np.concatenate(drawn)
        return network

    def _with(self, graph: Graph) -> "SparseCNN":
        return SparseCNN(self.plan, graph, self.bounds, self.storage)

    @property
    def features(self) -> int:
        """Numbers of a picture, channel by channel."""
        return self.plan.picture.size

    def skips(self, block: Block) -> bool:
        """Tell whether a block leads from an earlier map than the last of those that are summed up."""
        return block.pair in self.plan.skipping

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one sample through all links."""
        return sum(n * len(block) for n, block in zip(self.plan.positions, self.blocks, strict=True))

    def train_epoch(
        self,
        x: Samples,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        optimiser: Optimiser,
        dropout: float = 0.0,
        key: int = 0,  # noqa: ARG002
        first_step: int = 0,
        gate: Gate | None = None,
    ) -> EpochResult:
        """Train on every full batch of `order`; the last incomplete batch is dropped. See `SparseMLP.train_epoch`.

        Raises
        ------
        UserError
            For a dropout other than 0, and for fewer samples than a batch.
        """
        if dropout:
            raise UserError("dropout 0 is needed: convolutional networks have none")
        own = self._reserve(-(-batch // LANES) * LANES)
        samples, steps = self._samples(x), steps_of(order, batch)
        if isinstance(optimiser, Adam):
            self._keep_second_moments()
        if gate is not None:
            return self._train_gated(own, samples, y, order, batch, optimiser, first_step, gate)
        links, rates = self._links(own), of_epoch(optimiser, steps)
        loss, correct = self._train(own, samples, y, order, batch, links, rates, optimiser.clip)
        first, seen = len(self.blocks[0]), steps * batch
        work = self.multiply_adds, self.plan.positions[0] * first
        return EpochResult(loss / seen, correct / seen, seen, len(self.graph), first, work)

    def _train_gated(
        self,
        own: _Batch,
        samples: Numbers | Bytes,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        optimiser: Optimiser,
        first_step: int,
        gate: Gate,
    ) -> EpochResult:
        """Train each step on the links that a gate lets take part in it, which are brought together first."""
        every, work = self._ordered_links(own)
        inputs, arrays, active = self.sizes[0], self.graph.arrays, gate_room(self.graph.arrays, gate)
        steps, loss, correct, products = len(order) // batch, 0.0, 0, np.zeros(2)
        firsts = self.graph.starts[[block.source for block in self.blocks]]
        ends = self.graph.starts[[block.source + 1 for block in self.blocks]]
        positions, of_all = np.array(self.plan.positions), of_epoch(optimiser, steps)
        for step in range(steps):
            count = choose(arrays, active, first_step + step, inputs)
            here, powers = active.links, self._powers.copy()
            some = orders_of_some(here, count, active.origin, every, own.reach, inputs)
            rates = of_steps(of_all, step)
            links, rows = links_of(here, count, some, work), order[step * batch : (step + 1) * batch]
            batch_loss, hits = self._train(own, samples, y, rows, batch, links, rates, optimiser.clip)
            loss, correct = loss + batch_loss, correct + hits
            if not np.isfinite(batch_loss):
                break
            end_step(arrays, active, count, rates, powers)
            each = positions * (here.pointers[ends] - here.pointers[firsts])
            products += each.sum(), each[0]
        seen, (counted, counted_inputs) = steps * batch, active.counted / steps
        work_done = float(products[0] / steps), float(products[1] / steps)
        return EpochResult(loss / seen, correct / seen, seen, float(counted), float(counted_inputs), work_done)

    def _train(
        self,
        own: _Batch,
        samples: Numbers | Bytes,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        links: kernels.Links,
        rates: MomentumRates | AdamRates,
        clip: float,
    ) -> tuple[float, int]:
        """Train on every full batch of `order`; return the summed loss and how many samples were correct."""
        loss, correct = kernels.train_epoch(
            samples,
            y,
            order,
            batch,
            own.count,
            own.tables,
            self._used(),
            links,
            kernels.Parameters(self.biases, self._bias_velocity, self._bias_second, self._bias_gradient),
            self._bias_channels,
            self._bias,
            self._bias_sums,
            kernels.Parameters(self.norms, self._norm_velocity, self._norm_second, self._norm_gradient),
            self._norm,
            own.space,
            rates,
            self._powers,
            np.float32(clip),
        )
        return loss, correct

    def predict_proba(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, shape (samples, features)."""
        own = self._batch if self._batch is not None else self._reserve(PREDICTION_ROWS)
        probabilities = np.empty((x.shape[0], self.sizes[-1]), np.float32)
        kernels.predict(
            self._samples(x),
            own.count,
            own.tables,
            self._used(),
            self._links(own),
            self.biases,
            self._bias_channels,
            self._bias,
            self.norms,
            self._norm,
            own.space,
            np.arange(x.shape[0]),
            probabilities,
        )
        return probabilities

    predict_as_trained = predict_proba

    def _reserve(self, count: int) -> _Batch:
        own = self._batch
        if own is None or own.count != count:
            self._batch = self._orders = own = None
            self._batch = own = _Batch(self.plan, count, self.storage)
        return own

    def _used(self) -> npt.NDArray[np.int64]:
        return np.arange(self.features + 1)

    def _ordered_links(self, own: _Batch) -> tuple[Orders, Room]:
        """Return the orders of all links, worked out anew where these are others, and room for a step's numbers."""
        found = self._orders
        if found is None or self._ordered != self.graph.replaced:
            self._ordered = self.graph.replaced
            found = self._orders = orders_of(self.graph.arrays, own.reach, self.sizes[0]), room(len(self.graph))
        return found

    def _links(self, own: _Batch) -> kernels.Links:
        """Return the links in all three orders."""
        return links_of(self.graph.arrays, len(self.graph), *self._ordered_links(own))

    def _keep_second_moments(self) -> None:
        self.graph.keep_second_moments()
        if len(self._bias_second) != len(self.biases):
            self._bias_second, self._norm_second = padded(len(self.biases)), padded(len(self.norms))

    def forget_biases(self) -> None:
        """Set biases and shifts to 0, scales to 1, and running means and variances to 0 and 1."""
        for array, value in ((self.biases, 0), (self.norms, 0), (self.norms[: self.plan.norms], 1),
                             (self._norm.running_means, 0), (self._norm.running_variances, 1)):  # fmt: skip
            array[:] = value

    def _other_state(self) -> dict[str, npt.NDArray]:
        return {
            "biases": self.biases,
            "bias_velocity": self._bias_velocity,
            "bias_second": self._bias_second,
            "norms": self.norms,
            "norm_velocity": self._norm_velocity,
            "norm_second": self._norm_second,
            "running_means": self._norm.running_means,
            "running_variances": self._norm.running_variances,
            "powers": self._powers,
        }
