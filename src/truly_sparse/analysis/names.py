"""How methods, datasets and settings are called in what a reader sees."""

import re
from collections.abc import Iterable
from typing import Any

METHODS = {
    "dense": "Dense",
    "edst_rg": "EDST_RG",
    "edst_rg_comprehensive": "EDST_RG, comprehensive refinement",
    "rd_tse": "RD-TSE",
    "fd_tse": "FD-TSE",
    "dist_tse": "Dist-TSE",
    "set_mlp": "SET-MLP",
    "static": "Static sparse",
    "dense_ensemble": "Dense ensemble",
    "set_mlp_tse": "SET-MLP, ensembles' schedule",
    "static_tse": "Static sparse, ensembles' schedule",
    "dense_tse": "Dense, ensembles' schedule",
    "set_ensemble_cost": "5 SET-MLPs, equal cost",
    "set_ensemble_epochs": "5 SET-MLPs, equal epochs each",
    "mlp_static": "MLP, static",
    "mlp_set": "MLP, SET*",
    "spas_static": "SPaS-MLP, static",
    "spas_set": "SPaS-MLP, SPaSET",
    "spas_set_tse": "SPaS-MLP, SPaSET, ensembles' schedule",
    "cnn_static": "CNN, static",
    "cnn_set": "CNN, SET*",
    "densenet_static": "DenseNet, static",
    "densenet_set": "DenseNet, SET*",
    "spas_cnn_static": "SPaS-CNN, static",
    "spas_cnn_set": "SPaS-CNN, SPaSET",
    "cnn_one": "One CNN",
    "cnn_independent": "Five independent CNNs",
    "cnn_edst_rg": "EDST_RG of CNNs",
    "cnn_fd_tse": "FD-TSE of CNNs",
    "cnn_partition": "Neural partition of CNNs",
    "sparse_subnetworks": "Sparse subnetworks",
    "stochastic_subnetworks": "Stochastic subnetworks",
    "dense_ensemble_equal": "Dense ensemble",
    "dense_tuned": "Dense, tuned",
    "set": "SET",
    "set_200": "SET, 200 epochs",
    "set_400": "SET, 400 epochs",
    "dropout": "Dropout",
    "mc_dropout": "Monte Carlo dropout",
    "bagging": "Bagging",
    "snapshot": "Snapshot ensemble",
    "fge": "Fast geometric ensemble",
    "noisy": "Noisy children",
    "sse_r": "Sparse children, random",
    "sse_np": "Sparse children, parts",
    "sse_np_bag": "Sparse children, parts, bagged",
    "stochastic": "Stochastic children",
    "sse_unpruned": "Children without pruning",
    "sse_fresh": "Sparse children, fresh values",
    "sse_neurons": "Child of half the neurons",
    "sse_neurons_fresh": "Child of half the neurons, fresh values",
    "sse_longer": "Sparse children, tuned longer",
    "sparse_ensemble": "Sparse networks from scratch",
    "dense_long": "Dense, rate held",
    "one_shot": "One-shot pruning",
    "one_shot_longer": "One-shot pruning, tuned longer",
    "iterative": "Iterative pruning",
    "annealing": "Temperature annealing",
    "random_annealing": "Random annealing",
    "sse_pair": "Two children of one parent",
    "snapshot_pair": "Two snapshots after a first",
    "treenet": "TreeNet",
    "batchensemble": "BatchEnsemble",
    "mimo": "MIMO",
    "edst": "EDST ensemble",
    "dst": "DST ensemble",
    "sklearn_mlp": "MLPClassifier",
    "logistic_regression": "Logistic regression",
    "random_forest": "Random forest",
    "hist_gradient_boosting": "Gradient boosting",
}
#: Endings of the names of methods that are another one but for one thing, and what it is called.
VARIANTS = {"_lenet_adam": "LeNet", "_lenet": "LeNet", "_adam": "Adam"}
DATASETS = {
    "gesture": "Gesture Phase",
    "higgs": "HIGGS",
    "fashion_mnist": "Fashion-MNIST",
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "digits": "Digits",
    "breast_cancer": "Breast cancer",
    "wine": "Wine",
    "bank-marketing": "Bank marketing",
    "california": "California",
    "credit": "Credit",
    "electricity": "Electricity",
    "default-of-credit-card-clients": "Default of credit card clients",
    "eye_movements": "Eye movements",
    "heloc": "Heloc",
    "house_16H": "House16",
    "jannis": "Jannis",
    "pol": "Pol",
}


def method_title(method: str) -> str:
    """Return the method's printed name; the name itself where there is none."""
    for ending, variant in VARIANTS.items():
        plain = method.removesuffix(ending)
        if plain != method and plain in METHODS:
            return f"{METHODS[plain]}, {variant}"
    return METHODS.get(method, method)


def separator(words: Iterable[str]) -> str:
    """Return what stands between the words of a list: a comma, or a semicolon where a word has a comma itself."""
    return "; " if any(", " in word for word in words) else ", "


def row_title(method: str, others: str) -> str:
    """Return the method's printed name and other axes of its setting: "Dense, η 0.001"."""
    axes = re.sub(r"(?<![a-z])eta(?=\d)", "η ", others)
    return ", ".join(filter(None, (method_title(method), axes)))


def dataset_title(dataset: str) -> str:
    """Return the dataset's printed name; the name itself where there is none."""
    return DATASETS.get(dataset, dataset)


def row_order(dataset: str, method: str, epsilon: float | None, setting: str) -> tuple[Any, ...]:
    """Return a sort key: datasets by name, methods in the order of `METHODS`, then epsilon and setting."""
    known = list(METHODS)
    place = known.index(method) if method in known else len(known)
    return dataset, place, method, -1.0 if epsilon is None else epsilon, setting


def split_setting(setting: str) -> tuple[str, str]:
    """Return (lambda, other axes) of a setting's name: "eps20_lambda1.5_zeta0.3" gives ("1.5", "zeta0.3").

    Epsilon has a column of its own everywhere and is left out.
    """
    rest = re.sub(r"^(eps[^_]+|default)_?", "", setting)
    found = re.search(r"(?:^|_)lambda([^_]+)", rest)
    if found is None:
        return "", rest
    return found[1], (rest[: found.start()] + rest[found.end() :]).strip("_")
