"""A slow, obvious network in float64 NumPy with dense matrices, to hold the kernels against."""

import numpy as np


class Reference:
    """The same network as a `SparseMLP` or `DenseMLP`, with a dense matrix [input][output] per block.

    `store` is what happens to activations and errors on their way through memory.
    """

    store = staticmethod(lambda values: values)

    def __init__(self, matrices, biases, slopes):
        self.matrices = [np.asarray(matrix, np.float64) for matrix in matrices]
        self.biases = [np.asarray(bias, np.float64) for bias in biases]
        self.slopes = list(slopes)

    @classmethod
    def of_sparse(cls, network):
        matrices, biases, start = [], [], 0
        for block in network.blocks:
            matrix = np.zeros(block.places)
            matrix[block.links()] = block.values
            matrices.append(matrix.reshape(block.n_in, block.n_out))
            biases.append(network.biases[start : start + block.n_out])
            start += block.n_out
        return cls(matrices, biases, network.slopes[1:-1])

    @classmethod
    def of_dense(cls, network):
        return cls([weight.T for weight in network.weights], network.biases, network.slopes)

    def forward(self, x, masks=None):
        """Return all layers' outputs [sample][neuron] and the factor each hidden one was multiplied by.

        `masks` holds, for each hidden layer, what dropout multiplies by (0 or 1 / (1 - rate)).
        """
        outputs, factors = [self.store(np.asarray(x, np.float64))], []
        for layer, (matrix, bias) in enumerate(zip(self.matrices, self.biases, strict=True)):
            z = outputs[-1] @ matrix + bias
            if layer < len(self.matrices) - 1:
                factor = np.where(z > 0, 1.0, self.slopes[layer])
                if masks is not None:
                    factor = factor * masks[layer]
                factors.append(factor)
                outputs.append(self.store(z * factor))
            else:
                e = np.exp(z - z.max(axis=1, keepdims=True))
                outputs.append(e / e.sum(axis=1, keepdims=True))
        return outputs, factors

    def loss(self, x, y, masks=None):
        """Mean cross-entropy."""
        probabilities = self.forward(x, masks)[0][-1]
        return -np.log(probabilities[np.arange(len(y)), y]).mean()

    def gradients(self, x, y, masks=None):
        """Return the gradients of the loss by the matrices and by the biases."""
        outputs, factors = self.forward(x, masks)
        delta = outputs[-1].copy()
        delta[np.arange(len(y)), y] -= 1
        delta /= len(y)
        by_matrix, by_bias = [], []
        for layer in range(len(self.matrices) - 1, -1, -1):
            by_bias.insert(0, delta.sum(axis=0))
            delta = self.store(delta)
            by_matrix.insert(0, outputs[layer].T @ delta)
            if layer:
                delta = (delta @ self.matrices[layer].T) * factors[layer - 1]
        return by_matrix, by_bias


def to_bfloat16(values):
    """Round to eight significant bits, ties to even; written without looking at bits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(mantissa * 256), exponent - 8)


def masks_of(network, batch, rate):
    """Return what dropout multiplied by in the network's last batch, per hidden layer [sample][neuron]."""
    room, found = network._room, []
    for layer in range(1, len(network.sizes) - 1):
        start = room.offsets[layer] // 16
        words = room.kept[start : start + network.sizes[layer] * room.count // 16]
        bits = np.unpackbits(words.view(np.uint8), bitorder="little").reshape(network.sizes[layer], room.count)
        found.append(bits[:, :batch].T / (1 - rate))
    return found
