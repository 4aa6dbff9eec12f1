"""Networks as .npz files: no pickle, refused when damaged, written whole or not at all."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path

FORMAT = 2
Network = SparseMLP | DenseMLP
Arrays = dict[str, npt.NDArray[Any]]


def snapshot(network: Network) -> Arrays:
    """Return copies of all that `build` needs to rebuild the network as it is now."""
    sparse = network if isinstance(network, SparseMLP) else None
    return {
        "format": np.array(FORMAT),
        "sparse": np.array(sparse is not None),
        "bfloat16": np.array(sparse is not None and sparse.storage == "bfloat16"),
        "sizes": np.array(network.sizes, np.int64),
        "counts": np.array(network.link_counts, np.int64),
        "slopes": np.asarray(network.slopes, np.float32),
        "bounds": np.array(sparse.bounds if sparse else [], np.float64),
        **network.copy_state(),
    }


def save(arrays: Arrays, path: str | Path) -> None:
    """Write a `snapshot` (topology, values, velocities, biases) to `path`; it can be loaded and trained further."""
    with atomic_path(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


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
        raise UserError(f"{path}: {error}; delete it and train again") from None
    except Exception as error:
        raise UserError(f"{path} is not a network file ({error}); delete it and train again") from None


def read(path: str | Path) -> Arrays:
    """Return the arrays of an .npz file written by `numpy.savez`, which take no more memory than the file has bytes."""
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
    """Rebuild a network from a `snapshot`, checking every index."""
    if int(arrays["format"]) != FORMAT:
        raise UserError(f"network format {int(arrays['format'])} is not {FORMAT}")
    sizes = [int(n) for n in arrays["sizes"]]
    counts = [int(n) for n in arrays["counts"]]
    pairs = list(zip(sizes[:-1], sizes[1:], strict=True))
    if len(sizes) < 2 or min(sizes) < 1 or len(counts) != len(pairs):
        raise UserError("layer sizes or link counts are not valid")
    if any(not 0 <= count <= n_in * n_out for count, (n_in, n_out) in zip(counts, pairs, strict=True)):
        raise UserError("a block has more links than places")
    slopes = [float(slope) for slope in arrays["slopes"]]
    if not np.isfinite(slopes).all() or not np.isfinite(arrays["bounds"]).all():
        raise UserError("slopes or bounds hold a value that is not finite")
    _check_values(arrays, sum(counts), sum(sizes[1:]))
    network: Network
    if bool(arrays["sparse"]):
        if len(slopes) != len(sizes) or len(arrays["bounds"]) != len(counts):
            raise UserError("slopes or bounds do not fit the layers")
        _check_topology(arrays, pairs, counts)
        storage = "bfloat16" if bool(arrays["bfloat16"]) else "float32"
        network = SparseMLP(sizes, counts, slopes[1:-1], [float(bound) for bound in arrays["bounds"]], storage)
    else:
        if len(slopes) != len(sizes) - 2 or counts != [n_in * n_out for n_in, n_out in pairs]:
            raise UserError("slopes or weights do not fit the layers")
        network = DenseMLP(sizes, slopes, np.random.default_rng(0))
    network.load_state(arrays)
    return network


def _check_values(arrays: Arrays, links: int, biases: int) -> None:
    lengths = {"values": links, "velocity": links, "biases": biases, "bias_velocity": biases}
    for name, length in lengths.items():
        array = arrays[name]
        if array.dtype != np.float32 or array.shape != (length,):
            raise UserError(f"{name} is {array.dtype} {array.shape}, not float32 ({length},)")
        if not np.isfinite(array).all():
            raise UserError(f"{name} holds a value that is not finite")


def _check_topology(arrays: Arrays, pairs: list[tuple[int, int]], counts: list[int]) -> None:
    pointers, targets = arrays["in_pointers"], arrays["targets"]
    if pointers.dtype != np.int64 or pointers.shape != (sum(n_in + 1 for n_in, _ in pairs),):
        raise UserError("in_pointers does not fit the layers")
    if targets.dtype != np.int32 or targets.shape != (sum(counts),):
        raise UserError("targets does not fit the link counts")
    at = first = 0
    for (n_in, n_out), count in zip(pairs, counts, strict=True):
        own, block = pointers[at : at + n_in + 1], targets[first : first + count]
        at, first = at + n_in + 1, first + count
        # Compared, not subtracted: differences of huge numbers wrap around and look ascending.
        if own[0] != 0 or own[-1] != count or (own[1:] < own[:-1]).any():
            raise UserError("in_pointers is not ascending from 0 to the number of links")
        if count and (block.min() < 0 or block.max() >= n_out):
            raise UserError("a link leads to a neuron that does not exist")
        links = np.repeat(np.arange(n_in, dtype=np.int64), np.diff(own)) * n_out + block
        if (np.diff(links) <= 0).any():
            raise UserError("links are not sorted or not distinct")
