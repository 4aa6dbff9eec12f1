"""Keys of the dropout streams."""

import numpy as np

from truly_sparse.engine.dropout import layer_key

MASK = 2**64 - 1


def splitmix(stream, counter):
    """Return what the keys of networks of at most 64 layers have always been."""
    z = (stream + 0x9E3779B97F4A7C15 * counter) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def key(step, layer):
    with np.errstate(over="ignore"):
        return int(layer_key(np.uint64(12345), step, layer))


def test_up_to_64_layers_the_keys_are_those_of_earlier_versions():
    for step in (0, 1, 7, 10**6):
        for layer in (1, 2, 63, 64):
            assert key(step, layer) == splitmix(12345, step * 64 + layer + 1)


def test_no_two_layers_of_any_steps_share_a_key():
    steps = [*range(20), 2**20, 2**42 - 1]
    keys = [key(step, layer) for step in steps for layer in range(1, 1001)]
    assert len(set(keys)) == len(keys)
