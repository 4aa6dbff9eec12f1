"""Networks that measurements look into, set up as runs are: data, split, settings and streams of the configuration."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from truly_sparse.data.arrays import Arrays, load
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.rows import Samples, taken
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.trainer import Trainer
from truly_sparse.errors import UserError
from truly_sparse.experiments.configuration import check_run, data_of, training_of
from truly_sparse.experiments.configuration_schema import suggest
from truly_sparse.experiments.samples import seen
from truly_sparse.training.loop import Callback
from truly_sparse.training.start import Model

#: The block between the first two hidden layers, the "hidden layer" of journal figures 2 and 4.
HIDDEN = 1
#: Significant digits of what is measured: networks of 32-bit numbers have no more.
DIGITS = 6


def settings_of(config: dict[str, Any], dataset: str, method: str, **changes: Any) -> dict[str, Any]:
    """Return the training settings of a method on a dataset, with some of them changed.

    Raises
    ------
    UserError
        For a dataset or a method that the configuration does not have.
    """
    for kind, name in (("dataset", dataset), ("method", method)):
        known = config[f"{kind}s"]
        if name not in known:
            raise UserError(f'a measurement asks for the unknown {kind} "{name}"{suggest(name, known)}')
    return training_of(config, dataset, method) | changes


def trainer_of(
    config: dict[str, Any],
    dataset: str,
    training: dict[str, Any],
    strategy: str,
    seed: int,
    split: int,
    model: Model = "sparse",
) -> tuple[Trainer, Arrays]:
    """Return a trainer that has not begun, of sparse networks or others, and its data, split as runs with `split`.

    Raises
    ------
    UserError
        Where the dataset is not prepared, or the settings contradict each other.
    """
    data = load(dataset, config["data"], data_of(config, dataset), split)
    problem = check_run(training, model, strategy, data_of(config, dataset))
    if problem or len(training["hidden_layer_sizes"]) <= HIDDEN:
        raise UserError(f"measured network on {dataset}: {problem or 'two hidden layers are needed'}")
    return Trainer(seen(data), training, model, strategy, seed), data


def converged(
    config: dict[str, Any], dataset: str, training: dict[str, Any], epochs: int, seed: int
) -> tuple[SparseMLP, Arrays]:
    """Return one network after `epochs` epochs, exploration and refinement as `training` says, and its data.

    Raises
    ------
    UserError
        Where training diverges.
    """
    exploration = min(epochs, training["exploration_epochs"])
    alone = training | {"members": 1, "epochs": epochs, "exploration_epochs": exploration}
    trainer, data = trainer_of(config, dataset, alone, methods.SINGLE, seed, seed)
    finish(trainer, dataset)
    assert isinstance(trainer.network, SparseMLP)
    return trainer.network, data


def explored(config: dict[str, Any], settings: dict[str, Any]) -> Iterator[tuple[str, SparseMLP, Arrays]]:
    """Yield every dataset of a measurement with a network at the end of its exploration phase."""
    for dataset in settings["datasets"]:
        training = settings_of(config, dataset, settings["method"], epsilon=settings["epsilon"])
        yield dataset, *converged(config, dataset, training, training["exploration_epochs"], settings["seed"])


def finish(trainer: Trainer, dataset: str, watch: Callback | None = None) -> None:
    """Train to the end, and show `watch` every network as an epoch left it, before links are regrown after the epoch.

    Raises
    ------
    UserError
        Where training diverges, because nothing is left to measure.
    """
    trainer.run(trained=watch)
    if trainer.progress.failure is not None:
        raise UserError(f"measured network on {dataset}: {trainer.progress.failure}")


def made_by(
    config: dict[str, Any], dataset: str, training: dict[str, Any], method: str, seed: int
) -> tuple[Trainer, Arrays]:
    """Return what has trained to the end as runs of a method do, with its strategy and its model, and the data.

    Raises
    ------
    UserError
        Where the dataset is not prepared, the settings contradict each other, or training diverges.
    """
    own = config["methods"][method]
    trainer, data = trainer_of(config, dataset, training, own["strategy"], seed, seed, own["model"])
    finish(trainer, dataset)
    return trainer, data


def short(value: float, digits: int = DIGITS) -> float:
    """Return a number of few significant digits."""
    return float(f"{value:.{digits}g}")


def some_rows(x: Samples, y: npt.NDArray[np.int64], count: int) -> tuple[Samples, npt.NDArray[np.int64]]:
    """Return so many rows from all over a table, which may be sorted by its labels, and their classes."""
    places = np.arange(min(count, len(y))) * len(y) // min(count, len(y))
    return taken(x, places), y[places]


def with_data(rows: Iterable[dict[str, Any]], dataset: str, data: Arrays) -> pd.DataFrame:
    """Return rows as a frame with the dataset in front and, behind, which part of it there was."""
    frame = pd.DataFrame(rows)
    frame.insert(0, "dataset", dataset)
    return frame.assign(partial=data.info["partial"] or "")
