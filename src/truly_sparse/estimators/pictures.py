"""A classifier of pictures: one truly sparse convolutional network."""

import warnings
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)
from tqdm.auto import tqdm

from truly_sparse.engine import store
from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.rows import Bytes, Samples, chosen
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.trainer import create
from truly_sparse.errors import UserError
from truly_sparse.estimators import tables
from truly_sparse.estimators.checks import seed_of, weights_of
from truly_sparse.estimators.distinct_rows import Table, Weighted, Weights, gather, split
from truly_sparse.estimators.fit_config import AUTOMATIC, SETTINGS, FitConfig
from truly_sparse.estimators.halving import run_halving, shown_row
from truly_sparse.estimators.inspection import Summary, summarised
from truly_sparse.estimators.labels import CLASS_WEIGHT, ClassWeight, Labelled
from truly_sparse.estimators.parameters import documented, parameter
from truly_sparse.estimators.predictor import refuse_overflow
from truly_sparse.estimators.presets import HELD_OUT, batch_size, epochs_of
from truly_sparse.estimators.undoing import undone_on_failure
from truly_sparse.training.config import ARCHITECTURES
from truly_sparse.training.loop import Loop, Problem
from truly_sparse.training.settings import setting
from truly_sparse.training.start import fresh
from truly_sparse.training.targets import Classes

if TYPE_CHECKING:
    from truly_sparse.estimators.export import Layer

Floats = npt.NDArray[np.floating[Any]]
#: Pictures that are scaled and predicted, or summed up, at a time.
ROWS = 4096


class Shade(NamedTuple):
    """Mean and deviation of each channel over all training pictures; a channel that never varies has deviation 1."""

    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]


@documented
@dataclass(eq=False, repr=False)
class SparseCNNClassifier(Labelled, ClassifierMixin, BaseEstimator):
    """One truly sparse convolutional network for pictures: SET (Mocanu et al. 2018) or a static sparse network.

    Pictures come as arrays, shape (n_samples, rows, columns) or (n_samples, rows, columns, channels); bytes stay bytes.
    Each channel is standardised by its mean and deviation over the training pictures. scikit-learn's estimator checks
    fit tables of two dimensions, which are no pictures and are refused, so that it passes those alone that fit nothing.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        The labels, sorted.
    picture_shape_ : (int, int, int)
        Rows, columns and channels of a picture.
    n_features_in_ : int
        Numbers of a picture.
    shade_ : Shade
        Mean and deviation of each channel.
    network_ : SparseCNN
        The network that predicts.
    loss_curve_, validation_scores_ : list of float
        Training loss, and accuracy on the pictures held out (None without any), by epoch.
    history_ : list of dict
        One row per epoch: rate, loss, score, connections, seconds.
    n_iter_ : int
        Epochs trained.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from truly_sparse import SparseCNNClassifier
    >>> digits = load_digits()
    >>> model = SparseCNNClassifier(hidden_layer_sizes=(8, 16), compression=4, epochs=10)
    >>> bool(model.fit(digits.images, digits.target).score(digits.images, digits.target) > 0.9)
    True
    """

    architecture: str = parameter(
        "plain_cnn",
        '{"plain_cnn", "spas_cnn", "densenet", "lenet"}',
        "What kind of network: plain_cnn, parts of two convolutions with a maximum of two by two in between; spas_cnn, "
        "parts of three convolutions, which `shortcut_ratio` gives shortcuts (SPaS); densenet, three parts of four "
        "(SPaS's); lenet, two convolutions and then layers of neurons (Whitaker's).",
    )
    _: KW_ONLY
    hidden_layer_sizes: Sequence[int] = parameter(
        (16, 32, 64),
        None,
        "Channels of each part of plain_cnn and spas_cnn; of densenet the one number that its first layer has; of "
        "lenet those of its two convolutions, then the neurons of each layer that follows.",
    )
    compression: float = parameter(
        10.0, None, "Places that links could have for each link that there is at the start; 1 or 0 fills all places."
    )
    shortcut_ratio: float = parameter(
        0.0, None, "Part of the links that are shortcuts, from 0 to 1; only spas_cnn has some."
    )
    topology: str = setting(
        "set",
        "Whether weak links are pruned and others grown while training, or those of the start stay.",
        choices=("set", "static"),
    )
    init: str = "he"
    activation: str = parameter("relu", '{"mish", "relu"}', "Activation of the hidden layers (Mish: Misra 2019).")
    activation_storage: str = parameter(
        "float32",
        None,
        "How maps and their errors are kept between layers, in prediction, too; bfloat16 halves that memory and its "
        "traffic. Links, sums, gradients and normalisation are float32 with either.",
    )
    batch_size: int | str = "auto"
    epochs: int | str = parameter(
        "auto",
        'int or "auto"',
        'Epochs of training, at most. "auto" is 10 to 150, in which training sees 125,000 pictures for each class '
        "(at most 5).",
    )
    learning_rate: float = 0.05
    learning_rate_schedule: str = parameter(
        "cosine",
        None,
        "Rate on the way: steps, `learning_rate` all the time; cosine, half a cosine from it to nearly 0; hold_linear, "
        "a line from half of the epochs to 0.01 of it at nine tenths; tenths, 0.1 of it from half of the epochs and "
        "0.01 in the last tenth; one_cycle, from 0.01 of it up to it in a tenth of the steps, and down to nearly 0.",
    )
    optimiser: str = "sgd"
    l1: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0005
    decay_times_learning_rate: bool = True
    clip_norm: float = 1.0
    prune_fraction: float = 0.2
    pruning: str = "per_sign"
    evolution_every: int = parameter(1, None, "Epochs between two steps of topology evolution; 0 never evolves.")
    validation_fraction: float = parameter(
        0.0, None, "Part of the pictures that is held out for early stopping and for `validation_scores_`."
    )
    class_weight: ClassWeight = parameter(None, *CLASS_WEIGHT)
    early_stopping: bool = setting(
        False,
        "End training when the validation score has not risen for `patience` epochs, and keep the best state; a tenth "
        "of the pictures is held out where `validation_fraction` is 0.",
    )
    patience: int = setting(
        10, "Epochs without a better score that `early_stopping` waits for.", least=1, most=1_000_000
    )
    verbose: bool = parameter(False, "bool", "Show a progress bar.")
    random_state: Any = parameter(
        0, "int, RandomState or None", "The same number gives the same model, to the last bit on the same machine."
    )

    def __sklearn_tags__(self) -> Tags:
        tags: Tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike, sample_weight: npt.ArrayLike | None = None) -> Self:
        """Train on pictures and their labels.

        Parameters
        ----------
        X : array-like, shape (n_samples, rows, columns) or (n_samples, rows, columns, channels)
            Numbers; bytes (uint8) take a quarter of the memory of others, which are kept as float32.
        y : array-like, shape (n_samples,)
            Labels: numbers or strings.
        sample_weight : array-like, shape (n_samples,), optional
            A whole number repeats a picture, 0 leaves it out; other numbers are proportions. Whole ones therefore
            multiply the time of training, and must not sum to more than 1e9.

        Returns
        -------
        self

        Raises
        ------
        UserError
            If X holds no pictures, they are too small for the network, the settings contradict each other, a picture
            has no label, y has one class, or training diverges at ever lower rates. After any exception the estimator
            is as it was.
        """
        with undone_on_failure(self):
            settings = self._settings()
            pictures, self.picture_shape_ = self._flattened(X, None)
            labels = column_or_1d(y, warn=True)
            check_consistent_length(pictures, labels)
            tables.refuse_missing_targets(labels)
            check_classification_targets(labels)
            self.n_features_in_ = pictures.shape[1]
            self.classes_, numbers = np.unique(labels, return_inverse=True)
            table = gather(pictures, numbers.astype(np.int64), weights_of(sample_weight, pictures))
            self._train(self._weighted(table), settings)
        return self

    def _settings(self) -> dict[str, Any]:
        """Return the settings of training, "auto" among them; those that are not parameters as pictures need them."""
        given = self.get_params(deep=False)
        for name in ("topology", "early_stopping", "patience"):
            type(self).__dataclass_fields__[name].metadata["setting"].check(name, given.pop(name))
        settings = {
            name: SETTINGS[name].check(name, value, automatic=name in AUTOMATIC)
            for name, value in given.items()
            if name in SETTINGS
        }
        if settings["architecture"] == ARCHITECTURES[0]:
            raise UserError(f"architecture is 'mlp'; give one of {', '.join(ARCHITECTURES[1:])}")
        stopped = self.early_stopping
        held = settings["validation_fraction"] or (HELD_OUT if stopped else 0.0)
        return settings | {
            "dropout": 0.0,
            "members": 1,
            "refinement": "none",
            "evolution_every": settings["evolution_every"] if self.topology == "set" else 0,
            "validation_fraction": held,
            "selection": "best_validation" if stopped else "last",
            "patience": int(self.patience) if stopped else 0,
        }

    def _flattened(self, x: npt.ArrayLike, shape: tuple[int, ...] | None) -> tuple[Any, tuple[int, int, int]]:
        """Return pictures as rows, channel by channel, and their shape, which is refused if it is not the one given."""
        if isinstance(x, np.ma.MaskedArray):
            raise UserError("X is a masked array; networks of pictures know no missing values, so fill them")
        pictures = np.asarray(x)
        if pictures.dtype.kind not in "buif" or pictures.ndim not in (3, 4):
            raise UserError(
                f"X is an array of {pictures.dtype}, shape {pictures.shape}; give pictures as numbers, shape "
                "(n_samples, rows, columns) or (n_samples, rows, columns, channels)"
            )
        pictures = pictures[..., np.newaxis] if pictures.ndim == 3 else pictures
        own = tuple(int(n) for n in pictures.shape[1:])
        if min(pictures.shape) < 1:
            raise UserError(f"X of shape {pictures.shape} holds no pictures")
        if shape is not None and own != shape:
            raise UserError(f"X holds pictures of {own} rows, columns and channels; fit had {shape}")
        if pictures.dtype != np.uint8:
            with np.errstate(over="ignore"):
                pictures = pictures.astype(np.float32)
            if not np.isfinite(pictures).all():
                raise UserError("X holds a value that is missing, infinite or too large for float32; give others")
        rows, columns, channels = own
        return np.ascontiguousarray(np.moveaxis(pictures, 3, 1).reshape(len(pictures), -1)), (rows, columns, channels)

    def _train(self, table: Table, settings: dict[str, Any]) -> None:
        """Train on distinct pictures; sets the fitted attributes."""
        seed = seed_of(self.random_state)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 16,)))
        train, held = split(table.y, settings["validation_fraction"], rng)
        assert isinstance(table.x, np.ndarray)
        if self.early_stopping and not len(held):
            warnings.warn(f"{len(table.y)} pictures leave none for validation; early stopping is off", stacklevel=3)
        sampler = Weighted(table.weights[train])
        self.shade_ = _shade_of(table.x[train], table.weights[train], self.picture_shape_[2])
        x = self._shaded(table.x)
        targets = Classes(table.y[train], table.y[held], len(self.classes_), table.weights[held])
        problem = Problem(chosen(x, train), chosen(x, held), sampler, targets)
        if settings["epochs"] == "auto":
            settings["epochs"] = epochs_of(sampler.size, targets.classes)
        settings["exploration_epochs"] = settings["epochs"]
        settings["batch_size"] = batch_size(settings["batch_size"], sampler.size)
        rows, columns, channels = self.picture_shape_

        def begin(config: FitConfig) -> Loop:
            start = fresh("sparse", problem.x.shape[1], targets.classes, config, (channels, rows, columns))
            return Loop(problem, config, create(methods.SINGLE, config).stages(), start, seed)

        name, epochs = type(self).__name__, settings["epochs"]
        with tqdm(total=epochs, disable=not self.verbose, unit="epoch", desc=name) as bar:
            loop = run_halving(begin, settings, bar, stacklevel=4)
        history = [shown_row(row, targets.metric) for row in loop.progress.history]
        self.take(_network(loop.members[0].arrays), history)

    def take(self, network: SparseCNN, history: list[dict[str, Any]]) -> None:
        """Set the fitted attributes that follow from a network and the rows of its history."""
        self.network_, self.history_ = network, history
        self.loss_curve_ = [row["loss"] for row in history]
        self.validation_scores_ = [row["validation_score"] for row in history]
        self.n_iter_ = len(history)

    def _shaded(self, x: npt.NDArray[Any]) -> Samples:
        """Return flattened pictures as the network takes them."""
        each = x.shape[1] // len(self.shade_.mean)
        scale = np.repeat(1 / self.shade_.deviation, each)
        shift = np.repeat(-self.shade_.mean / self.shade_.deviation, each)
        if x.dtype == np.uint8:
            return Bytes(x, scale.astype(np.float32), shift.astype(np.float32))
        return (x * scale + shift).astype(np.float32)

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return softmax probabilities, shape (n_samples, n_classes), in the order of `classes_`."""
        check_is_fitted(self)
        pictures, _ = self._flattened(X, self.picture_shape_)
        parts = [
            self.network_.predict_proba(self._shaded(pictures[start : start + ROWS]))
            for start in range(0, len(pictures), ROWS)
        ]
        found = np.concatenate(parts).astype(np.float64)
        found /= found.sum(axis=1, keepdims=True)
        refuse_overflow(found)
        return found

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable class of each picture, shape (n_samples,)."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]

    def summary(self) -> Summary:
        """Return a table with one row per block of links, and their sum.

        Returns
        -------
        Summary
            A list of rows that prints as a table; ``pandas.DataFrame(model.summary())`` makes a frame of it. Columns:
            `member` (1), `block` ("taps → channels"), `links`, `density` (links / possible links), `memory_bytes` of
            what prediction needs of the links, without room for maps, and `multiply_adds` of one prediction.
        """
        check_is_fitted(self)
        return summarised([self.network_])

    def to_csr(self) -> "list[Layer]":
        """Return the weights and biases of every block of links.

        Returns
        -------
        list of Layer
            (weights, biases, sources): a CSR array, shape (channels, taps), an array, shape (channels,), both float32,
            and the map whose taps are the inputs; map 0 is the picture. Taps are in order of the kernel's row, the
            map's channel and the kernel's column.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.export import to_csr

        return to_csr(self.network_)

    def to_torch(self) -> Any:
        """Return a PyTorch module with dense weights that predicts the same.

        Returns
        -------
        torch.nn.Module
            From pictures, shape (n_samples, rows, columns, channels), as numbers that were not scaled, to
            probabilities, shape (n_samples, n_classes). Its parameters can be trained further. It keeps maps in
            float32, and so differs from a network with `activation_storage` bfloat16 as much as that rounds.

        Raises
        ------
        UserError
            If PyTorch is not installed.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.torch_export import pictures_to_torch

        return pictures_to_torch(self)

    def to_onnx(self, path: str | Path, sparse: bool = False) -> None:
        """Write an ONNX model from pictures (input "X") to probabilities (output "Y"); it rounds as `to_torch` does.

        Parameters
        ----------
        path : str or Path
            Of the file. Its X is float32, shape (n_samples, rows, columns, channels), numbers that were not scaled.
        sparse : bool, default False
            Whether the file holds each layer's links only, as sparse initialisers.

        Raises
        ------
        UserError
            If onnx is not installed.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.onnx_export import pictures_to_onnx

        pictures_to_onnx(self, path, sparse)

    def _html_repr(self) -> str:
        """Return what a notebook shows: the parameters and, once fitted, the layers and their links."""
        from truly_sparse.estimators.html import described

        return described(self, [self.network_] if hasattr(self, "network_") else ())

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __getstate__(self) -> dict[str, Any]:
        """Keep the network as its arrays."""
        state = dict(super().__getstate__())
        if "network_" in state:
            state["network_"] = store.snapshot(state["network_"])
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Rebuild the network."""
        super().__setstate__(state)
        if "network_" in self.__dict__:
            self.network_ = _network(self.__dict__["network_"])


def _network(arrays: store.Arrays) -> SparseCNN:
    network = store.build(arrays)
    assert isinstance(network, SparseCNN)
    return network


def _shade_of(x: npt.NDArray[Any], weights: Weights, channels: int) -> Shade:
    """Return the shade of flattened pictures, by sums in a stated order: over pictures, then within a channel."""
    share, each = weights / weights.sum(), x.shape[1] // channels

    def mean_of(centre: Floats, power: int) -> npt.NDArray[np.float64]:
        totals = np.zeros(x.shape[1])
        for start in range(0, len(x), ROWS):
            part = slice(start, start + ROWS)
            apart = (x[part] - np.repeat(centre, each)) ** power
            totals += np.add.reduce(share[part, np.newaxis] * apart, axis=0)
        return np.array([float(np.cumsum(own)[-1]) / each for own in totals.reshape(channels, each)])

    mean = mean_of(np.zeros(channels), 1)
    planes = x.reshape(len(x), channels, each)
    varies = planes.max(axis=(0, 2)) > planes.min(axis=(0, 2))
    return Shade(mean, np.where(varies, np.sqrt(mean_of(mean, 2)), 1.0))
