"""Image sets: official files, packed or not, to bytes, or one line that says why not; split and scaled as asked for."""

import gzip
import hashlib
import io
import os
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truly_sparse.cli.datasets import row_of
from truly_sparse.data.arrays import load
from truly_sparse.data.pixels import Pixels, scales, values_of
from truly_sparse.data.prepare import about_of, prepare
from truly_sparse.errors import UserError
from truly_sparse.files import sha256

MIRROR = os.environ.get("TRULY_SPARSE_MIRROR")
CLASSES = ("cat", "dog", "fox")
SHAPE = (3, 4, 5)
TRAINING, TEST = (60, 30), 36  # images of the files of each part
SETTINGS = {
    "split": "official",
    "scaling": "unit",
    "test_fraction": 0.25,
    "validation_fraction": 0.2,
    "stratify": True,
}


def make_images(count, shape, seed):
    """Images without two that are the same, with a pixel that is 9 everywhere, and labels of every class."""
    pixels = np.random.default_rng(seed).integers(0, 256, (count, int(np.prod(shape))), np.uint8)
    pixels[:, 3] = 9
    return pixels, (np.arange(count) * 7 % 3).astype(np.uint8)


def cifar_files(before=1):
    """The files of a small CIFAR by name, as bytes; `before` labels stand before the pixels."""
    files = {}
    for name, count, seed in (("one.bin", TRAINING[0], 1), ("two.bin", TRAINING[1], 2), ("test.bin", TEST, 3)):
        pixels, labels = make_images(count, SHAPE, seed)
        head = np.full((count, before - 1), 255, np.uint8)
        files[name] = np.column_stack([head, labels, pixels]).tobytes()
    return files


def idx(array):
    """Return an array of bytes as an IDX file."""
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


def idx_files():
    """The files of a small set of grey images by name."""
    files = {}
    for part, count, seed in (("train", TRAINING[0], 1), ("t10k", TEST, 3)):
        pixels, labels = make_images(count, (1, 4, 5), seed)
        files[f"{part}-images"] = idx(pixels.reshape(count, 4, 5))
        files[f"{part}-labels"] = idx(labels)
    return files


def entry_of(reader, files, sources, **more):
    """Return a registry entry of a made-up set; `files` are those of a mirror or a server."""
    cifar = reader == "cifar"
    training = (TRAINING if cifar else TRAINING[:1], [0, 1, 2][: 2 if cifar else 1])
    labels = np.concatenate([make_images(count, SHAPE, 0)[1] for count in (*training[0], TEST)])
    shape = list(SHAPE if cifar else (1, 4, 5))
    names = [*(cifar_files() if cifar else idx_files())]
    return {
        "reader": reader,
        "sources": sources,
        "files": files,
        "parts": {"training": names[:2], "test": names[2:]},
        "shape": shape,
        "target": "animal",
        "rows": len(labels),
        "test_rows": TEST,
        "features": int(np.prod(shape)),
        "class_counts": dict(zip(CLASSES, np.bincount(labels).tolist(), strict=True)),
    } | more


def archive_of(files):
    """Return a .tar.gz of files in a folder, in another order."""
    result = io.BytesIO()
    with tarfile.open(fileobj=result, mode="w:gz") as archive:
        for name in reversed(files):
            about = tarfile.TarInfo(f"inner/{name}")
            about.size = len(files[name])
            archive.addfile(about, io.BytesIO(files[name]))
    return result.getvalue()


def write(folder, files):
    """Write files; return their checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: sha256(folder / name) for name in files}


@pytest.fixture
def cifar(tmp_path, make_place):
    """A small CIFAR, unpacked in a mirror."""
    checksums = write(tmp_path / "mirror/small", cifar_files())
    return make_place("small", entry_of("cifar", checksums, [{"mirror": "small"}]))


@pytest.fixture
def grey(tmp_path, make_place):
    """A small set of IDX files, packed in a mirror."""
    packed = {f"{name}.gz": gzip.compress(content) for name, content in idx_files().items()}
    checksums = write(tmp_path / "mirror/grey", packed)
    return make_place("grey", entry_of("idx", checksums, [{"mirror": "grey"}]))


def from_mirror(place, **more):
    return place.prepare(**({"mirror": str(place.mirror), "download": False} | more))


def of_own_registry(path):
    """Return the settings for a table of a registry that is not the checkout's."""
    return SETTINGS | {"table": about_of(path)["registry"]}


def content_of(path):
    """Return pixels, classes and parts of a prepared table."""
    table = pq.read_table(path)
    pixels = np.frombuffer(b"".join(table["pixels"].to_pylist()), np.uint8).reshape(table.num_rows, -1)
    return pixels, np.array(table["target"]), np.array(table["part"])


def test_the_table_is_the_files_image_by_image(cifar):
    pixels, target, part = content_of(from_mirror(cifar))
    made = [make_images(count, SHAPE, seed) for count, seed in ((TRAINING[0], 1), (TRAINING[1], 2), (TEST, 3))]
    assert np.array_equal(pixels, np.concatenate([one for one, _ in made]))
    assert np.array_equal(target, np.concatenate([labels for _, labels in made]))
    assert np.array_equal(part, np.repeat([0, 1], (sum(TRAINING), TEST)))
    about = about_of(cifar.data / "small.parquet")
    assert (about["shape"], about["features"], about["classes"]) == (list(SHAPE), 60, list(CLASSES))
    assert about["inputs"] == cifar.entry["files"]
    assert about["order"] == "not compared"
    assert row_of(cifar.data / "small.parquet")["features"] == "60"


def test_pieces_are_the_whole(cifar, monkeypatch):
    whole = content_of(from_mirror(cifar))
    monkeypatch.setattr("truly_sparse.data.images.PIECE", 500)
    path = from_mirror(cifar, folder=str(cifar.data) + "2")
    assert pq.ParquetFile(path).num_row_groups > 10
    assert all(np.array_equal(a, b) for a, b in zip(whole, content_of(path), strict=True))
    first, second = (
        load("small", {"folder": folder}, of_own_registry(folder / path.name), 0)
        for folder in (cifar.data, path.parent)
    )
    for part in ("x_train", "x_validation", "x_test"):
        assert np.array_equal(getattr(first, part).values, getattr(second, part).values)


def test_an_archive_holds_the_same_wherever_it_comes_from(cifar, server, tmp_path):
    unpacked = content_of(from_mirror(cifar))
    packed = archive_of(cifar_files())
    server.answers = [{"body": packed}]
    sources = [{"mirror": "packed"}, {"https": f"{server.base}/small.tar.gz", "name": "server"}]
    cifar.write(sources=sources, files={"small.tar.gz": hashlib.sha256(packed).hexdigest()})
    downloaded = cifar.prepare()
    assert about_of(downloaded)["source"] == "server"
    assert all(np.array_equal(a, b) for a, b in zip(unpacked, content_of(downloaded), strict=True))
    write(tmp_path / "mirror/packed", {"small.tar.gz": packed})
    again = from_mirror(cifar, folder=str(tmp_path / "again"))
    assert again.read_bytes() == downloaded.read_bytes()


def test_a_part_of_a_column_is_read_where_it_begins():
    column = pa.array([bytes([row, row + 1]) for row in range(5)], pa.binary(2))
    assert values_of(column.slice(3)).tolist() == [[3, 4], [4, 5]]


def test_labels_before_the_class_are_left_out(cifar, tmp_path):
    expected = content_of(from_mirror(cifar))
    cifar.write(files=write(tmp_path / "mirror/small", cifar_files(before=2)), label_bytes=2)
    assert all(np.array_equal(a, b) for a, b in zip(expected, content_of(from_mirror(cifar)), strict=True))


def test_grey_images_packed_or_not_or_from_a_folder_of_a_server(grey, server, tmp_path):
    pixels, target, part = content_of(from_mirror(grey))
    made = [make_images(count, (1, 4, 5), seed) for count, seed in ((TRAINING[0], 1), (TEST, 3))]
    assert np.array_equal(pixels, np.concatenate([one for one, _ in made]))
    assert np.array_equal(target, np.concatenate([labels for _, labels in made]))
    assert np.array_equal(part, np.repeat([0, 1], (TRAINING[0], TEST)))
    packed = {f"/files/{name}": (tmp_path / "mirror/grey" / name).read_bytes() for name in grey.entry["files"]}
    server.answers = lambda path: {"body": packed[path]}
    grey.write(sources=[{"https": f"{server.base}/files/", "name": "server"}])
    downloaded = grey.prepare(folder=str(tmp_path / "downloaded"))
    plain = write(tmp_path / "mirror/plain", idx_files())
    grey.write(sources=[{"mirror": "plain"}], files=plain)
    for path in (downloaded, from_mirror(grey, folder=str(tmp_path / "plain"))):
        assert all(np.array_equal(a, b) for a, b in zip((pixels, target, part), content_of(path), strict=True))
    assert len(server.asked) == 4


def test_a_copy_that_differs_says_so(cifar, capsys):
    content = about_of(from_mirror(cifar))["content"]
    assert capsys.readouterr().err == ""
    other = {"in_order": "0" * 64, "any_order": content["any_order"]}
    for more, words in (
        ({"content": content}, "as registered"),
        ({"content": other}, "same rows, other order"),
        ({"content": {**other, "any_order": "1" * 64}}, "other values"),
        ({"sources": [{"mirror": "small", "differs": "two images from paintings"}]}, "two images from paintings"),
    ):
        cifar.write(**more)
        assert about_of(from_mirror(cifar))["order"] == words
        assert (words in capsys.readouterr().err) == (words != "as registered")


def test_the_order_of_images_and_their_part_are_part_of_the_fingerprint(cifar, tmp_path):
    first = about_of(from_mirror(cifar))["content"]
    files = cifar_files()
    record = 1 + int(np.prod(SHAPE))
    files["one.bin"] = files["one.bin"][record:] + files["one.bin"][:record]
    cifar.write(files=write(tmp_path / "mirror/small", files))
    turned = about_of(from_mirror(cifar))["content"]
    assert turned["in_order"] != first["in_order"]
    assert turned["any_order"] == first["any_order"]
    files = cifar_files()
    swapped = {"one.bin": files["test.bin"], "two.bin": files["two.bin"], "test.bin": files["one.bin"]}
    cifar.write(files=write(tmp_path / "mirror/small", swapped), test_rows=TRAINING[0])
    assert about_of(from_mirror(cifar))["content"]["any_order"] != first["any_order"]


def replaced(content, place, value):
    return content[:place] + bytes([value]) + content[place + 1 :]


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("two.bin", lambda content: content[:-7], "two.bin ends inside an image of 61 bytes"),
        ("two.bin", lambda content: content[:-61], r"has only 125 of 126 rows"),
        ("test.bin", lambda content: content + content[:61], "has more rows than the 126 that the registry says"),
        ("two.bin", lambda content: replaced(content, 61, 3), "image 61 has the label 3, but there are 3 classes"),
        ("two.bin", lambda content: replaced(content, 61, 0), r"has classes .*, the registry says"),
    ],
)
def test_a_cifar_that_is_not_as_registered_is_refused(cifar, name, change, words):
    write(cifar.mirror / "small", {name: change(cifar_files()[name])})
    cifar.write(files=dict.fromkeys(cifar_files()))
    with pytest.raises(UserError, match=words) as error:
        from_mirror(cifar)
    assert "\n" not in str(error.value)
    assert cifar.nothing_left()


def test_images_of_the_other_part_are_refused(cifar):
    files = cifar_files()
    cifar.write(
        files=write(cifar.mirror / "small", {**files, "test.bin": files["two.bin"], "two.bin": files["test.bin"]})
    )
    with pytest.raises(UserError, match="has 30 images for testing, the registry says 36"):
        from_mirror(cifar)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("train-images", lambda content: content[:-1], r"train-images has 1199 bytes of 1200; it is cut short"),
        ("train-images", lambda content: content[:9], "train-images ends inside its header"),
        ("train-images", lambda content: replaced(content, 3, 1), "train-images begins with 2049, expected 2051"),
        ("t10k-labels", lambda content: replaced(content, 2, 9), "t10k-labels begins with 2305, expected 2049"),
        ("train-images", lambda content: replaced(content, 11, 5), "items of 5 x 5 bytes, the registry says 4 x 5"),
        ("t10k-labels", lambda _: idx(np.zeros(35, np.uint8)), "t10k-images has 36 images, t10k-labels 35 labels"),
        ("train-labels", lambda content: replaced(content, 8, 200), "image 0 has the label 200"),
        ("train-images", lambda content: content + bytes(7), "train-images goes on after 1200 bytes"),
        (
            "t10k-labels",
            lambda content: replaced(content, 4, 255),
            "t10k-labels has 4278190116 items, the registry says",
        ),
    ],
)
def test_idx_files_that_are_not_as_registered_are_refused(grey, name, change, words):
    write(grey.mirror / "grey", {f"{name}.gz": gzip.compress(change(idx_files()[name]))})
    grey.write(files=dict.fromkeys(grey.entry["files"]))
    with pytest.raises(UserError, match=words) as error:
        from_mirror(grey)
    assert "\n" not in str(error.value)
    assert grey.nothing_left()


def test_files_that_cannot_be_unpacked_are_refused(grey, cifar):
    name = next(iter(grey.entry["files"]))
    damaged = (grey.mirror / "grey" / name).read_bytes()[:-20]
    grey.write(files=grey.entry["files"] | write(grey.mirror / "grey", {name: damaged}))
    with pytest.raises(UserError, match="cannot be read"):
        from_mirror(grey)
    whole = archive_of(cifar_files())
    for packed in (whole[:-300], b"no archive"):
        cifar.write(files=write(cifar.mirror / "small", {"small.tar.gz": packed}))
        with pytest.raises(UserError, match="cannot be read") as error:
            from_mirror(cifar)
        assert "\n" not in str(error.value)
    lacking = {name: content for name, content in cifar_files().items() if name != "two.bin"}
    cifar.write(files=write(cifar.mirror / "small", {"small.tar.gz": archive_of(lacking)}))
    with pytest.raises(UserError, match=r"small\.tar\.gz holds no two\.bin"):
        from_mirror(cifar)


def test_an_archive_of_another_checksum_is_refused(cifar, server):
    packed = archive_of(cifar_files())
    write(cifar.mirror / "small", {"small.tar.gz": packed})
    server.answers = [{"body": packed}]
    sources = [{"mirror": "small"}, {"https": f"{server.base}/small.tar.gz", "name": "server"}]
    cifar.write(sources=sources, files={"small.tar.gz": "0" * 64})
    with pytest.raises(
        UserError, match=r"small\.tar\.gz has sha256 .*; server: small\.tar\.gz from .* another checksum"
    ):
        cifar.prepare(mirror=str(cifar.mirror))
    assert cifar.nothing_left()


@pytest.fixture
def data(cifar):
    """`data(seed, **settings)` loads the small CIFAR."""
    from_mirror(cifar)
    return lambda seed=0, **more: load(
        "small", {"folder": cifar.data}, of_own_registry(cifar.data / "small.parquet") | more, seed
    )


def hashes(x):
    """Return a hash of each image."""
    return [hashlib.sha256(image).hexdigest() for image in map(bytes, x.values)]


def scaled_slowly(values, train, scaling):
    """Return scaled pixels, float64, by the words of the schema."""
    values, train = values.astype(np.float64), train.astype(np.float64)
    if scaling in ("none", "unit"):
        return values / (1 if scaling == "none" else 255)
    result = np.zeros_like(values)
    width = int(np.prod(SHAPE[1:])) if scaling == "channels" else 1
    for start in range(0, values.shape[1], width):
        here = slice(start, start + width)
        spread = train[:, here].std()
        if spread:
            result[:, here] = (values[:, here] - train[:, here].mean()) / spread
    return result


@pytest.mark.parametrize("scaling", ["none", "unit", "channels", "standard"])
def test_scaling_is_that_of_the_training_rows(data, scaling):
    found = data(scaling=scaling)
    for x in (found.x_train, found.x_validation, found.x_test):
        expected = scaled_slowly(x.values, found.x_train.values, scaling)
        assert x.floats().dtype == np.float32
        assert x.floats() == pytest.approx(expected, rel=2e-6, abs=2e-6)
    if scaling == "standard":
        assert (found.x_test.floats()[:, 3] == 0).all()  # constant


def test_scales_are_exact_where_sums_are_large():
    values = np.full((2 * 256 + 3, 2), 255, np.uint8)
    values[::2, 1] = 254
    scale, shift = scales(values, (1, 1, 2), "standard")
    count, ones = len(values), len(values) // 2
    spread = np.sqrt(ones / count * (1 - ones / count))
    assert scale.tolist() == [0, np.float32(1 / spread)]
    assert shift.tolist() == [0, np.float32(-(254 + ones / count) / spread)]
    # The product of two sums of a channel has more than 64 bits: 2^28 values of 255 or 0.
    many = np.zeros((2**14, 2**14), np.uint8)
    many[::2] = 255
    scale, shift = scales(many, (1, 2**7, 2**7), "channels")
    assert (scale[0], shift[0]) == (np.float32(2 / 255), -1)


def test_the_official_test_part_is_for_testing_only(data, cifar):
    pixels, target, part = content_of(cifar.data / "small.parquet")
    official = set(hashes(Pixels(pixels[part == 1], None, None)))
    assert len(official) == TEST
    validations = []
    for seed in range(5):
        found = data(seed)
        assert set(hashes(found.x_test)) == official
        rest = hashes(found.x_train) + hashes(found.x_validation)
        assert len(set(rest)) == len(rest) == sum(TRAINING)
        assert not official & set(rest)
        assert (found.info["train_rows"], found.info["validation_rows"], found.info["test_rows"]) == (72, 18, 36)
        validations.append(frozenset(hashes(found.x_validation)))
        by_image = dict(zip(hashes(Pixels(pixels, None, None)), target, strict=True))
        for x, y in ((found.x_train, found.y_train), (found.x_validation, found.y_validation)):
            assert [by_image[image] for image in hashes(x)] == y.tolist()
    assert len(set(validations)) == 5


def test_some_rows_are_the_same_for_every_seed(data):
    some = [data(seed, train_rows=40, test_rows=10) for seed in range(3)]
    rest = [set(hashes(one.x_train)) | set(hashes(one.x_validation)) for one in some]
    assert [len(one) for one in rest] == [40] * 3
    assert rest[0] == rest[1] == rest[2]
    assert hashes(some[0].x_train) != hashes(some[1].x_train)
    assert hashes(some[0].x_test) == hashes(some[1].x_test)
    assert len(some[0].x_test) == 10
    front = hashes(Pixels(make_images(TRAINING[0], SHAPE, 1)[0][:40], None, None))
    assert rest[0] != set(front)  # drawn from all files
    more = data(0, train_rows=60)  # these, and others
    assert rest[0] < set(hashes(more.x_train)) | set(hashes(more.x_validation))
    everything = data(0)
    whole = set(hashes(everything.x_train)) | set(hashes(everything.x_validation))
    assert rest[0] < whole
    assert set(hashes(some[0].x_test)) < set(hashes(everything.x_test))


@pytest.mark.parametrize("split", ["official", "random"])
def test_validation_rows_can_be_the_test_rows(data, split):
    found = data(3, split=split, validation="test", validation_fraction=0)
    assert found.x_validation is found.x_test
    assert np.array_equal(found.y_validation, found.y_test)
    assert len(found.x_train) + len(found.x_test) == sum(TRAINING) + TEST
    assert not set(hashes(found.x_train)) & set(hashes(found.x_test))
    assert found.info["validation_rows"] == found.info["test_rows"] == len(found.x_test)


def test_tables_can_have_few_rows_and_test_rows_for_validation(tmp_path):
    prepare("wine", {"folder": str(tmp_path)})
    settings = {**SETTINGS, "split": "random", "scaling": "standard"}
    held_out = load("wine", {"folder": tmp_path}, settings, 1)
    on_test = load("wine", {"folder": tmp_path}, {**settings, "validation": "test", "validation_fraction": 0}, 1)
    assert on_test.x_validation is on_test.x_test
    assert np.array_equal(on_test.y_test, held_out.y_test)
    assert len(on_test.x_train) == len(held_out.x_train) + len(held_out.x_validation)
    few = load("wine", {"folder": tmp_path}, {**settings, "train_rows": 50, "test_rows": 20}, 1)
    assert [len(part) for part in (few.x_train, few.x_validation, few.x_test)] == [40, 10, 20]
    assert np.isin(few.x_test, load("wine", {"folder": tmp_path}, {**settings, "train_rows": 50}, 1).x_test).all()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scaling": "quantile"}, "scaling quantile is for tables; images have none, unit, channels or standard"),
        ({"scaling": "minmax_all_rows"}, "scaling minmax_all_rows is for tables"),
        ({"train_rows": 91}, "train_rows 91 exceeds the 90 rows"),
        ({"test_rows": 37}, "test_rows 37 exceeds the 36 rows"),
        ({"train_rows": 2}, "2 training rows lack a class; raise train_rows"),
        ({"validation": "test"}, r"set datasets\.small\.validation_fraction to 0"),
        ({"split": "videos"}, "has no column video"),
    ],
)
def test_settings_that_images_cannot_have_are_refused(data, settings, words):
    with pytest.raises(UserError, match=words) as error:
        data(**settings)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scaling": "unit"}, "scaling unit is for images"),
        ({"scaling": "channels"}, "scaling channels is for images"),
        ({"scaling": "none", "split": "official"}, r"no official test part; set datasets\.wine\.split to random"),
    ],
)
def test_settings_that_only_images_can_have_are_refused_of_tables(tmp_path, settings, words):
    prepare("wine", {"folder": str(tmp_path)})
    with pytest.raises(UserError, match=words):
        load("wine", {"folder": tmp_path}, {**SETTINGS, "split": "random", **settings}, 0)


def test_a_feature_may_have_the_name_of_the_column_of_images(toy, tmp_path):
    table = pd.DataFrame({"pixels": np.arange(40.0), "part": np.arange(40.0) % 7, "kind": ["no", "yes"] * 20})
    csv = table.to_csv(index=False).encode()
    write(tmp_path / "mirror/tabular", {"toy.csv": csv})
    toy.write(files={"toy.csv": None})
    path = toy.prepare(mirror=str(toy.mirror))
    found = load("toy", {"folder": path.parent}, {**of_own_registry(path), "split": "random", "scaling": "none"}, 0)
    assert sorted(np.concatenate((found.x_train, found.x_validation, found.x_test))[:, 0]) == list(range(40))


def test_loading_images_imports_no_pandas(data, cifar):
    data()
    settings = of_own_registry(cifar.data / "small.parquet")
    script = (
        "import sys; from truly_sparse.data.arrays import load; "
        f"load('small', {{'folder': {str(cifar.data)!r}}}, {settings!r}, 0); print('pandas' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


#: What others found: means and deviations of the colour channels of the official training images.
CHANNELS = {
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": ((0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)),
    "fashion_mnist": ((0.2860,), (0.3530,)),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_the_real_images(tmp_path, name):
    if MIRROR is None or not (Path(MIRROR) / name).is_dir():
        pytest.skip(f"no mirror folder holds {name}")
    about = about_of(prepare(name, {"folder": str(tmp_path), "mirror": MIRROR, "download": False}))
    assert about["order"] != "other values"
    found = load(name, {"folder": tmp_path}, {**SETTINGS, "scaling": "channels", "validation_fraction": 0}, 0)
    shape = about["shape"]
    first = [channel * shape[1] * shape[2] for channel in range(shape[0])]
    scale, shift = (part[first].astype(np.float64) * 255 for part in (found.x_train.scale, found.x_train.shift / 255))
    means, deviations = CHANNELS[name]
    assert 1 / scale == pytest.approx(deviations, abs=6e-5)
    assert -shift / scale == pytest.approx(means, abs=6e-5)
    assert set(np.bincount(found.y_train)) == {len(found.y_train) // len(found.classes)}
    assert set(np.bincount(found.y_test)) == {10000 // len(found.classes)}
