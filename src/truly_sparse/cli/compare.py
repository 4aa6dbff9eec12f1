"""`compare`: every method on your table, with the same splits, as a table and a figure."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tqdm import tqdm

from truly_sparse import references
from truly_sparse.cli import columns
from truly_sparse.cli.models import create, is_regression
from truly_sparse.cli.own import METHODS
from truly_sparse.errors import UserError
from truly_sparse.files import atomic_path

RIVALS = {"boosting": "hist_gradient_boosting", "mlp": "sklearn_mlp"}


def compare(arguments: argparse.Namespace) -> None:
    """Fit every method on every split; write comparison.csv and comparison.png; print the table."""
    methods = arguments.methods or [*METHODS, *RIVALS]
    unknown = [method for method in methods if method not in (*METHODS, *RIVALS)]
    if unknown:
        raise UserError(f"method {unknown[0]!r} is none of {', '.join([*METHODS, *RIVALS])}")
    if arguments.seeds < 1:
        raise UserError(f"--seeds is {arguments.seeds}; give 1 or more")
    table = columns.read(arguments.data)
    target = columns.target_of(table, arguments.target, arguments.data)
    if is_regression(target, "auto"):
        raise UserError(f"column {target.name} holds fractions; compare classifies, so give a column of classes")
    rare = target.value_counts().min()
    if rare < 2:
        raise UserError(f"a class of column {target.name} has one row; every class needs two, to train and to test")
    plan = columns.plan(table.drop(columns=arguments.target))
    x, y = columns.numbers(table, plan, arguments.data), target.to_numpy()
    rows = []
    work = [(seed, method) for seed in range(arguments.seeds) for method in methods]
    with tqdm(work, unit="fit", disable=arguments.quiet) as bar:
        for seed, method in bar:
            bar.set_postfix(method=method, seed=seed)
            rows.append({"method": method, "seed": seed, **_one(method, seed, x, y, arguments)})
    result = summarise(pd.DataFrame(rows))
    folder = Path(arguments.output)
    with atomic_path(folder / "comparison.csv") as temporary:
        result.to_csv(temporary, index=False)
    figure = _figure(result, folder / "comparison.png")
    if arguments.json:
        print(json.dumps({"table": json.loads(result.to_json(orient="records")), "folder": str(folder)}))
        return
    print(result.to_string(index=False, float_format=lambda value: f"{value:.4f}", na_rep="-"))
    print(f"\nwritten: {folder / 'comparison.csv'}" + (f", {figure}" if figure else "; a figure needs matplotlib"))


def _one(method: str, seed: int, x: pd.DataFrame, y: Any, arguments: argparse.Namespace) -> dict[str, float]:
    model: Any
    if method in RIVALS:
        model = make_pipeline(StandardScaler(), references.create(RIVALS[method], seed))
    else:
        model = create(method, arguments.preset, _fitting(arguments.set, method), random_state=seed)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=seed)
    started = time.process_time()
    model.fit(x_train, y_train)
    seconds = time.process_time() - started
    return {"accuracy": float(model.score(x_test, y_test)), "seconds": seconds}


def _fitting(changes: list[str], method: str) -> list[str]:
    """Leave out the settings that only the other kind of our models has."""
    others = ("epochs",) if method not in ("set", "static") else ("members", "exploration_epochs", "member_epochs", "q")
    return [change for change in changes if change.partition("=")[0] not in others]


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracy, its 95 % t interval over splits, and CPU seconds of every method, best first."""
    grouped = rows.groupby("method", sort=False)
    result = grouped.agg(accuracy=("accuracy", "mean"), seconds=("seconds", "mean"), splits=("seed", "count"))
    half = stats.t.ppf(0.975, np.maximum(result["splits"] - 1, 1)) * grouped["accuracy"].sem()
    result.insert(1, "low", (result["accuracy"] - half).clip(lower=0.0))
    result.insert(2, "high", (result["accuracy"] + half).clip(upper=1.0))
    return result.sort_values("accuracy", ascending=False).reset_index()


def _figure(result: pd.DataFrame, path: Path) -> Path | None:
    """Draw accuracies with their intervals; without matplotlib there is none."""
    try:
        import matplotlib as mpl
    except ModuleNotFoundError:
        return None
    mpl.use("agg")
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots(figsize=(6, 0.5 + 0.4 * len(result)), layout="constrained")
    turned = result.iloc[::-1]
    spread = [(turned["accuracy"] - turned["low"]).fillna(0.0), (turned["high"] - turned["accuracy"]).fillna(0.0)]
    ax.errorbar(turned["accuracy"], turned["method"], xerr=spread, fmt="o", capsize=3)
    ax.set(xlabel="test accuracy (mean and 95 % interval over splits)")
    ax.grid(axis="x", alpha=0.3)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=150)
    plt.close(figure)
    return path
