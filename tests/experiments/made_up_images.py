"""Small made-up pictures as a prepared dataset, for measurements that look into networks trained on them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from truly_sparse.experiments.configuration import validate
from truly_sparse.files import sha256

SIDE, ROWS, CLASSES = 9, 600, 3


def prepare(folder):
    """Write blobs whose place says the class, with noise, as data/toy.parquet."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, ROWS)
    across = np.arange(SIDE)
    centre = np.array([[2, 2], [6, 3], [4, 6]])[y] + rng.normal(scale=1, size=(ROWS, 2))
    distance = (across[None, :, None] - centre[:, :1, None]) ** 2 + (across[None, None, :] - centre[:, 1:, None]) ** 2
    x = (np.exp(-distance / 4) + rng.normal(scale=0.3, size=distance.shape)).reshape(ROWS, -1)
    path = folder / "data/toy.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table({f"f{i}": x[:, i] for i in range(x.shape[1])} | {"target": y}), path)
    about = {"sha256": sha256(path), "classes": list(map(str, range(CLASSES))), "source": "made up", "partial": None}
    path.with_suffix(".json").write_text(json.dumps(about))


def prepared(tmp_path_factory, methods, name, own):
    """Return a configuration of one measurement, of a folder of its own in which the pictures are."""
    folder = tmp_path_factory.mktemp(name)
    prepare(folder)
    made = configuration(methods, {name: own})
    made["data"]["folder"] = str(folder / "data")
    return made


def configuration(methods, measurements, **training):
    """Return a validated configuration with the dataset, small networks and the given methods and measurements."""
    plain = {"hidden_layer_sizes": [30, 20], "members": 2, "epochs": 15, "exploration_epochs": 0, "batch_size": 20}
    plain |= {"evolution_every": 0, "refinement": "none", "activation": "relu", "dropout": 0.0, "selection": "last"}
    plain |= {"learning_rate": 0.05, "activation_storage": "float32", "weight_decay": 0.0}
    return validate(
        {
            "study": "journal",
            "preset": "test",
            "training": plain | training,
            "datasets": {"toy": {}},
            "methods": methods,
            "measurements": measurements,
        }
    )
