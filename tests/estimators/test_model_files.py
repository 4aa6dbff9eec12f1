"""Model files: every format is read, and what is damaged, too large or not trusted is refused in one line."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier, load_model, save_model
from truly_sparse.engine import store
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.streams import Streams
from truly_sparse.errors import UserError
from truly_sparse.estimators import archives
from truly_sparse.estimators.model_files import FORMAT, UNCHECKED

from .own_methods import Alone, Elsewhere

FILES = Path(__file__).parent / "files"
SMALL = {"hidden_layer_sizes": (20, 20), "members": 2, "exploration_epochs": 2, "member_epochs": 2, "random_state": 0}


def refused(path, words, **more):
    with pytest.raises(UserError, match=words) as caught:
        load_model(path, **more)
    assert "\n" not in str(caught.value)


def outcome(path, x):
    """Return what a file's model predicts, or in how many lines it is refused."""
    try:
        return load_model(path).predict_proba(x).tobytes()
    except UserError as error:
        return "many lines" if "\n" in str(error) else "one line"


@pytest.fixture
def saved(tmp_path):
    model = TrulySparseEnsembleClassifier(**SMALL).fit(*load_iris(return_X_y=True))
    path = tmp_path / "model.npz"
    save_model(model, path, training_state=True)
    return path


@pytest.mark.parametrize("number", range(2, FORMAT + 1))
def test_a_file_of_every_format_is_read(number):
    """Those of format 1, without gaps and categories, are read in test_tables.py."""
    classifier = load_model(FILES / f"format_{number}_classifier.npz")
    rows = pd.DataFrame(classifier.about_["rows"])
    assert np.allclose(classifier.predict_proba(rows), classifier.about_["probabilities"], atol=1e-6)
    assert classifier.predict(rows).tolist() == [
        classifier.classes_[np.argmax(row)] for row in classifier.about_["probabilities"]
    ]
    assert classifier.temperature_ == classifier.about_.get("temperature", 1)
    regressor = load_model(FILES / f"format_{number}_regressor.npz")
    assert np.allclose(regressor.predict(rows), regressor.about_["predictions"], atol=1e-5)
    pictures = load_model(FILES / f"format_{number}_pictures.npz")
    shown = np.array(pictures.about_["rows"], np.uint8)
    assert np.allclose(pictures.predict_proba(shown), pictures.about_["probabilities"], atol=1e-6)
    if number > 2:
        y = np.array(["no", "yes"] * 4, object)
        assert len(classifier.set_params(warm_start=True, members=3).fit(rows, y).members_) == 3


@pytest.mark.parametrize("name", ["model", "model.NPZ", "model.bin"])
def test_a_file_has_the_name_that_was_given(saved, name):
    path = saved.with_name(name)
    path.write_bytes(b"an older one")
    model = load_model(saved)
    save_model(model, path)
    rows = load_iris().data
    assert load_model(path).predict_proba(rows).tobytes() == model.predict_proba(rows).tobytes()
    assert sorted(one.name for one in path.parent.iterdir()) == sorted([name, saved.name])


@pytest.mark.parametrize("where", ["facts", "member0/values", "earlier0/1", "classes_"])
def test_a_change_of_any_part_is_noticed(saved, where):
    facts, arrays = archives.read(saved, UNCHECKED)
    text = json.dumps(facts | {"sha256": "0" * 64 if where == "facts" else archives.digest(facts, arrays)})
    if where != "facts":
        changed = next(name for name in arrays if name.startswith(where.split("/")[0]))
        arrays[changed] = np.array(arrays[changed])
        flat = arrays[changed].reshape(-1).view(np.uint8)
        flat[0] ^= 1
    np.savez(saved, facts=np.frombuffer(text.encode(), np.uint8), **arrays)
    refused(saved, "it is damaged .its checksum is wrong.")


def test_bytes_that_are_damaged_or_missing_are_noticed(saved):
    whole, x = saved.read_bytes(), load_iris().data
    wanted = outcome(saved, x)
    assert wanted != "one line"
    for place in range(100, len(whole) - 100, len(whole) // 60):
        spoilt = bytearray(whole)
        spoilt[place] ^= 0x10
        saved.write_bytes(spoilt)
        # A byte of the archive's own, such as a date, changes nothing that is read.
        assert outcome(saved, x) in (wanted, "one line")
    saved.write_bytes(whole[: len(whole) // 2])
    refused(saved, "is not a model file")


def with_entry(path, name, data, declared=None):
    """Add an entry to an archive, which may declare another size."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
        if declared is not None:
            archive.getinfo(name).file_size = declared


def header(shape, kind="<f8"):
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": kind, "fortran_order": False, "shape": shape})
    return stream.getvalue()


def test_sizes_are_checked_before_memory_is_taken(saved, monkeypatch):
    whole = saved.read_bytes()
    with_entry(saved, "more.npy", b"", declared=1 << 40)
    refused(saved, "it says that it takes 1099511[0-9]* bytes in memory")
    for data in (
        header((1 << 40,)),
        header((1 << 62, 1 << 62)),
        header((3,)) + b"12345",
        header((1,), "|O") + b"8" * 8,
    ):
        saved.write_bytes(whole)
        with_entry(saved, "more.npy", data)
        refused(saved, "more.npy is no array of the size that it says")
    saved.write_bytes(whole)
    monkeypatch.setattr(archives, "MOST_FACTS", 1000)
    refused(saved, "its facts take more than 1000 bytes")
    monkeypatch.setattr(archives, "MOST_ARRAYS", 3)
    refused(saved, "arrays; at most 3 are read")


def test_archives_that_hold_no_model_are_refused(saved):
    whole = saved.read_bytes()
    with_entry(saved, "more.npy", header((3,)).replace(b"NUMPY\x01", b"NUMPY\x03", 1) + b"1" * 24)
    refused(saved, "more.npy has a format that is not read")
    saved.write_bytes(whole)
    with_entry(saved, "more.npy", header((3,)) + b"1" * 8, declared=len(header((3,))) + 24)
    refused(saved, "it is damaged .*more.npy ends too early")
    np.savez(saved, values=np.zeros(3))
    refused(saved, "it holds no facts of a model")


def narrower(arrays):
    """Return a member whose first layer has one neuron less, by which it says so alone."""
    network = SparseMLP.erdos_renyi([3, 20, 20, 3], 20, [0.5, 0.5], Streams(0).start)
    found = store.snapshot(network)
    return {f"member0/{name}": found[name] for name in found if f"member0/{name}" in arrays}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda facts, _: facts["ends"][0].update(epochs=-1), "training state does not fit member 0"),
        (lambda _, arrays: arrays.update({"earlier0/1": arrays["earlier0/1"][::-1]}), "are not sorted"),
        (lambda facts, _: facts.update(each=True), "is not that of all members"),
        (lambda facts, _: facts.update(format=FORMAT + 1), f"its format {FORMAT + 1} is none of 1, 2, 3, 4"),
        (lambda facts, _: facts.update(kind="tree"), "it holds a tree, not one of"),
        (lambda _, arrays: arrays.update(narrower(arrays)), "does not take the [0-9]+ encoded features"),
        (lambda _, arrays: arrays.pop("classes_"), "it holds no classes_"),
        (lambda _, arrays: arrays.update(classes_=np.arange(4)), "member0 does not give one of 4 answers"),
        (lambda _, arrays: arrays.update(feature_names_in_=np.array(["a"])), "it does not name its 4 features"),
        (lambda facts, _: facts.update(members=[]), "it holds no members"),
        (lambda facts, _: facts.update(temperature=0.5), "its temperature 0.5 is not a number from 1 to 32"),
        (lambda facts, _: facts.update(temperature="2"), "its temperature 2 is not a number from 1 to 32"),
    ],
)
def test_parts_that_do_not_fit_are_refused(saved, change, words):
    facts, arrays = archives.read(saved, UNCHECKED)
    change(facts, arrays)
    archives.write(saved, facts, arrays)
    refused(saved, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _: None, "it holds no knots_"),
        (lambda knots: knots[:, None], "it holds no knots_"),
        (lambda knots: knots[:-1], "member0 does not give one of [0-9]+ answers"),
        (lambda knots: knots[::-1], "its knots_ do not ascend"),
        (lambda knots: np.where(knots == knots.max(), np.inf, knots), "its knots_ do not ascend"),
        (lambda knots: knots.astype(np.float32), "its knots_ do not ascend"),
    ],
)
def test_knots_that_are_none_are_refused(change, words, tmp_path):
    facts, arrays = archives.read(FILES / f"format_{FORMAT}_regressor.npz", UNCHECKED)
    knots = change(arrays.pop("knots_"))
    archives.write(tmp_path / "model.npz", facts, arrays | ({} if knots is None else {"knots_": knots}))
    refused(tmp_path / "model.npz", words)


@pytest.mark.parametrize("method", [Alone, Elsewhere])
def test_a_method_of_ones_own_is_imported_where_it_is_trusted(method, tmp_path):
    x, y = load_iris(return_X_y=True)
    path, name = tmp_path / "model.npz", f"{method.__module__}:{method.__name__}"
    model = TrulySparseEnsembleClassifier(method, **SMALL).fit(x, y)
    save_model(model, path)
    loaded = load_model(path, trusted=[name])
    assert loaded.method is method
    assert loaded.predict_proba(x).tobytes() == model.predict_proba(x).tobytes()
    for trusted in ((), ["other:Name"], name):
        refused(path, f"its method is {name}, code of its own; if you trust it, give trusted=", trusted=trusted)
    facts, arrays = archives.read(path, UNCHECKED)
    for other, words in (
        (f"{method.__module__}:NO_METHOD", "which is neither a Method nor a Strategy"),
        (f"{method.__module__}:Gone", "which is neither a Method nor a Strategy"),
        ("no_such_module:Name", "which cannot be imported"),
    ):
        archives.write(path, facts | {"imported": {"method": other}}, arrays)
        refused(path, words, trusted=[other])


def test_a_method_that_no_import_finds_cannot_be_saved(tmp_path, monkeypatch):
    class Inner(Alone):
        pass

    model = TrulySparseEnsembleClassifier(Inner, **SMALL).fit(*load_iris(return_X_y=True))
    with pytest.raises(UserError, match="cannot be imported by that name; define it at the top of a module"):
        save_model(model, tmp_path / "model.npz")
    monkeypatch.setattr(Inner, "__module__", "no_such_module")
    with pytest.raises(UserError, match=r"method no_such_module:.*Inner cannot be imported by that name"):
        save_model(model, tmp_path / "model.npz")
    single = SparseMLPClassifier(epochs=2).fit(*load_iris(return_X_y=True)).set_params(class_weight=int)
    with pytest.raises(UserError, match="builtins:int is neither a Method nor a Strategy"):
        save_model(single, tmp_path / "model.npz")


def test_parameters_are_saved_as_json_holds_them_or_refused(tmp_path):
    x, y = load_iris(return_X_y=True)
    for given, kept in (
        (np.float32(0.5), 0.5),
        (np.array([1, 2]), [1, 2]),
        ((1, np.int64(2)), [1, 2]),
        ({"setosa": np.float64(2)}, {"setosa": 2.0}),
        ({0: 1, np.int64(2): np.float64(2)}, {0: 1, 2: 2.0}),
        ({False: 1.5, True: 2}, {False: 1.5, True: 2}),
        (range(2), [0, 1]),
        ({3, 1}, [1, 3]),
        (pd.Index(["a", "b"]), ["a", "b"]),
    ):
        model = SparseMLPClassifier(epochs=2).fit(x, y).set_params(class_weight=given)
        save_model(model, tmp_path / "model.npz")
        assert repr(load_model(tmp_path / "model.npz").class_weight) == repr(kept)
    for name, wrong, words in (
        ("class_weight", {1: object()}, "class_weight holds a value of type object, which a model file cannot; give"),
        (
            "random_state",
            np.random.RandomState(0),
            "random_state holds a value of type RandomState, which a model file cannot",
        ),
    ):
        with pytest.raises(UserError, match=words):
            save_model(SparseMLPClassifier(epochs=2).fit(x, y).set_params(**{name: wrong}), tmp_path / "model.npz")


def test_weights_of_classes_that_are_numbers_come_back_with_a_classifier_of_pictures(tmp_path):
    model = load_model(FILES / f"format_{FORMAT}_pictures.npz").set_params(class_weight={0: 1.0, 1: 2.0})
    save_model(model, tmp_path / "model.npz")
    assert load_model(tmp_path / "model.npz").class_weight == {0: 1.0, 1: 2.0}
    facts, _ = archives.read(tmp_path / "model.npz", UNCHECKED)
    assert (facts["mappings"], facts["parameters"]["class_weight"]) == (["class_weight"], [[0, 1.0], [1, 2.0]])


def test_only_models_of_this_package_are_saved(tmp_path):
    x, y = load_iris(return_X_y=True)
    path = tmp_path / "model.npz"
    for other in (make_pipeline(StandardScaler(), SparseMLPClassifier(epochs=2)).fit(x, y), LogisticRegression()):
        with pytest.raises(UserError, match=f"a {type(other).__name__} is no model of this package; of a pipeline"):
            save_model(other, path)
    model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=2).fit(x, y)
    with pytest.raises(UserError, match="is a folder; name a file in it"):
        save_model(model, tmp_path)
    for about, words in (({"n": np.int64(3)}, "about cannot be kept as JSON"), ({1: 2}, "a name that is no text")):
        with pytest.raises(UserError, match=words):
            save_model(model, path, about=about)
    assert not path.exists()


def test_text_that_ends_in_a_null_character_is_not_saved(tmp_path):
    x, y = load_iris(return_X_y=True)
    labels = np.array(["a", "a\0", "b"], object)[y]
    model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=2).fit(x, labels)
    with pytest.raises(UserError, match="a text of classes_ ends in a null character"):
        save_model(model, tmp_path / "model.npz")
    frame = pd.DataFrame({"colour": labels, "size": x[:, 0]})
    model = SparseMLPClassifier(hidden_layer_sizes=(20,), epochs=2).fit(frame, y)
    with pytest.raises(UserError, match="a category of column 0 ends in a null character"):
        save_model(model, tmp_path / "model.npz")
