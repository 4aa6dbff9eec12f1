"""`compare`: every method on your table, with the same splits, as a table and a figure."""

import argparse
import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from tqdm import tqdm

from truly_sparse import estimators, references
from truly_sparse.cli import columns
from truly_sparse.cli.candidates import ENSEMBLES, METHODS, RIVALS, SINGLE
from truly_sparse.cli.models import OPTIONS, create, is_regression, split
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path, folder_of

CLASSIFIERS = {"boosting": "hist_gradient_boosting", "mlp": "sklearn_mlp"}
#: Part of the rows that a split keeps for the test.
TEST = 0.2
#: Training rows from which on the perceptron has two rows to stop early by, and two of each class in all.
PERCEPTRON_ROWS = 13


def compare(arguments: argparse.Namespace) -> None:
    """Fit every method on every split; write comparison.csv and comparison.png; print the table.

    Raises
    ------
    UserError
        For a table, target, method, option or parameter that cannot be used, too few rows, or a folder that could not
        be written, before anything is trained.
    """
    if arguments.seeds < 1:
        raise UserError(f"--seeds is {arguments.seeds}; give 1 or more")
    table = columns.read(arguments.data)
    target = columns.target_of(table, arguments.target, arguments.data)
    regress = is_regression(target, "auto")
    known = [*(ENSEMBLES if regress else METHODS), *RIVALS]
    methods = arguments.methods or known
    unknown = [method for method in methods if method not in known]
    if unknown:
        what = f" that regress ({target.name} holds fractions)" if regress else ""
        raise UserError(f"method {unknown[0]!r} is none of the methods{what}: {', '.join(known)}")
    if not regress and target.value_counts().min() < 2:
        raise UserError(f"a class of column {target.name} has one row; every class needs two, to train and to test")
    x, y = columns.features(table, arguments.target, arguments.data), target.to_numpy()
    _refuse_few(len(y), methods, regress)
    folder = Path(arguments.output)
    folder_of(folder / "comparison.csv")
    for method in methods:  # what they cannot take is said before the first is trained
        _model(method, 0, x, arguments, regress)
    rows = []
    work = [(seed, method) for seed in range(arguments.seeds) for method in methods]
    with tqdm(work, unit="fit", disable=arguments.quiet) as bar:
        for seed, method in bar:
            bar.set_postfix(method=method, seed=seed)
            model = _model(method, seed, x, arguments, regress)
            rows.append({"method": method, "seed": seed, **_trained(model, seed, x, y, regress)})
    score = "r2" if regress else "accuracy"
    result = summarise(pd.DataFrame(rows), score)
    with atomic_path(folder / "comparison.csv") as temporary:
        result.to_csv(temporary, index=False)
    figure = _figure(result, score, folder / "comparison.png")
    if arguments.json:
        print(json.dumps({"table": json.loads(result.to_json(orient="records")), "folder": str(folder)}))
        return
    print(result.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-"))
    print(f"\nwritten: {folder / 'comparison.csv'}" + (f", {figure}" if figure else "; a figure needs matplotlib"))


def _refuse_few(rows: int, methods: Sequence[str], regress: bool) -> None:
    """Refuse a table whose splits have too few rows to train one of the methods, or to score it."""
    test = math.ceil(TEST * rows)
    if regress and test < 2:
        raise UserError(f"of {rows} row(s) {test} would be for the test, but R² needs two; give more rows")
    if "mlp" in methods and rows - test < PERCEPTRON_ROWS:
        raise UserError(
            f"of {rows} rows {rows - test} would be to train on, but method mlp needs {PERCEPTRON_ROWS}; give more "
            "rows, or name other --methods"
        )


def _model(method: str, seed: int, x: pd.DataFrame, arguments: argparse.Namespace, regress: bool) -> Any:
    """Return what trains by a method."""
    if method not in RIVALS:
        return create(method, arguments.preset, _fitting(arguments.set, method), regress, random_state=seed)
    rival = _regressor(method, seed) if regress else references.create(CLASSIFIERS[method], seed)
    return make_pipeline(_numbers(x, gaps=method == "boosting"), rival)


def _trained(model: Any, seed: int, x: pd.DataFrame, y: Any, regress: bool) -> dict[str, float]:
    """Return the score on the test rows of a split, and the CPU seconds of training."""
    x_train, x_test, y_train, y_test = split(x, y, TEST, seed, stratify=not regress)
    started = time.process_time()
    model.fit(x_train, y_train)
    seconds = time.process_time() - started
    return {"score": float(model.score(x_test, y_test)), "seconds": seconds}


def _numbers(x: pd.DataFrame, gaps: bool) -> ColumnTransformer:
    """Return what makes numbers of a table for a rival: a column of 0 and 1 for each category, of training's.

    Gaps in numbers stay where it takes them, else they become the median of training.
    """
    numeric = [name for name in x if columns.is_numeric(x[name])]
    scaled = StandardScaler() if gaps else make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    plain = FunctionTransformer(_objects, feature_names_out="one-to-one")
    text = make_pipeline(plain, OneHotEncoder(handle_unknown="ignore", sparse_output=False))
    return make_column_transformer((scaled, numeric), (text, [name for name in x if name not in numeric]))


def _objects(texts: pd.DataFrame) -> pd.DataFrame:
    """Return text as objects, with NaN where there is none: pandas has several marks of that."""
    return texts.astype(object).where(texts.notna(), np.nan)


def _regressor(method: str, seed: int) -> Any:
    """Return scikit-learn's regressor, with the same settings as the classifier beside it."""
    if method == "boosting":
        return HistGradientBoostingRegressor(random_state=seed)
    perceptron = MLPRegressor(random_state=seed, early_stopping=True, max_iter=500)
    return TransformedTargetRegressor(perceptron, transformer=StandardScaler())


def _fitting(changes: list[str], method: str) -> list[str]:
    """Leave out the settings that only the other kind of our models has."""
    own, other = (
        set(kind._get_param_names())
        for kind in (estimators.SparseMLPClassifier, estimators.TrulySparseEnsembleClassifier)
    )
    if method not in SINGLE:
        own, other = other, own
    left_out = other - own - OPTIONS.keys()
    return [change for change in changes if change.partition("=")[0] not in left_out]


def summarise(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """Return mean score, its 95 % t interval over splits, and CPU seconds of every method, best first."""
    grouped = rows.groupby("method", sort=False)
    result = grouped.agg(**{score: ("score", "mean")}, seconds=("seconds", "mean"), splits=("seed", "count"))
    half = stats.t.ppf(0.975, np.maximum(result["splits"] - 1, 1)) * grouped["score"].sem()
    result.insert(1, "low", (result[score] - half).clip(lower=0.0 if score == "accuracy" else None))
    result.insert(2, "high", (result[score] + half).clip(upper=1.0))
    return result.sort_values(score, ascending=False).reset_index()


def _figure(result: pd.DataFrame, score: str, path: Path) -> Path | None:
    """Draw scores with their intervals; without matplotlib there is none."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return None
    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6, 0.5 + 0.4 * len(result)), layout="constrained")
    turned = result.iloc[::-1]
    spread = [(turned[score] - turned["low"]).fillna(0.0), (turned["high"] - turned[score]).fillna(0.0)]
    ax.errorbar(turned[score], turned["method"], xerr=spread, fmt="o", capsize=3)
    name = "test accuracy" if score == "accuracy" else "R² on test rows"
    ax.set(xlabel=f"{name} (mean and 95 % interval over splits)")
    ax.grid(axis="x", alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
    return path
