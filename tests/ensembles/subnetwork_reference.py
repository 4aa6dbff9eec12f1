"""The slow networks that children of a parent are held against: dense float64 matrices with masks, as PyTorch prunes.

A mask lies over stored weights: a link that a mask takes out of a step keeps its weight, its gradient is zero, and
momentum and decay move it on. Hashes and rates are written from their description, a number at a time.
"""

from math import cos, pi

import numpy as np

from ..engine.reference import Reference

WORD = 2**32 - 1


def mixed(counter, low, high):
    """Hash a 32-bit number under two others."""
    x = (counter * 0x9E3779B1 & WORD) ^ low
    x ^= x >> 16
    x = (x * 0x7FEB352D & WORD) + high & WORD
    x ^= x >> 15
    x = x * 0x846CA68B & WORD
    return x ^ (x >> 16)


def key_of_step(stream, step):
    """Return the key of a step, 64 bits (splitmix64)."""
    whole = 2**64 - 1
    z = stream + 0x9E3779B97F4A7C15 * (64 * step + 2) & whole
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & whole
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & whole
    return z ^ (z >> 31)


def is_active(source, target, probability, stream, step):
    """Say whether a link between two neurons, numbered through all layers, is active in a step."""
    if probability == 1:
        return True
    key = key_of_step(stream, step)
    number = mixed(target, mixed(source, 0, 0), 0)
    return mixed(number, key & WORD, key >> 32) < min(round(probability * 2**32), 2**32 - 2)


def active_links(network, probabilities, stream, step):
    """Return which links of a sparse network are active in a step, in order of ``graph.values``."""
    sources, targets = np.divmod(network.graph.keys(), sum(network.sizes))
    ends = zip(sources.tolist(), targets.tolist(), probabilities, strict=True)
    return np.array([is_active(source, target, float(p), stream, step) for source, target, p in ends], bool)


def one_cycle(peak, steps):
    """Return rate and momentum of every step: up to the peak in a tenth of them, then down; momentum 0.95 to 0.85."""
    up = max(1.0, 0.1 * steps - 1)
    rates, momenta = [], []
    for t in range(steps):
        if t <= up:
            floor, height = peak / 100, (1 - cos(pi * t / up)) / 2
        else:
            floor, height = peak / 1e6, (1 + cos(pi * (t - up) / (steps - 1 - up))) / 2
        rates.append(floor + (peak - floor) * height)
        momenta.append(0.95 - 0.1 * height)
    return rates, momenta


class SlowChild:
    """A network of matrices [input][output] by block, of which some places are links, and its optimiser.

    Parameters
    ----------
    network : SparseMLP
        How it begins; its velocities count, too.
    decay : float
        Coupled: added to the gradient.
    torch : bool
        Whether the velocity is PyTorch's sum of gradients; else the rate is part of it.
    """

    def __init__(self, network, decay, torch):
        own = Reference.of_sparse(network)
        self.pairs, self.slopes, self.decay, self.torch = own.pairs, own.slopes, decay, torch
        self.weights, self.biases = own.matrices, own.biases
        self.links = self.of_links(network, np.ones(len(network.graph), bool))
        self.velocity = [np.zeros_like(each) for each in (*self.weights, *self.biases)]

    @staticmethod
    def of_links(network, numbers):
        """Return matrices with the numbers of links, in order of ``graph.values``, and 0 elsewhere."""
        found = []
        for block in network.blocks:
            matrix = np.zeros(block.places, numbers.dtype)
            matrix[block.links()] = numbers[block.where]
            found.append(matrix.reshape(block.n_in, block.n_out))
        return found

    def step(self, x, y, rate, momentum, active=None, freeze=False):
        """Make a step of Nesterov on a batch; `active` has a matrix of marks for each block."""
        active = [links & own for links, own in zip(self.links, active or self.links, strict=True)]
        masked = [w * mask for w, mask in zip(self.weights, active, strict=True)]
        by_matrix, by_bias = Reference(self.pairs, masked, self.biases, self.slopes).gradients(x, y)
        gradients = [g * mask for g, mask in zip(by_matrix, active, strict=True)] + list(by_bias)
        moving = active if freeze else self.links
        moving = [*moving, *(np.ones(b.shape, bool) for b in self.biases)]
        for w, v, g, moves in zip((*self.weights, *self.biases), self.velocity, gradients, moving, strict=True):
            g = g + self.decay * w
            if self.torch:
                v[moves] = (momentum * v + g)[moves]
                w[moves] -= rate * (g + momentum * v)[moves]
            else:
                v[moves] = (momentum * v - rate * g)[moves]
                w[moves] += (momentum * v - rate * g)[moves]

    def remove(self, keep):
        """Let all links fall but the marked ones, with their velocities."""
        self.links = [links & own for links, own in zip(self.links, keep, strict=True)]
        for w, v, links in zip(self.weights, self.velocity, self.links, strict=False):
            w *= links
            v *= links

    def far(self, network, rate):
        """Return the largest difference of weights, biases and velocities from a sparse network's, after a step."""
        scale = -rate if self.torch else 1.0
        starts = np.cumsum([0, *(len(b) for b in self.biases)])
        theirs = [
            *self.of_links(network, network.graph.values), *np.split(network.biases, starts[1:-1]),
            *self.of_links(network, network.graph.velocity), *np.split(network.bias_velocity, starts[1:-1]),
        ]  # fmt: skip
        own = [*self.weights, *self.biases, *(scale * v for v in self.velocity)]
        assert all(
            np.array_equal(links, marks)
            for links, marks in zip(self.links, self.of_links(network, np.ones(len(network.graph), bool)), strict=True)
        )
        return max(np.abs(one - other).max() for one, other in zip(own, theirs, strict=True))
