"""Fitted estimators as .npz files: arrays and JSON, nothing pickled, refused when damaged."""

import json
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from truly_sparse.engine import store
from truly_sparse.errors import UserError
from truly_sparse.estimators import preprocessing
from truly_sparse.estimators.base import Model, SparseEstimator
from truly_sparse.estimators.classifiers import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.estimators.regressor import TrulySparseEnsembleRegressor
from truly_sparse.files import atomic_path
from truly_sparse.training.loop import Member

FORMAT = 1
#: Fitted attributes that are arrays, and those that are numbers.
ARRAYS = ("classes_", "feature_names_in_", "knots_")
#: Classes that a file may name.
KINDS: dict[str, type[SparseEstimator]] = {
    kind.__name__: kind for kind in (TrulySparseEnsembleClassifier, SparseMLPClassifier, TrulySparseEnsembleRegressor)
}


def save_model(model: SparseEstimator, path: str | Path, about: dict[str, Any] | None = None) -> None:
    """Write a fitted estimator to `path` (.npz); it loads back, predicts the same and shows the same.

    Parameters
    ----------
    model : estimator
        One of this package's, fitted.
    path : str or Path
        File to write, whole or not at all.
    about : dict, optional
        Facts of your own, kept as JSON; `about_` of the loaded estimator.

    Raises
    ------
    UserError
        If it is not fitted, or a parameter is not plain (a method that is a class of your own, say).
    """
    if not hasattr(model, "_model"):
        raise UserError("the model is not fitted; call fit before save_model")
    state: Model = model._model
    parameters = {name: _plain(name, value) for name, value in model.get_params(deep=False).items()}
    facts = {
        "format": FORMAT,
        "kind": type(model).__name__,
        "parameters": parameters,
        "features": int(model.n_features_in_),
        "scaling": next(name for name, kind in preprocessing.SCALINGS.items() if type(state.scaling) is kind),
        "members": [{"epoch": member.epoch, "accuracy": member.score} for member in state.members],
        "history": state.history,
        "about": about or {},
    }
    arrays = {f"scaling/{name}": array for name, array in state.scaling.arrays().items()}
    for number, member in enumerate(state.members):
        arrays |= {f"member{number}/{name}": array for name, array in member.arrays.items()}
    for name in ARRAYS:
        if hasattr(model, name):
            values = getattr(model, name)
            arrays[name] = values.astype(str) if values.dtype.kind == "O" else values
            facts[f"{name}object"] = values.dtype.kind == "O"
    with atomic_path(path) as temporary:
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez_compressed(temporary, allow_pickle=False, facts=text, **arrays)


def load_model(path: str | Path) -> Any:
    """Read an estimator that `save_model` wrote.

    It predicts; `warm_start` and `partial_fit` begin anew, because a file holds no training state.

    Parameters
    ----------
    path : str or Path
        File that `save_model` wrote. Nothing in it is executed or unpickled.

    Returns
    -------
    estimator
        Of the class that was saved.

    Raises
    ------
    UserError
        If the file is missing, damaged, or not such a file.
    """
    path = Path(path)
    if path.exists() and not is_zipfile(path):
        raise UserError(f"{path} is not a model file (nor any .npz); `truly-sparse fit` or save_model writes one")
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts = json.loads(archive["facts"].tobytes())
            arrays = {name: archive[name] for name in archive.files if name != "facts"}
        if facts["format"] != FORMAT:
            raise UserError(f"its format {facts['format']} is not {FORMAT}")
        if facts["kind"] not in KINDS:
            raise UserError(f"it holds a {facts['kind']}, not one of {', '.join(KINDS)}")
        return _restored(facts, arrays)
    except FileNotFoundError:
        raise UserError(f"no model file {path}; `truly-sparse fit` or save_model writes one") from None
    except UserError as error:
        raise UserError(f"{path} is not usable: {error}") from None
    except Exception as error:  # whatever a damaged file does
        raise UserError(f"{path} is not a model file ({error})") from None


def _restored(facts: dict[str, Any], arrays: dict[str, Any]) -> SparseEstimator:
    model = KINDS[facts["kind"]](**facts["parameters"])
    own = {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith("scaling/")}
    scaling = preprocessing.create(facts["scaling"], 1).restore(own)
    members = []
    for number, fact in enumerate(facts["members"]):
        start = f"member{number}/"
        found = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        if store.build(found).sizes[0] != len(scaling.owner):  # the kernels check no bounds
            raise UserError(f"member {number + 1} does not take the {len(scaling.owner)} encoded features")
        members.append(Member(fact["epoch"], fact["accuracy"], found))
    for name in ARRAYS:
        if name in arrays:
            setattr(model, name, arrays[name].astype(object) if facts[f"{name}object"] else arrays[name])
    model.n_features_in_, model.about_ = facts["features"], facts["about"]
    model._take(Model(scaling, members, None, facts["history"]))
    return model


def _plain(name: str, value: Any) -> Any:
    """Return a parameter as JSON holds it."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | list):
        return [_plain(name, item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(name, item) for key, item in value.items()}
    raise UserError(f"parameter {name} is a {type(value).__name__}, which a model file cannot hold; set it to a name")
