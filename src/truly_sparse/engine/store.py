"""Networks as .npz files: no pickle, refused when damaged, written whole or not at all."""

import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.convolution import stored
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.graph import Graph, Pair, check_blocks
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.noise import Noise, add_noise, noise_of, numbers_of
from truly_sparse.errors import UserError, one_line
from truly_sparse.files import atomic_stream

FORMAT = 3
Network = Linked | DenseMLP
Arrays = dict[str, npt.NDArray[Any]]


def snapshot(network: Network) -> Arrays:
    """Return copies of all that `build` needs to rebuild the network as it is now."""
    common = {
        "format": np.array(FORMAT),
        "sizes": np.array(network.sizes, np.int64),
        "counts": np.array(network.link_counts, np.int64),
    }
    state = network.copy_state()
    if isinstance(network, DenseMLP):
        return {**common, "slopes": np.asarray(network.slopes, np.float32), **state, "sparse": np.array(False)}
    links = {
        **state,
        "sparse": np.array(True),
        "bfloat16": np.array(network.storage == "bfloat16"),
        "blocks": np.array([block.pair for block in network.blocks], np.int64),
        "bounds": np.array([*network.bounds.values()], np.float64),
    }
    if isinstance(network, SparseCNN):
        return {**common, **links, **stored.described(network.plan)}
    assert isinstance(network, SparseMLP)
    return {
        **common,
        "slopes": np.asarray(network.slopes, np.float32),
        **links,
        "mish": np.array(network.mish),
        "bias_per_block": np.array(network.bias_per_block),
    }


def save(arrays: Arrays, path: str | Path) -> None:
    """Write a `snapshot` (topology, values, velocities, biases) to `path`; it can be loaded and trained further."""
    with atomic_stream(path) as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def load(path: str | Path) -> Network:
    """Read a network that `save` wrote.

    Raises
    ------
    UserError
        If the file is missing, truncated, or does not describe a valid network. The kernels have no bounds
        checks, so everything they rely on is checked here.
    """
    path = Path(path)
    try:
        return build(read(path))
    except FileNotFoundError:
        raise UserError(f"no network file {path}; train the run that writes it first") from None
    except UserError as error:
        raise UserError(f"{path}: {one_line(error)}; delete it and train again") from None
    except Exception as error:
        raise UserError(f"{path} is not a network file ({one_line(error)}); delete it and train again") from None


def read(path: str | Path) -> Arrays:
    """Return the arrays of an .npz file written by `numpy.savez`, which take no more memory than the file has bytes.

    Raises
    ------
    UserError
        Where it is compressed, its entries overlap or one is no array.
    """
    with zipfile.ZipFile(path) as archive:
        sizes = [entry.file_size for entry in archive.infolist()]
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
            raise UserError("it is compressed")
    if sum(sizes) > Path(path).stat().st_size:
        raise UserError("its entries overlap")
    with np.load(path, allow_pickle=False) as archive:
        arrays: Arrays = {}
        for name in archive.files:
            array = archive[name]
            if not isinstance(array, np.ndarray):
                raise UserError(f"{name} is no array")
            arrays[name] = array
    return arrays


def build(arrays: Arrays) -> Network:
    """Rebuild a network from a `snapshot`, checking every index; with `noise` among the arrays, that is added.

    Raises
    ------
    UserError
        Where the arrays are those of no network.
    """
    if int(arrays["format"]) != FORMAT:
        raise UserError(f"network format {int(arrays['format'])} is not {FORMAT}")
    sizes = [int(n) for n in arrays["sizes"]]
    if len(sizes) < 2 or min(sizes) < 1 or sum(sizes) > np.iinfo(np.int32).max:
        raise UserError("layer sizes are not valid")
    network = _linked(arrays, sizes) if bool(arrays["sparse"]) else _dense(arrays, sizes)
    network.load_state(arrays)
    if arrays["counts"].tolist() != network.link_counts:
        raise UserError("link counts are not those of the blocks")
    if "noise" in arrays:
        add_noise(network, noise_of(arrays["noise"]))
    return network


def perturbed(network: Network, noise: Noise) -> Network:
    """Return a copy of a network with noise on its weights; the network itself stays as it is."""
    return build(snapshot(network) | {"noise": numbers_of(noise)})


def _linked(arrays: Arrays, sizes: list[int]) -> SparseMLP | SparseCNN:
    pairs = [(int(source), int(target)) for source, target in arrays["blocks"]]
    check_blocks(sizes, pairs)
    bounds = [float(bound) for bound in arrays["bounds"]]
    if len(bounds) != len(pairs) or sorted(set(pairs)) != pairs:
        raise UserError("blocks or bounds do not fit the layers")
    if not np.isfinite(bounds).all():
        raise UserError("bounds hold a value that is not finite")
    pointers, targets = arrays["pointers"], arrays["targets"]
    _check_topology(pointers, targets, sizes, pairs)
    _check_powers(arrays)
    storage = "bfloat16" if bool(arrays["bfloat16"]) else "float32"
    if "layers" in arrays:
        plan = stored.plan_of(arrays)
        if plan.sizes != sizes or plan.pairs != pairs:
            raise UserError("blocks are not those of the layers")
        _check_linked(arrays, stored.shape_of(plan))
        return stored.built(plan, Graph(sizes, pairs, pointers.copy(), targets.copy()), arrays, storage)
    slopes = _slopes(arrays, len(sizes))
    per_block = bool(arrays["bias_per_block"])
    biases = sum(sizes[target] for _, target in pairs) if per_block else sum(sizes[1:])
    _check_linked(arrays, dict.fromkeys(("biases", "bias_velocity"), biases))
    shape: list[float] | str = "mish" if bool(arrays["mish"]) else slopes[1:-1]
    graph = Graph(sizes, pairs, pointers.copy(), targets.copy())
    return SparseMLP(graph, shape, dict(zip(pairs, bounds, strict=True)), storage, per_block)


def _check_linked(arrays: Arrays, lengths: dict[str, int]) -> None:
    """Check the numbers of links and of all other parameters, second moments of both included where there are any."""
    links = len(arrays["targets"])
    lengths = dict.fromkeys(("values", "velocity"), links) | lengths
    if len(arrays["second"]) or len(arrays["bias_second"]):
        others = {name: lengths[name.replace("second", "velocity")] for name in arrays if name.endswith("_second")}
        lengths |= {"second": links, **others}
    _check_values(arrays, lengths)


def _slopes(arrays: Arrays, layers: int) -> list[float]:
    slopes = [float(slope) for slope in arrays["slopes"]]
    if len(slopes) != layers:
        raise UserError("slopes do not fit the layers")
    if not np.isfinite(slopes).all():
        raise UserError("slopes hold a value that is not finite")
    return slopes


def _dense(arrays: Arrays, sizes: list[int]) -> DenseMLP:
    slopes = _slopes(arrays, len(sizes) - 2)
    weights, biases = sum(n_in * n_out for n_in, n_out in pairwise(sizes)), sum(sizes[1:])
    lengths = {"values": weights, "velocity": weights, "biases": biases, "bias_velocity": biases}
    if "second" in arrays:
        _check_powers(arrays)
        lengths |= {"second": weights, "bias_second": biases}
    _check_values(arrays, lengths)
    return DenseMLP(sizes, slopes, np.random.default_rng(0))


def _check_powers(arrays: Arrays) -> None:
    if arrays["powers"].shape != (2,) or not ((arrays["powers"] >= 0) & (arrays["powers"] <= 1)).all():
        raise UserError("powers are not two numbers from 0 to 1")


def _check_values(arrays: Arrays, lengths: dict[str, int]) -> None:
    for name, length in lengths.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.shape != (length,):
            raise UserError(f"{name} is {array.dtype} {array.shape}, not float32 ({length},)")
        if not np.isfinite(array).all():
            raise UserError(f"{name} holds a value that is not finite")


def _check_topology(pointers: Any, targets: Any, sizes: list[int], pairs: list[Pair]) -> None:
    neurons, sources = sum(sizes), sum(sizes[:-1])
    if pointers.dtype != np.int64 or pointers.shape != (sources + 1,):
        raise UserError("pointers do not fit the layers")
    if targets.dtype != np.int32 or targets.ndim != 1:
        raise UserError("targets are not a list of 32-bit numbers")
    # Compared, not subtracted: differences of huge numbers wrap around and look ascending.
    if pointers[0] != 0 or pointers[-1] != len(targets) or (pointers[1:] < pointers[:-1]).any():
        raise UserError("pointers are not ascending from 0 to the number of links")
    if len(targets) and (targets.min() < 0 or targets.max() >= neurons):
        raise UserError("a link leads to a neuron that does not exist")
    layers = len(sizes)
    ends = np.cumsum(sizes)  # nothing of the size of a layer: what the file says of the last one is not yet known
    own = np.repeat(np.arange(sources), np.diff(pointers))
    if (np.diff(own * neurons + targets) <= 0).any():
        raise UserError("links are not sorted or not distinct")
    known = np.zeros(layers * layers, bool)
    known[[source * layers + target for source, target in pairs]] = True
    of_sources, of_targets = (np.searchsorted(ends, neurons_of, side="right") for neurons_of in (own, targets))
    if not known[of_sources * layers + of_targets].all():
        raise UserError("a link belongs to no block")
