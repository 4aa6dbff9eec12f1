"""The models of `tabular.py`: ours, their peers by default, and the random search for those that are tuned."""

import importlib.util
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from defaults_tables import BASE

from truly_sparse import SparseMLPClassifier, TrulySparseEnsembleClassifier

#: A range that is searched: lowest and highest value, evenly or by the logarithm, rounded where it counts something.
Range = tuple[float, float, str]
EVEN, LOG, EVEN_WHOLE, LOG_WHOLE = "even", "log", "even, whole", "log, whole"
#: Settings that a search tries, of which the first are the defaults, and the seed that they are drawn with.
TRIALS, SEARCH_SEED = 30, 0
TUNED = ", tuned"


class Kind(NamedTuple):
    """How a model is made of a seed and settings, the package it takes, and the ranges of its search."""

    make: Callable[..., Any]
    package: str
    ranges: Mapping[str, Range] = {}


def _boosting(seed: int, **settings: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(random_state=seed, **settings)


def _lightgbm(seed: int, **settings: Any) -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(random_state=seed, n_jobs=1, verbose=-1, **settings)


def _xgboost(seed: int, **settings: Any) -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(random_state=seed, n_jobs=1, **settings)


def _catboost(seed: int, **settings: Any) -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(random_seed=seed, thread_count=1, verbose=False, allow_writing_files=False, **settings)


def _extra_trees(seed: int) -> Any:
    from sklearn.ensemble import ExtraTreesClassifier

    return ExtraTreesClassifier(random_state=seed)


def _realmlp(seed: int) -> Any:
    from pytabkit import RealMLP_TD_Classifier

    return RealMLP_TD_Classifier(device="cpu", random_state=seed, n_threads=1)


def _tabm(seed: int) -> Any:
    from pytabkit import TabM_D_Classifier

    return TabM_D_Classifier(device="cpu", random_state=seed, n_threads=1)


#: Ours: the presets, one network by itself, and what was the default before there were presets.
#: What the names of ours begin with.
OWN = "truly sparse, "
OURS = {
    **{
        f"{OWN}{preset}": Kind(
            lambda seed, preset=preset: TrulySparseEnsembleClassifier(preset=preset, random_state=seed), "truly_sparse"
        )
        for preset in ("fast", "best", "accurate")
    },
    f"{OWN}one network": Kind(lambda seed: SparseMLPClassifier(random_state=seed), "truly_sparse"),
    f"{OWN}before presets": Kind(lambda seed: TrulySparseEnsembleClassifier(**BASE, random_state=seed), "truly_sparse"),
}
BOOSTING = {
    "HistGradientBoosting": Kind(
        _boosting,
        "sklearn",
        {
            "max_iter": (50, 1000, LOG_WHOLE),
            "learning_rate": (0.01, 0.3, LOG),
            "max_leaf_nodes": (8, 128, LOG_WHOLE),
            "min_samples_leaf": (5, 100, LOG_WHOLE),
            "l2_regularization": (0.001, 10, LOG),
            "max_features": (0.5, 1, EVEN),
        },
    ),
    "LightGBM": Kind(
        _lightgbm,
        "lightgbm",
        {
            "n_estimators": (50, 1000, LOG_WHOLE),
            "learning_rate": (0.01, 0.3, LOG),
            "num_leaves": (8, 128, LOG_WHOLE),
            "min_child_samples": (5, 100, LOG_WHOLE),
            "reg_lambda": (0.001, 10, LOG),
            "colsample_bytree": (0.5, 1, EVEN),
            "subsample": (0.5, 1, EVEN),
            "subsample_freq": (1, 1, EVEN_WHOLE),
        },
    ),
    "XGBoost": Kind(
        _xgboost,
        "xgboost",
        {
            "n_estimators": (50, 1000, LOG_WHOLE),
            "learning_rate": (0.01, 0.3, LOG),
            "max_depth": (3, 10, EVEN_WHOLE),
            "min_child_weight": (1, 100, LOG),
            "reg_lambda": (0.001, 10, LOG),
            "colsample_bytree": (0.5, 1, EVEN),
            "subsample": (0.5, 1, EVEN),
        },
    ),
    "CatBoost": Kind(
        _catboost,
        "catboost",
        {
            "iterations": (100, 1000, LOG_WHOLE),
            "learning_rate": (0.01, 0.3, LOG),
            "depth": (4, 8, EVEN_WHOLE),
            "l2_leaf_reg": (1, 10, LOG),
            "random_strength": (0.1, 10, LOG),
            "bagging_temperature": (0, 1, EVEN),
        },
    ),
}
MODELS: dict[str, Kind] = {
    **OURS,
    **{name: kind._replace(ranges={}) for name, kind in BOOSTING.items()},
    "extra trees": Kind(_extra_trees, "sklearn"),
    **{name + TUNED: kind for name, kind in BOOSTING.items()},
    "RealMLP": Kind(_realmlp, "pytabkit"),
    "TabM": Kind(_tabm, "pytabkit"),
}


def missing(name: str) -> bool:
    """Return whether the package of a model is not installed."""
    return importlib.util.find_spec(MODELS[name].package) is None


def trials(name: str) -> list[dict[str, Any]]:
    """Return the settings that a tuned model's search tries: the defaults, and others drawn from its ranges."""
    rng = np.random.default_rng([SEARCH_SEED, zlib.crc32(name.encode())])
    ranges = MODELS[name].ranges
    return [{}, *({key: _drawn(rng, *limits) for key, limits in ranges.items()} for _ in range(TRIALS - 1))]


def _drawn(rng: np.random.Generator, low: float, high: float, how: str) -> float:
    value = low * (high / low) ** rng.random() if how.startswith("log") else low + (high - low) * rng.random()
    return round(value) if how.endswith("whole") else float(f"{value:.4g}")
