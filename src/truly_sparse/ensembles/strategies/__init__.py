"""Escape strategies: how a new member's links are regrown. One file each; its name is what the configuration says.

A file defines a class `Escape` derived from :class:`Strategy`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar

import numpy as np

from truly_sparse.engine import topology
from truly_sparse.engine.graph import Block
from truly_sparse.engine.linked import Linked, regrow_at_random
from truly_sparse.engine.streams import Streams
from truly_sparse.engine.topology import Links
from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.stage import Earlier, Regrowth


class Strategy(ABC):
    """Turns a hidden block of an ended member into the start of the next one.

    Parameters
    ----------
    settings : TrainingConfig
        The training settings of the run.
    """

    #: Whether later SET steps, too, avoid the links of all earlier members.
    stays_disjoint: ClassVar[bool] = False

    def __init__(self, settings: TrainingConfig) -> None:
        self.settings = settings

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

    def escape(self, network: Linked, streams: Streams, earlier: Earlier) -> Iterator[Regrowth]:
        """Leave the basin: prune the fraction q everywhere but in the output block and regrow (algorithms 1 and 2).

        The links that the hidden blocks ended with are added to `earlier`.
        """
        fraction, output = self.settings.restart_prune_fraction, len(network.sizes) - 1
        for number, block in enumerate(network.blocks):
            if block.target == output:
                continue
            bound = network.bounds[block.pair]
            if block.source == 0:
                if self.settings.escape_input_block:
                    regrow_at_random(block, fraction, bound, streams.regrowth)
                continue
            ended, before = block.links(), earlier.get(number)
            earlier[number] = ended if before is None else topology.union(before, ended)
            yield self.regrow(block, fraction, bound, streams.regrowth, earlier[number])


def create(name: str, settings: Mapping[str, Any] | TrainingConfig) -> Strategy:
    """Return the strategy whose file is called `name`.

    Raises
    ------
    UserError
        Where there is no such file.
    """
    if not name.isidentifier() or find_spec(f"{__name__}.{name}") is None:
        raise UserError(f"no escape strategy {name!r}; add {name}.py to the strategies or change methods.*.strategy")
    config = settings if isinstance(settings, TrainingConfig) else TrainingConfig.of(settings)
    strategy: Strategy = import_module(f"{__name__}.{name}").Escape(config)
    return strategy
