"""Tables that memory does not hold give the model of a fit in memory, to the last bit."""

import os
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone

from truly_sparse import (
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    open_table,
)
from truly_sparse.cli import columns
from truly_sparse.errors import UserError
from truly_sparse.estimators import encoding, preprocessing, stored, table_files
from truly_sparse.estimators.stored import BlockFile, StoredRows

NET = {"hidden_layer_sizes": (20, 20), "random_state": 3}
SMALL = {**NET, "members": 2, "exploration_epochs": 2, "member_epochs": 2}
FAMILY = {**NET, "members": 2, "parent_epochs": 2, "child_epochs": 4}
MODELS = {
    "defaults": TrulySparseEnsembleClassifier(**SMALL),
    "standard, held out": TrulySparseEnsembleClassifier(
        **SMALL, preprocessing="standard", validation_fraction=0.2, selection="best_validation"
    ),
    "quantile, balanced": TrulySparseEnsembleClassifier(**SMALL, preprocessing="quantile", class_weight="balanced"),
    "plain": TrulySparseEnsembleClassifier(**SMALL, preprocessing="none"),
    "children": TrulySparseEnsembleClassifier("sparse_subnetworks", **FAMILY),
    "noise": TrulySparseEnsembleClassifier("noisy_subnetworks", **FAMILY),
    "numbers as categories": SparseMLPClassifier(**NET, epochs=2, categorical_features=["whole"]),
}


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Have all that comes in pieces come in many."""
    monkeypatch.setattr(table_files, "PIECE", 100)
    monkeypatch.setattr(stored, "BLOCK", 64)
    monkeypatch.setattr(stored, "GATHERED", 1 << 12)
    monkeypatch.setattr(encoding, "MADE", 1 << 14)


def table():
    """Return numbers, gaps, texts, categories, an empty column, and rows that come twice."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"real": rng.normal(size=700), "whole": rng.integers(0, 9, 700), "empty": np.nan})
    frame["rounded"] = np.where(rng.random(700) < 0.2, np.nan, np.round(rng.normal(size=700), 1))
    frame["kind"] = rng.choice(["x", "y", "zz", None], 700)
    frame["truth"] = rng.random(700) < 0.5
    frame["level"] = pd.Categorical(rng.choice(["u", "v"], 700))
    # Whole in the first pieces of a CSV file, and text that looks like numbers there.
    frame["late"] = np.where(np.arange(700) < 300, 2, frame["real"].round(3))
    frame["code"] = [str(number) if row < 500 else "none" for row, number in enumerate(frame["whole"])]
    frame["y"] = np.where(frame["real"] + (frame["kind"] == "x") + frame["rounded"].fillna(1) > 0.5, "yes", "no")
    return pd.concat([frame, frame[:150]], ignore_index=True)


@pytest.fixture(scope="module", params=["table.parquet", "table.csv"])
def path(request, tmp_path_factory):
    found = tmp_path_factory.mktemp("tables") / request.param
    if found.suffix == ".csv":
        table().to_csv(found, index=False)
    else:
        table().to_parquet(found)
    return str(found)


def state(model):
    own = [network.copy_state() for network in model.members_]
    made = model._model.encoding
    arrays = {**made.arrays(), **made.scaling.arrays()}
    return (
        [{name: array.tobytes() for name, array in one.items()} for one in (*own, arrays)],
        {place: known.tolist() for place, known in model.categories_.items()},
        [{name: value for name, value in row.items() if name != "seconds"} for row in model.history_],
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_file_gives_the_model_of_a_table_in_memory(name, path):
    model = MODELS[name]
    frame = columns.read(path)
    x, y = columns.features(frame, "y", path), frame["y"].to_numpy()
    some = np.random.default_rng(1).permutation(len(y))[:300]  # may lack categories
    with open_table(path, "y") as (X, Y), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert (list(X), X.shape, Y.tolist()) == (list(x), x.shape, y.tolist())
        whole = clone(model).fit(x, y), clone(model).fit(X, Y)
        assert state(whole[0]) == state(whole[1])
        assert whole[0].predict_proba(x).tobytes() == whole[1].predict_proba(X).tobytes()
        part = clone(model).fit(x.iloc[some], y[some]), clone(model).fit(X[some], Y[some])
        assert state(part[0]) == state(part[1])
        assert part[0].predict_proba(x).tobytes() == part[1].predict_proba(X).tobytes()


def test_a_regressor_learns_from_a_file_with_weights_and_goes_on(path):
    frame = columns.read(path)
    x, y = columns.features(frame, "real", path), frame["real"].to_numpy()
    weights = np.random.default_rng(2).integers(0, 3, len(y))
    model = TrulySparseEnsembleRegressor(**SMALL)
    with open_table(path, "real") as (X, Y):
        assert state(clone(model).fit(x, y, weights)) == state(clone(model).fit(X, Y, weights))
        inside, outside = (clone(model).partial_fit(*own) for own in ((x, y), (X, Y)))
        assert state(inside.partial_fit(x[:200], y[:200])) == state(outside.partial_fit(X[:200], Y[:200]))


CELLS = st.sampled_from([np.nan, -1.5, -0.0, 0.0, 0.25, 3.0, 1e9])


@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=300)),
    st.sampled_from([np.float32, np.float64]),
    st.sampled_from(sorted(preprocessing.SCALINGS)),
    st.data(),
)
def test_any_rows_come_back_and_are_scaled_to_the_same_bits(rows, dtype, kind, data):
    x = np.array(rows, dtype)
    file = BlockFile(x.shape[1], dtype)
    for part in np.array_split(x, data.draw(st.integers(1, 5))):
        file.append(part)
    file.end()
    found = StoredRows(file, np.arange(len(x)).astype(np.uint32), np.arange(x.shape[1]), list("abcd")[: x.shape[1]])
    order = np.array(data.draw(st.lists(st.integers(0, len(x) - 1), max_size=200)), np.int64)
    assert found[order].matrix().tobytes() == x[order].tobytes()
    assert all(found.column(place).tobytes() == x[:, place].tobytes() for place in range(x.shape[1]))
    whole = data.draw(st.booleans())
    weights = np.ones(len(x)) if whole else np.random.default_rng(0).random(len(x)) + 0.1
    one, other = (preprocessing.create(kind, 3).fit(own, weights).arrays() for own in (x, found))
    assert all(one[name].tobytes() == other[name].tobytes() for name in one)
    file.close()


@pytest.mark.parametrize(
    ("change", "target", "words"),
    [
        (lambda frame: frame, "z", "has no column 'z'; it has real"),
        (lambda frame: frame, "rounded", "column rounded of .* is empty in"),
        (lambda frame: frame.assign(real=np.inf), "y", "holds infinite values in column real"),
        (lambda frame: frame.assign(real=np.inf), "real", "column real of .* holds infinite values; replace them"),
        (lambda frame: frame.assign(kind=[f"n{n}" for n in range(len(frame))]), "y", "kind holds 850 different texts"),
        (lambda frame: frame[["y", "empty"]], "y", "no column is left"),
        (lambda frame: frame[:0], "y", "has no rows"),
    ],
)
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_bad_tables_are_said_in_one_line(change, target, words, ending, tmp_path):
    path = tmp_path / f"bad.{ending}"
    changed = change(table())
    changed.to_csv(path, index=False) if ending == "csv" else changed.to_parquet(path)
    with pytest.raises(UserError, match=words) as caught, open_table(path, target):
        pass
    assert "\n" not in str(caught.value)


def test_files_that_are_no_tables_are_said_in_one_line(tmp_path):
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    for name, words in (
        ("none.csv", "there is no file"),
        ("table.xlsx", "is of an unknown kind"),
        ("torn.parquet", "cannot be read"),
    ):
        with pytest.raises(UserError, match=words) as caught, open_table(tmp_path / name, "y"):
            pass
        assert "\n" not in str(caught.value)


def test_other_columns_than_in_training_are_said_in_one_line(path):
    frame = columns.read(path)
    model = SparseMLPClassifier(**NET, epochs=2).fit(columns.features(frame, "y", path), frame["y"])
    with open_table(path, "truth") as (X, _), pytest.raises(UserError, match="are not those of training"):
        model.predict(X)


def test_numbers_too_large_for_categories_are_one_line(tmp_path):
    path = tmp_path / "names.csv"
    pd.DataFrame({"name": np.arange(2**60, 2**60 + 50), "y": np.arange(50) % 2}).to_csv(path, index=False)
    model = SparseMLPClassifier(**NET, epochs=2, categorical_features=["name"])
    with open_table(path, "y") as (X, y), pytest.raises(UserError, match=r"column name of X .* turn them into text"):
        model.fit(X, y)


def test_a_file_that_was_cut_is_one_line(tmp_path):
    file = BlockFile(2, np.float32, tmp_path)
    file.append(np.ones((2 * stored.BLOCK, 2), np.float32))
    file.end()
    assert file.column(1).tolist() == [1.0] * file.rows
    os.ftruncate(file._file.fileno(), 100)
    with pytest.raises(UserError, match="is shorter than it was written"):
        file.column(1)
    file.close()


def test_numbers_where_there_was_text_are_one_line(path, tmp_path):
    with open_table(path, "y") as (X, y):
        model = SparseMLPClassifier(**NET, epochs=2).fit(X, y)
    frame = table()
    frame.assign(kind=np.arange(len(frame), dtype=float)).to_parquet(tmp_path / "other.parquet")
    words = "column kind of X holds numbers, but held text"
    with open_table(tmp_path / "other.parquet", "y") as (X, _), pytest.raises(UserError, match=words):
        model.predict(X)


@pytest.mark.parametrize("model", [MODELS["children"], TrulySparseEnsembleClassifier("independent", **SMALL)])
def test_members_of_rows_in_a_file_are_made_one_after_the_other(model, path):
    with open_table(path, "y") as (X, y):
        both = [clone(model).set_params(n_jobs=jobs).fit(X, y) for jobs in (1, 2)]
        assert state(both[0]) == state(both[1])
        with pytest.raises(UserError, match="cannot be given to other processes"):
            pickle.dumps(X)
