"""Images in runs: bytes for networks, float32 for references, and what they need of memory."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truly_sparse.data.arrays import floats
from truly_sparse.engine.rows import Bytes
from truly_sparse.experiments import outcome
from truly_sparse.experiments.configuration import validate
from truly_sparse.experiments.grid import runs
from truly_sparse.experiments.jobs import memory_estimate
from truly_sparse.experiments.measuring import datasets
from truly_sparse.experiments.measuring.trained import converged, settings_of
from truly_sparse.experiments.samples import samples, seen
from truly_sparse.files import sha256, write_json

ROWS, PIXELS = 400, 48


@pytest.fixture
def config(tmp_path):
    """One run of each kind of model on made-up images of three classes, which are brighter at different places."""
    rng = np.random.default_rng(0)
    y = np.arange(ROWS) % 3
    values = (
        rng.integers(0, 120, (ROWS, PIXELS), np.uint8) + (np.arange(PIXELS) % 3 == y[:, None]).astype(np.uint8) * 100
    )
    column = pa.Array.from_buffers(pa.binary(PIXELS), ROWS, [None, pa.py_buffer(values)])
    part = (np.arange(ROWS) >= 300).astype(np.uint8)
    path = tmp_path / "images.parquet"
    pq.write_table(pa.table({"pixels": column, "target": y.astype(np.int32), "part": part}), path, row_group_size=150)
    about = {"sha256": sha256(path), "classes": ["a", "b", "c"], "source": "made up", "partial": None}
    write_json(path.with_suffix(".json"), {**about, "shape": [3, 4, 4]})
    small = {"hidden_layer_sizes": [32, 16], "members": 1, "epochs": 12, "exploration_epochs": 4, "batch_size": 32}
    experiments = [
        {"datasets": ["images"], "methods": ["sparse"], "epsilon": [8], "seeds": [0]},
        {"datasets": ["images"], "methods": ["dense", "forest"], "seeds": [0]},
    ]
    return validate(
        {
            "study": "journal",
            "preset": "small",
            "data": {"folder": str(tmp_path)},
            "training": {**small, "selection": "last", "activation": "relu", "learning_rate": 0.05},
            "datasets": {"images": {"scaling": "channels", "split": "official"}},
            "methods": {
                "sparse": {"model": "sparse"},
                "dense": {"model": "dense"},
                "forest": {"model": "reference", "strategy": "random_forest"},
            },
            "experiments": {"table1": experiments},
        }
    )


def spec_of(config, method):
    return next(spec for spec in runs(config) if spec.method == method)


def test_networks_see_the_bytes_that_references_see_as_float32(config):
    data = outcome.data_of(spec_of(config, "sparse"), config["data"])
    for x in (data.x_train, data.x_validation, data.x_test):
        found = samples(x)
        assert isinstance(found, Bytes)
        values, scale, shift = found
        assert np.shares_memory(values, x.values)
        assert np.array_equal(floats(x), values * scale + shift)
        assert floats(x).dtype == np.float32
    table = np.ones((3, 2), np.float32)
    assert samples(table) is floats(table) is table
    shown = seen(data)
    assert np.shares_memory(shown.x.values, data.x_train.values)
    assert np.shares_memory(shown.x_validation.values, data.x_validation.values)
    assert (shown.classes, len(shown.y), len(shown.y_validation)) == (3, 240, 60)


@pytest.mark.parametrize("method", ["sparse", "dense", "forest"])
def test_every_kind_of_model_learns_images(config, tmp_path, method):
    spec = spec_of(config, method)
    data = outcome.data_of(spec, config["data"])
    model = outcome.fit(spec, data, tmp_path, True, lambda: None)
    probabilities = outcome.predict(model, data)
    assert outcome.measured(probabilities, data)["accuracy"]["test"] > 0.9


def test_references_are_not_shown_the_test_rows_for_validation(config, tmp_path, monkeypatch):
    spec = spec_of(config, "forest")
    settings = spec.settings["data"] | {"validation": "test", "validation_fraction": 0}
    monkeypatch.setitem(spec.settings, "data", settings)
    shown = []

    class Watched:
        def fit(self, x, y):
            shown.append((len(x), len(y)))

    monkeypatch.setattr("truly_sparse.references.create", lambda *_: Watched())
    outcome.fit(spec, outcome.data_of(spec, config["data"]), tmp_path, True, lambda: None)
    assert shown == [(300, 300)]


def test_measurements_train_on_images(config):
    training = settings_of(config, "images", "sparse", epsilon=8)
    network, data = converged(config, "images", training, 8, 0)
    found = network.predict_proba(samples(data.x_test)).argmax(axis=1)
    assert (found == data.y_test).mean() > 0.9


def test_pixels_are_counted_as_features(config):
    found = datasets.measure({"datasets": ["images"]}, config)
    assert found.loc[0, ["features", "samples", "classes"]].tolist() == [PIXELS, ROWS, 3]
    assert isinstance(found, pd.DataFrame)


def test_bytes_take_a_quarter_of_the_memory(config):
    sparse, dense, forest = (spec_of(config, method) for method in ("sparse", "dense", "forest"))
    column = ROWS * memory_estimate.COLUMN
    assert memory_estimate.needed(sparse, ROWS, PIXELS, 3)["data"] - column == 4 * ROWS * PIXELS
    for spec, values in ((sparse, 1), (dense, 1), (forest, 5)):
        assert memory_estimate.needed(spec, ROWS, PIXELS, 3, of_bytes=True)["data"] - column == values * ROWS * PIXELS
    memory_estimate.check(config, sparse)  # reads the table that lies there
