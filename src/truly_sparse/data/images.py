"""Image sets in their official files, IDX or the binary version of CIFAR, packed or not, to pieces of bytes."""

import gzip
import math
import struct
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from truly_sparse.data.fetch import SourceFailed
from truly_sparse.errors import one_line

Bytes = npt.NDArray[np.uint8]
#: Bytes of images read at a time; bounds the memory.
PIECE = 1 << 25
#: What an IDX file of bytes begins with, without the number of its dimensions.
IDX_BYTES = 0x800


class Images(NamedTuple):
    """Some images: `pixels` uint8 [image][pixel], channel by channel, `labels` uint8, `part` 0 training or 1 test."""

    pixels: Bytes
    labels: Bytes
    part: int


def read(entry: Mapping[str, Any], folder: Path, files: Sequence[str]) -> Iterator[Images]:
    """Yield an image set in pieces: the training part, then the official test part.

    Parameters
    ----------
    entry : mapping
        What `registry.entry` returns.
    folder : Path
        Where the files are.
    files : sequence of str
        Their names: those of `parts`, with or without ".gz", or one archive ".tar.gz" that holds them.

    Raises
    ------
    SourceFailed
        For a file that is missing, cut short, or of another format or size of images.
    """
    pieces = READERS[entry["reader"]]
    try:
        with _opener(folder, files) as opened:
            for part, names in enumerate((entry["parts"]["training"], entry["parts"]["test"])):
                for pixels, labels in pieces(entry, opened, names):
                    yield Images(pixels, labels, part)
    except (OSError, EOFError, ValueError, OverflowError, zlib.error, tarfile.TarError) as error:
        # Headers that tarfile does not know to be wrong end in a ValueError or an OverflowError.
        raise SourceFailed(f"{folder}: cannot be read ({one_line(error)})") from None


Opener = Callable[[str], IO[bytes]]


@contextmanager
def _opener(folder: Path, files: Sequence[str]) -> Iterator[Opener]:
    """Give a function that opens a file of the set by its name, wherever it is packed."""
    packed = [name for name in files if name.endswith(".tar.gz")]
    if not packed:
        yield partial(_open_file, folder, files)
        return
    with tarfile.open(folder / packed[0], "r:gz") as archive:
        # A sparse file may say that it is as long as it likes.
        found_files = (member for member in archive if member.isfile() and not member.issparse())
        members = {Path(member.name).name: member for member in found_files}

        def opened(name: str) -> IO[bytes]:
            found = archive.extractfile(members[name]) if name in members else None
            if found is None:
                raise SourceFailed(f"{packed[0]} holds no {name}")
            return found

        yield opened


def _open_file(folder: Path, files: Sequence[str], name: str) -> IO[bytes]:
    if f"{name}.gz" in files:
        return cast(IO[bytes], gzip.GzipFile(folder / f"{name}.gz"))
    return (folder / name).open("rb")


def _cifar(entry: Mapping[str, Any], opened: Opener, names: Sequence[str]) -> Iterator[tuple[Bytes, Bytes]]:
    """Yield the images of files in which each is its labels, the last of them the class, and its pixels."""
    before, width = entry.get("label_bytes", 1), math.prod(entry["shape"])
    record = before + width
    for name in names:
        with opened(name) as stream:
            while content := stream.read(max(1, PIECE // record) * record):
                if len(content) % record:
                    raise SourceFailed(
                        f"{name} ends inside an image of {record} bytes; it is cut short or another file"
                    )
                rows = np.frombuffer(content, np.uint8).reshape(-1, record)
                yield rows[:, before:], rows[:, before - 1]


def _idx(entry: Mapping[str, Any], opened: Opener, names: Sequence[str]) -> Iterator[tuple[Bytes, Bytes]]:
    """Yield the images of a file of grey images and a file of their labels."""
    of_images, of_labels = names
    most = entry.get("rows")
    pixels = _idx_array(opened, of_images, tuple(entry["shape"][1:]), most)
    labels = _idx_array(opened, of_labels, (), most)
    if len(pixels) != len(labels):
        raise SourceFailed(f"{of_images} has {len(pixels)} images, {of_labels} {len(labels)} labels")
    step = max(1, PIECE // pixels.shape[1])
    for start in range(0, len(pixels), step):
        yield pixels[start : start + step], labels[start : start + step, 0]


def _idx_array(opened: Opener, name: str, sizes: tuple[int, ...], most: int | None) -> Bytes:
    """Return the items of an IDX file of bytes as rows, of `most` at most; each has the shape `sizes`."""
    with opened(name) as stream:
        return _idx_items(stream, name, sizes, most)


def _idx_items(stream: IO[bytes], name: str, sizes: tuple[int, ...], most: int | None) -> Bytes:
    dimensions = 1 + len(sizes)
    start = 4 * (1 + dimensions)
    header = stream.read(start)
    if len(header) < start:
        raise SourceFailed(f"{name} ends inside its header")
    magic, count, *found = struct.unpack(f">{1 + dimensions}I", header)
    if magic != IDX_BYTES + dimensions:
        raise SourceFailed(f"{name} begins with {magic}, expected {IDX_BYTES + dimensions}; it is another kind of file")
    if tuple(found) != sizes:
        raise SourceFailed(f"{name} has items of {_times(found)} bytes, the registry says {_times(sizes)}")
    if most is not None and count > most:
        raise SourceFailed(f"{name} has {count} items, the registry says {most} at most")
    size = count * math.prod(sizes)
    content = stream.read(size + 1)  # no more than it says: a gzip may hold a thousand times its bytes
    if len(content) > size:
        raise SourceFailed(f"{name} goes on after {size} bytes; it is another file")
    if len(content) < size:
        raise SourceFailed(f"{name} has {len(content)} bytes of {size}; it is cut short")
    return np.frombuffer(content, np.uint8).reshape(count, math.prod(sizes))


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))


#: What reads the files of a part, by the registry's `reader`.
READERS: dict[str, Callable[[Mapping[str, Any], Opener, Sequence[str]], Iterator[tuple[Bytes, Bytes]]]] = {
    "cifar": _cifar,
    "idx": _idx,
}
