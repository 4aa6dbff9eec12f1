"""What a convolutional network is made of: maps, the layers that make them, and where everything lies.

A *map* is what a layer makes of a picture: some channels of some rows and columns. Map 0 is the picture. A layer takes
one map or several, normalises, bends and pools what it takes, and sums up its links over all positions. To take several
maps is to take the channels of all of them, one after the other: a layer over a concatenation and a sum of layers are
the same thing.

A *tap* is one place of a kernel at one channel of what a layer takes. Links lead from taps to channels, and so a layer
is, to topology steps, a block like any other: between taps and channels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.convolution.walks import PIECES, TALLEST
from truly_sparse.engine.graph import Pair
from truly_sparse.engine.memory import second_level_cache
from truly_sparse.engine.registers import LANES
from truly_sparse.errors import UserError

Activation = Literal["none", "relu", "mish"]
ACTIVATIONS = ("none", "relu", "mish")
POOLS = ("none", "max", "average", "global", "flatten", "flatten_max")
NONE, RELU, MISH = range(3)
#: Rows of a band at least, whatever the cache holds.
LEAST_ROWS = 4
PLAIN, MAX, AVERAGE, GLOBAL, FLATTEN, FLATTEN_MAX = range(6)
#: How errors are left in those of a map: written, added to what is there, or written past the cache.
WRITE, ADD, STREAM = range(3)


@dataclass(frozen=True)
class Convolution:
    """A layer of links, one value for each at all positions.

    Parameters
    ----------
    sources : tuple of int
        Maps it takes.
    channels : int
        That it makes.
    kernel : int
        Rows and columns of a kernel.
    border : int
        Rows and columns of zeros around what it takes.
    norm : bool
        Whether each map it takes is normalised over the batch first, with a scale and a shift of its own. The picture
        cannot be.
    activation : {"none", "relu", "mish"}
        What bends what it takes, before pooling.
    pool : {"none", "max", "average", "global", "flatten", "flatten_max"}
        The maximum or mean of two by two; the mean of all; or all positions as channels, of which "flatten_max" takes
        the maximum of two by two first. Channels then are in order of rows, channels and columns of the map.
    bias_per_map : bool
        Whether a channel has a bias for each map the layer takes, not one in all. Their sum counts. The layer then is a
        sum of several, and those of all maps but the last are shortcuts.
    """

    sources: tuple[int, ...]
    channels: int
    kernel: int = 3
    border: int = 1
    norm: bool = False
    activation: Activation = "relu"
    pool: Literal["none", "max", "average", "global", "flatten", "flatten_max"] = "none"
    bias_per_map: bool = False


@dataclass(frozen=True)
class MaxPool:
    """A layer that makes of a map the maximum of three by three positions, every other one, within the map."""

    source: int

    @property
    def sources(self) -> tuple[int]:
        """Maps it takes."""
        return (self.source,)


Layer = Convolution | MaxPool


class Shape(NamedTuple):
    """Channels, rows and columns of a map."""

    channels: int
    rows: int
    columns: int

    @property
    def size(self) -> int:
        """Numbers of a map."""
        return self.channels * self.rows * self.columns


class Map(NamedTuple):
    """Where a map lies: `at` in the arrays of all maps, in `tiles` parts of `size` numbers, one for 16 samples.

    A part is [row][channel][column][16], with an even number of columns; a row is `row` long, and `lane` of a channel.
    Maps of one position (`flat`) have one part, [channel][16 samples at a time][16]. `channel` is the number of the
    first channel among all. Where a map is one of maxima, it is kept from `firsts` on where these stand.
    """

    at: int
    tiles: int
    size: int
    channels: int
    rows: int
    columns: int
    row: int
    lane: int
    channel: int
    normed: int
    flat: int
    firsts: int


class Step(NamedTuple):
    """A layer as the kernels take it; see `Plan`.

    `rows`, `columns` are those it takes after pooling. `inside` and `beyond` are the columns of a row of what it takes,
    and of errors, with borders. `band` rows are taken at a time. `taken` channels come from `sources` [first, last).
    A layer that makes its map together with another of maxima (`joins`) has one band, the number of that map, `pooled`,
    and the rows of its windows, `window`; the layer of these maxima has nothing left to do. One whose map only maxima
    are taken of (`leaves`) has the number of theirs, too, but no `window`.
    """

    target: int
    links: int
    kernel: int
    border: int
    activation: int
    pool: int
    first: int
    last: int
    taken: int
    rows: int
    columns: int
    inside: int
    beyond: int
    band: int
    neuron: int
    channel: int
    back: int
    passes: int
    pooled: int
    window: int


class Source(NamedTuple):
    """A map that a layer takes: its number, its first channel among all that the layer takes, and the place of scales
    and shifts (-1 without). Errors are left in those of the map in a `way`: `WRITE`, `ADD` or
    `STREAM`. Where only maxima are taken of it (`leaves`), they make a map of their own, `maxima`, and so do errors.
    """

    map: int
    channel: int
    norm: int
    way: int
    maxima: int


class Plan:
    """Maps and layers of a network as the kernels take them.

    Parameters
    ----------
    picture : (int, int, int)
        Channels, rows and columns.
    layers : sequence of Convolution or MaxPool
        Layer i makes map i + 1; the last one makes a channel for each class, of one position.

    Attributes
    ----------
    shapes : list of Shape
        Of all maps.
    sizes : list of int
        Taps of each map that each layer takes, and channels it makes: the layers of the graph.
    pairs : list of (int, int)
        Blocks of the graph: from the taps of each map a layer takes to its channels.
    skipping : set of (int, int)
        Those of shortcuts.
    positions : list of int
        Positions of each block's links: multiply-adds of a link for a sample.
    fan_ins : list of int
        Of each block: taps of its layer.
    biases : list of (int, (int, int))
        The map whose channels have a bias, and a block that leads to these.
    norms : int
        Scales, and shifts.

    Raises
    ------
    UserError
        For layers that do not fit.
    """

    def __init__(self, picture: Sequence[int], layers: Sequence[Layer]) -> None:
        self.picture, self.layers = Shape(*map(int, picture)), list(layers)
        if min(self.picture) < 1 or self.picture[1:] == (1, 1):
            raise UserError(
                f"pictures of {tuple(self.picture)} channels, rows and columns: several positions are needed"
            )
        self.shapes = [self.picture]
        self.taken: list[Shape] = []
        for number, layer in enumerate(self.layers):
            self._check(number, layer)
            shape = self._pooled(layer)
            if min(shape) < 1:
                rows, columns = self.shapes[layer.sources[0] if isinstance(layer, Convolution) else layer.source][1:]
                raise UserError(
                    f"layer {number + 1} pools a map of {rows} x {columns} positions: nothing is left of it"
                )
            self.taken.append(shape)
            self.shapes.append(_made(number, layer, shape))
        if not self.layers or (self.shapes[-1].rows, self.shapes[-1].columns) != (1, 1):
            raise UserError("the last layer has to make one position: pool 'global' or 'flatten' before it")
        self._number_blocks()

    def _check(self, number: int, layer: Layer) -> None:
        sources = layer.sources
        if not sources or min(sources) < 0 or max(sources) > number or len(set(sources)) != len(sources):
            raise UserError(f"layer {number + 1} takes maps {sources}; there are maps 0 to {number} before it")
        if len({self.shapes[source][1:] for source in sources}) > 1:
            raise UserError(f"layer {number + 1}: maps {sources} are of different rows or columns")
        if isinstance(layer, Convolution):
            if layer.norm and 0 in sources:
                raise UserError(
                    f"layer {number + 1} normalises the picture (map 0), which has no moments; scale pictures "
                    "beforehand and set norm False"
                )
            if layer.activation not in ACTIVATIONS or layer.pool not in POOLS:
                raise UserError(
                    f"layer {number + 1}: activation {layer.activation!r} or pool {layer.pool!r} is unknown"
                )
            if layer.pool != "none" and self.shapes[sources[0]][1:] == (1, 1):
                raise UserError(f"layer {number + 1} pools a map of one position; pool 'none' is needed")
            if layer.channels < 1 or layer.kernel < 1 or not 0 <= layer.border < layer.kernel:
                raise UserError(f"layer {number + 1}: channels {layer.channels}, kernel {layer.kernel}, border "
                                f"{layer.border}; a border is smaller than the kernel")  # fmt: skip

    def _pooled(self, layer: Layer) -> Shape:
        """Return the shape of what a layer takes."""
        if isinstance(layer, MaxPool):
            return self.shapes[layer.source]
        channels = sum(self.shapes[source].channels for source in layer.sources)
        rows, columns = self.shapes[layer.sources[0]][1:]
        if layer.pool in ("max", "average", "flatten_max"):
            rows, columns = rows // 2, columns // 2
        if layer.pool == "global":
            rows = columns = 1
        if layer.pool.startswith("flatten"):
            channels, rows, columns = channels * rows * columns, 1, 1
        return Shape(channels, rows, columns)

    def _number_blocks(self) -> None:
        self.sizes: list[int] = []
        self.pairs: list[Pair] = []
        self.skipping: set[Pair] = set()
        self.positions: list[int] = []
        self.fan_ins: list[int] = []
        self.biases: list[tuple[int, Pair]] = []
        self.normed = [False] * len(self.shapes)
        self.norms = 0
        for number, (layer, taken, made) in enumerate(zip(self.layers, self.taken, self.shapes[1:], strict=True), 1):
            if isinstance(layer, MaxPool):
                continue
            first = len(self.sizes)
            spread = taken.channels // sum(self.shapes[source].channels for source in layer.sources)
            for source in layer.sources:
                self.sizes.append(self.shapes[source].channels * spread * layer.kernel**2)
                self.pairs.append((len(self.sizes) - 1, first + len(layer.sources)))
                self.positions.append(made.rows * made.columns)
                self.fan_ins.append(taken.channels * layer.kernel**2)
                self.normed[source] |= layer.norm
                self.norms += self.shapes[source].channels * layer.norm
                if layer.bias_per_map and source != layer.sources[-1]:
                    self.skipping.add(self.pairs[-1])
                if layer.bias_per_map or source == layer.sources[0]:
                    self.biases.append((number, self.pairs[-1]))
            self.sizes.append(layer.channels)
        for number, layer in enumerate(self.layers):
            if isinstance(layer, MaxPool) and self.normed[layer.source]:
                raise UserError(f"layer {number + 1} pools map {layer.source}, which another layer normalises")

    @property
    def places(self) -> dict[Pair, int]:
        """How many links each block can have."""
        return {(i, j): self.sizes[i] * self.sizes[j] for i, j in self.pairs}

    @property
    def multiply_adds(self) -> int:
        """Of one sample through all places of links."""
        return sum(n * places for n, places in zip(self.positions, self.places.values(), strict=True))


def _made(number: int, layer: Layer, taken: Shape) -> Shape:
    """Return the shape of what a layer makes of what it takes."""
    if isinstance(layer, MaxPool):
        rows, columns = (taken.rows + 1) // 2, (taken.columns + 1) // 2
        if rows == columns == 1:
            raise UserError(f"layer {number + 1} pools a map of {taken.rows} x {taken.columns} to one position; for "
                            "that, a convolution takes its map with pool 'global' or 'flatten_max'")  # fmt: skip
        return Shape(taken.channels, rows, columns)
    rows, columns = (n + 2 * layer.border - layer.kernel + 1 for n in taken[1:])
    if rows < 1 or columns < 1:
        raise UserError(f"layer {number + 1}: a kernel of {layer.kernel} does not fit into {taken[1]} x {taken[2]}")
    if layer.kernel > 1 and (1, 1) in ((rows, columns), taken[1:]):
        raise UserError(f"layer {number + 1}: for a layer of one position, pool 'flatten' or 'global' and set kernel 1")
    if layer.pool in ("max", "average") and taken[1:] == (1, 1):
        instead = {"max": "flatten_max", "average": "global"}[layer.pool]
        raise UserError(f"layer {number + 1}: pool {layer.pool!r} leaves one position; for that, pool {instead!r}")
    return Shape(layer.channels, rows, columns)


class Tables(NamedTuple):
    """`Map`, `Step` and `Source` of all maps, layers and maps taken: int64, a row for each."""

    maps: npt.NDArray[np.int64]
    steps: npt.NDArray[np.int64]
    sources: npt.NDArray[np.int64]


class Room(NamedTuple):
    """Numbers that fit into all maps, and into bands of what is taken, of errors, and of errors passed back; and bytes
    for where maxima stand.
    """

    maps: int
    firsts: int
    taken: int
    wrong: int
    passed: int


class Reach(NamedTuple):
    """How far links reach within bands, by the neurons of the graph they lead from and to (int32).

    A tap reaches ``forth[tap]`` from a position. For the errors of ``taken[tap]``, a channel among those that all
    layers take, a link reaches ``back_tap[tap] + back_channel[channel]``, less than ``back_most[tap]``, and
    comes in order of that. Of the pieces that links are walked in, it lies in ``piece[tap]`` on the way forward, and on
    the way back in that of how far it reaches.
    """

    forth: npt.NDArray[np.int32]
    back_tap: npt.NDArray[np.int32]
    back_channel: npt.NDArray[np.int32]
    taken: npt.NDArray[np.int32]
    piece: npt.NDArray[np.int32]
    back_most: npt.NDArray[np.int32]


def joins(plan: Plan, number: int) -> int:
    """Return the rows of the windows whose maxima are made together with a map, which then is never kept; else 0.

    Windows of `MaxPool` have 3 rows. They have 2 where a layer pools two by two, which then takes the map of maxima.
    Nothing else may take the map, and it is made of the picture, all rows of which the cache holds as one band.
    """
    if not 0 < number < len(plan.layers):
        return 0
    layer, after, (_, rows, columns) = plan.layers[number - 1], plan.layers[number], plan.shapes[number]
    alone = _taker(plan, number) is after
    if not isinstance(layer, Convolution) or layer.sources != (0,) or not alone or columns % 2:
        return 0
    wide = _inside(layer, plan.taken[number - 1].columns, columns)
    band = (rows + layer.kernel - 1) * (plan.taken[number - 1].channels + 1) * wide + rows * columns
    if band * LANES * 4 > second_level_cache() * 3 // 4:
        return 0
    if isinstance(after, MaxPool):
        return 3
    # The maximum of what is bent is the maximum, bent, where nothing falls.
    rises = after.activation != "mish" and not after.norm
    return 2 if rises and after.sources == (number,) and after.pool in ("max", "flatten_max") and rows % 2 == 0 else 0


def leaves(plan: Plan, number: int) -> bool:
    """Return whether a layer takes maxima of two by two of a map that nothing else takes, and that is kept.

    These maxima then make a map of their own, and so do their errors: those of the map itself are zero but for them.
    """
    after, (_, rows, columns) = _taker(plan, number), plan.shapes[number]
    if not number or not isinstance(after, Convolution) or joins(plan, number):
        return False
    maxima = after.sources == (number,) and after.pool in ("max", "flatten_max")
    return maxima and rows % 2 == 0 and columns % 2 == 0


def _taker(plan: Plan, number: int) -> Layer | None:
    """Return the one layer that takes a map, if there is but one."""
    takers = [layer for layer in plan.layers if number in layer.sources]
    return takers[0] if len(takers) == 1 else None


def _maps(plan: Plan, tiles: int) -> tuple[list[Map], dict[int, int], int]:
    """Return where all maps lie, one after the other, for so many times 16 samples; those of maxima that layers leave
    (`leaves`) come last. Return as well which is whose, and how many maxima there are of all samples.
    """
    maps: list[Map] = []
    at = channel = firsts = 0

    def add(shape: Shape, normed: bool, first: int, of_maxima: bool, kept: bool) -> None:
        nonlocal at, firsts
        flat = shape[1:] == (1, 1) and not of_maxima
        columns, parts = (tiles, 1) if flat else (shape.columns, tiles)
        lane = (columns + columns % 2) * LANES
        row = shape.channels * lane
        size = shape.rows * row * kept
        maps.append(Map(at, parts, size, shape.channels, shape.rows, columns, row, lane, first, normed, flat, firsts))
        at, firsts = at + parts * size, firsts + of_maxima * parts * shape.size * LANES

    for number, (shape, normed) in enumerate(zip(plan.shapes, plan.normed, strict=True)):
        window = joins(plan, number)
        of_maxima = window == 2 or (number > 0 and isinstance(plan.layers[number - 1], MaxPool))
        add(_halved(shape) if window == 2 else shape, normed, channel, of_maxima, window != 3)
        channel += shape.channels
    left = [number for number in range(len(plan.shapes)) if leaves(plan, number)]
    for number in left:
        add(_halved(plan.shapes[number]), plan.normed[number], maps[number].channel, True, True)
    return maps, {number: len(plan.shapes) + place for place, number in enumerate(left)}, firsts


def _halved(shape: Shape) -> Shape:
    """Return the shape of a map of maxima of two by two."""
    return Shape(shape.channels, shape.rows // 2, shape.columns // 2)


def _room(plan: Plan, maps: Sequence[Map], firsts: int, laid: "_Laid") -> Room:
    """Return the room that layers need."""
    # Pictures come in through the room of what is taken; errors of two windows of maxima wait in that of errors passed.
    taken_room, wrong_room, passed_room = plan.picture.size, 1, 1
    for step in laid.steps:
        target, band = maps[step.target], max(step.band, TALLEST)
        if not step.links:
            passed_room = max(passed_room, 2 * target.columns)
            continue
        lines, channels = band + step.kernel - 1, 1 if step.window else target.channels
        columns = step.columns + 2 * step.border - step.kernel + 1
        taken_room = max(taken_room, lines * step.taken * step.inside)
        wrong_room = max(wrong_room, lines * channels * step.beyond + 1)
        passed_room = max(passed_room, band * max(step.passes * step.taken * step.columns, channels * columns))
    at = maps[-1].at + maps[-1].tiles * maps[-1].size
    return Room(at, firsts, *(LANES * number for number in (taken_room, wrong_room, passed_room)))


class _Laid:
    """Layers as they are laid out one after the other: steps, what they take, and how far their links reach."""

    def __init__(self, plan: Plan, maps: Sequence[Map], left: Mapping[int, int], tiles: int) -> None:
        self.plan, self.maps, self.left, self.tiles = plan, maps, left, tiles
        self.neurons = np.cumsum(plan.sizes) - plan.sizes[0]
        self.steps: list[Step] = []
        self.sources: list[Source] = []
        self.reaches: list[tuple[npt.NDArray[np.int64], ...]] = []
        #: Scales, channels taken, and layers of the graph so far.
        self.norms = self.taken = self.sizes = 0

    def pool(self, number: int, layer: MaxPool, taken: Shape) -> None:
        """Add the layer that makes a map of maxima."""
        first, joined = len(self.sources), joins(self.plan, layer.source)
        self.sources.append(Source(layer.source, 0, -1, 0, 0))
        self.steps.append(Step(number, 0, 0, 0, 0, 0, first, first + 1, taken.channels, taken.rows, taken.columns,
                               0, 0, taken.rows, 0, 0, 0, 1, number if joined else 0, 3))  # fmt: skip

    def convolve(self, number: int, layer: Convolution, taken: Shape) -> None:
        """Add a layer of links."""
        made, first, window = self.maps[number], len(self.sources), joins(self.plan, number)
        columns = self.tiles if taken[1:] == (1, 1) else taken.columns
        inside = _inside(layer, columns, self.plan.shapes[number].columns if window else made.columns)
        beyond = columns + layer.kernel - 1
        before = self.taken
        for source in layer.sources:
            self._take(layer, source, taken.channels, before, inside, made.channels * beyond)
        none = np.zeros(layer.channels, np.int64)
        self.reaches.append((none, none, np.arange(layer.channels) * beyond * LANES, none, none, none))
        neuron = int(self.neurons[self.sizes - 1])
        self.sizes += 1
        passes = int(any(source for source in layer.sources))
        rows = max(taken.rows, self.plan.shapes[number].rows)
        line = max(taken.channels * inside, made.channels * beyond)
        band = rows if window else _band(layer.kernel, line, rows)
        # Of two maps that are joined, the second is that of the next layer, or stands for the first.
        pooled = number + (window == 3) if window else self.left.get(number, 0)
        pool = POOLS.index(layer.pool)
        if layer.sources[0] in self.left or joins(self.plan, layer.sources[0]) == 2:
            pool = PLAIN if pool == MAX else FLATTEN
        self.steps.append(Step(number, 1, layer.kernel, layer.border, ACTIVATIONS.index(layer.activation),
                               pool, first, len(self.sources), taken.channels, taken.rows, columns, inside, beyond,
                               band, neuron, made.channel, before, passes, pooled, window))  # fmt: skip

    def _take(self, layer: Convolution, source: int, channels: int, before: int, inside: int, row: int) -> None:
        """Add a map that a layer takes, `before` channels after the first that any layer takes."""
        kernel, begin = layer.kernel, self.taken - before
        own = self.plan.sizes[self.sizes] // kernel**2
        self.sources.append(Source(source, begin, self.norms if layer.norm else -1, 0, self.left.get(source, 0)))
        rows, lanes, places = (axis.ravel() for axis in np.meshgrid(
            np.arange(kernel), begin + np.arange(own), np.arange(kernel), indexing="ij"))  # fmt: skip
        forth = (rows * channels + lanes) * inside + places
        back = (kernel - 1 - rows) * row + (kernel - 1 - places)
        none, most = np.zeros_like(rows), np.full(len(rows), kernel * row * LANES)
        piece = (begin * kernel**2 + np.arange(len(rows))) * PIECES // (channels * kernel**2)
        self.reaches.append((forth * LANES, back * LANES, none, before + lanes, piece, most))
        self.norms += self.plan.shapes[source].channels * layer.norm
        self.taken, self.sizes = self.taken + own, self.sizes + 1

    def settle_ways(self, storage: str) -> None:
        """Settle how errors are left: later layers, which they come to first, may have left some in a map already.

        Those of a map that the cache does not hold have left it when they are read, and are written past it. Of
        bfloat16, half as large, that was slower, and of the maps themselves as well.
        """
        most = second_level_cache() // 4 if storage == "float32" else np.inf
        seen: set[int] = set()
        for step in reversed(self.steps):
            for place in range(step.first, step.last):
                number = self.sources[place].map
                own = self.maps[self.left.get(number, number)]
                far = own.tiles * own.size > most
                way = ADD if number in seen else STREAM if far else WRITE
                self.sources[place] = self.sources[place]._replace(way=way)
                seen.add(number)

    def reach(self) -> Reach:
        """Return how far all links reach.

        Raises
        ------
        UserError
            Where that is more than a number of 32 bits holds.
        """
        columns = [np.concatenate(column) for column in zip(*self.reaches, strict=True)]
        if max(column.max() for column in columns) > np.iinfo(np.int32).max:
            raise UserError(
                "a layer is too large: its kernels span more than 2 ** 31 numbers; lower channels or batch_size"
            )
        return Reach(*(column.astype(np.int32) for column in columns))


def _inside(layer: Convolution, columns: int, made: int) -> int:
    """Return the columns, with borders, of what a layer takes, which makes so many of so many."""
    return max(columns + 2 * layer.border, made + layer.kernel - 1)


def _band(kernel: int, line: int, rows: int) -> int:
    """Return how many rows of a layer are taken at a time, of so many vectors each.

    Half of the cache holds bands of what is taken, of errors and of errors passed back, with what goes on into the next
    ones. But they are four rows at least: of fewer, too few positions are side by side.
    """
    budget = second_level_cache() // (2 * 3)
    return int(min(max(budget // (line * LANES * 4) - kernel + 1, LEAST_ROWS), rows))


def tables(plan: Plan, count: int, storage: str = "float32") -> tuple[Tables, Room, Reach]:
    """Return where everything lies for batches of `count` samples, a multiple of 16.

    Raises
    ------
    UserError
        For layers that are too large.
    """
    tiles = count // LANES
    maps, left, firsts = _maps(plan, tiles)
    laid = _Laid(plan, maps, left, tiles)
    for number, (layer, taken) in enumerate(zip(plan.layers, plan.taken, strict=True), 1):
        if isinstance(layer, MaxPool):
            laid.pool(number, layer, taken)
        else:
            laid.convolve(number, layer, taken)
    laid.settle_ways(storage)
    return (
        Tables(np.array(maps, np.int64), np.array(laid.steps, np.int64), np.array(laid.sources, np.int64)),
        _room(plan, maps, firsts, laid),
        laid.reach(),
    )
