"""Looking inside a fitted estimator: its table, its links, its curves, and the ways out of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from sklearn.utils.validation import check_is_fitted

from truly_sparse.engine.network import SparseMLP
from truly_sparse.estimators.preprocessing import Scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from scipy.sparse import csr_array

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


class Inspection:
    """Methods that need nothing but the fitted members."""

    members_: list[SparseMLP]
    history_: list[dict[str, Any]]
    n_features_in_: int
    _model: Any

    def summary(self) -> Summary:
        """Return a table with one row per member and block, and their sum.

        Columns: member, block ("inputs → neurons"), links, density (links / possible links), `memory_bytes` of what
        prediction needs, and `multiply_adds` of one prediction. The links of members differ in place, not in number.
        """
        check_is_fitted(self)
        rows: list[dict[str, Any]] = []
        for number, network in enumerate(self.members_, 1):
            for block in network.blocks:
                links = len(block)
                rows.append(
                    {
                        "member": number,
                        "block": f"{block.n_in} → {block.n_out}",
                        "links": links,
                        "density": links / block.places,
                        "memory_bytes": links * LINK_BYTES + 8 * (block.n_in + block.n_out + 2) + 4 * block.n_out,
                        "multiply_adds": links,
                    }
                )
        places = sum(block.places for network in self.members_ for block in network.blocks)
        total = {name: sum(row[name] for row in rows) for name in ("links", "memory_bytes", "multiply_adds")}
        rows.append({"member": "all", "block": "", **total, "density": total["links"] / places})
        return Summary({name: row[name] for name in rows[0]} for row in rows)

    @property
    def feature_importances_(self) -> npt.NDArray[np.float64]:
        """Return each feature's share of the summed absolute values of the input links, shape (n_features,).

        How strongly the links chose a feature, as the literature on sparse training reads importance; encoded features
        count for the feature they come from.
        """
        check_is_fitted(self)
        scaling: Scaling = self._model.scaling
        strength = np.zeros(self.n_features_in_)
        for network in self.members_:
            block = network.blocks[0]
            sources = np.repeat(np.arange(block.n_in), np.diff(block.in_pointers))
            per_input = np.bincount(sources, np.abs(block.values), block.n_in)
            strength += np.bincount(scaling.owner, per_input, self.n_features_in_)
        return strength / (strength.sum() or 1.0)

    def to_csr(self, member: int = 0) -> list[tuple[csr_array, npt.NDArray[np.float32]]]:
        """Return (weights, biases) of every block of a member; weights are a SciPy CSR array [output][input]."""
        check_is_fitted(self)
        from truly_sparse.estimators.export import to_csr

        return to_csr(self.members_[member])

    def to_torch(self) -> Any:
        """Return a dense PyTorch module from raw features to what the estimator predicts: probabilities, or values."""
        check_is_fitted(self)
        from truly_sparse.estimators.export import to_torch

        return to_torch(self)

    def to_onnx(self, path: str | Path, sparse: bool = False) -> None:
        """Write an ONNX model from raw features (input "X", double) to probabilities or values (output "Y").

        With `sparse` the file holds each block's links only, as sparse initialisers.
        """
        check_is_fitted(self)
        from truly_sparse.estimators.onnx_export import to_onnx

        to_onnx(self, path, sparse)

    def plot_degrees(self, block: int = 0, side: str = "out", ax: Axes | None = None) -> Axes:
        """Plot how many links the neurons of a block have, by member; see `plots.degrees`."""
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        return plots.degrees(self.members_, block, side, ax)

    def plot_importances(self, top: int = 20, ax: Axes | None = None) -> Axes:
        """Plot the features that the input links chose most; see `plots.importances`."""
        from truly_sparse.estimators import plots

        names = getattr(self, "feature_names_in_", np.array([f"x{i}" for i in range(self.n_features_in_)]))
        return plots.importances(self.feature_importances_, names, top, ax)

    def plot_training(self, ax: Axes | None = None) -> Axes:
        """Plot loss and validation score by epoch, with the phases; see `plots.training`."""
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        return plots.training(self.history_, ax)

    def plot_disagreement(self, X: npt.ArrayLike, ax: Axes | None = None) -> Axes:
        """Plot how often each pair of members predicts differently on rows X; see `plots.disagreement`."""
        check_is_fitted(self)
        from truly_sparse.estimators import plots

        features = self._check_features(X, reset=False)  # type: ignore[attr-defined]
        return plots.disagreement(self._member_outputs(features).argmax(axis=2), ax)  # type: ignore[attr-defined]
