"""The dense baseline: a fully connected perceptron on BLAS products, with the same interface as `SparseMLP`.

Activations are [feature][batch] as in the sparse engine, weights are [output][input]. Everything around the three
products of a layer (bias, activation, dropout, momentum, decay) is one compiled pass each.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numba import njit

from truly_sparse.engine.compiled import COMPILED
from truly_sparse.engine.dropout import layer_key, mix, threshold
from truly_sparse.engine.kernels import TINY, square_sum
from truly_sparse.engine.libm import log
from truly_sparse.engine.memory import aligned
from truly_sparse.engine.network import PREDICTION_ROWS, EpochResult, Floats
from truly_sparse.engine.optimisers import SGD, Optimiser
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.rows import Samples, softmax_rows, taken
from truly_sparse.engine.topology import start_bound, start_values


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
        loss -= log(TINY) if own < TINY else log(own)
        best = 0
        for c in range(classes):
            if probabilities[c, b] > probabilities[best, b]:
                best = c
            delta[c, b] = (probabilities[c, b] - np.float32(c == label)) / np.float32(batch)
        correct += best == label
    return loss, correct


@njit(cache=True, **COMPILED)
def _update(parameters, velocity, gradient, rate, momentum, decay):
    """Make one momentum step: v <- momentum v - rate g; w <- w + v - decay w."""
    for k in range(parameters.shape[0]):
        velocity[k] = momentum * velocity[k] - rate * gradient[k]
        parameters[k] = parameters[k] + velocity[k] - decay * parameters[k]


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
        self.weights, self.velocity, self._gradient = ([aligned((m, n)) for n, m in pairs] for _ in range(3))
        for weight, (n_in, n_out) in zip(self.weights, pairs, strict=True):
            weight[:] = start_values(weight.size, start_bound(n_in, n_out, kind), rng).reshape(weight.shape)
        self.biases, self.bias_velocity, self._bias_gradient = ([aligned(m) for _, m in pairs] for _ in range(3))
        self._workspaces: dict[int, list[list[Floats]]] = {}

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
                softmax_rows(z.reshape(-1), z.shape[0], z.shape[1])

    def _backward(self, optimiser: SGD) -> None:
        """Propagate the error of the logits back, layer by layer from the top; then update."""
        for layer in range(len(self.weights) - 1, -1, -1):
            delta = self._delta[layer + 1]
            np.dot(delta, self._activations[layer].T, out=self._gradient[layer])
            delta.sum(axis=1, out=self._bias_gradient[layer])
            if layer:
                np.dot(self.weights[layer].T, delta, out=self._delta[layer])
                self._delta[layer] *= self._factor[layer]
        gradients = [array.reshape(-1) for array in (*self._gradient, *self._bias_gradient)]
        rate = optimiser.rate
        if optimiser.clip:
            lanes = np.empty(LANES)
            norm = sum(square_sum(gradient, lanes) for gradient in gradients) ** 0.5
            rate = rate * min(1.0, optimiser.clip / max(norm, 1e-30))
        constants = np.float32(rate), np.float32(optimiser.momentum), np.float32(optimiser.decay)
        parameters = (*self.weights, *self.biases), (*self.velocity, *self.bias_velocity)
        for values, velocity, gradient in zip(*parameters, gradients, strict=True):
            _update(values.reshape(-1), velocity.reshape(-1), gradient, *constants)

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
        """Train on every full batch of `order`; see `SparseMLP.train_epoch`. The optimiser is plain: one rate, neither
        `nesterov` nor `coupled`.
        """
        if not isinstance(optimiser, SGD) or optimiser.nesterov or optimiser.coupled or np.ndim(optimiser.rate):
            raise ValueError("a dense network trains by SGD with one rate an epoch, neither nesterov nor coupled")
        self._reserve(batch)
        loss, correct = 0.0, 0
        for step in range(len(order) // batch):
            self._activations[0][:] = taken(x, order[step * batch : (step + 1) * batch]).T
            self._forward(key, first_step + step, dropout)
            batch_loss, hits = _loss(self._activations[-1], y, order, step * batch, self._delta[-1])
            loss, correct = loss + batch_loss, correct + hits
            if not np.isfinite(batch_loss):
                break
            self._backward(optimiser)
        samples = len(order) // batch * batch
        return EpochResult(loss / samples, correct / samples, samples)

    def predict_proba(self, x: Samples) -> Floats:
        """Return softmax probabilities, float32, shape (samples, classes), of x, shape (samples, features)."""
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

    def copy_state(self) -> dict[str, npt.NDArray]:
        """Return a copy of everything training changes."""
        return {name: np.concatenate([array.reshape(-1) for array in arrays]) for name, arrays in self._parts().items()}

    def load_state(self, state: dict[str, npt.NDArray]) -> None:
        """Take over a state made by `copy_state` of a network of the same shape."""
        for name, arrays in self._parts().items():
            start = 0
            for array in arrays:
                array.reshape(-1)[:] = state[name][start : start + array.size]
                start += array.size

    def _parts(self) -> dict[str, list[Floats]]:
        return {
            "values": self.weights,
            "velocity": self.velocity,
            "biases": self.biases,
            "bias_velocity": self.bias_velocity,
        }
