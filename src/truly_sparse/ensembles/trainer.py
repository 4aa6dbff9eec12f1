"""A run of a configuration: the training loop on labelled rows, with the stages of a named method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.network import Floats
from truly_sparse.engine.rows import Samples
from truly_sparse.ensembles import methods, strategies
from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.sequential import Sequential
from truly_sparse.ensembles.strategies import Strategy
from truly_sparse.errors import UserError
from truly_sparse.training.config import TrainingConfig, contradiction
from truly_sparse.training.loop import Loop, Member, Problem
from truly_sparse.training.sampling import Shuffled, rows_of_bag
from truly_sparse.training.start import Model, fresh
from truly_sparse.training.targets import Classes, Labels


@dataclass(frozen=True)
class Data:
    """What training may see: x [sample][feature], float32 or bytes, y int64 class numbers below `classes`."""

    x: Samples
    y: Labels
    x_validation: Samples
    y_validation: Labels
    classes: int


class Trainer(Loop):
    """The training loop of a run; see `Loop` for what it holds and does.

    Parameters
    ----------
    data : Data
    training : mapping
        Settings by name, as a configuration has them; see `TrainingConfig` for all of them.
    model : {"sparse", "dense"}
    method : str
        Name of a method of ensembles or of an escape strategy.
    seed : int

    Raises
    ------
    UserError
        Where the settings contradict each other, the data or the model.
    """

    def __init__(self, data: Data, training: Mapping[str, Any], model: Model, method: str, seed: int) -> None:
        settings = TrainingConfig.of(training)
        _check(data, settings, model, method)
        super().__init__(
            Problem(data.x, data.x_validation, Shuffled(len(data.y)), Classes(data.y, data.y_validation, data.classes)),
            settings,
            create(method, settings).stages(),
            fresh(model, data.x.shape[1], data.classes, settings),
            seed,
            remedy="lower training.learning_rate, lower epsilon, or scale the data",
        )


def kind_of(method: str | type[Method] | type[Strategy]) -> type[Method]:
    """Return the class of a method that is named, or given as a class of its own or of an escape strategy."""
    if isinstance(method, str):
        return methods.kind(method)
    return Sequential if issubclass(method, Strategy) else method


def create(method: str | type[Method] | type[Strategy], settings: TrainingConfig) -> Method:
    """Return a method of some settings; see `kind_of` for what it is given as.

    Raises
    ------
    UserError
        For settings that the method cannot train, or a name that neither a method nor a strategy has.
    """
    kind = kind_of(method)
    problem = kind.problem(method if isinstance(method, str) else method.__name__, settings)
    if problem is not None:
        raise UserError(problem)
    if isinstance(method, str) and kind is Sequential:
        return Sequential(settings, strategies.create(method, settings))
    if isinstance(method, type) and issubclass(method, Strategy):
        return Sequential(settings, method(settings))
    return kind(settings)


def _check(data: Data, settings: TrainingConfig, model: str, method: str) -> None:
    wrong = contradiction(settings, model)
    if wrong is not None:
        raise UserError(wrong)
    rows, batch = len(data.y), settings.batch_size
    if batch > rows:
        raise UserError(f"training.batch_size {batch} exceeds the {rows} training rows; lower it")
    drawn = rows_of_bag(rows, settings.bag_fraction)
    if batch > drawn:
        raise UserError(
            f"training.batch_size {batch} exceeds the {drawn} training rows of bag_fraction "
            f"{settings.bag_fraction:g}; lower it or raise bag_fraction"
        )
    if settings.selection == "best_validation" and not len(data.y_validation):
        raise UserError("selection best_validation needs validation rows; raise data validation_fraction")
    if methods.kind(method).chooses and not len(data.y_validation):
        raise UserError(f"strategy {method!r} chooses by validation rows; raise data validation_fraction")
    if model == "dense" and not methods.kind(method).dense:
        raise UserError(f"strategy {method!r} regrows links, which a dense model does not have")


def predict_members(members: list[Member], x: Samples) -> Floats:
    """Return softmax probabilities of every member, float32, shape (members, samples, classes)."""
    return np.stack([store.build(member.arrays).predict_proba(x) for member in members])
