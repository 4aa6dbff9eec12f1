"""A truly sparse multilayer perceptron: a graph of links with biases and activations, trained by the kernels."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import kernels, ramped_kernels, sparse_kernels, topology
from truly_sparse.engine.dropout import threshold
from truly_sparse.engine.forward import runs_of
from truly_sparse.engine.gate import Active, Gate, room
from truly_sparse.engine.graph import Block, Graph, Pair
from truly_sparse.engine.linked import EpochResult, Floats, Linked, steps_of
from truly_sparse.engine.memory import aligned, padded
from truly_sparse.engine.optimisers import Adam, Optimiser, in_advance, of_epoch, of_steps
from truly_sparse.engine.pieces import Part, Pieces, parts
from truly_sparse.engine.prediction_kernels import Shape, predict_unordered, scratch_for
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import Bytes, NonZeros, Numbers, Samples, taken
from truly_sparse.engine.team import Crew, Team, teams, together
from truly_sparse.engine.topology import Links
from truly_sparse.engine.workspace import SHARE, Space, Workspace
from truly_sparse.errors import UserError

#: Rows of a batch that is only predicted: few, so that the activations of a layer stay in the cache.
PREDICTION_ROWS = 64
#: Rows up to which each is predicted by itself.
FEW_ROWS = 4
#: Non-zeros that prediction reads at a time.
PIECE = 1024


class SparseMLP(Linked):
    """Multilayer perceptron whose memory and work are proportional to its links, which may skip layers.

    Parameters
    ----------
    graph : Graph
        Its links; `start`, `erdos_renyi` and `from_dense` make one.
    slopes : sequence of float, or "mish"
        Slope of each hidden layer for z <= 0: f(z) = z if z > 0 else slope * z; or Mish (Misra 2019) in all of them.
    bounds : mapping of (int, int) to float
        Half-width of the start values of each block, used for new links of any kind.
    storage : {"float32", "bfloat16"}
        How training keeps activations and errors between layers. bfloat16 halves that memory and its traffic; sums,
        links, gradients and predictions are float32 with either.
    bias_per_block : bool, default False
        Whether a neuron has a bias for each block that leads to its layer, not one in all. Their sum counts; under
        Adam, m of them move m times as fast as one.

    Attributes
    ----------
    graph : Graph
    blocks : list of Block
        Those of the graph.
    biases, bias_velocity : ndarray of float32
        Of all neurons but the inputs, in order; with one for each block, in order of the blocks.
    """

    def __init__(
        self,
        graph: Graph,
        slopes: Sequence[float] | str,
        bounds: Mapping[Pair, float],
        storage: str = "float32",
        bias_per_block: bool = False,
    ) -> None:
        self.graph = graph
        self.sizes, self.storage, self.bias_per_block = self.graph.sizes, storage, bias_per_block
        self.mish = isinstance(slopes, str)
        inner = [0.0] * (len(self.sizes) - 2) if isinstance(slopes, str) else list(slopes)
        if len(inner) != len(self.sizes) - 2 or (self.mish and slopes != "mish"):
            raise UserError(f"slopes {slopes!r}: a number for each of {len(self.sizes) - 2} hidden layers, or 'mish'")
        if set(bounds) != {block.pair for block in self.blocks}:
            raise UserError("bounds: one number is needed for each block")
        self.bounds = dict(sorted(bounds.items()))
        self.slopes = np.array([0.0, *inner, 0.0], np.float32)
        starts, inputs = self.graph.starts, self.sizes[0]
        owners = np.arange(starts[1], starts[-1])
        if bias_per_block:
            owners = np.concatenate([np.arange(starts[b.target], starts[b.target + 1]) for b in self.blocks])
        self._bias_neurons = (owners - inputs).astype(np.int32)
        neurons = int(starts[-1]) - inputs
        self.biases, self.bias_velocity, self._bias_gradient = (padded(len(owners)) for _ in range(3))
        self._bias_second = padded(0)
        self._bias_sums, self._neuron_gradient = np.zeros(neurons, np.float32), np.zeros(neurons, np.float32)
        self._gradient = padded(0)
        self._powers = np.ones(2)
        self._workspace: Workspace | None = None
        self._crew = Crew()

    @classmethod
    def erdos_renyi(
        cls,
        sizes: Sequence[int],
        epsilon: float,
        slopes: Sequence[float] | str,
        rng: np.random.Generator,
        init: str = "he",
        storage: str = "float32",
    ) -> "SparseMLP":
        """Start a network with Erdős–Rényi blocks between consecutive layers (journal section 4.1.3); see `start`."""
        links = {
            (layer, layer + 1): topology.erdos_renyi(n_in, n_out, epsilon, rng)
            for layer, (n_in, n_out) in enumerate(pairwise(sizes))
        }
        density = {pair: topology.density(sizes[pair[0]], sizes[pair[1]], epsilon) for pair in links}
        return cls.start(sizes, links, slopes, rng, init, storage, density=density)

    @classmethod
    def start(
        cls,
        sizes: Sequence[int],
        links: Mapping[Pair, Links],
        slopes: Sequence[float] | str,
        rng: np.random.Generator,
        init: str = "he",
        storage: str = "float32",
        bias_per_block: bool = False,
        density: Mapping[Pair, float] | None = None,
    ) -> "SparseMLP":
        """Start a network with given links, uniform start values and zero biases.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the values, block by block.
        init : {"he", "xavier", "he_links", "torch", "torch_links"}
            See `topology.start_bound`.
        density : mapping of (int, int) to float, optional
            Share of a block's places that `init` counts on; by default those that have a link.
        sizes, links, slopes, storage, bias_per_block
            See `SparseMLP`.
        """
        shares = density or {(i, j): len(own) / (sizes[i] * sizes[j]) for (i, j), own in links.items()}
        bounds = {(i, j): topology.start_bound(sizes[i], sizes[j], init, share) for (i, j), share in shares.items()}
        network = cls(Graph.of_blocks(sizes, links), slopes, bounds, storage, bias_per_block)
        for block in network.blocks:
            network.graph.values[block.where] = topology.start_values(len(block), bounds[block.pair], rng)
        return network

    @classmethod
    def from_dense(
        cls, weights: Mapping[Pair, npt.ArrayLike], biases: Sequence[npt.ArrayLike], slopes: Sequence[float] | str
    ) -> "SparseMLP":
        """Return the network of dense matrices: their entries that are not zero are its links.

        Parameters
        ----------
        weights : mapping of (int, int) to array_like, shape (n_in, n_out)
            By source and target layer.
        biases : sequence of array_like, shape (n_out,)
            Of each layer but the inputs.

        Raises
        ------
        UserError
            Where a matrix does not fit those of the layers at its ends, or biases do not fit their layer.
        """
        dense = {pair: np.asarray(matrix, np.float32) for pair, matrix in weights.items()}
        sizes = [0] * (len(biases) + 1)
        for (source, target), matrix in dense.items():
            sizes[source], sizes[target] = matrix.shape
        for (source, target), matrix in dense.items():
            if matrix.shape != (sizes[source], sizes[target]):
                raise UserError(f"weights of block {(source, target)}: shape {matrix.shape} does not fit the layers")
        own = [np.asarray(bias, np.float32) for bias in biases]
        for layer, bias in enumerate(own, 1):
            if bias.shape != (sizes[layer],):
                raise UserError(f"biases of layer {layer}: shape {bias.shape} does not fit its {sizes[layer]} neurons")
        links = {pair: np.flatnonzero(matrix) for pair, matrix in dense.items()}
        bounds = {(i, j): topology.start_bound(sizes[i], sizes[j], "he") for i, j in links}
        network = cls(Graph.of_blocks(sizes, links), slopes, bounds)
        for block in network.blocks:
            network.graph.values[block.where] = dense[block.pair].ravel()[links[block.pair]]
        network.biases[:] = np.concatenate(own)
        return network

    def _with(self, graph: Graph) -> "SparseMLP":
        slopes = "mish" if self.mish else self.slopes[1:-1].tolist()
        return SparseMLP(graph, slopes, self.bounds, self.storage, self.bias_per_block)

    @property
    def features(self) -> int:
        """Features of a sample."""
        return self.sizes[0]

    def skips(self, block: Block) -> bool:
        """Tell whether a block leads past a layer."""
        return block.target > block.source + 1

    @property
    def input_links(self) -> int:
        """Links that lead from the inputs."""
        return int(self.graph.arrays.pointers[self.sizes[0]])

    def summed_biases(self) -> Floats:
        """Return the bias of each neuron but the inputs, in float32, summed in order of the blocks."""
        sums = np.zeros(len(self._bias_sums), np.float32)
        np.add.at(sums, self._bias_neurons, self.biases)
        return sums

    def _keep_second_moments(self) -> None:
        self.graph.keep_second_moments()
        if len(self._bias_second) != len(self.biases):
            self._bias_second = padded(len(self.biases))

    def _reserve(self, count: int, sizes: Sequence[int]) -> Workspace:
        """Return a workspace for the rows of `count` samples, the one of the last call if it fits."""
        own = self._workspace
        if own is None or (own.sizes, own.count, own.storage) != (tuple(sizes), count, self.storage):
            self._workspace = own = None  # before the new one is made: both may not fit
            self._workspace = own = Workspace(sizes, count, self.storage, self.mish)
        return own

    def _layers(self) -> kernels.Layers:
        return kernels.Layers(self.graph.starts, self.slopes, 1)

    def _layers_beyond_inputs(self) -> kernels.Layers:
        return kernels.Layers(self.graph.starts[1:] - self.sizes[0], self.slopes[1:], 0)

    def _biases(self) -> kernels.Biases:
        return kernels.Biases(
            self.biases,
            self.bias_velocity,
            self._bias_second,
            self._bias_neurons,
            self._bias_sums,
            self._neuron_gradient,
            self._bias_gradient,
        )

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
        gate: Gate | None = None,
        threads: int = 1,
    ) -> EpochResult:
        """Train on every full batch of `order`; the last incomplete batch is dropped.

        Parameters
        ----------
        x : ndarray of float32, shape (samples, features), Bytes, NonZeros or Pieces
        y : ndarray of int64, shape (samples,)
            Class of each sample, 0 to classes - 1.
        order : ndarray of int64, shape (n,)
            Rows of `x` in the order of training, n >= batch.
        batch : int
            Samples per step.
        optimiser : SGD or Adam
        dropout : float
            Rate at which hidden units are dropped (inverted dropout), 0 <= dropout < 1.
        key, first_step : int
            Key of the dropout stream, and the number of this epoch's first step within the whole training.
        gate : Gate, optional
            Lets some of the links take part in each step; not of samples that are `NonZeros`.
        threads : int
            Threads that share each step, fewer where it is small, one where there is a gate or where samples are
            `NonZeros`. Every bit is the same.

        Returns
        -------
        EpochResult
            With a loss that is not finite if training diverged; it stops at that batch.

        Raises
        ------
        UserError
            For a gate where samples are `NonZeros`, and for fewer samples than a batch.
        """
        if isinstance(x, NonZeros):
            if gate is not None:
                raise UserError(
                    "links that take part in some steps only cannot be trained on sparse rows; make X dense"
                )
            return self._train_on_non_zeros(x, y, order, batch, optimiser, dropout, key, first_step)
        unit, steps = LANES * SHARE[self.storage], steps_of(order, batch)
        workspace = self._reserve(-(-batch // unit) * unit, self.sizes)
        if optimiser.clip and len(self._gradient) != len(self.graph):
            # Only clipping has to hold the gradients of all links.
            self._gradient = padded(len(self.graph))
        if isinstance(optimiser, Adam):
            self._keep_second_moments()
        active = room(self.graph.arrays, gate) if gate is not None else ()
        # A gate would have runs sorted anew in each step; rows of bfloat16 are near enough.
        by_runs = gate is None and self.storage == "float32"
        runs = runs_of(self.graph.arrays, self._layers().starts, workspace.count) if by_runs else ()
        rates, loss, correct = of_epoch(optimiser, steps), 0.0, 0
        drop = _dropout(dropout, key)

        def prepared(
            part: Part,
            samples: Numbers | Bytes | Ramped,
            loss: float,
            rows: npt.NDArray[np.int64],
            space: Space,
            powers: npt.NDArray[np.float64],
            team: Team | tuple[()],
        ) -> Callable[[], tuple[float, int]]:
            return partial(
                kernels.train_epoch,
                samples,
                part.y,
                rows,
                batch,
                workspace.count,
                ramped_kernels.room_for(samples, space.rows, workspace.count),
                self.graph.arrays,
                self._layers(),
                self._biases(),
                self._gradient,
                space,
                workspace.widths,
                drop,
                first_step + part.first,
                of_steps(rates, part.first, len(part.order) // batch),
                powers,
                np.float32(optimiser.clip),
                workspace.far,
                active,
                runs,
                team,
                loss,
            )

        for part in parts(x, y, order, batch):
            own = partial(prepared, part, self._rows(part.x), loss)
            if threads == 1 or gate is not None:
                loss, hits = own(part.order, workspace.space, self._powers, ())()
            else:
                loss, hits = self._share(own, part.order, batch, workspace, threads)
            correct += hits
            if not np.isfinite(loss):
                break
        seen = steps * batch
        links: tuple[float, float] = len(self.graph), self.input_links
        if isinstance(active, Active):
            links = active.counted[0] / steps, active.counted[1] / steps
        return EpochResult(loss / seen, correct / seen, seen, *links)

    def _share(
        self,
        prepared: Callable[..., Callable[[], tuple[float, int]]],
        order: npt.NDArray[np.int64],
        batch: int,
        workspace: Workspace,
        threads: int,
    ) -> tuple[float, int]:
        """Return what training on some rows gives, where each step is shared by as many threads as are quicker.

        Whatever a call takes is there before any begins: one that failed would have the others wait for it.
        """
        team = teams(self._crew.choose(threads, 3 * len(self.graph) * batch))
        spaces = [workspace.space, *(workspace.another() for _ in team[1:])]
        powers = [self._powers, *(self._powers.copy() for _ in team[1:])]
        # What compiling could raise is raised before any thread waits for another.
        prepared(order[:0], workspace.space, self._powers, team[0])()
        calls = [prepared(order, *own) for own in zip(spaces, powers, team, strict=True)]
        started = perf_counter()
        found: tuple[float, int] = together(calls)
        self._crew.trained(len(team), (perf_counter() - started) / (len(order) // batch))
        return found

    def _rows(self, x: Samples) -> Numbers | Bytes | Ramped:
        """Return samples as the kernels take them."""
        return x.checked() if isinstance(x, Ramped) and x.shape[1] == self.features else self._samples(x)

    def _train_on_non_zeros(
        self,
        x: NonZeros,
        y: npt.NDArray[np.int64],
        order: npt.NDArray[np.int64],
        batch: int,
        optimiser: Optimiser,
        dropout: float,
        key: int,
        first_step: int,
    ) -> EpochResult:
        """Do what `train_epoch` does, to the same bits, with memory and work for non-zeros and their links alone."""
        unit, steps = LANES * SHARE[self.storage], steps_of(order, batch)
        x = sparse_kernels.samples_of(x, self.features)
        workspace = self._reserve(-(-batch // unit) * unit, self.sizes[1:])
        if isinstance(optimiser, Adam):
            self._keep_second_moments()
        links, beyond = self.graph.arrays, self.graph.beyond_inputs()
        if optimiser.clip and len(self._gradient) != len(beyond.values):
            self._gradient = padded(len(beyond.values))
        from_inputs = links.pointers[: self.features + 1]
        most, most_links = sparse_kernels.most_of_a_batch(x, order, batch, from_inputs)
        held = min(most_links, self.input_links) if optimiser.clip else 0
        fan_out = int(np.diff(from_inputs).max())
        loss, correct = sparse_kernels.train_epoch(
            x,
            y,
            order,
            batch,
            workspace.count,
            links,
            beyond,
            self._layers_beyond_inputs(),
            self._biases(),
            self._gradient,
            workspace.space,
            workspace.widths,
            _dropout(dropout, key),
            first_step,
            in_advance(of_epoch(optimiser, steps), self._powers),
            np.float32(optimiser.clip),
            workspace.far,
            sparse_kernels.room(x.width, most, fan_out, held, len(self._bias_sums), workspace.count),
            np.zeros(x.width, np.int32),
        )
        return EpochResult(
            loss / (steps * batch), correct / (steps * batch), steps * batch, len(links.values), self.input_links
        )

    def predict_proba(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, shape (samples, features)."""
        return self._predict(x, "float32")

    def predict_as_trained(self, x: Samples) -> Floats:
        """Return what `predict_proba` does, with activations stored as in training: quicker, good to choose by."""
        return self._predict(x, self.storage)

    def _predict(self, x: Samples, storage: str) -> Floats:
        if isinstance(x, Pieces):
            made = x.made(np.arange(x.shape[0]), PREDICTION_ROWS)
            none = np.empty((0, self.sizes[-1]), np.float32)
            return np.concatenate([none, *(self._predict(piece, storage) for piece in made)])
        if storage == "float32" and x.shape[0] <= FEW_ROWS and not isinstance(x, NonZeros):
            return self._predict_few(x)
        sizes = self.sizes[1:] if isinstance(x, NonZeros) else self.sizes
        workspace = self._workspace
        if workspace is None or (workspace.sizes, workspace.storage) != (sizes, storage):
            workspace = Workspace(sizes, PREDICTION_ROWS, storage, self.mish)
        probabilities = np.empty((x.shape[0], self.sizes[-1]), np.float32)
        nothing_dropped = _dropout(0.0, 0)
        if isinstance(x, NonZeros):
            sparse_kernels.predict(
                sparse_kernels.samples_of(x, self.features),
                workspace.count,
                self.graph.arrays,
                self.graph.beyond_inputs(),
                self._layers_beyond_inputs(),
                self._biases(),
                workspace.space,
                workspace.widths.forward,
                nothing_dropped,
                workspace.far,
                sparse_kernels.room(x.width, PIECE, 0, 0, len(self._bias_sums), workspace.count),
                probabilities,
            )
            return probabilities
        samples = self._rows(x)
        kernels.predict(
            samples,
            workspace.count,
            ramped_kernels.room_for(samples, workspace.space.rows, workspace.count),
            self.graph.arrays,
            self._layers(),
            self._biases(),
            workspace.space,
            workspace.widths.forward,
            nothing_dropped,
            0,
            workspace.far,
            np.arange(x.shape[0]),
            probabilities,
        )
        return probabilities

    def _predict_few(self, x: Samples) -> Floats:
        """Do what `predict_proba` does, row by row through links in order of their sources, to the same bits."""
        rows = self._rows(x)
        dense = rows.values if isinstance(rows, Numbers) else taken(rows, slice(None))
        probabilities = np.empty((x.shape[0], self.sizes[-1]), np.float32)
        shape = Shape(self.graph.starts, self.slopes, self.summed_biases())
        sums, last, scratch = np.empty(len(shape.biases), np.float32), aligned(LANES), scratch_for(LANES, self.mish)
        for row, own in zip(dense, probabilities, strict=True):
            predict_unordered(row, self.graph.arrays, shape, sums, last, scratch, own)
        return probabilities

    def _other_state(self) -> dict[str, npt.NDArray]:
        return {
            "biases": self.biases,
            "bias_velocity": self.bias_velocity,
            "bias_second": self._bias_second,
            "powers": self._powers,
        }


def _dropout(rate: float, key: int) -> kernels.Dropout:
    """Return what the kernels drop at a rate, by the stream of a key."""
    return kernels.Dropout(np.uint64(key), threshold(rate), np.float32(1.0 / (1.0 - rate)))


def all_relu_slopes(hidden_layers: int, alpha: float) -> list[float]:
    """Slopes of All-ReLU: -alpha, +alpha, -alpha, ... on hidden layers 1, 2, 3, ... (Curci et al. 2021)."""
    return [alpha if layer % 2 else -alpha for layer in range(hidden_layers)]
