"""A slow, obvious convolutional network in float64 NumPy, to hold the kernels against."""

import numpy as np

from truly_sparse.engine.convolution.layers import MaxPool


def mish(z):
    return z * np.tanh(np.logaddexp(0, z))


BEND = {"none": lambda z: z, "relu": lambda z: np.maximum(z, 0), "mish": mish}


def pooled(z, pool):
    """Pool maps [sample][channel][row][column]."""
    if pool in ("max", "average", "flatten_max"):
        rows, columns = z.shape[2] // 2, z.shape[3] // 2
        fours = z[:, :, : 2 * rows, : 2 * columns].reshape(*z.shape[:2], rows, 2, columns, 2)
        z = fours.mean((3, 5)) if pool == "average" else fours.max((3, 5))
    if pool == "global":
        z = z.mean((2, 3), keepdims=True)
    if pool.startswith("flatten"):
        z = z.transpose(0, 2, 1, 3).reshape(len(z), -1, 1, 1)
    return z


def by_three(z):
    """Return the maximum of three by three positions within the map, every other one."""
    wide = np.pad(z, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=-np.inf)
    rows, columns = (z.shape[2] + 1) // 2, (z.shape[3] + 1) // 2
    out = np.empty((*z.shape[:2], rows, columns))
    for y in range(rows):
        for x in range(columns):
            out[:, :, y, x] = wide[:, :, 2 * y : 2 * y + 3, 2 * x : 2 * x + 3].max((2, 3))
    return out


def correlated(z, kernel, border):
    """Return the correlations of maps [sample][channel][row][column] with kernels [out][channel][row][column]."""
    z = np.pad(z, ((0, 0), (0, 0), (border, border), (border, border)))
    windows = np.lib.stride_tricks.sliding_window_view(z, kernel.shape[2:], (2, 3))
    return np.einsum("scyxij,ocij->soyx", windows, kernel, optimize=True)


class SlowNetwork:
    """The same network as a `SparseCNN`, with dense kernels [channel out][channel in][row][column] for each block.

    `store` is what happens to maps on their way through memory, `settle` what happens to moments of a batch.
    """

    store = staticmethod(lambda maps: maps)
    settle = staticmethod(lambda mean, variance: (mean, variance))

    def __init__(self, network):
        self.plan, plan = network.plan, network.plan
        self.layers = [layer for layer in plan.layers if not isinstance(layer, MaxPool)]
        sides = [layer.kernel for layer in self.layers for _ in layer.sources]
        self.kernels = []
        for block, side in zip(network.blocks, sides, strict=True):
            dense = np.zeros(block.places)
            dense[block.links()] = block.values
            self.kernels.append(dense.reshape(side, -1, side, block.n_out).transpose(3, 1, 0, 2))
        self.biases = network.biases.astype(float)
        self.norms = network.norms.astype(float)

    def forward(self, x, moments=None):
        """Return the logits of x, shape (samples, features).

        Normalised by the batch, or by `moments`: running mean and variance of each channel of all maps. Those of the
        batch are of maps as they were made, before they are stored.
        """
        fresh, maps = [], []

        def keep(made):
            fresh.append(made)
            maps.append(self.store(made))

        keep(np.asarray(x, float).reshape(len(x), *self.plan.picture))
        kernels, biases = iter(self.kernels), iter(np.split(self.biases, self._parts()))
        firsts = np.cumsum([0, *(shape.channels for shape in self.plan.shapes)])
        norm = 0
        for layer in self.plan.layers:
            if isinstance(layer, MaxPool):
                keep(by_three(maps[layer.source]))
                continue
            made = 0
            for source in layer.sources:
                z = maps[source]
                if layer.norm:
                    many = z.shape[1]
                    if moments is None:
                        mean, variance = self.settle(fresh[source].mean((0, 2, 3)), fresh[source].var((0, 2, 3)))
                    else:
                        mean, variance = (part[firsts[source] : firsts[source] + many] for part in moments)
                    gamma, beta = (part[norm : norm + many] for part in np.split(self.norms, 2))
                    norm += many
                    scale = gamma / np.sqrt(variance + 1e-5)
                    z = (z - mean[:, None, None]) * scale[:, None, None] + beta[:, None, None]
                z = pooled(BEND[layer.activation](z), layer.pool)
                made = made + correlated(z, next(kernels), layer.border)
                if layer.bias_per_map or source == layer.sources[0]:
                    made = made + next(biases)[:, None, None]
            keep(made)
        return maps[-1][:, :, 0, 0]

    def loss(self, x, y):
        """Return the mean cross-entropy."""
        logits = self.forward(x)
        logits = logits - logits.max(1, keepdims=True)
        return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(y)), y])

    def _parts(self):
        return np.cumsum([self.plan.shapes[made].channels for made, _ in self.plan.biases])[:-1]


def slopes(network, x, y, step=1e-6):
    """Return the gradient by finite differences of every link (in order of the graph), bias, scale and shift."""
    slow = SlowNetwork(network)
    links = []
    for number, block in enumerate(network.blocks):
        side = slow.kernels[number].shape[2]
        for link in block.links():
            tap, out = divmod(int(link), block.n_out)
            row, rest = divmod(tap, slow.kernels[number].shape[1] * side)
            channel, column = divmod(rest, side)
            links.append(_slope(slow, slow.kernels[number], (out, channel, row, column), x, y, step))
    biases = [_slope(slow, slow.biases, k, x, y, step) for k in range(len(slow.biases))]
    norms = [_slope(slow, slow.norms, k, x, y, step) for k in range(len(slow.norms))]
    return np.array(links), np.array(biases), np.array(norms)


def _slope(slow, array, place, x, y, step):
    before = array[place]
    array[place] = before + step
    above = slow.loss(x, y)
    array[place] = before - step
    below = slow.loss(x, y)
    array[place] = before
    return (above - below) / (2 * step)
