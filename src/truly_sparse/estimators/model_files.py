"""Fitted estimators as .npz files: arrays and JSON, nothing pickled, refused when damaged.

Format 3 has a checksum, training state and methods by import name. Format 2 has marks and categories (`encoding`); a
file of format 1 is read as one without any. A file of a classifier of pictures has its shade and its network in place
of the encoding and the members. `docs/model_files.md` names all that is in a file.
"""

import json
from collections.abc import Collection, Mapping, Set
from importlib import import_module
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.errors import UserError, one_line
from truly_sparse.estimators import archives, preprocessing, tables
from truly_sparse.estimators.base import SparseEstimator
from truly_sparse.estimators.children import Parent, sharing
from truly_sparse.estimators.classifiers import SparseMLPClassifier, TrulySparseEnsembleClassifier
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.estimators.pictures import Shade, SparseCNNClassifier
from truly_sparse.estimators.regressor import TrulySparseEnsembleRegressor
from truly_sparse.estimators.state import Model
from truly_sparse.estimators.temperature import HIGHEST
from truly_sparse.files import folder_of
from truly_sparse.training.checkpoint import checked_links
from truly_sparse.training.loop import End, Member

FORMAT = 4
#: Formats that are read, and those without a checksum.
FORMATS, UNCHECKED = (1, 2, 3, 4), (1, 2)
#: Fitted attributes that are arrays, and those that are numbers.
ARRAYS = ("classes_", "feature_names_in_", "knots_")
#: What there is to know of a parent, besides its network.
COUNTS = ("children", "seed", "past", "rows", "digest")
Estimator = SparseEstimator | SparseCNNClassifier
#: Classes that a file may name.
KINDS: dict[str, type[SparseEstimator]] = {
    kind.__name__: kind for kind in (TrulySparseEnsembleClassifier, SparseMLPClassifier, TrulySparseEnsembleRegressor)
}
PICTURES = SparseCNNClassifier.__name__


def save_model(
    model: Estimator, path: str | Path, about: dict[str, Any] | None = None, training_state: bool = False
) -> None:
    """Write a fitted estimator to `path` (.npz); it loads back, predicts the same and shows the same.

    Parameters
    ----------
    model : estimator
        One of this package's, fitted.
    path : str or Path
        File to write, whole or not at all.
    about : dict, optional
        Facts of your own, kept as JSON; `about_` of the loaded estimator.
    training_state : bool, default False
        Whether `warm_start` and `partial_fit` go on from the file, to the bits of a model that was never saved where
        `random_state` is a number. The file is larger by the networks that training ended with, as far as they are
        others than the members, and by the links that later members avoid.

    Raises
    ------
    UserError
        If it is not fitted, a file cannot hold a parameter, a method of your own cannot be imported by its name, or
        there is no training state to keep.
    """
    if not isinstance(model, SparseEstimator | SparseCNNClassifier):
        raise UserError(f"a {type(model).__name__} is no model of this package; of a pipeline, save its last step")
    if not model.__sklearn_is_fitted__():
        raise UserError("the model is not fitted; call fit before save_model")
    folder_of(path)
    _refuse_facts(about or {})
    if isinstance(model, SparseCNNClassifier):
        if training_state:
            raise UserError("classifiers of pictures do not go on from a fit; leave training_state out")
        own, arrays = _of_pictures(model)
    else:
        own, arrays = _of_table(model, training_state)
    facts = {
        "format": FORMAT,
        "kind": type(model).__name__,
        **facts_of_parameters(model),
        "features": int(model.n_features_in_),
        **own,
        "about": about or {},
    }
    for name in ARRAYS:
        if hasattr(model, name):
            values = getattr(model, name)
            arrays[name] = tables.text_of(values, f"a text of {name}") if values.dtype.kind == "O" else values
            facts[f"{name}object"] = values.dtype.kind == "O"
    archives.write(path, facts, arrays)


def _refuse_facts(about: Mapping[str, Any]) -> None:
    """Refuse facts that JSON does not give back as they are."""
    try:
        json.dumps(about)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"about cannot be kept as JSON ({one_line(error)}); give text, numbers, lists and dicts"
        ) from None
    if not all(isinstance(name, str) for name in about):
        raise UserError("about has a name that is no text; give each fact a name")


def facts_of_parameters(model: Estimator) -> dict[str, Any]:
    """Return what a file says of an estimator's parameters, fitted or not: `parameters`, `imported` and `mappings`.

    Raises
    ------
    UserError
        If a file cannot hold a parameter, or a method of your own cannot be imported by its name.
    """
    given = model.get_params(deep=False)
    imported = {name: _import_name(value) for name, value in given.items() if isinstance(value, type)}
    parameters = {name: _plain(name, value) for name, value in given.items() if name not in imported}
    mappings = [name for name, value in given.items() if isinstance(value, Mapping) and not _named(value)]
    return {"parameters": parameters, "imported": imported, "mappings": mappings}


def load_model(path: str | Path, trusted: Collection[str] = ()) -> Any:
    """Read an estimator that `save_model` wrote.

    It predicts, and a parent takes more children. Else `warm_start` and `partial_fit` begin anew, unless the file holds
    training state.

    Parameters
    ----------
    path : str or Path
        File that `save_model` wrote. Nothing in it is executed or unpickled.
    trusted : collection of str
        Methods of your own, as ``"module:Name"``, that may be imported where the file names them; nothing else is.

    Returns
    -------
    estimator
        Of the class that was saved.

    Raises
    ------
    UserError
        If the file is missing, damaged, not such a file, or names a method that is not trusted.
    """
    path = Path(path)
    if path.exists() and not is_zipfile(path):
        raise UserError(f"{path} is not a model file (nor any .npz); `truly-sparse fit` or save_model writes one")
    try:
        facts, arrays = archives.read(path, UNCHECKED)
        if facts["format"] not in FORMATS:
            raise UserError(f"its format {facts['format']} is none of {', '.join(map(str, FORMATS))}")
        if facts["kind"] not in (*KINDS, PICTURES):
            raise UserError(f"it holds a {facts['kind']}, not one of {', '.join((*KINDS, PICTURES))}")
        for name, imported in facts.get("imported", {}).items():
            facts["parameters"][name] = _imported(name, imported, trusted)
        for name in facts.get("mappings", []):
            facts["parameters"][name] = dict(facts["parameters"][name])
        model = _restored_pictures(facts, arrays) if facts["kind"] == PICTURES else _restored(facts, arrays)
        for name in ARRAYS:
            if name in arrays:
                setattr(model, name, arrays[name].astype(object) if facts[f"{name}object"] else arrays[name])
        model.n_features_in_, model.about_ = int(facts["features"]), facts["about"]
        return model
    except FileNotFoundError:
        raise UserError(f"no model file {path}; `truly-sparse fit` or save_model writes one") from None
    except UserError as error:
        raise UserError(f"{path} is not usable: {one_line(error)}") from None
    except Exception as error:  # whatever a damaged file does
        raise UserError(f"{path} is not a model file ({one_line(error)})") from None


def _import_name(kind: type) -> str:
    """Return by what a method of one's own is imported."""
    name = f"{kind.__module__}:{kind.__qualname__}"
    if not issubclass(kind, Method | Strategy):
        raise UserError(f"{name} is neither a Method nor a Strategy, which a model file can name")
    try:
        found = getattr(import_module(kind.__module__), kind.__qualname__, None)
    except ImportError:
        found = None
    if found is not kind or kind.__module__ == "__main__":
        raise UserError(f"method {name} cannot be imported by that name; define it at the top of a module of its own")
    return name


def _imported(parameter: str, name: str, trusted: Collection[str]) -> type[Method] | type[Strategy]:
    """Return the class of a name that is trusted."""
    if isinstance(trusted, str) or name not in trusted:
        raise UserError(f'its {parameter} is {name}, code of its own; if you trust it, give trusted=["{name}"]')
    module, _, own = name.partition(":")
    try:
        found = getattr(import_module(module), own, None)
    except ImportError as error:
        raise UserError(f"its {parameter} is {name}, which cannot be imported ({error})") from None
    if not (isinstance(found, type) and issubclass(found, Method | Strategy)):
        raise UserError(f"its {parameter} is {name}, which is neither a Method nor a Strategy")
    return found


def _of_table(model: SparseEstimator, training_state: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return facts and arrays of an estimator of tables."""
    state: Model = model._model
    parent = state.parent.member if state.parent is not None else None
    scaling = state.encoding.scaling
    facts = {
        "scaling": next(name for name, kind in preprocessing.SCALINGS.items() if type(scaling) is kind),
        "members": [_facts(member, parent) for member in state.members],
        "parent": _facts_of_parent(state),
        "history": state.history,
        "temperature": state.temperature,
        "made_with": _plain("made_with", dict(state.made_with)),
    }
    arrays = {f"scaling/{name}": array for name, array in scaling.arrays().items()}
    arrays |= {f"encoding/{name}": array for name, array in state.encoding.arrays().items()}
    arrays |= {f"categories/{name}": array for name, array in tables.plain(model.categories_).items()}
    for number, member in enumerate(state.members):
        arrays |= _own_arrays(f"member{number}", member, parent)
    if parent is not None:
        arrays |= _own_arrays("parent", parent, None)
    elif training_state:
        own, more = _of_ends(state)
        return facts | own, arrays | more
    return facts, arrays


def _of_ends(state: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return facts and arrays of where training ended: of each member, after `partial_fit`, or of the last."""
    if state.end is None:
        raise UserError("the model was read from a file without training state, so it has none to keep")
    facts: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    for number, end in enumerate(state.ends or [state.end]):
        member = state.members[number if state.ends else -1]
        network = sharing(Member(end.epochs, None, end.network), member)
        shared = _shared(network, member)
        facts.append({"epochs": end.epochs, "shared": shared, "earlier": sorted(end.earlier)})
        arrays |= _own_arrays(f"end{number}", network, member)
        arrays |= {f"earlier{number}/{block}": links for block, links in end.earlier.items()}
    return {"ends": facts, "each": bool(state.ends)}, arrays


def _of_pictures(model: SparseCNNClassifier) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return facts and arrays of a classifier of pictures."""
    arrays = {f"network/{name}": array for name, array in store.snapshot(model.network_).items()}
    arrays |= {f"shade/{name}": array for name, array in model.shade_._asdict().items()}
    return {"picture_shape": list(model.picture_shape_), "history": model.history_}, arrays


def _restored_pictures(facts: dict[str, Any], arrays: dict[str, Any]) -> SparseCNNClassifier:
    model = SparseCNNClassifier(**facts["parameters"])
    rows, columns, channels = (int(n) for n in facts["picture_shape"])
    shade = Shade(**_below("shade", arrays))
    if any(each.dtype != np.float64 or each.shape != (channels,) for each in shade):
        raise UserError(f"its shade is not that of {channels} channels")
    if rows * columns * channels != facts["features"] or not (np.isfinite(shade).all() and (shade.deviation > 0).all()):
        raise UserError("its shade or its features do not fit its pictures")
    network = store.build(_below("network", arrays))
    if not isinstance(network, SparseCNN) or tuple(network.plan.picture) != (channels, rows, columns):
        raise UserError(f"its network does not take pictures of {(rows, columns, channels)}")
    if network.sizes[-1] != _answers("classes_", arrays):
        raise UserError("its network does not know its classes")
    model.picture_shape_, model.shade_ = (rows, columns, channels), shade
    model.take(network, facts["history"])
    return model


def _own_arrays(place: str, member: Member, parent: Member | None) -> dict[str, Any]:
    """Return a member's arrays as a file names them, without those that it shares with the parent."""
    shared = _shared(member, parent)
    return {f"{place}/{name}": array for name, array in member.arrays.items() if name not in shared}


def _shared(member: Member, parent: Member | None) -> list[str]:
    """Return the names of the arrays that a member shares with the parent; the parent itself shares all."""
    if parent is None:
        return []
    return [name for name, array in member.arrays.items() if parent.arrays.get(name) is array]


def _facts(member: Member, parent: Member | None) -> dict[str, Any]:
    return {"epoch": member.epoch, "accuracy": member.score, "shared": _shared(member, parent)}


def _facts_of_parent(state: Model) -> dict[str, Any] | None:
    if state.parent is None or state.end is None:
        return None
    counts = {name: getattr(state.parent, name) for name in COUNTS}
    return counts | _facts(state.parent.member, None) | {"epochs": state.end.epochs}


def _restored(facts: dict[str, Any], arrays: dict[str, Any]) -> SparseEstimator:
    model = KINDS[facts["kind"]](**facts["parameters"])
    features = int(facts["features"])
    model.categories_ = tables.restored(_below("categories", arrays), features)
    scaling = preprocessing.create(facts["scaling"], 1).restore(_below("scaling", arrays))
    marks = _below("encoding", arrays) if facts["format"] > 1 else Encoding.without_marks(features)
    encoding = Encoding(scaling, model.categories_).restore(marks)
    encoding.check(features)
    answers = _answers("knots_" if isinstance(model, TrulySparseEnsembleRegressor) else "classes_", arrays)
    if "feature_names_in_" in arrays and arrays["feature_names_in_"].shape != (features,):
        raise UserError(f"it does not name its {features} features")

    def network(place: str, fact: dict[str, Any], shared: dict[str, Any]) -> Member:
        found = {name: shared[name] for name in fact.get("shared", [])} | _below(place, arrays)
        inputs, sizes = encoding.owners.shape[1], store.build(found).sizes
        if sizes[0] != inputs:  # the kernels check no bounds
            raise UserError(f"{place} does not take the {inputs} encoded features")
        if sizes[-1] != answers:
            raise UserError(f"{place} does not give one of {answers} answers")
        return Member(fact["epoch"], fact["accuracy"], found)

    told, parent, end = facts.get("parent"), None, None
    if told is not None:
        member = network("parent", told, {})
        parent = Parent(member, **{name: told[name] for name in COUNTS})
        end = End(member.arrays, {}, told["epochs"])
    shared = parent.member.arrays if parent is not None else {}
    members = [network(f"member{number}", fact, shared) for number, fact in enumerate(facts["members"])]
    if not members:
        raise UserError("it holds no members")
    ends: list[End] = []
    for number, fact in enumerate(facts.get("ends", [])):
        member = members[number if facts["each"] else -1]
        own = network(f"end{number}", {"epoch": 0, "accuracy": None, **fact}, member.arrays)
        links = _below(f"earlier{number}", arrays)
        built = store.build(own.arrays)
        if built.sizes != store.build(member.arrays).sizes or type(fact["epochs"]) is not int or fact["epochs"] < 0:
            raise UserError(f"its training state does not fit member {number}")
        ends.append(
            End(own.arrays, {n: checked_links(links[str(n)], built, n) for n in fact["earlier"]}, fact["epochs"])
        )
    if ends:
        end, ends = ends[-1], ends if facts["each"] else []
        if ends and len(ends) != len(members):
            raise UserError("its training state is not that of all members")
    temperature = facts.get("temperature", 1.0)
    if not (isinstance(temperature, int | float) and 1 <= temperature <= HIGHEST):
        raise UserError(f"its temperature {temperature} is not a number from 1 to {HIGHEST:g}")
    made_with = dict(facts.get("made_with", {}))
    model._take(Model(encoding, members, end, facts["history"], parent, ends, float(temperature), made_with))
    return model


def _answers(name: str, arrays: dict[str, Any]) -> int:
    """Return how many classes or knots there are, which are checked."""
    values = arrays.get(name)
    if values is None or values.ndim != 1 or not len(values):
        raise UserError(f"it holds no {name}")
    if name == "knots_" and not (
        values.dtype == np.float64 and np.isfinite(values).all() and (np.diff(values) > 0).all()
    ):
        raise UserError("its knots_ do not ascend")
    return len(values)


def _below(place: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return the arrays whose names begin with a place, by what follows it."""
    return {name.partition("/")[2]: array for name, array in arrays.items() if name.startswith(f"{place}/")}


def _plain(name: str, value: Any) -> Any:
    """Return a parameter as JSON holds it; a dict whose keys are not all text as a list of [key, value]."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Mapping):
        pairs = [[_plain(name, key), _plain(name, item)] for key, item in value.items()]
        return dict(pairs) if _named(value) else pairs
    if isinstance(value, Collection):
        return [_plain(name, item) for item in (sorted(value, key=str) if isinstance(value, Set) else value)]
    raise UserError(
        f"parameter {name} holds a value of type {type(value).__name__}, which a model file cannot; give numbers, "
        "text, or lists or dicts of these"
    )


def _named(value: Mapping[Any, Any]) -> bool:
    """Return whether all keys of a dict are text, as in JSON."""
    return all(isinstance(key, str) for key in value)
