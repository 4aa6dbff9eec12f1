"""`fit`, `predict` and `inspect`: from a table to a model file, and from there to predictions, plots and ONNX."""

import argparse
import ast
import json
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from truly_sparse import estimators
from truly_sparse.cli import columns
from truly_sparse.cli.candidates import SINGLE
from truly_sparse.errors import UserError
from truly_sparse.estimators.model_files import facts_of_parameters
from truly_sparse.estimators.stored import StoredRows
from truly_sparse.estimators.table_files import bytes_of, open_table
from truly_sparse.files import atomic_path, folder_of
from truly_sparse.measure.free_memory import limits

#: Files of `inspect --plots`, by what each shows.
PLOTS = ("degrees.png", "importances.png", "training.png")
#: So many times the bytes of its numbers a table takes at most while a model learns from it (measured: 6).
WHILE_FITTED = 8
#: Rows of a file that are predicted at a time.
PREDICTED = 1 << 16
#: Parameters that have an option of their own.
OPTIONS = {
    "method": "--method",
    "topology": "--method",
    "preset": "--preset",
    "random_state": "--seed",
    "verbose": "--quiet",
}


def create(method: str, preset: str, changes: list[str], regress: bool, **more: Any) -> Any:
    """Return the unfitted estimator of a method, with ``NAME=VALUE`` parameters.

    Raises
    ------
    UserError
        For a parameter that the estimator does not have, or a regression by a single network.
    """
    kind: Any
    if method in SINGLE:
        if regress:
            raise UserError(f"method {method} classifies only; give another --method, or --task classify")
        kind = estimators.SparseMLPClassifier
    else:
        kind = estimators.TrulySparseEnsembleRegressor if regress else estimators.TrulySparseEnsembleClassifier
    parameters: dict[str, Any] = {}
    known = [name for name in kind._get_param_names() if name not in OPTIONS]
    for change in changes:
        name, equals, text = change.partition("=")
        if name in OPTIONS:
            raise UserError(f"--set {change}: use {OPTIONS[name]} for that")
        if not equals or name not in known:
            raise UserError(f"--set {change}: give NAME=VALUE, with a name of {', '.join(known)}")
        try:
            parameters[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError):
            parameters[name] = text
    return kind(method, preset=preset, **more).set_params(**parameters)


def is_regression(target: pd.Series, task: str) -> bool:
    """Return whether to regress: as told, or where the target is numbers with fractions.

    Raises
    ------
    UserError
        For a task that the target is not fit for: text to regress, or fractions to classify.
    """
    fractions = bool(pd.api.types.is_float_dtype(target) and (target % 1 != 0).any())
    if task == "regress" and not pd.api.types.is_numeric_dtype(target):
        raise UserError(f"column {target.name} holds text; it can only be classified")
    if task == "classify" and fractions:
        raise UserError(f"column {target.name} holds fractions, which are no classes; it can only be regressed")
    return fractions if task == "auto" else task == "regress"


def split(x: pd.DataFrame | StoredRows, y: Any, fraction: float, seed: int, stratify: bool) -> list[Any]:
    """Return training and test rows of x and y; every class is on both sides, where each has enough rows.

    Raises
    ------
    UserError
        If no row is left to train on.
    """
    count = len(np.unique(y)) if stratify else 0
    test = math.ceil(fraction * len(y))
    if test >= len(y):
        raise UserError(f"of {len(y)} row(s) {test} would be for the test, which leaves none to train on")
    possible = stratify and np.unique(y, return_counts=True)[1].min() > 1 and count <= min(test, len(y) - test)
    stratified = y if possible else None
    both = train_test_split(np.arange(len(y)), test_size=test, stratify=stratified, random_state=seed % 2**32)
    return [*(x[rows] if isinstance(x, StoredRows) else x.iloc[rows] for rows in both), *(y[rows] for rows in both)]


@contextmanager
def _table(arguments: argparse.Namespace) -> Iterator[tuple[Any, npt.NDArray[Any]]]:
    """Yield the rows of a table and their targets: in memory, or in a file where that is asked for or needed."""
    free = min(size for _, size in limits())
    if arguments.stream or bytes_of(arguments.data) * WHILE_FITTED > free:
        with open_table(arguments.data, arguments.target, folder_of(arguments.output)) as table:
            yield table
    else:
        frame = columns.read(arguments.data)
        target = columns.target_of(frame, arguments.target, arguments.data)
        yield columns.features(frame, arguments.target, arguments.data), target.to_numpy()


def fit(arguments: argparse.Namespace) -> None:
    """Train and write a model; print where it is and how good.

    Raises
    ------
    UserError
        For a table, target, option or parameter that cannot be used, or a model that could not be written, before it is
        trained.
    """
    if arguments.seed < 0:
        raise UserError(f"--seed is {arguments.seed}; give 0 or more")
    folder_of(arguments.output)
    with _table(arguments) as (x, y):
        _fit(arguments, x, y)


def _fit(arguments: argparse.Namespace, x: Any, y: npt.NDArray[Any]) -> None:
    regress = is_regression(pd.Series(y, name=arguments.target, dtype=y.dtype), arguments.task)
    model = create(
        arguments.method,
        arguments.preset,
        arguments.set,
        regress,
        random_state=arguments.seed,
        verbose=not arguments.quiet,
    )
    facts_of_parameters(model)
    x_test, y_test = None, y[:0]
    if arguments.test_fraction:
        if not 0 < arguments.test_fraction < 1:
            raise UserError(f"--test-fraction is {arguments.test_fraction}; give a number between 0 and 1")
        x, x_test, y, y_test = split(x, y, arguments.test_fraction, arguments.seed, stratify=not regress)
        if regress and len(y_test) < 2:
            raise UserError(f"--test-fraction {arguments.test_fraction} keeps one row, but R² needs two; raise it")
    started = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - started
    estimators.save_model(model, arguments.output, {"columns": list(x), "target": arguments.target})
    score = "r2" if regress else "accuracy"
    facts = {
        "model": arguments.output,
        "estimator": type(model).__name__,
        "rows": len(x),
        "features": x.shape[1],
        "seconds": round(seconds, 2),
        "epochs": model.n_iter_,
        "links": model.summary()[-1]["links"],
        f"training_{score}": _score(model, x, y),
        f"test_{score}": None if x_test is None else _score(model, x_test, y_test),
    }
    _say(facts, arguments.json)


def _score(model: Any, x: Any, y: npt.NDArray[Any]) -> float:
    """Return what `score` does, of rows in a file, too, which are not all brought into memory."""
    if not isinstance(x, StoredRows):
        return float(model.score(x, y))
    starts = range(0, len(x), PREDICTED)
    predicted = np.concatenate([model.predict(x[start : start + PREDICTED]) for start in starts])
    return float(np.mean(predicted == y)) if hasattr(model, "classes_") else float(r2_score(y, predicted))


def predict(arguments: argparse.Namespace) -> None:
    """Print or write predictions, one per row; of the table, some rows at a time are in memory.

    Raises
    ------
    UserError
        For a file that is no model of the command line, a table that does not fit it, or probabilities of a regression.
    """
    if arguments.output:
        folder_of(arguments.output)
    model = _load(arguments.model)
    if arguments.probabilities and not hasattr(model, "classes_"):
        raise UserError(f"{arguments.model} regresses; it has no classes, so leave --probabilities out")
    names, categories = model.about_["columns"], model.categories_.items()
    texts = {names[place]: frozenset(known) for place, known in categories if known.dtype == object}
    pieces = columns.pieces(arguments.data, texts)
    made = [_predicted(model, piece, arguments.data, arguments.probabilities) for piece in pieces]
    result = pd.concat(made, ignore_index=True)
    if arguments.output:
        with atomic_path(arguments.output) as temporary:
            result.to_csv(temporary, index=False)
    if arguments.json:
        facts = {"rows": len(result), "output": arguments.output}
        print(json.dumps(facts if arguments.output else facts | {"predictions": result.to_dict("list")}))
    elif arguments.output:
        print(f"{len(result)} predictions in {arguments.output}")
    else:
        print(result.to_csv(index=False), end="")


def _predicted(model: Any, table: pd.DataFrame, path: str, probabilities: bool) -> pd.DataFrame:
    """Return what is predicted of some rows of a table."""
    x = columns.as_trained(table, model.about_["columns"], path)
    result = pd.DataFrame({model.about_["target"]: model.predict(x)})
    if probabilities:
        chances = model.predict_proba(x)
        for place, label in enumerate(model.classes_):
            result[f"probability of {label}"] = chances[:, place]
    return result


def inspect(arguments: argparse.Namespace) -> None:
    """Print the table of a model and its strongest features; write plots and ONNX where asked for.

    Raises
    ------
    UserError
        For a file that is no model of the command line, or options that do not go together.
    """
    if arguments.sparse and not arguments.onnx:
        raise UserError("--sparse is a kind of ONNX file; name the file with --onnx")
    if arguments.plots:
        folder_of(Path(arguments.plots) / PLOTS[0])
    if arguments.onnx:
        folder_of(arguments.onnx)
    model = _load(arguments.model)
    written = []
    if arguments.plots:
        written += _plots(model, Path(arguments.plots))
    if arguments.onnx:
        model.to_onnx(arguments.onnx, sparse=arguments.sparse)
        written.append(arguments.onnx)
    shares = dict(zip(model.feature_names_in_.tolist(), model.feature_importances_.tolist(), strict=True))
    strongest = dict(sorted(shares.items(), key=lambda item: -item[1]))
    if arguments.json:
        summary = list(model.summary())
        print(json.dumps({"estimator": repr(model), "summary": summary, "features": strongest, "written": written}))
        return
    print(model.summary())
    print("\nStrongest features, by their share of the input links' strength:")
    for name, share in list(strongest.items())[:10]:
        print(f"  {share:6.1%}  {name}")
    for path in written:
        print(f"written: {path}")


def _plots(model: Any, folder: Path) -> list[str]:
    import matplotlib as mpl

    mpl.use("agg")
    made = []
    for file in PLOTS:
        with atomic_path(folder / file) as temporary:
            getattr(model, f"plot_{Path(file).stem}")().figure.savefig(temporary, dpi=150)
        made.append(str(folder / file))
    return made


def _load(path: str) -> Any:
    model = estimators.load_model(path)
    if "columns" not in model.about_:
        raise UserError(f"{path} does not know its columns; only models that `truly-sparse fit` wrote can be used here")
    return model


def _say(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts))
        return
    for name, value in facts.items():
        if value is not None:
            print(f"{name.replace('_', ' '):18} {value:.4f}" if isinstance(value, float) else f"{name:18} {value}")
