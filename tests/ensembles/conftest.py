"""Small made-up problems that train in milliseconds."""

import numpy as np
import pytest

from truly_sparse.ensembles.trainer import Data

TRAINING = {
    "hidden_layer_sizes": [40, 30, 20],
    "members": 3,
    "epochs": 16,
    "exploration_epochs": 4,
    "batch_size": 16,
    "learning_rate": 0.05,
    "momentum": 0.9,
    "weight_decay": 0.0002,
    "decay_times_learning_rate": False,
    "clip_norm": 0.0,
    "activation_storage": "float32",
    "warmup_epochs": 0,
    "dropout": 0.2,
    "prune_fraction": 0.2,
    "restart_prune_fraction": 0.8,
    "evolution_every": 2,
    "refinement": "comprehensive",
    "init": "he",
    "activation": "all_relu",
    "negative_slope": 0.5,
    "escape_input_block": True,
    "selection": "best_validation",
    "distance_factor": 1.0,
    "distance": "row_wise",
    "distance_samples": 20,
    "distance_max_draws": 500,
    "epsilon": 3.0,
}


@pytest.fixture
def training():
    """Return settings that can be changed freely."""
    return dict(TRAINING)


@pytest.fixture(scope="session")
def data():
    """Return three noisy classes in 8 features, 100 training and 30 validation rows."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 3, 130)
    x = (rng.normal(size=(3, 8))[y] + 0.7 * rng.normal(size=(130, 8))).astype(np.float32)
    return Data(x[:100], y[:100], x[100:], y[100:], 3)
