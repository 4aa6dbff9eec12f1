"""`compare`: every method on your table, with the same splits, as a table and a figure."""

import argparse
import json
import time
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
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tqdm import tqdm

from truly_sparse import references
from truly_sparse.cli import columns
from truly_sparse.cli.candidates import ENSEMBLES, METHODS, RIVALS
from truly_sparse.cli.models import create, is_regression, split
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path

CLASSIFIERS = {"boosting": "hist_gradient_boosting", "mlp": "sklearn_mlp"}


def compare(arguments: argparse.Namespace) -> None:
    """Fit every method on every split; write comparison.csv and comparison.png; print the table."""
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
    rows = []
    work = [(seed, method) for seed in range(arguments.seeds) for method in methods]
    with tqdm(work, unit="fit", disable=arguments.quiet) as bar:
        for seed, method in bar:
            bar.set_postfix(method=method, seed=seed)
            rows.append({"method": method, "seed": seed, **_one(method, seed, x, y, arguments, regress)})
    score = "r2" if regress else "accuracy"
    result = summarise(pd.DataFrame(rows), score)
    folder = Path(arguments.output)
    with atomic_path(folder / "comparison.csv") as temporary:
        result.to_csv(temporary, index=False)
    figure = _figure(result, score, folder / "comparison.png")
    if arguments.json:
        print(json.dumps({"table": json.loads(result.to_json(orient="records")), "folder": str(folder)}))
        return
    print(result.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-"))
    print(f"\nwritten: {folder / 'comparison.csv'}" + (f", {figure}" if figure else "; a figure needs matplotlib"))


def _one(
    method: str, seed: int, x: pd.DataFrame, y: Any, arguments: argparse.Namespace, regress: bool
) -> dict[str, float]:
    model: Any
    if method in RIVALS:
        rival = _regressor(method, seed) if regress else references.create(CLASSIFIERS[method], seed)
        model = make_pipeline(_numbers(x, gaps=method == "boosting"), rival)
    else:
        model = create(method, arguments.preset, _fitting(arguments.set, method), regress, random_state=seed)
    x_train, x_test, y_train, y_test = split(x, y, 0.2, seed, stratify=not regress)
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
    text = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((scaled, numeric), (text, [name for name in x if name not in numeric]))


def _regressor(method: str, seed: int) -> Any:
    """Return scikit-learn's regressor, with the same settings as the classifier beside it."""
    if method == "boosting":
        return HistGradientBoostingRegressor(random_state=seed)
    perceptron = MLPRegressor(random_state=seed, early_stopping=True, max_iter=500)
    return TransformedTargetRegressor(perceptron, transformer=StandardScaler())


def _fitting(changes: list[str], method: str) -> list[str]:
    """Leave out the settings that only the other kind of our models has."""
    others = (
        ("epochs",)
        if method not in ("set", "static")
        else ("members", "exploration_epochs", "member_epochs", "restart_prune_fraction")
    )
    return [change for change in changes if change.partition("=")[0] not in others]


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
