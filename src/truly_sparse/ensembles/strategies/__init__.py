"""Escape strategies: how a new member's links are regrown. One file each; its name is what the configuration says.

A file defines a class `Escape` derived from :class:`Strategy`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar, NamedTuple

import numpy as np

from truly_sparse.engine.graph import Block
from truly_sparse.engine.topology import Links
from truly_sparse.errors import UserError


class Regrowth(NamedTuple):
    """What an escape did: new links on blocked places for want of others, and candidates drawn (0 if none were)."""

    fallbacks: int = 0
    draws: int = 0


class Strategy(ABC):
    """Turns a hidden block of an ended member into the start of the next one.

    Parameters
    ----------
    training : mapping
        The training settings of the run.
    """

    #: Whether later SET steps, too, avoid the links of all earlier members.
    stays_disjoint: ClassVar[bool] = False

    def __init__(self, training: Mapping[str, Any]) -> None:
        self.training = training

    @abstractmethod
    def regrow(self, block: Block, fraction: float, bound: float, rng: np.random.Generator, earlier: Links) -> Regrowth:
        """Prune `fraction` of the block's links and regrow as many.

        Parameters
        ----------
        block : Block
            The ended member's block, changed in place.
        fraction : float
            q, the fraction pruned of each sign.
        bound : float
            Half-width of the uniform values of new links.
        rng : numpy.random.Generator
            The regrowth stream.
        earlier : ndarray of int64
            Sorted links that this or any earlier member ended with.
        """


def create(name: str, training: Mapping[str, Any]) -> Strategy:
    """Return the strategy whose file is called `name`."""
    if not name.isidentifier() or find_spec(f"{__name__}.{name}") is None:
        raise UserError(f"no escape strategy {name!r}; add {name}.py to the strategies or change methods.*.strategy")
    strategy: Strategy = import_module(f"{__name__}.{name}").Escape(training)
    return strategy
