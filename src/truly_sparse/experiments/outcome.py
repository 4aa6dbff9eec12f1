"""What decides a run's result: data, model, prediction and what is measured of it. The record around it is `run`'s.

A model is a class `Model` in `networks` or `reference`.
"""

import base64
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from truly_sparse.data.arrays import Arrays, Samples, load
from truly_sparse.measure.diversity import diversity
from truly_sparse.measure.metrics import accuracy_of, classification_metrics, predict_ensemble

if TYPE_CHECKING:
    from truly_sparse.experiments.grid import RunSpec

Floats = npt.NDArray[np.float32]
#: The module of each kind of model.
MODULES = {"sparse": "networks", "dense": "networks", "reference": "reference"}


class Model(Protocol):
    """A model that has been fitted.

    Attributes
    ----------
    failure : str or None
        What to do about a divergence; None for a run that ended well.
    model_bytes : int
        Memory of the model.
    """

    failure: str | None

    @property
    def model_bytes(self) -> int: ...

    def predict(self, x: Samples) -> Floats:
        """Return probabilities, float32, shape (members, samples, classes)."""
        ...

    def record(self, data: Arrays, probabilities: Floats | None) -> dict[str, Any]:
        """Return the parts of the run record that only this kind of model has, given what `predict` says of the tests.

        `probabilities` is None for a run that diverged.
        """
        ...

    def write(self, folder: Path) -> None:
        """Write what lies beside the record."""
        ...

    def forget_checkpoint(self) -> None:
        """Take the checkpoint away; called when the record is in place."""
        ...


def data_of(spec: "RunSpec", data: dict[str, Any]) -> Arrays:
    """Return a run's data, split and scaled; `data` is that block of the configuration."""
    return load(spec.dataset, data, spec.settings["data"], spec.seed)


def fit(
    spec: "RunSpec",
    data: Arrays,
    folder: Path,
    restart: bool,
    each_epoch: Callable[[], None],
    parents: Path | None = None,
) -> Model:
    """Train a run's model.

    Parameters
    ----------
    spec : RunSpec
    data : Arrays
    folder : Path
        The run's folder, where networks keep a checkpoint.
    restart : bool
        Ignore a checkpoint.
    each_epoch : callable
        Called after every epoch.
    parents : Path, optional
        Folder of trained networks from which runs begin that differ only in what comes of these.
    """
    module = import_module(f"truly_sparse.experiments.{MODULES[spec.settings['model']]}")
    model: Model = module.Model(spec, data, folder, restart, each_epoch, parents)
    return model


def predict(model: Model, data: Arrays) -> Floats | None:
    """Return probabilities of the test rows, shape (members, samples, classes); a diverged run predicts nothing."""
    return model.predict(data.x_test) if model.failure is None else None


def measured(probabilities: Floats | None, data: Arrays) -> dict[str, Any]:
    """Measure ensemble and members on the test rows; nothing where the run diverged.

    `correct` holds one bit per test row, 1 where the ensemble is right, packed as by `numpy.packbits`, in base64: what
    tests by resampling need, small enough to be committed.
    """
    if probabilities is None:
        accuracy: dict[str, Any] = {"test": None, "members_test": []}
        return {"accuracy": accuracy, "metrics": None, "diversity": None, "correct": None}
    ensemble = predict_ensemble(probabilities)
    correct = ensemble.argmax(axis=1) == data.y_test
    members = [accuracy_of(one, data.y_test) for one in probabilities]
    return {
        "accuracy": {"test": float(correct.mean()), "members_test": members},
        "metrics": classification_metrics(ensemble, data.y_test),
        "diversity": diversity(probabilities, data.y_test),
        "correct": base64.b64encode(np.packbits(correct).tobytes()).decode(),
    }
