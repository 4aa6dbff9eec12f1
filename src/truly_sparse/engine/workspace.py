"""Memory for one batch, and how its vectors are taken."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.memory import aligned, second_level_cache
from truly_sparse.engine.registers import BACKWARD, FORWARD, LANES, LINE, PARTS

#: Links whose products wait, in the first-level cache, to be summed and used for an update eight at a time.
GROUP = 64
#: Vectors that share 16 words of memory.
SHARE = {"float32": 1, "bfloat16": 2}
#: Part of the second-level cache up to which rows are near. AVX-512 is through with a row of bfloat16 sooner than that
#: cache sends the next one.
NEAR = {"float32": 1.0, "bfloat16": 0.25 if PARTS == 1 else 1.0}

Width = tuple[int, ...]


def tile(rows: int) -> Width:
    """Return the tuple whose length is the number of vectors in a tile: the largest power of two up to 8 that divides.

    It is part of the order in which gradients are summed, and so the same on every processor.
    """
    vectors = 8
    while rows % (vectors * LANES):
        vectors //= 2
    return (0,) * vectors


def width(rows: int, most: int, unit: int) -> Width:
    """Return the tuple whose length is the largest multiple of `unit` vectors, up to `most`, that divides the row."""
    return (0,) * next(n for n in range(max(most, unit), 0, -1) if n % unit == 0 and rows % (n * LANES) == 0)


class Space(NamedTuple):
    """What the kernels write to.

    `rows` has a row of the batch for each neuron: its activation, then its error. `logits` are [class][batch].
    `derivatives` is an empty tuple, or has a row for each neuron that is no output. `positive` and `kept` have a bit
    for each value of these. `own` and `sums` are one row in float32; `own` is `rows` where these are. `parts` holds
    products of `GROUP` links, `lanes` one vector in float64, `lines` a line of the cache, in bytes, for each sample.
    """

    rows: npt.NDArray[np.float32] | npt.NDArray[np.uint16]
    logits: npt.NDArray[np.float32]
    derivatives: npt.NDArray[np.float32] | tuple[()]
    positive: npt.NDArray[np.uint16]
    kept: npt.NDArray[np.uint16]
    own: npt.NDArray[np.float32]
    sums: npt.NDArray[np.float32]
    parts: npt.NDArray[np.float32]
    lanes: npt.NDArray[np.float64]
    lines: npt.NDArray[np.uint8]


class Widths(NamedTuple):
    """Tuples as long as the vectors that are taken at a time: on the way forward, on the way back, and in a tile."""

    forward: Width
    backward: Width
    tile: Width


class Workspace:
    """Memory for a batch of `count` samples (whole vectors), whose rows are kept as `storage` says."""

    def __init__(self, sizes: Sequence[int], count: int, storage: str, mish: bool = False) -> None:
        self.sizes, self.count, self.storage = tuple(sizes), count, storage
        inner, vectors = sum(sizes[:-1]) * count, tile(count)
        rows = aligned(sum(sizes) * count, np.uint16 if storage == "bfloat16" else np.float32)
        self.space = Space(
            rows=rows,
            logits=aligned(sizes[-1] * count),
            derivatives=aligned(inner) if mish else (),
            positive=np.zeros(inner // LANES, np.uint16),
            kept=np.zeros(inner // LANES, np.uint16),
            own=aligned(count) if storage == "bfloat16" else rows,
            sums=aligned(count),
            parts=aligned(8 * GROUP * (count // LANES // len(vectors))),
            lanes=np.zeros(LANES),
            lines=aligned(LINE * count, np.uint8),
        )
        self.widths = Widths(width(count, FORWARD, SHARE[storage]), width(count, BACKWARD, len(vectors)), vectors)
        # Then what a link leads to is asked for some links ahead; otherwise that would only cost.
        self.far = rows.nbytes > NEAR[storage] * second_level_cache()

    def another(self) -> Space:
        """Return memory for one more thread: the rows of neurons are the same, what a neuron's sums take is its own."""
        shared = self.space
        own = shared.own if shared.own is shared.rows else np.zeros_like(shared.own)
        return shared._replace(
            own=own,
            sums=np.zeros_like(shared.sums),
            parts=np.zeros_like(shared.parts),
            lanes=np.zeros_like(shared.lanes),
            lines=np.zeros_like(shared.lines),
        )
