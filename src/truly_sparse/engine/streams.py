"""Independent random streams of one seed."""

from typing import Any

import numpy as np

#: In the order of their sequences; new ones are added at the end, so that the others stay as they are.
NAMES = ("start", "order", "dropout", "evolution", "regrowth", "prune", "gate", "noise", "bag")


class Streams:
    """Generators that never share a draw, so that a change in one use leaves the others as they were.

    Parameters
    ----------
    seed : int
        Any non-negative integer.
    member : int, default 0
        Independent networks of one ensemble take different members of the same seed.

    Attributes
    ----------
    start, order, dropout, evolution, regrowth : numpy.random.Generator
        Start topology and values; training order; dropout keys; SET steps; escape from one member to the next.
    prune, gate, noise, bag : numpy.random.Generator
        Links of a child; which links are active; noise on weights; rows of a child.
    """

    start: np.random.Generator
    order: np.random.Generator
    dropout: np.random.Generator
    evolution: np.random.Generator
    regrowth: np.random.Generator
    prune: np.random.Generator
    gate: np.random.Generator
    noise: np.random.Generator
    bag: np.random.Generator

    def __init__(self, seed: int, member: int = 0) -> None:
        for number, name in enumerate(NAMES):
            sequence = np.random.SeedSequence(seed, spawn_key=(member, number))
            setattr(self, name, np.random.Generator(np.random.PCG64(sequence)))

    def state(self) -> dict[str, Any]:
        """Return the state of every stream as plain JSON values."""
        return {name: getattr(self, name).bit_generator.state for name in NAMES}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue exactly where `state` was taken."""
        for name in NAMES:
            getattr(self, name).bit_generator.state = state[name]
