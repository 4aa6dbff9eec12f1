"""Tables with gaps and categories: the encoding against one that is built by hand, and every way in and out."""

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_validate

from truly_sparse import (
    SparseMLPClassifier,
    TrulySparseEnsembleClassifier,
    TrulySparseEnsembleRegressor,
    load_model,
    save_model,
)
from truly_sparse.errors import UserError
from truly_sparse.estimators import archives, encoding, preprocessing
from truly_sparse.estimators.distinct_rows import gather
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.targets import Values

NET = {"hidden_layer_sizes": (30, 20), "epsilon": 5}
SMALL = {**NET, "members": 2, "exploration_epochs": 20, "member_epochs": 8}
FILES = Path(__file__).parent / "files"
KINDS = ("piecewise_linear", "quantile", "standard", "none")
#: What is unlike anything that training saw.
STRANGE = {"size": [np.nan, 1.0, 2.0], "colour": ["green", None, "red"], "grade": [9.0, 1.0, np.nan]}


def table(rows=240, seed=0):
    """Return a frame with gaps and categories, and labels that depend on both."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=rows)
    colour = rng.choice(["red", "blue", "white"], rows, p=[0.5, 0.3, 0.2]).astype(object)
    grade = rng.integers(1, 4, rows).astype(float)
    y = (np.where(colour == "red", size, -size) + (grade == 2) > 0).astype(int)
    size[rng.random(rows) < 0.2] = np.nan
    colour[rng.random(rows) < 0.1] = None
    frame = pd.DataFrame({"size": size, "width": rng.random(rows), "colour": colour, "grade": grade})
    return frame.assign(grade=pd.Categorical(frame["grade"])), y


def by_hand(frame, training, kind, bins):
    """Return the inputs of a frame's rows for a network trained on other ones, in plain Python, value by value."""
    inputs = []
    for name in frame:
        if name in ("colour", "grade"):
            continue
        known = sorted(value for value in training[name] if value == value)
        pieces = ramps_of(known, kind, bins)
        present = [[piece(value) for piece in pieces] for value in known]
        mean = np.mean(present, axis=0)
        deviation = np.std(present, axis=0)
        if kind in ("quantile", "none"):
            mean, deviation = np.zeros(len(pieces)), np.ones(len(pieces))
        for number, piece in enumerate(pieces):
            inputs.append(
                [(piece(v) - mean[number]) / deviation[number] if v == v else 0.0 for v in map(float, frame[name])]
            )
    for name in frame:
        seen = [None if pd.isna(value) else value for value in training[name]]
        given = [None if pd.isna(value) else value for value in frame[name]]
        if None in seen:
            inputs.append([float(value is None) for value in given])
        if name in ("colour", "grade"):
            for category in sorted({value for value in seen if value is not None}):
                inputs.append([float(value == category) for value in given])
    return np.array(inputs).T


def ramps_of(known, kind, bins):
    """Return the functions of a value that a feature is encoded as, before they are standardised."""
    if kind in ("standard", "none"):
        return [lambda value: value]
    if kind == "quantile":
        scaling = preprocessing.create(kind, bins).fit(np.array(known)[:, None], np.ones(len(known)))
        return [lambda value: float(scaling.transform(np.array([[value]]))[0, 0])]
    middles = (np.arange(len(known)) + 0.5) / len(known)
    knots = [known[0], *(known[int(np.searchsorted(middles, k / bins))] for k in range(1, bins)), known[-1]]
    return [
        lambda value, start=start, stop=stop: min(max((value - start) / (stop - start), 0.0), 1.0)
        for start, stop in zip(knots, knots[1:], strict=False)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_inputs_are_those_of_a_stated_encoding_built_by_hand(kind):
    frame, y = table()
    model = TrulySparseEnsembleClassifier(**SMALL, preprocessing=kind, bins=4).fit(frame, y)
    others = pd.concat([table(40, seed=1)[0], frame[:2].drop(columns="size").assign(size=np.nan)])[list(frame)]
    for rows in (frame, others):
        wanted = by_hand(rows, frame, kind, 4)
        found = model._model.encoding.transform(model._check_features(rows))
        assert np.allclose(found, wanted, atol=1e-5)
        expected = np.mean([one.predict_proba(wanted.astype(np.float32)) for one in model.members_], axis=0)
        assert np.allclose(model.predict_proba(rows), expected, atol=1e-5)


def test_what_training_did_not_see_is_zero_in_all_inputs_of_its_column():
    frame, y = table()
    full = frame.dropna()
    model = SparseMLPClassifier(**NET, epochs=5, bins=4).fit(full, y[full.index])
    rows = pd.DataFrame({**STRANGE, "width": [np.nan, np.nan, 0.5]})[list(frame)]
    encoded = model._model.encoding.transform(model._check_features(rows))
    owner = model._model.encoding.owners[0]
    for row, places in enumerate([(0, 1, 2, 3), (1, 2), (3,)]):
        assert not encoded[row, np.isin(owner, places)].any()
    assert encoded[2, owner == 2].tolist() == [0, 1, 0]  # blue, red, white
    assert np.isfinite(model.predict_proba(rows)).all()


CELLS = st.sampled_from([np.nan, -1.5, 0.0, 0.25, 3.0])
ROWS = st.lists(st.tuples(CELLS, CELLS, st.sampled_from([np.nan, -1.0, 0.0, 1.0, 2.0])), min_size=2, max_size=25)


@given(ROWS, st.sampled_from(KINDS), st.data())
def test_any_table_has_marks_of_what_tells_rows_apart_and_whole_weights_are_repetitions(rows, kind, data):
    x = np.array(rows)
    weights = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(x), max_size=len(x))))
    made = Encoding(preprocessing.create(kind, 3), (2,)).fit(x, weights.astype(float))
    marks = [(of, None if value != value else value) for of, value in zip(made.mark_of, made.mark_value, strict=True)]
    cells = [[None if value != value else value for value in row] for row in rows]
    wanted = [(of, None) for of in range(3)] + [(2, place) for place in (0.0, 1.0, 2.0)]
    share = {mark: np.mean([row[mark[0]] == mark[1] for row in cells]) for mark in wanted}
    assert set(marks) == {mark for mark in wanted if 0 < share[mark] < 1}
    assert [of for of, _ in marks] == sorted(of for of, _ in marks)
    encoded = made.transform(x)
    assert np.isfinite(encoded).all()
    assert encoded.shape == (len(x), len(made.owners[0]))
    for of in range(2):
        gaps, own = np.isnan(x[:, of]), made.scaling.owner == of
        assert not encoded[gaps][:, : len(own)][:, own].any()
    for number, (of, value) in enumerate(marks, len(made.scaling.owner)):
        assert encoded[:, number].tolist() == [float(row[of] == value) for row in cells]
    repeated = Encoding(preprocessing.create(kind, 3), (2,)).fit(np.repeat(x, weights, axis=0), np.ones(weights.sum()))
    assert np.allclose(repeated.transform(x), encoded, atol=1e-5)


def test_a_column_without_gaps_is_encoded_to_the_same_bits_whatever_the_others_hold():
    rng = np.random.default_rng(2)
    x, weights = rng.normal(size=(300, 3)), rng.random(300) + 0.1
    holes = x.copy()
    holes[::3, 1] = np.nan
    for kind in KINDS:
        plain, other = (Encoding(preprocessing.create(kind, 5)).fit(one, weights) for one in (x, holes))
        assert plain.transform(x).tobytes() == plain.scaling.transform(x).tobytes()
        first, second = plain.transform(x), other.transform(holes)
        for of in (0, 2):
            assert np.array_equal(first[:, plain.owners[0] == of], second[:, other.owners[0] == of])


def test_only_the_heaviest_categories_have_an_input(monkeypatch):
    monkeypatch.setattr(encoding, "MOST", 2)
    x = np.array([[0.0], [1.0], [1.0], [2.0], [3.0]])
    made = Encoding(preprocessing.create("standard", 1), (0,)).fit(x, np.array([1.0, 1.0, 1.0, 5.0, 1.0]))
    assert made.mark_value.tolist() == [1, 2]
    assert made.transform(x).tolist() == [[0, 0], [1, 0], [1, 0], [0, 1], [0, 0]]
    alone = Encoding(preprocessing.create("none", 1), (0,)).fit(np.zeros((3, 1)), np.ones(3))
    assert alone.transform(np.array([[0.0], [-1.0]])).tolist() == [[1], [0]]


def routes(frame):
    """Return a frame as every kind of table there is, and as an array of objects."""
    plain = frame.assign(grade=frame["grade"].astype(float), colour=frame["colour"].astype(object))
    colours = plain["colour"].where(plain["colour"].notna(), None)
    named = pl.from_pandas(plain.assign(colour=colours))
    return {
        "pandas, text": (plain.assign(colour=colours.astype("str")), ["grade"]),
        "pandas, objects": (plain.assign(colour=colours), ["grade"]),
        "pandas, categories": (frame.assign(colour=frame["colour"].astype("category")), None),
        "pandas, nullable": (plain.convert_dtypes(), ["grade"]),
        "polars": (named, ["grade"]),
        "polars, categories": (named.with_columns(pl.col("colour").cast(pl.Categorical)), [3]),
        "polars, enum": (named.with_columns(pl.col("colour").cast(pl.Enum(["white", "red", "blue"]))), [-1]),
        "arrow": (pa.Table.from_pandas(plain.assign(colour=colours), preserve_index=False), ["grade"]),
        "arrow, dictionary": (pa.Table.from_pandas(frame.assign(colour=frame["colour"].astype("category"))), None),
        "array": (plain.assign(colour=colours).to_numpy(object), [False, False, False, True]),
        "list": (plain.assign(colour=colours).to_numpy(object).tolist(), [3]),
    }


def test_every_kind_of_table_gives_the_same_bytes():
    frame, y = table()
    expected = SparseMLPClassifier(**NET, epochs=4).fit(frame, y).predict_proba(frame).tobytes()
    for name, (rows, categorical) in routes(frame).items():
        model = SparseMLPClassifier(**NET, epochs=4, categorical_features=categorical).fit(rows, y)
        assert model.predict_proba(rows).tobytes() == expected, name
        assert list(model.categories_) == [2, 3], name
        assert hasattr(model, "feature_names_in_") == (name not in ("array", "list")), name


def test_columns_of_numbers_are_numbers_in_every_kind_of_table():
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    expected = SparseMLPClassifier(**NET, epochs=4).fit(x, y).predict_proba(x).tobytes()
    names = [f"x{i}" for i in range(4)]
    for rows in (
        pd.DataFrame(x, columns=names),
        pd.DataFrame(x, columns=names).astype(object),
        pl.DataFrame(x, schema=names),
        pa.table(dict(zip(names, x.T, strict=True))),
        x.astype(object),
    ):
        model = SparseMLPClassifier(**NET, epochs=4).fit(rows, y)
        assert model.predict_proba(rows).tobytes() == expected
        assert model.categories_ == {}
    whole = np.round(10 * x).astype(int)
    boolean = np.column_stack([whole, whole[:, 0] > 50])
    frame = pd.DataFrame(whole, columns=names).assign(long=whole[:, 0] > 50)
    both = [SparseMLPClassifier(**NET, epochs=4).fit(rows, y).predict_proba(rows) for rows in (boolean, frame)]
    assert both[0].tobytes() == both[1].tobytes()


def test_missing_values_are_learned_and_so_are_categories():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(600, 3))
    x[rng.random(600) < 0.5, 1] = np.nan
    y = np.isnan(x[:, 1]).astype(int)
    assert SparseMLPClassifier(**NET, epochs=20).fit(x[::2], y[::2]).score(x[1::2], y[1::2]) > 0.97
    places = rng.integers(0, 40, 600)
    odd = pd.DataFrame({"place": [f"p{place}" for place in places], "noise": x[:, 0]})
    model = SparseMLPClassifier(hidden_layer_sizes=(50,), epochs=60).fit(odd[::2], places[::2] % 2)
    assert model.score(odd[1::2], places[1::2] % 2) > 0.95
    value = np.where(np.isnan(x[:, 1]), 3.0, x[:, 1])
    assert TrulySparseEnsembleRegressor(**SMALL).fit(x[::2], value[::2]).score(x[1::2], value[1::2]) > 0.9
    shares = model.feature_importances_
    assert shares.sum() == pytest.approx(1)
    assert shares.shape == (2,)


def test_rows_in_any_order_and_weights_that_repeat_or_leave_out_give_the_same_bytes():
    frame, y = table()
    order, weights = np.random.default_rng(0).permutation(len(y)), np.arange(len(y)) % 3
    model = SparseMLPClassifier(**NET, epochs=4)
    expected = model.fit(frame, y).predict_proba(frame).tobytes()
    assert model.fit(frame.iloc[order], y[order]).predict_proba(frame).tobytes() == expected
    rare = frame.assign(colour=frame["colour"].where(weights > 0, "seldom"))
    weighed = model.fit(rare, y, sample_weight=weights).predict_proba(frame).tobytes()
    again = np.repeat(np.arange(len(y)), weights)
    assert model.fit(frame.iloc[again], y[again]).predict_proba(frame).tobytes() == weighed
    twins = np.array([[np.nan, 1.0], [np.nan, 1.0], [2.0, np.nan]])
    twins.view(np.uint64)[0, 0] |= np.uint64(1)  # another NaN
    assert gather(twins, np.zeros(3, int), None).weights.tolist() in ([2, 1], [1, 2])


def test_names_and_their_order_are_checked_in_every_kind_of_table():
    frame, y = table()
    plain = frame.assign(grade=frame["grade"].astype(float))
    for rows in (plain, pl.from_pandas(plain), pa.Table.from_pandas(plain)):
        model = SparseMLPClassifier(**NET, epochs=2).fit(rows, y)
        assert model.feature_names_in_.tolist() == list(frame)
        turned = ["width", "size", "colour", "grade"]
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(rows[turned] if rows is plain else rows.select(turned))
    with pytest.raises(ValueError, match="expecting 4 features"):
        SparseMLPClassifier(**NET, epochs=2).fit(plain.to_numpy(object), y).predict(plain.to_numpy(object)[:, :3])


@pytest.mark.parametrize(
    ("changes", "categorical", "words"),
    [
        ({"size": np.inf}, None, "column size of X holds infinite values"),
        ({"size": pd.Timestamp("2020-01-01")}, None, "column size of X holds Datetime"),
        ({"size": [1, "wide"] * 120}, None, "column size of X holds text .'wide'. among its numbers"),
        ({"size": [{}] * 240}, None, "column size of X holds values of type dict"),
        ({}, ["depth"], "names 'depth', which is no column of X; it has size, width, colour, grade"),
        ({}, [4], "names 4; X has columns 0 to 3"),
        ({}, [True, False], "marks 2 columns, but X has 4"),
        ({}, "size", "categorical_features is 'size'; give a list"),
        ({}, 3, "categorical_features is 3; give a list"),
        ({}, [True, 0, 1], "names True"),
        (
            {"size": list(range(2**60, 2**60 + 240))},
            [0],
            "column size .* numbers as large as 1152921504606846976; .*text",
        ),
        ({"size": [1, -(2**53)] * 120}, [0], "column size .* numbers as large as -9007199254740992; .* into text"),
        ({"size": [1, np.inf] * 120}, [0], "column size of X holds infinite values"),
    ],
)
def test_what_is_neither_number_nor_category_is_said_in_one_line(changes, categorical, words):
    frame, y = table()
    changed = frame.assign(
        **{name: pd.Series(value) if isinstance(value, list) else value for name, value in changes.items()}
    )
    with pytest.raises(UserError, match=words) as caught:
        SparseMLPClassifier(**NET, epochs=2, categorical_features=categorical).fit(changed, y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda x: pd.DataFrame(x, columns=["a", "a"]), "columns of X share a name; give each its own"),
        (lambda x: pa.table(list(x.T), names=["a", "a"]), "columns of X share a name; give each its own"),
        (lambda x: pl.DataFrame(x).lazy(), "X is a query, not a table in memory; collect it first"),
        (lambda x: x.astype("M8[D]"), "X is an array of dates or times; turn them into numbers"),
        (lambda x: x.astype("m8[s]").tolist(), "X is an array of dates or times|values of type timedelta"),
    ],
)
def test_what_is_no_table_of_numbers_and_categories_is_said_in_one_line(made, words):
    x = np.arange(24).reshape(12, 2)
    model = SparseMLPClassifier(**NET, epochs=1).fit(x, np.arange(12) % 2)
    for use in (lambda rows: model.predict(rows), lambda rows: SparseMLPClassifier().fit(rows, np.arange(12) % 2)):
        with pytest.raises(UserError, match=words) as caught:
            use(made(x))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [SparseMLPClassifier, TrulySparseEnsembleRegressor])
@pytest.mark.parametrize(
    "y",
    [
        [0, 1, None, 1],
        np.array([[0], [1], [None], [1]], object),
        pl.Series(["0", "1", None, "1"]),
        pd.Series(["0", "1", pd.NA, "1"], dtype="string"),
        np.array(["2020", "2021", "NaT", "2021"], "M8[Y]"),
    ],
)
def test_rows_without_a_target_are_refused_in_one_line(kind, y):
    with pytest.raises(UserError, match=r"y holds no value in row 2 \(counted from 0\); leave") as caught:
        kind().fit(np.arange(8.0).reshape(4, 2), y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["low", "high", "low", "high"], "y holds text; a regressor needs numbers"),
        (np.arange(4).astype("M8[D]"), "y holds dates or times; turn them into numbers"),
    ],
)
def test_targets_of_a_regressor_that_are_no_numbers_are_refused(y, words):
    with pytest.raises(UserError, match=words):
        TrulySparseEnsembleRegressor().fit(np.arange(8.0).reshape(4, 2), y)


def test_numbers_that_are_categories_are_known_again_as_float32():
    wide = pd.DataFrame({"code": [0.1, 0.7, 1e9 + 1, 2.0**53 - 1] * 30, "size": np.arange(120.0)})
    narrow, y = wide.astype({"code": np.float32}), (wide["code"] > 1).to_numpy(int)
    model = SparseMLPClassifier(**NET, epochs=2, categorical_features=["code"]).fit(wide, y)
    wanted = model.predict_proba(wide).tobytes()
    every = (narrow, wide.astype(np.float32), pl.from_pandas(narrow), pa.Table.from_pandas(narrow))
    assert all(model.predict_proba(rows).tobytes() == wanted for rows in every)
    plain = SparseMLPClassifier(**NET, epochs=2, categorical_features=[0]).fit(wide.to_numpy(), y)
    assert plain.predict_proba(wide.to_numpy(np.float32)).tobytes() == wanted
    assert not model._model.encoding.transform(model._check_features(wide.assign(code=0.1 + 1e-9)))[:, -4:].any()


def test_columns_of_another_kind_than_in_training_are_said_in_one_line():
    frame, y = table()
    model = SparseMLPClassifier(**NET, epochs=2).fit(frame, y)
    for changed, words in (
        (frame.assign(size="wide"), "column size of X holds text .'wide'., but held numbers"),
        (frame.assign(colour=1.0), "column colour of X holds numbers, but held text"),
        (frame.assign(grade="good"), "column grade of X holds text .'good'., but held numbers"),
        (frame.assign(width=-np.inf), "column width of X holds infinite values"),
    ):
        with pytest.raises(UserError, match=words):
            model.predict(changed)
    assert np.isfinite(model.predict_proba(frame.assign(colour=np.nan, size=None))).all()
    with pytest.raises(UserError, match="X is an array of text"):
        SparseMLPClassifier(**NET).fit(frame.astype(str).to_numpy("U"), y)
    with pytest.raises(UserError, match="names 'a', but the columns of X have no names"):
        SparseMLPClassifier(**NET, categorical_features=["a"]).fit(np.zeros((9, 2)), y[:9])


def test_a_stream_learns_gaps_and_categories_from_its_first_rows():
    frame, y = table(600)
    model = SparseMLPClassifier(**NET)
    for _ in range(20):
        for start in range(0, 400, 100):
            part = slice(start, start + 100)
            model.partial_fit(frame[part], y[part], classes=[0, 1])
    assert model.score(frame[400:], y[400:]) > 0.7
    assert model.categories_[2].tolist() == ["blue", "red", "white"]


def test_weights_are_routed():
    frame, y = table()
    with sklearn.config_context(enable_metadata_routing=True):
        model = (
            SparseMLPClassifier(**NET, epochs=3)
            .set_fit_request(sample_weight=True)
            .set_score_request(sample_weight=True)
        )
        found = cross_validate(model, frame, y, cv=2, params={"sample_weight": np.ones(len(y))}, error_score="raise")
    assert len(found["test_score"]) == 2


@pytest.fixture(scope="module", params=[*KINDS, "regressor", "categories alone"])
def mixed(request):
    """Return a model, rows with gaps and unseen categories, and what its exports take of them."""
    frame, y = table()
    rows = pd.concat([frame[:60], pd.DataFrame({**STRANGE, "width": [np.nan, 0.1, 0.2]})[list(frame)]])
    if request.param == "categories alone":
        frame, rows = frame[["colour", "grade"]], rows[["colour", "grade"]]
    if request.param == "regressor":
        model = TrulySparseEnsembleRegressor(**SMALL).fit(frame, y + frame["width"])
    else:
        kind = request.param if request.param in KINDS else None
        model = TrulySparseEnsembleClassifier(**SMALL, preprocessing=kind).fit(frame, y)
    places = {"blue": 0.0, "red": 1.0, "white": 2.0, "green": 7.0}
    numbers = rows.assign(colour=[places.get(value, np.nan) for value in rows["colour"]]).astype(float)
    return model, rows, numbers.to_numpy()


def outputs(model, x):
    return model.predict_proba(x) if hasattr(model, "classes_") else model.predict(x)


def test_files_give_the_same_bytes_back(mixed, tmp_path):
    model, rows, _ = mixed
    save_model(model, tmp_path / "model.npz")
    loaded = load_model(tmp_path / "model.npz")
    assert outputs(loaded, rows).tobytes() == outputs(model, rows).tobytes()
    assert {place: own.tolist() for place, own in loaded.categories_.items()} == {
        place: own.tolist() for place, own in model.categories_.items()
    }


@pytest.mark.parametrize("sparse", [False, True])
def test_onnx_predicts_the_same(mixed, sparse, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    model, rows, numbers = mixed
    model.to_onnx(tmp_path / "model.onnx", sparse=sparse)
    text = rows[["colour"]].astype(object).fillna("").to_numpy()
    numbers = np.where(rows.columns == "colour", np.nan, numbers)
    found = runtime.InferenceSession(tmp_path / "model.onnx").run(None, {"X": numbers, "T": text})[0]
    assert np.abs(found - outputs(model, rows)).max() < 1e-5


def test_onnx_takes_several_columns_of_text_and_empty_ones(tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    pytest.importorskip("onnx", reason="onnx is not installed")
    rng = np.random.default_rng(0)
    kinds, places, width = rng.choice(["", "a", "ä b"], 300), rng.choice(["x", "y", None], 300), rng.normal(size=300)
    y = (kinds == "a") ^ (places == "x") ^ (width > 1)
    frame = pd.DataFrame({"kind": kinds.astype(object), "width": width, "place": places})
    model = SparseMLPClassifier(**NET).fit(frame, y)
    model.to_onnx(tmp_path / "model.onnx")
    strange = pd.DataFrame({"kind": ["new", "", "a"], "width": [0.1, np.nan, 2.0], "place": ["y", "new", None]})
    rows = pd.concat([frame[:20], strange])
    numbers = np.stack([np.full(len(rows), 99.0), rows["width"], np.full(len(rows), np.nan)], axis=1)
    text = rows[["kind", "place"]].astype(object).fillna("").to_numpy()
    session = runtime.InferenceSession(tmp_path / "model.onnx")
    assert [(one.name, one.shape[1]) for one in session.get_inputs()] == [("X", 3), ("T", 2)]
    found = session.run(None, {"X": numbers, "T": text})[0]
    assert np.abs(found - model.predict_proba(rows)).max() < 1e-5


def test_torch_predicts_the_same(mixed):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    model, rows, numbers = mixed
    with torch.no_grad():
        found = model.to_torch()(torch.as_tensor(numbers)).numpy()
    assert np.abs(found - outputs(model, rows)).max() < 1e-5


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_files_of_the_first_format_are_read():
    classifier = load_model(FILES / "format_1_classifier.npz")
    about = classifier.about_
    assert np.allclose(classifier.predict_proba(about["rows"]), about["probabilities"], atol=1e-6)
    assert classifier.predict(about["rows"]).tolist() == [
        classifier.classes_[np.argmax(row)] for row in about["probabilities"]
    ]
    regressor = load_model(FILES / "format_1_regressor.npz")
    assert np.allclose(regressor.predict(regressor.about_["rows"]), regressor.about_["predictions"], atol=1e-5)
    x, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    assert len(classifier.add_members(2, x, names).members_) == 5  # the parent is one


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("scaling/of", lambda own: own + 9, "of of its scaling names features that there are not"),
        ("scaling/mean", lambda own: own[:-1], "mean of its scaling is no list"),
        ("scaling/start", lambda own: own.astype(np.float32), "start of its scaling is no list"),
        ("encoding/mark_of", lambda own: own + 4, "marks do not fit"),
        ("encoding/mark_of", lambda own: own[:-1], "marks do not fit"),
        ("encoding/numeric", lambda own: own + 1, "numeric columns are not those"),
        ("categories/2", lambda own: own[::-1], "categories of column 2 are not sorted"),
        ("categories/2", lambda own: own.astype("S"), "no categories of column 2"),
        ("facts", {"features": 3}, "not usable"),
    ],
)
def test_a_file_whose_encoding_does_not_fit_is_refused(name, change, words, tmp_path):
    frame, y = table()
    path = tmp_path / "model.npz"
    save_model(SparseMLPClassifier(**NET, epochs=2).fit(frame, y), path)
    facts, arrays = archives.read(path, ())
    if name == "facts":
        facts |= change
    else:
        arrays[name] = change(arrays[name])
    archives.write(path, facts, arrays)
    with pytest.raises(UserError, match=words):
        load_model(path)


def test_what_hides_values_or_names_is_one_line():
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = (x[:, 0] > 0).astype(int)
    with pytest.raises(UserError, match=r"X is a masked array; give X\.astype"):
        SparseMLPClassifier(**NET, epochs=2).fit(np.ma.masked_values(x, x[0, 0]), y)
    with pytest.raises(UserError, match=r"X is a batch of records; give pyarrow\.Table"):
        SparseMLPClassifier(**NET, epochs=2).fit(pa.RecordBatch.from_pydict({"a": x[:, 0], "b": x[:, 1]}), y)
    with pytest.raises(UserError, match="column 0 of X holds whole numbers that are too large for float64"):
        SparseMLPClassifier(**NET, epochs=2).fit(np.array([[10**400], [1]] * 30, object), y)


@pytest.mark.parametrize("classes", [[0, 1, np.nan], ["a", "b", None]])
def test_classes_that_are_missing_are_one_line(classes):
    x, y = np.random.default_rng(0).normal(size=(60, 2)), np.array(classes[:2] * 30)
    with pytest.raises(UserError, match="classes holds a value that is missing; leave it out"):
        SparseMLPClassifier(**NET).partial_fit(x, y, classes=classes)


def test_a_stream_is_told_that_it_has_no_early_stopping():
    x = np.random.default_rng(0).normal(size=(200, 2))
    model = SparseMLPClassifier(**NET, early_stopping=True)
    with pytest.warns(UserWarning, match="partial_fit holds no rows out; early stopping is off"):
        model.partial_fit(x, x[:, 0] > 0)


@pytest.mark.parametrize("power", [-1000, -40, 520, 1000])
def test_scores_of_targets_far_from_1_are_those_of_targets_near_it(power):
    rng = np.random.default_rng(0)
    y, knots = rng.normal(size=50), np.array([-2.0, 0.3, 1.7])
    probabilities, weights = rng.dirichlet(np.ones(3), 50), rng.random(50)
    near, far = (Values(scale * y, scale * y, scale * knots, weights) for scale in (1.0, 2.0**power))
    assert far.score(probabilities) == near.score(probabilities) < 1
