"""What the golden runs are: every method, optimiser setting, storage, activation and shape of batch, on small data."""

from typing import Any, NamedTuple

from truly_sparse.experiments.golden import features

#: The plainest run; a case names what it changes.
DATA = {"scaling": "none", "split": "random", "test_fraction": 0.2, "validation_fraction": 0.2, "stratify": True}
TRAINING = {
    "epsilon": 4.0,
    "hidden": [28, 24, 20],
    "members": 1,
    "epochs": 4,
    "exploration_epochs": 4,
    "batch_size": 64,
    "eta": 0.05,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "decay_times_eta": False,
    "clip_norm": 0.0,
    "warmup_epochs": 0,
    "activation_storage": "float32",
    "dropout": 0.0,
    "zeta": 0.3,
    "q": 0.8,
    "evolution_every": 0,
    "refinement": "none",
    "start_values": "he",
    "activation": "relu",
    "alpha": 0.4,
    "escape_input_block": True,
    "selection": "last",
    "lambda": 0.5,
    "distance": "row_wise",
    "distance_samples": 10,
    "distance_max_draws": 1000,
}
HALF = {"activation_storage": "bfloat16"}
#: What the paper's runs have in common.
PAPER = HALF | {"momentum": 0.9, "weight_decay": 0.0002, "dropout": 0.2, "selection": "best_validation"}
SET = {"evolution_every": 1}
SCHEDULE = {"members": 3, "epochs": 16, "exploration_epochs": 4}
ENSEMBLE = SET | SCHEDULE


class Case(NamedTuple):
    """One golden run: its name, which function of `outputs` runs it, what that takes, and what the case concerns."""

    name: str
    kind: str
    settings: dict[str, Any]
    features: frozenset[str]


def _run(
    name: str,
    training: dict[str, Any] | None = None,
    strategy: str = "none",
    model: str = "sparse",
    dataset: str = "three",
    data: dict[str, Any] | None = None,
) -> Case:
    settings = {
        "dataset": dataset,
        "method": name,
        "model": model,
        "strategy": strategy,
        "seed": 1,
        "data": DATA | (data or {}),
        "training": TRAINING | (training or {}) if model != "reference" else {},
    }
    return Case(name, "run", settings, features(settings))


def _estimator(name: str, model: str, **parameters: Any) -> Case:
    return Case(name, "estimator", {"model": model, "parameters": parameters}, frozenset({"estimator"}))


def cases() -> list[Case]:
    """Return all golden runs, each with a name of its own."""
    return [*_networks(), *_ensembles(), *_shapes(), *_estimators()]


def _networks() -> list[Case]:
    """Single networks: one departure from the plainest at a time, then what the paper has together."""
    return [
        _run("static"),
        _run("two classes", dataset="two"),
        _run("best epoch", {"selection": "best_validation"}),
        _run("momentum", {"momentum": 0.9}),
        _run("decay", {"weight_decay": 0.002}),
        _run(
            "decay times eta",
            {"weight_decay": 0.02, "decay_times_eta": True, "refinement": "eta"} | SCHEDULE | {"members": 1},
        ),
        _run("clip", {"clip_norm": 0.2, "momentum": 0.9}),
        _run("clip, bfloat16, padded", {"clip_norm": 0.2, "momentum": 0.9, "batch_size": 100} | HALF),
        _run("warmup", {"warmup_epochs": 2}),
        _run("dropout", {"dropout": 0.3}),
        _run("All-ReLU", {"activation": "all_relu"}),
        _run("Xavier", {"start_values": "xavier"}),
        _run("He by links", {"start_values": "he_links"}),
        _run("bfloat16", HALF),
        _run("bfloat16 with everything", PAPER | {"activation": "all_relu", "clip_norm": 0.3}),
        _run("full blocks", {"epsilon": 40.0}),
        _run("few links", {"epsilon": 0.3} | PAPER),
        _run("many links", {"epsilon": 60.0, "hidden": [150, 170]} | PAPER),
        _run("one hidden layer", {"hidden": [40]} | PAPER),
        _run("diverges", {"eta": 500.0}),
        _run("SET", SET),
        _run("SET as in the paper", PAPER | SET | {"activation": "all_relu", "evolution_every": 2}),
    ]


def _ensembles() -> list[Case]:
    """Every strategy, plain and as in the paper; every refinement."""
    found = []
    for strategy in ("edst_rg", "rd_tse", "fd_tse", "dist_tse", "independent"):
        length = {} if strategy != "independent" else {"epochs": 5, "exploration_epochs": 2}
        found.append(_run(f"{strategy}", ENSEMBLE | length, strategy))
        paper = PAPER | {"activation": "all_relu", "refinement": "comprehensive", "evolution_every": 1}
        found.append(_run(f"{strategy} as in the paper", ENSEMBLE | paper | length, strategy))
    return [
        *found,
        _run("dist_tse, all pairs", ENSEMBLE | {"distance": "all_pairs"}, "dist_tse"),
        _run("fd_tse without free places", ENSEMBLE | {"epsilon": 8.0}, "fd_tse"),
        _run("escape without input block", ENSEMBLE | {"escape_input_block": False}, "edst_rg"),
        _run("refinement eta", ENSEMBLE | {"refinement": "eta"}, "edst_rg"),
        _run("refinement eta_zeta", ENSEMBLE | {"refinement": "eta_zeta"}, "edst_rg"),
        _run("refinement comprehensive", ENSEMBLE | {"refinement": "comprehensive"}, "edst_rg"),
    ]


def _shapes() -> list[Case]:
    """Batches that are padded or take several tiles, float32 and bfloat16, with dropout."""
    sizes = (1, 16, 32, 48, 100, 112, 128, 160, 192, 256, 384)
    storages = {"float32": {}, "bfloat16": HALF}
    return [
        _run(
            f"batch {size}, {name}",
            {"batch_size": size, "dropout": 0.2, "momentum": 0.9, "epochs": 2, "exploration_epochs": 2} | storage,
        )
        for size in sizes
        for name, storage in storages.items()
    ]


def _estimators() -> list[Case]:
    small = {"hidden": (30, 20), "members": 2, "random_state": 3}
    return [
        _estimator("classifier", "TrulySparseEnsembleClassifier", **small),
        _estimator(
            "classifier, early stopping", "TrulySparseEnsembleClassifier", early_stopping=True, patience=2, **small
        ),
        _estimator("regressor", "TrulySparseEnsembleRegressor", **small),
        _estimator("single classifier", "SparseMLPClassifier", hidden=(30, 20), random_state=3),
    ]
