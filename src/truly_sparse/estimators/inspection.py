"""Looking inside a fitted estimator: its table, its links, its curves, and the ways out of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from truly_sparse.engine.convolution.network import SparseCNN
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.errors import UserError
from truly_sparse.estimators.encoding import Encoding

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from truly_sparse.estimators.export import Layer

#: Bytes of a link: value, target, and its place in the two orders; a member keeps no velocity to predict.
LINK_BYTES = 4 + 4 + 4 + 4


class Summary(list[dict[str, Any]]):
    """Rows of a table, printed as one; `pandas.DataFrame(summary)` makes a frame of it."""

    def __str__(self) -> str:
        names = list(self[0])
        cells = [names, *([_cell(row[name]) for name in names] for row in self)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
        return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in self[0])
        rows = ("".join(f"<td>{_cell(value)}</td>" for value in row.values()) for row in self)
        return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _cell(value: Any) -> str:
    return f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


def summarised(networks: Sequence[Linked]) -> Summary:
    """Return a table with one row per network and block, and their sum; see `Inspection.summary`."""
    rows: list[dict[str, Any]] = []
    for number, network in enumerate(networks, 1):
        positions = network.plan.positions if isinstance(network, SparseCNN) else [1] * len(network.blocks)
        for block, times in zip(network.blocks, positions, strict=True):
            links = len(block)
            rows.append(
                {
                    "member": number,
                    "block": f"{block.n_in} → {block.n_out}",
                    "links": links,
                    "density": links / block.places,
                    "memory_bytes": links * LINK_BYTES + 8 * (block.n_in + block.n_out + 2) + 4 * block.n_out,
                    "multiply_adds": links * times,
                }
            )
    places = sum(block.places for network in networks for block in network.blocks)
    total = {name: sum(row[name] for row in rows) for name in ("links", "memory_bytes", "multiply_adds")}
    rows.append({"member": "all", "block": "", **total, "density": total["links"] / places})
    return Summary({name: row[name] for name in rows[0]} for row in rows)


class Inspection:
    """Methods that need nothing but the fitted members."""

    members_: list[SparseMLP]
    history_: list[dict[str, Any]]
    n_features_in_: int
    _model: Any

    def summary(self) -> Summary:
        """Return a table with one row per member and block, and their sum.

        Returns
        -------
        Summary
            A list of rows that prints as a table; ``pandas.DataFrame(model.summary())`` makes a frame of it. Columns:
            `member`, `block` ("inputs → neurons"), `links`, `density` (links / possible links), `memory_bytes` of what
            prediction needs, and `multiply_adds` of one prediction.
        """
        check_is_fitted(self)
        return summarised(self.members_)

    def _html_repr(self) -> str:
        """Return what a notebook shows: the parameters and, once fitted, the layers and their links."""
        from truly_sparse.estimators.html import described

        return described(self, self.members_ if hasattr(self, "members_") else ())

    @property
    def feature_importances_(self) -> npt.NDArray[np.float64]:
        """Return each feature's share of the summed absolute values of the input links, shape (n_features,).

        How strongly the links chose a feature, as the literature on sparse training reads importance; encoded features
        count for the feature they come from, and those of a pair for one half each.
        """
        check_is_fitted(self)
        encoding: Encoding = self._model.encoding
        owners = encoding.owners
        strength = np.zeros(self.n_features_in_)
        for network in self.members_:
            for block in (block for block in network.blocks if block.source == 0):
                sources = np.repeat(np.arange(block.n_in), np.diff(block.pointers))
                per_input = np.bincount(sources, np.abs(block.values), block.n_in)
                for owner in owners:
                    strength += 0.5 * np.bincount(owner, per_input, self.n_features_in_)
        return strength / (strength.sum() or 1.0)

    def to_csr(self, member: int = 0) -> list[Layer]:
        """Return the weights and biases of every layer of a member.

        Parameters
        ----------
        member : int, default 0
            Place in `members_`.

        Returns
        -------
        list of Layer
            (weights, biases, sources): a CSR array, shape (neurons, inputs), an array, shape (neurons,), both float32,
            and the layers whose neurons are the inputs; layer 0 are the encoded features.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.export import to_csr

        return to_csr(self.members_[_checked("member", member, len(self.members_))])

    def to_torch(self) -> Any:
        """Return a PyTorch module with dense weights that predicts the same.

        Returns
        -------
        torch.nn.Module
            From raw features, shape (rows, features), to probabilities, shape (rows, classes), or a regressor's
            values, shape (rows,). NaN is a missing value; a category that is a number is that number, and one that is
            text its place in `categories_`, -1 one that training did not see. Its parameters can be trained further.

        Raises
        ------
        UserError
            If PyTorch is not installed.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.torch_export import to_torch

        return to_torch(self)

    def to_onnx(self, path: str | Path, sparse: bool = False) -> None:
        """Write an ONNX model from raw features (input "X", double) to probabilities or values (output "Y").

        In X, NaN is a missing value, and a category that is a number is that number. Where columns hold text, the model
        has a second input, "T" (string), shape (rows, columns of text): these columns in their order, "" where a value
        is missing; where "" is itself a category of training, it is read as that, and a missing value cannot be given.
        What X has in their place, such as NaN, does not count.

        Parameters
        ----------
        path : str or Path
        sparse : bool, default False
            Whether the file holds each block's links only, as sparse initialisers.

        Raises
        ------
        UserError
            If onnx is not installed.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.onnx_export import to_onnx

        to_onnx(self, path, sparse)

    def plot_degrees(self, block: int = 0, side: str = "outputs", ax: Axes | None = None) -> Axes:
        """Plot how many links the neurons of a block have, one line per member.

        Parameters
        ----------
        block : int, default 0
            Place of the block; 0 is between the encoded features and the first hidden layer.
        side : {"outputs", "inputs"}, default "outputs"
            Whose links are counted: those into each output neuron of the block, or from each input neuron.
        ax : matplotlib Axes, optional
            Where to draw (a new figure).

        Returns
        -------
        matplotlib Axes
        """
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        block = _checked("block", block, len(self.members_[0].blocks))
        return plots.degrees(self.members_, block, side, ax)

    def plot_importances(self, top: int = 20, ax: Axes | None = None) -> Axes:
        """Plot the features that the input links chose most, by `feature_importances_`.

        Parameters
        ----------
        top : int, default 20
            Features at most.
        ax : matplotlib Axes, optional
            Where to draw (a new figure).

        Returns
        -------
        matplotlib Axes
        """
        from truly_sparse.estimators import plots

        names = getattr(self, "feature_names_in_", np.array([f"x{i}" for i in range(self.n_features_in_)]))
        return plots.importances(self.feature_importances_, names, top, ax)

    def plot_training(self, ax: Axes | None = None) -> Axes:
        """Plot training loss and validation score (where rows were held out) by epoch, with the phases.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw (a new figure).

        Returns
        -------
        matplotlib Axes
            That of the loss; the score has a second one on the right.
        """
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        return plots.training(self.history_, ax)

    def plot_disagreement(self, X: npt.ArrayLike, ax: Axes | None = None) -> Axes:
        """Plot the share of rows on which each two members predict differently.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
            Rows to predict; a test set says most. A regressor's members differ where their likeliest knots do.
        ax : matplotlib Axes, optional
            Where to draw (a new figure).

        Returns
        -------
        matplotlib Axes
        """
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        features = self._check_features(X)  # type: ignore[attr-defined]
        return plots.disagreement(self._member_outputs(features).argmax(axis=2), ax)  # type: ignore[attr-defined]


def _checked(name: str, place: int, count: int) -> int:
    """Return a place in a list of `count`, or say which there are."""
    if not -count <= place < count:
        raise UserError(f"{name} is {place}; there are {count}, numbered from 0")
    return place
