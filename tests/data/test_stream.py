"""A huge gzip read only as far as needed: exact rows, resumed downloads, bounded memory."""

import gzip
import hashlib
import io
import json
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truly_sparse.data import fetch, stream
from truly_sparse.data.prepare import about_of
from truly_sparse.errors import UserError

ROWS, FEATURES = 4000, 5


def higgs_text(rows: int = ROWS, features: int = FEATURES) -> bytes:
    """Lines of a label and numbers, as UCI writes them."""
    rng = np.random.default_rng(3)
    table = np.column_stack([np.arange(rows) % 2, rng.normal(size=(rows, features)).astype(np.float32)])
    return b"".join(b",".join(b"%.18e" % value for value in row) + b"\n" for row in table)


TEXT = higgs_text()
PACKED = gzip.compress(TEXT, mtime=0)


@pytest.fixture
def big(make_place, server):
    """A stream of 4000 rows of which 1500 are taken; the server knows ranges."""
    entry = {
        "reader": "stream",
        "sources": [{"mirror": "big"}, {"stream": f"{server.base}/big.csv.gz", "name": "UCI"}],
        "files": {"big.csv.gz": None},
        "target": "label",
        "rows": ROWS,
        "take": 1500,
        "features": FEATURES,
        "class_counts": {"0": ROWS // 2, "1": ROWS // 2},
    }
    server.answers = [{"body": PACKED, "ranges": True, "headers": {"ETag": "one"}}]
    return make_place("big", entry)


def expected(rows: int) -> np.ndarray:
    return np.loadtxt(io.BytesIO(TEXT), delimiter=",", max_rows=rows, dtype=np.float32)


@pytest.mark.parametrize(("rows", "taken"), [(None, 1500), (1, None), (700, 700), ("all", ROWS)])
def test_the_rows_are_those_of_the_file(big, rows, taken):
    if taken is None:
        with pytest.raises(UserError, match="labels of 1 class"):
            big.prepare({"rows": rows})
        return
    path = big.prepare({"rows": rows})
    table = pd.read_parquet(path)
    assert set(table.drop(columns="target").dtypes) == {np.dtype(np.float32)}
    assert np.array_equal(table.to_numpy(np.float32), np.roll(expected(taken), -1, axis=1))
    ((what, checksum),) = about_of(path)["inputs"].items()
    lines = TEXT.splitlines(keepends=True)[:taken]
    assert checksum == hashlib.sha256(b"".join(lines)).hexdigest()
    assert ("all lines" if rows == "all" else f"first {taken} lines") in what


def test_only_what_is_needed_is_downloaded(big, monkeypatch):
    monkeypatch.setattr(stream, "TEXT_PIECE", 10_000)
    monkeypatch.setattr(fetch, "PIECE", 4096)
    big.prepare({"rows": 100})
    assert (big.data / "raw/big/big.csv.gz").stat().st_size < len(PACKED) / 10


def test_a_mirror_file_gives_the_same_table(big):
    (big.mirror / "big").mkdir(parents=True)
    (big.mirror / "big" / "big.csv.gz").write_bytes(PACKED)
    table = big.prepare().read_bytes()
    other = big.prepare(mirror=str(big.mirror), download=False, folder=str(big.data) + "2")
    assert other.read_bytes() == table
    assert about_of(other)["source"] == "mirror"


def test_a_mirror_with_a_part_is_refused_unless_allowed(big):
    (big.mirror / "big").mkdir(parents=True)
    (big.mirror / "big" / "big.csv.gz").write_bytes(gzip.compress(b"".join(TEXT.splitlines(keepends=True)[:900])))
    config = {"mirror": str(big.mirror), "download": False}
    with pytest.raises(UserError, match="has only 900 of 1500 rows"):
        big.prepare(**config)
    assert about_of(big.prepare(**config, allow_partial=True))["partial"] == "900 of 1500 rows"


def test_class_counts_of_the_whole_are_checked(big):
    big.write(class_counts={"0": ROWS // 2 - 1, "1": ROWS // 2 + 1})
    assert big.prepare().is_file()
    with pytest.raises(UserError, match="has classes"):
        big.prepare({"rows": "all"})


def test_a_broken_connection_is_resumed_where_it_was(big, server):
    cut = {"body": PACKED, "ranges": True, "headers": {"ETag": "one", "X-Cut": "20000"}}
    server.answers = [cut, cut, {"body": PACKED, "ranges": True, "headers": {"ETag": "one"}}]
    table = pd.read_parquet(big.prepare({"rows": "all"}))
    assert np.array_equal(table.to_numpy(np.float32), np.roll(expected(ROWS), -1, axis=1))
    ranges = [wanted for _, wanted in server.asked]
    assert ranges[0] is None
    assert ranges[1:] == ["bytes=20000-", "bytes=40000-"]


def test_a_server_without_ranges_is_read_from_the_start(big, server):
    whole = {"body": PACKED, "headers": {"ETag": "one"}}
    server.answers = [{**whole, "headers": {"ETag": "one", "X-Cut": "20000"}}, whole]
    table = pd.read_parquet(big.prepare({"rows": "all"}))
    assert np.array_equal(table.to_numpy(np.float32), np.roll(expected(ROWS), -1, axis=1))


def test_a_download_given_up_is_taken_up_by_the_next_process(big, server):
    server.answers = [
        {"body": PACKED, "ranges": True, "headers": {"ETag": "one", "X-Cut": "20000"}},
        {"status": 404},
    ]
    with pytest.raises(UserError, match="HTTP 404"):
        big.prepare({"rows": "all"})
    kept = json.loads((big.data / "raw/big/big.csv.gz.json").read_text())
    assert (kept["size"], kept["sha256"]) == (20000, hashlib.sha256(PACKED[:20000]).hexdigest())
    server.answers = [{"body": PACKED, "ranges": True, "headers": {"ETag": "one"}}]
    server.asked.clear()
    assert big.prepare({"rows": "all"}).is_file()
    assert [wanted for _, wanted in server.asked] == ["bytes=20000-"]
    # More rows of a file that is here whole need no network.
    server.asked.clear()
    assert big.prepare({"rows": 3000}).is_file()
    assert server.asked == []


def test_a_damaged_part_is_not_used(big, server):
    big.prepare()
    part = big.data / "raw/big/big.csv.gz"
    part.write_bytes(b"\0" * part.stat().st_size)
    server.asked.clear()
    assert big.prepare({"rows": "all"}).is_file()
    assert server.asked[0][1] is None


def test_a_file_that_changes_on_the_way_is_not_mixed(big, server):
    server.answers = [
        {"body": PACKED, "ranges": True, "headers": {"ETag": "one", "X-Cut": "20000"}},
        {"body": PACKED[::-1], "ranges": True, "headers": {"ETag": "two"}},
    ]
    with pytest.raises(UserError, match="changed since the download began"):
        big.prepare({"rows": "all"})
    server.answers = [{"body": PACKED, "ranges": True, "headers": {"ETag": "three"}}]
    assert big.prepare({"rows": "all"}).is_file()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"hello, I am no gzip", "not an intact gzip"),
        (PACKED[:5000] + b"\xff" * 3000 + PACKED[8000:], "not an intact gzip|CSV"),
        (gzip.compress(TEXT.replace(b",", b";"), mtime=0), "Expected 6 columns, got 1"),
        (gzip.compress(b"1,2,3,4,5,many\n" * 2000, mtime=0), "many"),
        (gzip.compress(b"1,2,3,4,5,nan\n0,1,2,3,4,5\n" * 1000, mtime=0), "column f5, row 0 is missing or not finite"),
        (gzip.compress(b"2,2,3,4,5,6\n" * 2000, mtime=0), "has a class '2' where the registry knows the classes 0, 1"),
        (gzip.compress(b"", mtime=0), "holds no rows"),
    ],
    # Named without the bytes, which hold the time they were packed at.
    ids=["no gzip", "broken", "semicolons", "text", "missing value", "unknown class", "empty"],
)
def test_bad_content_is_refused_and_forgotten(big, server, body, words):
    server.answers = [{"body": body, "ranges": True}]
    with pytest.raises(UserError, match=words) as error:
        big.prepare()
    assert "\n" not in str(error.value)
    assert big.nothing_left()
    server.answers = [{"body": PACKED, "ranges": True}]
    assert big.prepare().is_file()


def test_the_memory_is_bounded(make_place):
    rows, features = 60_000, 28
    place = make_place(
        "big",
        {
            "reader": "stream",
            "sources": [{"mirror": "big"}],
            "files": {"big.csv.gz": None},
            "target": "label",
            "rows": rows,
            "take": rows,
            "features": features,
            "class_counts": {"0": rows // 2, "1": rows // 2},
        },
    )
    (place.mirror / "big").mkdir(parents=True)
    (place.mirror / "big" / "big.csv.gz").write_bytes(gzip.compress(higgs_text(1000, features) * (rows // 1000), 1))
    place.prepare({"rows": 2000}, mirror=str(place.mirror), folder=str(place.data) + "2")
    # A pool of its own: the peak of the common one is that of every test so far.
    common, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        place.prepare(mirror=str(place.mirror))
        peak = tracemalloc.get_traced_memory()[1] + pool.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(common)
    assert peak <= 2 * rows * features * 4


@settings(max_examples=60)
@given(
    st.lists(st.text("abc,1", max_size=9), max_size=40),
    st.none() | st.integers(1, 45),
    st.integers(1, 50),
    st.booleans(),
)
def test_pieces_of_text_are_whole_lines_in_order(lines, rows, size, ended):
    text = "\n".join(lines).encode() + (b"\n" if ended and lines else b"")
    digest, before = hashlib.sha256(), stream.TEXT_PIECE
    stream.TEXT_PIECE = size
    try:
        pieces = list(stream.text_of(io.BytesIO(gzip.compress(text, mtime=0)), "it", rows, digest))
    finally:
        stream.TEXT_PIECE = before
    whole = text if text.endswith(b"\n") or not text else text + b"\n"
    wanted = b"".join(whole.splitlines(keepends=True)[:rows])
    assert b"".join(pieces) == wanted
    assert all(piece.endswith(b"\n") for piece in pieces)
    assert digest.hexdigest() == hashlib.sha256(wanted).hexdigest()


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch):
    monkeypatch.setattr(stream, "TEXT_PIECE", 100)
    monkeypatch.setattr(stream, "LONGEST", 250)
    packed = io.BytesIO(gzip.compress(b"1,2\n" + b"3" * 1_000_000, mtime=0))
    with pytest.raises(fetch.SourceFailed, match="it has a line of more than 250 bytes"):
        list(stream.text_of(packed, "it", None, hashlib.sha256()))
    packed = io.BytesIO(gzip.compress(b"1,2\n" + b"3" * 1_000_000, mtime=0))
    assert list(stream.text_of(packed, "it", 1, hashlib.sha256())) == [b"1,2\n"]
