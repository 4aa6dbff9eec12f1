"""The ensembles as a scikit-learn classifier."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import train_test_split
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from truly_sparse.ensembles.trainer import Data, Trainer, predict_ensemble, predict_members
from truly_sparse.errors import UserError


class TrulySparseEnsembleClassifier(ClassifierMixin, BaseEstimator):
    """Ensemble of truly sparse perceptrons collected in one training run (van der Wal et al. 2025).

    The defaults are those of the journal's Gesture experiment. Scale the features first, for example with
    `sklearn.preprocessing.StandardScaler` in a pipeline.

    Parameters
    ----------
    method : {"fd_tse", "rd_tse", "dist_tse", "edst_rg"}, default "fd_tse"
        How the links of the next member are regrown.
    epsilon : float, default 20
        Density of the Erdős–Rényi start; a block has about epsilon (n_in + n_out) links.
    hidden : sequence of int, default (1000, 1000, 1000)
        Neurons of each hidden layer.
    members : int, default 5
    epochs, exploration_epochs : int, default 350 and 100
        The epochs after the exploration are shared equally by the members.
    batch_size : int, default 128
    eta, momentum, weight_decay : float
        Learning rate; momentum; decay per step, not multiplied by eta.
    dropout, zeta, q : float
        Rate of dropped hidden units; fraction pruned in a SET step; fraction pruned between members.
    evolution_every : int, default 2
        Epochs between SET steps during exploration.
    refinement : {"comprehensive", "eta_zeta", "eta", "none"}
    alpha : float, default 0.5
        Slope of All-ReLU; 0 is plain ReLU.
    distance_factor : float, default 1.5
        lambda of Dist-TSE.
    validation_fraction : float, default 0.2
        Part of the training rows that chooses each member's best epoch.
    random_state : int, default 0

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    members_ : list of Member
        The collected networks.
    history_ : list of dict
        One row per epoch: phase, learning rate, loss, accuracies, connections, seconds.
    """

    def __init__(
        self,
        method: str = "fd_tse",
        epsilon: float = 20.0,
        hidden: Sequence[int] = (1000, 1000, 1000),
        members: int = 5,
        epochs: int = 350,
        exploration_epochs: int = 100,
        batch_size: int = 128,
        eta: float = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 0.0002,
        dropout: float = 0.2,
        zeta: float = 0.2,
        q: float = 0.8,
        evolution_every: int = 2,
        refinement: str = "comprehensive",
        alpha: float = 0.5,
        distance_factor: float = 1.5,
        validation_fraction: float = 0.2,
        random_state: int = 0,
    ) -> None:
        self.method = method
        self.epsilon = epsilon
        self.hidden = hidden
        self.members = members
        self.epochs = epochs
        self.exploration_epochs = exploration_epochs
        self.batch_size = batch_size
        self.eta = eta
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.zeta = zeta
        self.q = q
        self.evolution_every = evolution_every
        self.refinement = refinement
        self.alpha = alpha
        self.distance_factor = distance_factor
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: npt.ArrayLike, y: npt.ArrayLike) -> "TrulySparseEnsembleClassifier":
        """Train on X, shape (n_samples, n_features), and labels y, shape (n_samples,).

        Raises
        ------
        UserError
            If the settings contradict each other or training diverges.
        """
        features, labels = validate_data(self, X, y, dtype=np.float32, order="C")
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise UserError("y holds one class only; a classifier needs at least two")
        rest, held_out = train_test_split(
            np.arange(len(numbers)), test_size=self.validation_fraction, random_state=self.random_state
        )
        numbers = numbers.astype(np.int64)
        data = Data(features[rest], numbers[rest], features[held_out], numbers[held_out], len(self.classes_))
        trainer = Trainer(data, self._training(), "sparse", self.method, self.random_state)
        trainer.run()
        if trainer.progress.advice is not None:
            raise UserError(trainer.progress.advice)
        self.members_, self.history_ = trainer.members, trainer.progress.history
        return self

    def _training(self) -> dict[str, Any]:
        settings = self.get_params(deep=False)
        return {
            **settings,
            "hidden": list(self.hidden),
            "activation": "all_relu",
            "decay_times_eta": False,
            "start_values": "he",
            "clip_norm": 0.0,
            "activation_storage": "bfloat16",
            "warmup_epochs": 0,
            "escape_input_block": True,
            "selection": "best_validation",
            "lambda": self.distance_factor,
            "distance": "row_wise",
            "distance_samples": 100,
            "distance_max_draws": 10_000,
        }

    def predict_proba(self, X: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the members' mean softmax output, shape (n_samples, n_classes)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float32, order="C", reset=False)
        return predict_ensemble(predict_members(self.members_, features))

    def predict(self, X: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the most probable class of each sample, shape (n_samples,)."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]
