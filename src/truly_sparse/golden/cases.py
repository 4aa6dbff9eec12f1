"""What the golden runs are: every method, optimiser setting, storage, activation and shape of batch, on small data."""

from typing import Any, NamedTuple

from truly_sparse.experiments.golden import features

#: The plainest run; a case names what it changes.
DATA: dict[str, Any] = {
    "scaling": "none",
    "split": "random",
    "test_fraction": 0.2,
    "validation_fraction": 0.2,
    "stratify": True,
}
TRAINING: dict[str, Any] = {
    "epsilon": 4.0,
    "hidden_layer_sizes": [28, 24, 20],
    "members": 1,
    "epochs": 4,
    "exploration_epochs": 4,
    "batch_size": 64,
    "learning_rate": 0.05,
    "momentum": 0.0,
    "weight_decay": 0.0,
    "decay_times_learning_rate": False,
    "clip_norm": 0.0,
    "warmup_epochs": 0,
    "activation_storage": "float32",
    "dropout": 0.0,
    "prune_fraction": 0.3,
    "restart_prune_fraction": 0.8,
    "evolution_every": 0,
    "refinement": "none",
    "init": "he",
    "activation": "relu",
    "negative_slope": 0.4,
    "escape_input_block": True,
    "selection": "last",
    "distance_factor": 0.5,
    "distance": "row_wise",
    "distance_samples": 10,
    "distance_max_draws": 1000,
}
HALF: dict[str, Any] = {"activation_storage": "bfloat16"}
#: What the paper's runs have in common.
PAPER = HALF | {"momentum": 0.9, "weight_decay": 0.0002, "dropout": 0.2, "selection": "best_validation"}
STRATEGIES = ("edst_rg", "rd_tse", "fd_tse", "dist_tse")
SET = {"evolution_every": 1}
SCHEDULE = {"members": 3, "epochs": 16, "exploration_epochs": 4}
ENSEMBLE = SET | SCHEDULE

SCHEDULES = ("cosine", "hold_linear", "one_cycle", "tenths")
#: Ensembles of one network: a parent and its children, or states of it.
FAMILY: dict[str, Any] = {
    "members": 4, "child_epochs": 4, "child_learning_rate": 0.05, "annealing_epochs": 2, "population": 8,
}  # fmt: skip
#: What Whitaker's networks have in common, but for the sum of gradients.
SOURCE: dict[str, Any] = {"nesterov": True, "coupled_decay": True, "momentum": 0.9, "weight_decay": 0.0005}


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
    scored: bool = False,
) -> Case:
    settings: dict[str, Any] = {
        "scored": scored,
        "dataset": dataset,
        "method": "golden",
        "model": model,
        "strategy": strategy,
        "seed": 1,
        "data": DATA | (data or {}),
        "training": TRAINING | (training or {}) if model != "reference" else {},
    }
    if model == "dense":
        settings["training"] |= {"epsilon": None}
    return Case(name, "run", settings, features(settings))


def _data(name: str, dataset: str = "holes", **data: Any) -> Case:
    """Return a case that concerns every run whose data are split and scaled so, whatever the model."""
    found = features({"model": "", "strategy": "none", "data": DATA | data, "training": {}})
    return Case(name, "data", {"dataset": dataset, "data": DATA | data}, found - {""})


def _measurement(measured: str, dataset: str = "three", scaling: str = "none", **settings: Any) -> Case:
    datasets = {"datasets": [dataset]} if measured not in ("scalability", "depth") else {}
    methods: dict[str, Any] = {
        name: {"model": "sparse", "strategy": name, "training": {}}
        for name in (*STRATEGIES, "independent", "sparse_subnetworks")
    }
    alone = {"members": 1, "include_parent": False, "sampler": "random", "selection": "last"}
    for name, strategy in (("one_child", "sparse_subnetworks"), ("one_annealed", "stochastic_subnetworks")):
        methods[name] = {"model": "sparse", "strategy": strategy, "training": alone}
    config = {
        "training": TRAINING | PAPER | ENSEMBLE,
        "datasets": {dataset: DATA | {"scaling": scaling, "training": {}}},
        "methods": methods,
        "measurements": {measured: datasets | settings},
    }
    whole = {"config": config, "measured": measured}
    return Case(f"measurement {measured}", "measurement", whole, frozenset({f"measurement {measured}"}))


def _estimator(name: str, model: str, mixed: bool = False, **parameters: Any) -> Case:
    """Return a case of an estimator; of `mixed` rows, some values are missing and some columns are categories."""
    settings = {"model": model, "mixed": mixed, "parameters": parameters}
    return Case(name, "estimator", settings, frozenset({"estimator"}))


def _graph(name: str, optimiser: str = "SGD", **settings: Any) -> Case:
    """Return a case of a network whose links skip layers, trained without a schedule."""
    plainest = {"slopes": [0.0, 0.3, -0.2], "storage": "float32", "bias_per_block": False, "batch": 64}
    own = plainest | {"dropout": 0.0, "bytes": False, "numbers": {"rate": 0.05}}
    return Case(f"graph, {name}", "graph", own | {"optimiser": optimiser} | settings, frozenset({"graph"}))


def _picture(name: str, optimiser: str = "SGD", **settings: Any) -> Case:
    """Return a case of a convolutional network, trained without a schedule."""
    own = {"storage": "float32", "batch": 48, "numbers": {"rate": 0.05}, "optimiser": optimiser} | settings
    return Case(f"pictures, {name}", "picture", own, frozenset({"picture"}))


def cases() -> list[Case]:
    """Return all golden runs, each with a name of its own."""
    made = [*_datasets(), *_networks(), *_ensembles(), *_shapes(), *_others(), *_measurements(), *_estimators()]
    return [*made, *_graphs(), *_pictures(), *_architectures(), *_shortcuts(), *_images(), *_rates(), *_families()]


def _datasets() -> list[Case]:
    """Every split and scaling."""
    return [
        _data("data"),
        _data("data, not stratified", stratify=False),
        _data("data, standard", scaling="standard"),
        _data("data, quantile", scaling="quantile"),
        _data("data, minmax_all_rows", scaling="minmax_all_rows"),
        _data("data, videos", dataset="gesture", split="videos"),
        _data("data, authors", dataset="gesture", split="authors"),
        _data("data, unit", dataset="images", scaling="unit"),
        _data("data, channels", dataset="images", scaling="channels"),
        _data("data, images, standard", dataset="images", scaling="standard"),
        _data("data, official", dataset="images", split="official"),
        _data("data, parts of the rows", train_rows=300, test_rows=40),
        _data("data, fewer training rows", train_rows=300),
        _data("data, fewer test rows", test_rows=40),
        _data("data, validation on test rows", validation="test", validation_fraction=0.0),
    ]


def _images() -> list[Case]:
    """Networks on images, which are bytes."""
    official = {"split": "official", "scaling": "standard"}
    on_test = official | {"validation": "test", "validation_fraction": 0.0, "scaling": "channels"}
    best = {"selection": "best_validation", "epochs": 8, "exploration_epochs": 8}
    return [
        _run("images", PAPER, dataset="images", data=official),
        _run("images, validation on test rows", best, dataset="images", data=on_test, scored=True),
        _run("images, dense", model="dense", dataset="images", data=official),
    ]


def _networks() -> list[Case]:
    """Single networks: one departure from the plainest at a time, then what the paper has together."""
    slow = {"epochs": 8, "exploration_epochs": 2}
    return [
        _run("static"),
        _run("two classes", dataset="two"),
        _run("best epoch", {"selection": "best_validation", "epochs": 8, "exploration_epochs": 8}),
        _run("momentum", {"momentum": 0.9}),
        _run("decay", {"weight_decay": 0.002}),
        _run("decay times eta", {"weight_decay": 0.02, "decay_times_learning_rate": True}),
        _run("clip", {"clip_norm": 0.2, "momentum": 0.9}),
        _run("clip, bfloat16, padded", {"clip_norm": 0.2, "momentum": 0.9, "batch_size": 100} | HALF),
        _run("warmup", {"warmup_epochs": 2}),
        _run("dropout", {"dropout": 0.3}),
        _run("many layers", {"hidden_layer_sizes": [12] * 70, "dropout": 0.1, "epochs": 2, "exploration_epochs": 2}),
        _run("All-ReLU", {"activation": "all_relu"}),
        _run("Xavier", {"init": "xavier"}),
        _run("He by links", {"init": "he_links"}),
        _run("bfloat16", HALF),
        _run("bfloat16 with everything", PAPER | {"activation": "all_relu", "clip_norm": 0.3}),
        _run("few links", {"epsilon": 0.3} | PAPER),
        _run("many links", {"epsilon": 60.0, "hidden_layer_sizes": [150, 170]} | PAPER),
        _run("runs of sources", {"epsilon": 50.0, "hidden_layer_sizes": [210, 200], "batch_size": 128}),
        _run("full blocks", {"epsilon": 40.0}),
        _run("one hidden layer", {"hidden_layer_sizes": [40]} | PAPER),
        _run("diverges", {"learning_rate": 500.0}),
        _run("refinement eta", slow | {"refinement": "eta"}),
        _run("refinement eta_zeta", slow | SET | {"refinement": "eta_zeta"}),
        _run("refinement comprehensive", slow | SET | {"refinement": "comprehensive"}),
        _run("refinement comprehensive, static", slow | {"refinement": "comprehensive"}),
        _run("refinement eta_zeta, static", slow | {"refinement": "eta_zeta"}),
        _run("SET", SET),
        _run("SET, many links", {"epsilon": 20.0, "hidden_layer_sizes": [150, 170]} | SET),
        _run(
            "patience",
            {"selection": "best_validation", "epochs": 40, "exploration_epochs": 40, "patience": 2},
            scored=True,
        ),
        _run("Adam", {"optimiser": "adam", "learning_rate": 0.01}),
        _run("Adam, L1", {"optimiser": "adam", "learning_rate": 0.01, "l1": 0.001}),
        _run("Mish", {"activation": "mish"}),
        _run("PyTorch's start", {"init": "torch"}),
        _run("PyTorch's start by links", {"init": "torch_links"}),
        _run("pruning between", SET | {"pruning": "between"}),
        _run("pruning between, all", SET | {"pruning": "between", "prune_fraction": 1.0}),
        _run("pruning global", SET | {"pruning": "global"}),
        _run("SET as in the paper", PAPER | SET | {"activation": "all_relu", "evolution_every": 2}),
    ]


def _ensembles() -> list[Case]:
    """Every strategy, plain and as in the paper."""
    found = []
    for strategy in (*STRATEGIES, "independent"):
        length = {} if strategy != "independent" else {"epochs": 5, "exploration_epochs": 2}
        found.append(_run(strategy, ENSEMBLE | length, strategy))
        paper = PAPER | {"activation": "all_relu", "refinement": "comprehensive"}
        found.append(_run(f"{strategy} as in the paper", ENSEMBLE | paper | length, strategy))
    return [
        *found,
        _run("dist_tse, all pairs", ENSEMBLE | {"distance": "all_pairs"}, "dist_tse"),
        _run("fd_tse without free places", ENSEMBLE | {"epsilon": 8.0}, "fd_tse"),
        *(_run(f"{name}, input block kept", SCHEDULE | {"escape_input_block": False}, name) for name in STRATEGIES),
        _run("rd_tse, eta", ENSEMBLE | {"refinement": "eta"}, "rd_tse"),
        _run("fd_tse, eta_zeta", ENSEMBLE | {"refinement": "eta_zeta"}, "fd_tse"),
    ]


def _rates() -> list[Case]:
    """Rates on their way and PyTorch's steps, of networks of both kinds."""
    torch = {"torch_momentum": True, "momentum": 0.9}
    changes: dict[str, dict[str, Any]] = {
        "Nesterov": {"nesterov": True, "momentum": 0.9},
        "decay in the gradient": {"coupled_decay": True, "weight_decay": 0.01},
        "PyTorch's velocity": torch,
        **{f"rate {name}": {"learning_rate_schedule": name} for name in SCHEDULES},
        "PyTorch's steps": {**torch, **SOURCE, "learning_rate_schedule": "one_cycle"},
    }
    dense = [_run(f"dense, {name}", own, model="dense") for name, own in changes.items()]
    adam = {"optimiser": "adam", "learning_rate": 0.01}
    return [*(_run(name, own) for name, own in changes.items()), *dense, _run("dense, Adam", adam, model="dense")]


def _families() -> list[Case]:
    """Children of a parent, and the other ensembles of one network, sparse and dense."""
    drawn, fresh = {"sampler": "random"}, {"sampler": "random", "inherit": False}
    whole: dict[str, Any] = {"sampler": "random", "sparsity": 0.0}
    source = SOURCE | {"torch_momentum": True, "learning_rate_schedule": "hold_linear"}
    ways = {"epochs": 8, "exploration_epochs": 8}
    changes: dict[str, list[tuple[str, dict[str, Any]]]] = {
        "sparse_subnetworks": [
            ("", {}),
            (", three parts", {"parts": 3, "members": 3}),
            (", random", drawn | {"sparsity": 0.7}),
            (", magnitude", {"sampler": "magnitude"}),
            (", rows", {"structure": "rows"}),
            (", neurons", drawn | {"structure": "neurons"}),
            (", output block", {"prune_output_block": True}),
            (", iterative", drawn | {"prune_epochs": 2}),
            (", iterative by magnitude", {"sampler": "magnitude", "prune_epochs": 2}),
            (", bag", {"bag_fraction": 0.9}),
            (", fresh", fresh),
            (", not pruned", whole),
            (", fresh by links", fresh | {"init": "he_links"}),
            (", fresh parts", {"inherit": False}),
            (", fresh and not pruned", whole | {"inherit": False}),
            (", constant rate", {"child_learning_rate_schedule": "constant", "child_learning_rate": 0.02}),
            (", without parent", {"include_parent": False}),
            (", as in the source", source),
        ],
        "stochastic_subnetworks": [
            ("", {}),
            (", without parent", {"include_parent": False}),
            (", constant rate", {"child_learning_rate_schedule": "constant", "child_learning_rate": 0.02}),
            (", linear", {"annealing_shape": "linear"}),
            (", exponential", {"annealing_shape": "exponential"}),
            (", random", {"annealing": "random"}),
            (", random links", drawn),
            (", freeze", {"inactive": "freeze", "momentum": 0.9, "weight_decay": 0.001}),
            (", magnitude", {"sampler": "magnitude"}),
            (", Adam, clip", {"optimiser": "adam", "learning_rate": 0.01, "clip_norm": 0.2}),
            (", as in the source", source),
            (", freeze as in the source", source | {"inactive": "freeze"}),
            (", annealed to the end", {"annealing_epochs": 4, "selection": "best_validation"}),
        ],
        "noisy_subnetworks": [
            ("", {}),
            (", mirrored, search", {"noise": "mirrored", "search_sparsity": True}),
            (", independent", {"noise": "independent", "noise_sd": 0.1}),
        ],
        "snapshot": [("", {})],
        "fast_geometric": [("", ways), (", as in the source", source | ways)],
        "mc_dropout": [("", {"dropout": 0.3})],
        "independent": [(", bag", {"bag_fraction": 0.9})],
    }
    made = []
    for strategy, each in changes.items():
        for name, own in each:
            made.append(_run(f"{strategy}{name}", FAMILY | own, strategy))
            made.append(_run(f"dense, {strategy}{name}", FAMILY | own, strategy, "dense"))
    combined: dict[str, dict[str, Any]] = {"snapshot": {}, "fast_geometric": ways, "mc_dropout": {"dropout": 0.3}}
    made += [_run(f"{name}, combined", FAMILY | own, name, scored=True) for name, own in combined.items()]
    return [*made, _run("stochastic_subnetworks, bfloat16", FAMILY | HALF, "stochastic_subnetworks")]


def _shapes() -> list[Case]:
    """Batches that are padded or take several tiles, float32 and bfloat16, with dropout."""
    sizes = (1, 16, 100, 112, 128, 160, 256, 384)
    common = {"dropout": 0.2, "momentum": 0.9, "epochs": 2, "exploration_epochs": 2}
    return [
        _run(f"batch {size}, {name}", {"batch_size": size} | common | storage)
        for size in sizes
        for name, storage in (("float32", {}), ("bfloat16", HALF))
    ]


def _others() -> list[Case]:
    """Dense networks and scikit-learn's models, whose products are the BLAS library's."""
    references = ("logistic_regression", "random_forest", "hist_gradient_boosting", "sklearn_mlp")
    return [
        _run("dense", model="dense"),
        _run("dense, momentum", {"momentum": 0.9}, model="dense"),
        _run("dense, decay", {"weight_decay": 0.002}, model="dense"),
        _run("dense, decay times eta", {"weight_decay": 0.02, "decay_times_learning_rate": True}, model="dense"),
        _run("dense, dropout", {"dropout": 0.3}, model="dense"),
        _run("dense, clip and warmup", {"clip_norm": 0.2, "warmup_epochs": 2}, model="dense"),
        _run("dense, All-ReLU", {"activation": "all_relu"}, model="dense"),
        _run("dense, Xavier", {"init": "xavier"}, model="dense"),
        _run("dense, PyTorch's start", {"init": "torch"}, model="dense"),
        _run("dense, best epoch", {"selection": "best_validation"}, model="dense"),
        *(
            _run(f"dense, {refinement}", {"refinement": refinement, "exploration_epochs": 2}, model="dense")
            for refinement in ("eta", "eta_zeta", "comprehensive")
        ),
        _run("dense ensemble", {"members": 2}, "independent", "dense"),
        _run("dense ensemble, counted", {"members": 2}, "independent", "dense", scored=True),
        _run("dense, as in the paper", {"momentum": 0.9, "weight_decay": 0.0002, "dropout": 0.2}, model="dense"),
        *(_run(name, strategy=name, model="reference", dataset="two") for name in references),
    ]


def _measurements() -> list[Case]:
    network: dict[str, Any] = {"method": "dist_tse", "epsilon": 4.0, "seed": 0}
    return [
        _measurement("datasets"),
        _measurement("scalability", sizes=[40, 60], epsilon=3.0, repetitions=2),
        _measurement(
            "depth", hidden_layers=[1, 3], neurons=12, features=10, classes=3, compression=[3], shortcut_ratio=0.5,
            repetitions=2,
        ),
        _measurement("distances", draws=[3, 5], **network),
        _measurement("lambdas", repetitions=2, distance_factors=[0.5, 1.0], **network),
        _measurement("topology", methods=["edst_rg", "fd_tse", "dist_tse"], epsilon=4.0, networks=2, epochs=6),
        _measurement("pixels", method="fd_tse", epsilon=4.0, seed=0, prune_fractions=[0.3, 1.0]),
        _measurement("member_topology", datasets={"three": 2}, methods=["edst_rg", "fd_tse"], epsilon=4.0),
        _measurement(
            "trajectories", methods=["edst_rg", "rd_tse"], epsilon=4.0, seed=0, members=2, epochs=8,
            exploration_epochs=4, components=5, perplexity=4.0,
        ),
        _measurement(
            "noise", method="fd_tse", epsilon=4.0, seeds=1, epochs=6, rows=100, sparsities=[0, 0.5, 0.9],
            deviations=[0.01, 0.1], draws=2, divergence=0.02, population=4, members=[2], populations=2,
        ),
        _measurement(
            "saliency", "images", "standard", methods=["edst_rg", "independent"], epsilon=4.0, seeds=1, members=2,
            images=20, draws=2, noise=0.15,
        ),
        _measurement(
            "landscape", methods=["sparse_subnetworks"], epsilon=4.0, seeds=1, epochs=3, child_epochs=2, members=2,
            rows=100, norms=[0.1, 0.5], draws=2,
        ),
        _measurement(
            "tuning", methods=["one_child", "one_annealed"], epsilon=4.0, seeds=1, epochs=3, child_epochs=4,
            sparsity=0.5, falling_epochs=2, child_learning_rate=0.02,
        ),
    ]  # fmt: skip


def _estimators() -> list[Case]:
    single: dict[str, Any] = {"hidden_layer_sizes": (30, 20), "random_state": 3}
    # What presets and the numbers of rows would change is written out.
    single |= {"epsilon": 15.0, "calibration_fraction": 0.0}
    small = single | {"members": 2}
    real = small | {"epsilon": 25.0}
    base: dict[str, Any] = {"pairs": 0, "effort": 1.0, "dropout": 0.35}
    early: dict[str, Any] = {"early_stopping": True, "patience": 2}
    family = small | base | {"parent_epochs": 6, "child_epochs": 4}
    changes: dict[str, dict[str, Any]] = {
        "sparse_subnetworks": {},
        "stochastic_subnetworks": {"annealing_epochs": 2},
        "noisy_subnetworks": {"population": 4},
    }
    return [
        _estimator("classifier", "TrulySparseEnsembleClassifier", **small, **base),
        _estimator("classifier, early stopping", "TrulySparseEnsembleClassifier", **early, **small, **base),
        _estimator("regressor", "TrulySparseEnsembleRegressor", **real, **base),
        *(
            _estimator(f"classifier, {method}", "TrulySparseEnsembleClassifier", method=method, **family, **own)
            for method, own in changes.items()
        ),
        _estimator("single classifier", "SparseMLPClassifier", **single, **base),
        *(
            _estimator(
                f"classifier, mixed, {kind}", "TrulySparseEnsembleClassifier", True, preprocessing=kind, **small, **base
            )
            for kind in ("piecewise_linear", "quantile", "standard", "none")
        ),
        *(
            _estimator(f"{name}, pairs", kind, mixed, pairs=4, **own)
            for name, kind, mixed, own in (
                ("classifier, mixed", "TrulySparseEnsembleClassifier", True, small),
                ("regressor", "TrulySparseEnsembleRegressor", False, real),
                ("single classifier", "SparseMLPClassifier", False, single),
            )
        ),
    ]


def _shortcuts() -> list[Case]:
    """Networks with shortcuts, as runs have them, and starts of exact numbers."""
    exact: dict[str, Any] = {"epsilon": None, "compression": 3.0}
    spas: dict[str, Any] = exact | SET | {
        "shortcut_ratio": 0.5, "optimiser": "adam", "learning_rate": 0.01, "l1": 0.001, "activation": "mish",
        "init": "torch", "pruning": "global", "selection": "best_validation",
    }  # fmt: skip
    return [
        _run("shortcuts", {"shortcut_ratio": 0.4}),
        _run("shortcuts, full blocks", {"shortcut_ratio": 0.9, "epsilon": 9.0}),
        _run("shortcuts, fd_tse", ENSEMBLE | PAPER | {"shortcut_ratio": 0.5}, "fd_tse"),
        _run("exact start", exact),
        _run("exact start, independent", exact | {"members": 2}, "independent"),
        _run("exact start, links", {"epsilon": None, "links": 500}),
        _run("exact start, all places", {"epsilon": None, "compression": 0.0, "init": "torch_links"}),
        _run("SPaS", spas | {"evolution_every": 0}),
        _run("SPaSET", spas | {"patience": 2, "epochs": 10, "exploration_epochs": 10}),
        _run("SPaSET, ratio free", spas | {"keep_shortcut_ratio": False}),
        _run("SET*", spas | {"shortcut_ratio": 0.0}),
    ]


def _architectures() -> list[Case]:
    """Every kind of convolutional network as runs have them, and ensembles of them."""
    own: dict[str, Any] = {"dataset": "pictures", "data": {"split": "official", "scaling": "channels"}}
    spas: dict[str, Any] = SET | {
        "epsilon": None, "compression": 2.0, "hidden_layer_sizes": [4, 6], "architecture": "spas_cnn",
        "shortcut_ratio": 0.5, "optimiser": "adam", "learning_rate": 0.01, "l1": 0.001, "activation": "mish",
        "init": "torch", "pruning": "global", "selection": "best_validation", "patience": 2,
    }  # fmt: skip
    plain: dict[str, Any] = SET | {
        "epsilon": None, "compression": 2.0, "hidden_layer_sizes": [4, 6], "architecture": "plain_cnn", "momentum": 0.9,
        "weight_decay": 0.0002,
    }  # fmt: skip
    lenet = {"architecture": "lenet", "hidden_layer_sizes": [4, 6, 12]}
    two = {"members": 2, "epochs": 6, "exploration_epochs": 2}
    plainest = {
        "plain_cnn": [4, 6], "spas_cnn": [4, 6], "densenet": [3], "lenet": [4, 6, 12],
    }  # fmt: skip
    return [
        *(
            _run(f"{kind}, nothing but links", {"epsilon": None, "compression": 2.0, "architecture": kind,
                                                "hidden_layer_sizes": sizes}, **own)
            for kind, sizes in plainest.items()
        ),
        _run("SPaS-CNN, SPaSET", spas, **own),
        _run("SPaS-CNN without shortcuts", spas | {"shortcut_ratio": 0.0}, **own),
        _run("DenseNet, bfloat16", spas | HALF | {"architecture": "densenet", "hidden_layer_sizes": [3],
                                                      "shortcut_ratio": 0.0}, **own),
        _run("plain CNN", plain, **own),
        _run("plain CNN, all links", plain | {"compression": 1.0, "evolution_every": 0}, **own),
        _run("plain CNN, edst_rg", plain | two, "edst_rg", **own),
        _run("plain CNN, fd_tse", plain | two, "fd_tse", **own),
        _run("plain CNN, fresh subnetworks", plain | FAMILY | {"members": 2, "inherit": False}, "sparse_subnetworks",
             **own),
        _run("LeNet, subnetworks", plain | lenet | FAMILY | {"members": 2}, "sparse_subnetworks", **own),
        _run("LeNet, stochastic subnetworks", plain | lenet | FAMILY | {"members": 2}, "stochastic_subnetworks", **own),
        _run("LeNet, links", plain | lenet | {"compression": None, "links": 300}, **own),
    ]  # fmt: skip


def _pictures() -> list[Case]:
    """Every kind of convolutional layer, with both optimisers and storages, whole and padded batches, odd maps."""
    adam = {"rate": 0.01, "l1": 1e-3}
    return [
        _picture("plain"),
        _picture("padded, clipped", batch=50, numbers={"rate": 0.05, "clip": 0.1}),
        _picture("bfloat16, Adam", optimiser="Adam", storage="bfloat16", numbers=adam),
        _picture("few rows at a time", cache=60_000),
        _picture("odd rows and columns", shape=(2, 23, 17)),
        _picture("a row at a time, bfloat16, Adam", cache=1, optimiser="Adam", storage="bfloat16", numbers=adam),
    ]


def _graphs() -> list[Case]:
    """Links that skip layers, with every optimiser, activation, storage and kind of sample."""
    mish, half = {"slopes": "mish"}, {"storage": "bfloat16"}
    falling = [0.1 / (step + 2) for step in range(12)]
    adam: dict[str, Any] = {"optimiser": "Adam", "numbers": {"rate": 0.01}}
    return [
        _graph("plain"),
        _graph("bfloat16, dropout, padded", dropout=0.2, batch=50, **half),
        _graph("several tiles", batch=256),
        _graph("decay in the gradient", numbers={"rate": 0.05, "decay": 0.01, "coupled": True}),
        _graph("Nesterov", numbers={"rate": 0.05, "nesterov": True}),
        _graph("rates and momenta of steps", numbers={"rate": falling, "momentum": [1 - rate for rate in falling]}),
        _graph("clipped", numbers={"rate": 0.05, "clip": 0.1}),
        _graph("clipped, decay in the gradient", numbers={"rate": 0.05, "decay": 0.01, "coupled": True, "clip": 0.1}),
        _graph("Mish", **mish),
        _graph("Mish, bfloat16, dropout", dropout=0.2, **mish, **half),
        _graph("Adam", **adam),
        _graph("Adam with everything", optimiser="Adam", bias_per_block=True, **mish, **half,
               numbers={"rate": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6, "l1": 1e-3, "decay": 1e-3,
                        "clip": 0.5}),
        _graph("Adam, rates of steps", optimiser="Adam", numbers={"rate": falling}),
        _graph("bytes", bytes=True),
        _graph("bytes, bfloat16", bytes=True, **half),
    ]  # fmt: skip
