"""The dense baseline: a fully connected perceptron on BLAS products, with the same interface as `SparseMLP`.

Activations are [feature][batch] as in the sparse engine, weights are [output][input]. Everything around the three
products of a layer (bias, activation, dropout, momentum, decay) is one compiled pass each.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.dropout import layer_key, mix, threshold
from truly_sparse.engine.kernels import log_probability, move_all, square_sum
from truly_sparse.engine.linked import EpochResult, Floats, steps_of
from truly_sparse.engine.memory import aligned, padded
from truly_sparse.engine.network import PREDICTION_ROWS
from truly_sparse.engine.optimisers import Adam, AdamRates, MomentumRates, Optimiser, at_step, of_epoch, shortened
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import Samples, softmax_rows, taken
from truly_sparse.engine.topology import start_bound, start_values


@njit(cache=True, **COMPILED)
def _softmax(rows, classes, batch):
    """Replace logits by probabilities; see `rows.softmax_rows`."""
    softmax_rows(rows, classes, batch)


@njit(cache=True, **COMPILED)
def _activate(z, biases, factor, slope, key, limit, scale):
    """Add biases, apply slope and dropout to z [neuron][batch]; leave in `factor` what an error is multiplied by."""
    batch = z.shape[1]
    low, high = np.uint32(key), np.uint32(key >> np.uint64(32))
    for o in range(z.shape[0]):
        for b in range(batch):
            value = z[o, b] + biases[o]
            kept = mix(np.uint32(o * batch + b), low, high) >= limit
            gain = np.float32(1.0) if value > 0 else slope
            gain = gain * scale if kept else np.float32(0.0)
            factor[o, b] = gain
            z[o, b] = value * gain


@njit(cache=True, **COMPILED)
def _loss(probabilities, y, order, start, delta):
    """Cross-entropy, correct samples, and the error of the logits [class][batch], averaged over the batch."""
    classes, batch = probabilities.shape
    loss, correct = 0.0, 0
    for b in range(batch):
        label = y[order[start + b]]
        own = probabilities[label, b]
        loss -= log_probability(own)
        best = 0
        for c in range(classes):
            if probabilities[c, b] > probabilities[best, b]:
                best = c
            delta[c, b] = (probabilities[c, b] - np.float32(c == label)) / np.float32(batch)
        correct += best == label
    return loss, correct


@njit(cache=True, **COMPILED)
def _move(values, velocity, second, gradient, rates, step, powers, share):
    """Move parameters against their gradients, these multiplied by `share` where that is not 1."""
    now = at_step(rates, step, powers)
    if share != np.float32(1):
        now = shortened(now, share)
    move_all(now, values, velocity, second, gradient)


class DenseMLP:
    """Fully connected perceptron with uniform start values and zero biases.

    Parameters
    ----------
    sizes : sequence of int
        Neurons of every layer, input and output included.
    slopes : sequence of float
        Slope of each hidden layer for z <= 0 (0 is ReLU).
    rng : numpy.random.Generator
        Stream of the start values.
    kind : {"he", "xavier"}
        Width of the start values, see `topology.start_bound`.
    """

    def __init__(
        self, sizes: Sequence[int], slopes: Sequence[float], rng: np.random.Generator, kind: str = "he"
    ) -> None:
        self.sizes = tuple(sizes)
        self.slopes = [*slopes]
        pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.weights, self.velocity, self._gradient = (
            [padded(n * m).reshape(m, n) for n, m in pairs] for _ in range(3)
        )
        for weight, (n_in, n_out) in zip(self.weights, pairs, strict=True):
            weight[:] = start_values(weight.size, start_bound(n_in, n_out, kind), rng).reshape(weight.shape)
        self.biases, self.bias_velocity, self._bias_gradient = ([padded(m) for _, m in pairs] for _ in range(3))
        #: Second moments of weights and of biases, once an optimiser has kept some, and its powers.
        self._second, self._bias_second = [padded(0) for _ in pairs], [padded(0) for _ in pairs]
        self._powers = np.ones(2)
        self._workspaces: dict[int, list[list[Floats]]] = {}

    @property
    def features(self) -> int:
        """Features of a sample."""
        return self.sizes[0]

    @property
    def link_counts(self) -> list[int]:
        """Weights of every block."""
        return [weight.size for weight in self.weights]

    @property
    def input_links(self) -> int:
        """Weights of the first block."""
        return int(self.weights[0].size)

    @property
    def bias_count(self) -> int:
        """Biases of all neurons."""
        return sum(self.sizes[1:])

    def _reserve(self, rows: int) -> None:
        """Make a workspace for `rows` samples; the products' rounding depends on it, so prediction has its own."""
        if rows not in self._workspaces:
            self._workspaces[rows] = [[aligned((n, rows)) for n in self.sizes] for _ in range(3)]
        self._activations, self._delta, self._factor = self._workspaces[rows]

    def _forward(self, key: int, step: int, rate: float) -> None:
        """Propagate the batch in the input activations to the softmax outputs."""
        limit, scale = threshold(rate), np.float32(1.0 / (1.0 - rate))
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = self._activations[layer + 1]
            np.dot(weight, self._activations[layer], out=z)
            if layer < last:
                slope = np.float32(self.slopes[layer])
                layer_seed = np.uint64(layer_key(np.uint64(key), step, layer + 1))
                _activate(z, bias, self._factor[layer + 1], slope, layer_seed, limit, scale)
            else:
                z += bias[:, None]
                _softmax(z.reshape(-1), z.shape[0], z.shape[1])

    def _backward(self, rates: MomentumRates | AdamRates, step: int, clip: float) -> None:
        """Propagate the error of the logits back, layer by layer from the top; then update."""
        for layer in range(len(self.weights) - 1, -1, -1):
            delta = self._delta[layer + 1]
            np.dot(delta, self._activations[layer].T, out=self._gradient[layer])
            delta.sum(axis=1, out=self._bias_gradient[layer])
            if layer:
                np.dot(self.weights[layer].T, delta, out=self._delta[layer])
                self._delta[layer] *= self._factor[layer]
        gradients = [array.reshape(-1) for array in (*self._gradient, *self._bias_gradient)]
        share = 1.0
        if clip:
            lanes = np.empty(LANES)
            share = min(1.0, clip / max(sum(square_sum(gradient, lanes) for gradient in gradients) ** 0.5, 1e-30))
        parameters = (
            (*self.weights, *self.biases),
            (*self.velocity, *self.bias_velocity),
            (*self._second, *self._bias_second),
        )
        for values, velocity, second, gradient in zip(*parameters, gradients, strict=True):
            powers = self._powers.copy()
            _move(values.reshape(-1), velocity.reshape(-1), second, gradient, rates, step, powers, np.float32(share))
        self._powers[:] = powers

    def _keep_second_moments(self) -> None:
        if not len(self._bias_second[0]):
            self._second = [padded(weight.size) for weight in self.weights]
            self._bias_second = [padded(bias.size) for bias in self.biases]

    @np.errstate(over="ignore", invalid="ignore")  # a loss that is not finite tells
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
        """Train on every full batch of `order`; see `SparseMLP.train_epoch`."""
        if isinstance(optimiser, Adam):
            self._keep_second_moments()
        steps = steps_of(order, batch)
        rates = of_epoch(optimiser, steps)
        self._reserve(batch)
        loss, correct = 0.0, 0
        for step in range(steps):
            self._activations[0][:] = taken(x, order[step * batch : (step + 1) * batch]).T
            self._forward(key, first_step + step, dropout)
            batch_loss, hits = _loss(self._activations[-1], y, order, step * batch, self._delta[-1])
            loss, correct = loss + batch_loss, correct + hits
            if not np.isfinite(batch_loss):
                break
            self._backward(rates, step, optimiser.clip)
        samples = steps * batch
        return EpochResult(loss / samples, correct / samples, samples, sum(self.link_counts), self.input_links)

    def predict_proba(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, shape (samples, features).

        Raises
        ------
        ValueError
            For another number of features.
        """
        if len(x.shape) != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"{self.sizes[0]} features expected, found an array of shape {x.shape}")
        self._reserve(PREDICTION_ROWS)
        probabilities = np.empty((x.shape[0], self.sizes[-1]), np.float32)
        for start in range(0, x.shape[0], PREDICTION_ROWS):
            count = min(PREDICTION_ROWS, x.shape[0] - start)
            self._activations[0][:, :count] = taken(x, slice(start, start + count)).T
            self._activations[0][:, count:] = 0.0
            self._forward(0, 0, 0.0)
            probabilities[start : start + count] = self._activations[-1][:, :count].T
        return probabilities

    predict_as_trained = predict_proba

    def rest(self) -> None:
        """Forget the moments of all weights and biases, and the steps that Adam has made."""
        for own in (*self.velocity, *self.bias_velocity, *self._second, *self._bias_second):
            own[:] = 0
        self._powers[:] = 1

    def is_finite(self) -> bool:
        """Tell whether all parameters, and all that training keeps of them, are finite numbers."""
        return all(bool(np.isfinite(array).all()) for arrays in self._parts().values() for array in arrays)

    def copy_state(self) -> dict[str, npt.NDArray]:
        """Return a copy of everything training changes."""
        state = {name: np.concatenate([array.reshape(-1) for array in own]) for name, own in self._parts().items()}
        return state | ({"powers": self._powers.copy()} if "second" in state else {})

    def load_state(self, state: Mapping[str, npt.NDArray]) -> None:
        """Take over a state made by `copy_state` of a network of the same shape."""
        if "second" in state:
            self._keep_second_moments()
            self._powers[:] = state["powers"]
        for name, arrays in self._parts().items():
            start = 0
            for array in arrays:
                array.reshape(-1)[:] = state[name][start : start + array.size]
                start += array.size

    def _parts(self) -> dict[str, list[Floats]]:
        parts = {
            "values": self.weights,
            "velocity": self.velocity,
            "biases": self.biases,
            "bias_velocity": self.bias_velocity,
        }
        second = {"second": self._second, "bias_second": self._bias_second}
        return parts | (second if len(self._bias_second[0]) else {})
