"""A slow, obvious network in float64 NumPy with dense matrices, to hold the kernels against."""

import numpy as np
import pytest


class Reference:
    """The same network as a `SparseMLP` or `DenseMLP`, with a dense matrix [input][output] per block.

    `pairs` says from which layer to which each leads; `store` is what happens to activations and errors on their way
    through memory.
    """

    store = staticmethod(lambda values: values)

    def __init__(self, pairs, matrices, biases, slopes):
        self.pairs = list(pairs)
        self.matrices = [np.asarray(matrix, np.float64) for matrix in matrices]
        self.biases = [np.asarray(bias, np.float64) for bias in biases]
        self.slopes = slopes

    @classmethod
    def of_sparse(cls, network):
        matrices, starts = [], network.graph.starts - network.sizes[0]
        for block in network.blocks:
            matrix = np.zeros(block.places)
            matrix[block.links()] = block.values
            matrices.append(matrix.reshape(block.n_in, block.n_out))
        summed = network.summed_biases()
        biases = [summed[starts[layer] : starts[layer + 1]] for layer in range(1, len(network.sizes))]
        slopes = "mish" if network.mish else list(network.slopes[1:-1])
        return cls([block.pair for block in network.blocks], matrices, biases, slopes)

    @classmethod
    def of_dense(cls, network):
        pairs = [(layer, layer + 1) for layer in range(len(network.weights))]
        return cls(pairs, [weight.T for weight in network.weights], network.biases, list(network.slopes))

    def bend(self, z, layer):
        """Return the activation of a hidden layer's sums, and its derivative."""
        if self.slopes != "mish":
            factor = np.where(z > 0, 1.0, self.slopes[layer - 1])
            return z * factor, factor
        softplus = np.logaddexp(0, z)
        return z * np.tanh(softplus), np.tanh(softplus) + z / (np.cosh(softplus) ** 2 * (1 + np.exp(-z)))

    def forward(self, x, masks=None):
        """Return all layers' outputs [sample][neuron] and the factor that an error of each hidden one is multiplied by.

        `masks` holds, for each hidden layer, what dropout multiplies by (0 or 1 / (1 - rate)).
        """
        outputs, factors = [self.store(np.asarray(x, np.float64))], []
        for layer, bias in enumerate(self.biases, 1):
            z = np.tile(bias, (len(x), 1))
            for (source, target), matrix in zip(self.pairs, self.matrices, strict=True):
                if target == layer:
                    z = z + outputs[source] @ matrix
            if layer < len(self.biases):
                h, factor = self.bend(z, layer)
                mask = 1.0 if masks is None else masks[layer - 1]
                factors.append(factor * mask)
                outputs.append(self.store(h * mask))
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                outputs.append(e / e.sum(axis=1, keepdims=True))
        return outputs, factors

    def loss(self, x, y, masks=None):
        """Mean cross-entropy."""
        probabilities = self.forward(x, masks)[0][-1]
        return -np.log(probabilities[np.arange(len(y)), y]).mean()

    def errors(self, outputs, factors, y):
        """Return the errors of all layers but the inputs, by layer, and the gradients of the loss by the biases."""
        delta = outputs[-1].copy()
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        errors, by_bias = {len(self.biases): self.store(delta)}, [delta.sum(axis=0)]
        for layer in range(len(self.biases) - 1, 0, -1):
            passed = np.zeros_like(outputs[layer])
            for (source, target), matrix in zip(self.pairs, self.matrices, strict=True):
                if source == layer:
                    passed += errors[target] @ matrix.T
            delta = passed * factors[layer - 1]
            by_bias.insert(0, delta.sum(axis=0))
            errors[layer] = self.store(delta)
        return errors, by_bias

    def gradients(self, x, y, masks=None):
        """Return the gradients of the loss by the matrices and by the biases."""
        outputs, factors = self.forward(x, masks)
        errors, by_bias = self.errors(outputs, factors, y)
        return [outputs[source].T @ errors[target] for source, target in self.pairs], by_bias


class SlowSGD:
    """SGD of float64 arrays, written from the docstring."""

    def __init__(self, optimiser, count):
        self.own, self.velocity = optimiser, np.zeros(count)

    def move(self, w, g, step):
        own = self.own
        rate, momentum = at_step(own.rate, step), at_step(own.momentum, step)
        lookahead = momentum if own.lookahead is None else at_step(own.lookahead, step)
        decay = at_step(own.decay, step)
        if own.coupled:
            g = g + decay * w
        self.velocity = momentum * self.velocity - rate * g
        ahead = lookahead * self.velocity - rate * g if own.nesterov else self.velocity
        return w + ahead - (0 if own.coupled else decay) * w


class SlowAdam:
    """Adam of float64 arrays, written from the docstring."""

    def __init__(self, optimiser, count):
        self.own, self.m, self.v = optimiser, np.zeros(count), np.zeros(count)

    def move(self, w, g, step):
        own = self.own
        g = g + own.l1 * np.sign(w)
        self.m += (1 - own.beta1) * (g - self.m)
        self.v += (1 - own.beta2) * (g**2 - self.v)
        m, v = self.m / (1 - own.beta1 ** (step + 1)), self.v / (1 - own.beta2 ** (step + 1))
        moved = w - at_step(own.rate, step) * m / (np.sqrt(v) + own.epsilon)
        return moved - at_step(own.decay, step) * w


def at_step(value, step):
    """Return what a setting, one number or one for each step, is in a step."""
    return value[step] if np.ndim(value) else value


def assert_finite_differences(reference, x, y, masks, rng, places):
    """Hold the reference's gradients against differences of its loss, at some places of every array."""
    by_matrix, by_bias = reference.gradients(x, y, masks)
    for arrays, gradients in ((reference.matrices, by_matrix), (reference.biases, by_bias)):
        for array, gradient in zip(arrays, gradients, strict=True):
            for place in rng.choice(array.size, min(places, array.size), replace=False):
                at = np.unravel_index(place, array.shape)
                value, losses = array[at], []
                for shift in (1e-6, -1e-6):
                    array[at] = value + shift
                    losses.append(reference.loss(x, y, masks))
                array[at] = value
                assert (losses[0] - losses[1]) / 2e-6 == pytest.approx(gradient[at], rel=1e-3, abs=1e-8)


def to_bfloat16(values):
    """Round to eight significant bits, ties to even; written without looking at bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(mantissa * 256), exponent - 8)


def masks_of(network, batch, rate):
    """Return what dropout multiplied by in the network's last batch, per hidden layer [sample][neuron]."""
    workspace, found = network._workspace, []
    count, starts = workspace.count, network.graph.starts
    for layer in range(1, len(network.sizes) - 1):
        words = workspace.space.kept[starts[layer] * count // 16 : starts[layer + 1] * count // 16]
        bits = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(network.sizes[layer], count)
        found.append(bits[:, :batch].T / (1 - rate))
    return found
