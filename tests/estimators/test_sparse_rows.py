"""Sparse matrices in the estimators: the same rows, however they are stored, and never a dense array."""

import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier, TrulySparseEnsembleRegressor
from truly_sparse.engine.rows import NonZeros, taken
from truly_sparse.errors import UserError
from truly_sparse.estimators import preprocessing
from truly_sparse.estimators.distinct_rows import digest, gather
from truly_sparse.estimators.model_files import load_model, save_model
from truly_sparse.estimators.sparse_rows import of_csr

NET = {"hidden_layer_sizes": (30,), "epsilon": 8, "learning_rate": 0.5}
FORMATS = ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")


def problem(rows=600, columns=80, seed=0):
    """Return rows of which a few columns are not 0, and the class that their weights make most likely."""
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((rows, columns)) < 0.1, rng.integers(1, 4, (rows, columns)), 0).astype(np.float64)
    return x, (x @ rng.normal(size=(columns, 3))).argmax(axis=1)


@pytest.fixture(scope="module")
def fitted():
    x, y = problem()
    return SparseMLPClassifier(**NET, epochs=40).fit(sparse.csr_array(x), y)


def test_it_learns_and_predicts_dense_rows_to_the_same_bits(fitted):
    x, y = problem()
    assert fitted.score(sparse.csr_array(x), y) > 0.9
    expected = fitted.predict_proba(x)
    for rows in (x, x[:1], x[:7]):
        assert np.array_equal(fitted.predict_proba(sparse.csr_array(rows)), fitted.predict_proba(rows))
    predict = fitted.predictor()
    assert np.array_equal([predict(row) for row in x[:5]], expected[:5])


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("container", ["array", "matrix"])
def test_every_format_is_the_same_to_the_bit(fitted, kind, container):
    x, y = problem()
    made = getattr(sparse, f"{kind}_{container}")(x)
    assert np.array_equal(fitted.predict_proba(made), fitted.predict_proba(sparse.csr_array(x)))
    again = SparseMLPClassifier(**NET, epochs=1).fit(made, y)
    assert again.loss_curve_ == SparseMLPClassifier(**NET, epochs=1).fit(sparse.csr_array(x), y).loss_curve_


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_rows_are_those_of_the_matrix_however_it_holds_them(data):
    """Unsorted and double places, explicit zeros, empty rows and columns, 64-bit indices, float32 and float64."""
    rows, columns = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 12))
    count = data.draw(st.integers(0, 40))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    own = np.sort(rng.integers(0, rows, count))
    values = rng.integers(-2, 3, count).astype(data.draw(st.sampled_from([np.float32, np.float64])))
    kind = data.draw(st.sampled_from([np.int32, np.int64]))
    pointers = np.searchsorted(own, np.arange(rows + 1)).astype(kind)
    matrix = sparse.csr_array((values, rng.integers(0, columns, count).astype(kind), pointers), shape=(rows, columns))
    before = [part.copy() for part in (matrix.data, matrix.indices, matrix.indptr)]
    made = of_csr(matrix)
    assert all(map(np.array_equal, before, (matrix.data, matrix.indices, matrix.indptr)))
    assert np.array_equal(taken(made, slice(None)), matrix.toarray())
    assert made.values.all()
    for begin, end in zip(made.begins, made.ends, strict=True):
        assert (np.diff(made.features[begin:end]) > 0).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_equal_rows_are_merged_as_dense_ones_are(seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (rng.integers(2, 40), 4)).astype(np.float32)
    y, weights = rng.integers(0, 2, len(x)), rng.integers(0, 4, len(x)).astype(float)
    dense, table = gather(x, y, weights), gather(of_csr(sparse.csr_array(x)), y, weights)
    rows = taken(table.x, slice(None))
    found = {(*row, label): weight for row, label, weight in zip(rows, table.y, table.weights, strict=True)}
    assert len(found) == len(table.y)
    assert found == {(*row, label): weight for row, label, weight in zip(dense.x, dense.y, dense.weights, strict=True)}
    order = rng.permutation(len(x))
    same = gather(of_csr(sparse.csr_array(x[order].astype(np.float64))), y[order], weights[order])
    assert digest(same) == digest(table)


def test_the_greatest_magnitudes_become_one_and_zeros_stay():
    x, _ = problem()
    x[:, 3], x[5] = 0, 0
    scaling = preprocessing.create("max_abs", 1).fit(x, np.ones(len(x)))
    rows = of_csr(sparse.csr_array(x))
    other = preprocessing.create("max_abs", 1).fit_non_zeros(rows)
    assert np.array_equal(scaling.scale, other.scale)
    encoded = scaling.transform(x)
    assert np.array_equal(encoded, taken(other.transform_non_zeros(rows), slice(None)))
    assert np.array_equal(np.abs(encoded).max(axis=0), np.delete(np.ones(81), 3) * (np.arange(80) != 3))


def test_weights_repeat_rows_and_class_weights_and_validation_work():
    x, y = problem()
    rows, repeated = sparse.csr_array(x), np.arange(len(y)) % 3
    settings = {**NET, "epochs": 3, "class_weight": "balanced", "early_stopping": True}
    weighted = SparseMLPClassifier(**settings).fit(rows, y, sample_weight=repeated)
    chosen = np.repeat(np.arange(len(y)), repeated)
    again = SparseMLPClassifier(**settings).fit(rows[chosen], y[chosen])
    assert weighted.loss_curve_ == again.loss_curve_
    assert weighted.validation_scores_ == again.validation_scores_
    assert None not in weighted.validation_scores_


def test_partial_fit_and_warm_start_go_on():
    x, y = problem()
    rows, model = sparse.csr_array(x), SparseMLPClassifier(**NET)
    for start in range(0, 600, 200):
        model.partial_fit(rows[start : start + 200], y[start : start + 200], classes=[0, 1, 2])
    assert model.n_iter_ == 3
    assert np.array_equal(model.predict(rows), model.predict(x))
    warm = SparseMLPClassifier(**NET, epochs=2, warm_start=True).fit(rows, y)
    assert warm.fit(rows, y).n_iter_ == 4


@pytest.mark.parametrize("method", ["fd_tse", "edst_rg", "independent", "sparse_subnetworks", "noisy_subnetworks"])
def test_ensembles(method, tmp_path):
    x, y = problem()
    schedule = {"members": 2, "exploration_epochs": 10, "member_epochs": 5, "parent_epochs": 20, "child_epochs": 4}
    rows = sparse.csr_array(x)
    model = TrulySparseEnsembleClassifier(method, **NET, **schedule).fit(rows, y)
    assert model.score(rows, y) > 0.7
    assert np.array_equal(model.predict_proba(rows), model.predict_proba(x))
    parallel = TrulySparseEnsembleClassifier(method, **NET, **schedule, n_jobs=2).fit(rows, y)
    assert np.array_equal(model.predict_proba(rows), parallel.predict_proba(rows))
    save_model(model, tmp_path / "model.npz")
    for copy in (load_model(tmp_path / "model.npz"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(copy.predict_proba(rows), model.predict_proba(rows))


def test_the_regressor():
    x, _ = problem()
    rows, y = sparse.csr_array(x), x @ np.random.default_rng(1).normal(size=80)
    model = TrulySparseEnsembleRegressor(**NET, members=2, exploration_epochs=20, member_epochs=20).fit(rows, y)
    assert model.score(rows, y) > 0.7
    assert np.array_equal(model.predict(rows), model.predict(x))


def test_what_a_fitted_model_shows_and_exports(fitted, tmp_path):
    x, _ = problem()
    assert fitted.feature_importances_.shape == (80,)
    assert fitted.summary()[0]["block"] == "80 → 30"
    assert fitted.to_csr()[0].weights.shape == (30, 80)
    onnxruntime = pytest.importorskip("onnxruntime")
    fitted.to_onnx(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert np.allclose(session.run(None, {"X": x})[0], fitted.predict_proba(x), atol=1e-5)


def test_text_in_a_pipeline_and_a_search():
    words = np.array(["sparse", "dense", "link", "matrix", "row", "column", "neuron", "error"])
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    texts = [" ".join(rng.choice(words[4 * label : 4 * label + 6] if label == 0 else words[3:], 6)) for label in y]
    model = make_pipeline(TfidfVectorizer(), SparseMLPClassifier(**NET))
    search = GridSearchCV(model, {"sparsemlpclassifier__epochs": [5, 20]}, cv=2).fit(texts, y)
    assert search.score(texts, y) > 0.8


@pytest.mark.parametrize(
    ("change", "settings", "what"),
    [
        (None, {"preprocessing": "standard"}, 'preprocessing "standard" does not keep zeros; set it to "max_abs" or'),
        (None, {"preprocessing": "piecewise_linear"}, "does not keep zeros"),
        (None, {"categorical_features": [0]}, "X is sparse and has no categories"),
        (np.nan, {}, "X is sparse and holds NaN or infinite values"),
        (np.inf, {}, "X is sparse and holds NaN or infinite values"),
    ],
)
def test_what_sparse_rows_cannot_be_is_refused_in_one_line(change, settings, what):
    x, y = problem()
    rows = sparse.csr_array(x)
    if change is not None:
        rows.data[7] = change
    with pytest.raises(UserError, match=what) as found:
        SparseMLPClassifier(**settings).fit(rows, y)
    assert "\n" not in str(found.value)


def test_broken_indices_and_links_that_come_and_go_are_refused():
    x, y = problem()
    rows = sparse.csr_array(x)
    rows.indices[3] = 80
    with pytest.raises(UserError, match="columns beyond its 80"):
        SparseMLPClassifier().fit(rows, y)
    with pytest.raises(UserError, match="some steps only, which are not trained on sparse rows"):
        TrulySparseEnsembleClassifier("stochastic_subnetworks").fit(sparse.csr_array(x), y)


@pytest.mark.parametrize("begins", [[0, 70, 2, 3], [0, -5, 2, 3], [0, 2, 3], [-1, 1, 2, 3], [0, 1, 2, 99]])
def test_rows_that_do_not_follow_one_another_are_refused(begins):
    rows = sparse.csr_array((np.ones(3), [1, 0, 1], [0, 1, 2, 3]), shape=(3, 80))
    rows.indptr = np.array(begins, np.int32)
    with pytest.raises(UserError, match=r"its rows do not follow one another \(indptr\); build it again"):
        SparseMLPClassifier().fit(rows, [0, 1, 0])


def test_values_of_one_place_whose_sum_is_infinite_are_refused():
    large = np.float32(3e38)
    rows = sparse.csr_array((np.array([large, large, 1], np.float32), [0, 0, 1], [0, 2, 3]), shape=(2, 80))
    with pytest.raises(UserError, match="X is sparse and holds NaN or infinite values"):
        SparseMLPClassifier().fit(rows, [0, 1])


def test_a_model_of_dense_rows_takes_sparse_ones_where_its_encoding_keeps_zeros():
    x, y = problem()
    rows = sparse.csr_array(x)
    with pytest.raises(UserError, match=r"fitted on dense rows .*; give X.toarray\(\), or fit on sparse rows"):
        SparseMLPClassifier(**NET, epochs=1).fit(x, y).predict(rows)
    model = SparseMLPClassifier(**NET, epochs=1, preprocessing="max_abs").fit(x, y)
    assert np.array_equal(model.predict_proba(rows), model.predict_proba(x))
    x[0, 0] = np.nan
    marked = SparseMLPClassifier(**NET, epochs=1, preprocessing="max_abs").fit(x, y)
    with pytest.raises(UserError, match="fitted on dense rows"):
        marked.predict(rows)


def test_memory_follows_non_zeros_and_links_not_columns_times_anything():
    rng, rows, columns = np.random.default_rng(0), 2000, 1_000_000
    x = sparse.random_array((rows, columns), density=2e-5, rng=rng, format="csr", dtype=np.float32)
    y = rng.integers(0, 2, rows)
    SparseMLPClassifier(**NET, epochs=1).fit(x[:200, :50], y[:200])  # compiles
    tracemalloc.start()
    model = SparseMLPClassifier(hidden_layer_sizes=(100, 50), epsilon=1.0, epochs=1).fit(x, y)
    model.predict(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    links = sum(model.members_[0].link_counts)
    assert links > 900_000
    assert isinstance(of_csr(x), NonZeros)
    assert peak < 150 * links + 20 * x.nnz + 60 * columns  # a dense batch of 128 rows alone has 256 bytes for a column
