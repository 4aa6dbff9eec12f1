"""Scaling of features, fitted on weighted rows. Every kind is a piecewise-linear function of each feature.

That makes them exportable: a `Ramps` has one table of knots, and the encodings differ in what they do with the ramps
between them.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from truly_sparse.estimators.distinct_rows import Floats, Weights
from truly_sparse.estimators.ramps import encode_ramps, ramp_moments

Arrays = dict[str, npt.NDArray[Any]]
#: Knots of the normal quantiles of a feature.
KNOTS = 256


def _moments(x: Floats, weights: Weights) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and deviation of every column; the deviation of a constant column is 1."""
    # Sums row by row, not products of matrices: those depend on the BLAS library and the processor.
    share = (weights / weights.sum())[:, None]
    mean = (share * x).sum(axis=0)
    deviation = np.sqrt((share * (x - mean) ** 2).sum(axis=0))
    return mean, np.where(np.ptp(x, axis=0) > 0, deviation, 1.0)


class Scaling:
    """Base of the scalings: `fit` on weighted rows, `transform` to float32, `arrays` that rebuild it.

    Attributes
    ----------
    owner : ndarray of int64, shape (encoded features,)
        The feature that each encoded feature comes from.
    """

    names: ClassVar[tuple[str, ...]] = ()
    owner: npt.NDArray[np.int64]

    def __init__(self, bins: int = 0) -> None:
        self.bins = bins

    def fit(self, x: Floats, weights: Weights) -> "Scaling":
        """Learn from x, shape (rows, features), with one weight per row."""
        del weights
        self.owner = np.arange(x.shape[1])
        return self

    def transform(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return the encoded rows, float32, shape (rows, encoded features)."""
        return np.ascontiguousarray(x, np.float32)

    def arrays(self) -> Arrays:
        """Return what `restore` takes."""
        return {name: getattr(self, name) for name in ("owner", *self.names)}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> "Scaling":
        """Take over what `arrays` returned."""
        for name in ("owner", *self.names):
            setattr(self, name, arrays[name])
        return self


class Standard(Scaling):
    """Mean 0 and deviation 1; a constant feature becomes 0."""

    names: ClassVar[tuple[str, ...]] = ("mean", "deviation")
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def fit(self, x: Floats, weights: Weights) -> "Scaling":
        """Learn means and deviations; see `Scaling.fit`."""
        self.mean, self.deviation = _moments(x, weights)
        return super().fit(x, weights)

    def transform(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return the standardised rows."""
        return ((x - self.mean) / self.deviation).astype(np.float32)


class Ramps(Scaling):
    """Ramps between the knots of every feature.

    Ramp k of a feature is ``(x - start) / (stop - start)``, cut off below 0 and above 1.
    """

    names: ClassVar[tuple[str, ...]] = ("start", "stop", "of")
    start: npt.NDArray[np.float64]
    stop: npt.NDArray[np.float64]
    of: npt.NDArray[np.int64]

    def knots(self, values: Floats, weights: Weights) -> tuple[Floats, Floats]:
        """Return ascending knots of one feature, and the probability up to the middle of each knot's mass."""
        order = np.argsort(values, kind="stable")
        distinct, first = np.unique(values[order], return_index=True)
        mass = np.add.reduceat(weights[order], first) / weights.sum()
        middle = np.cumsum(mass) - mass / 2
        if len(distinct) > self.bins + 1:
            inner = np.searchsorted(middle, np.arange(1, self.bins) / self.bins)
            kept = np.unique(np.concatenate(([0], inner.clip(max=len(distinct) - 1), [len(distinct) - 1])))
            distinct, middle = distinct[kept], middle[kept]
        return distinct.astype(np.float64), middle

    def _set(self, knots: list[Floats]) -> None:
        self.start = np.concatenate([own[:-1] for own in knots])
        self.stop = np.concatenate([own[1:] for own in knots])
        self.of = np.repeat(np.arange(len(knots)), [len(own) - 1 for own in knots])

    def ramps(self, x: Floats) -> npt.NDArray[np.float64]:
        """Return all ramps of all rows, float64, shape (rows, ramps)."""
        return np.clip((x[:, self.of] - self.start) / (self.stop - self.start), 0.0, 1.0)


class Quantile(Ramps):
    """Normal quantiles: a feature's rank among the training rows, as a standard normal value.

    Between `KNOTS` quantiles the values are interpolated; equal values share the middle of their ranks.
    """

    names: ClassVar[tuple[str, ...]] = (*Ramps.names, "height", "floor")
    height: npt.NDArray[np.float64]
    floor: npt.NDArray[np.float64]

    def fit(self, x: Floats, weights: Weights) -> "Scaling":
        """Learn the quantiles; see `Scaling.fit`."""
        self.bins = KNOTS
        found = [self.knots(column, weights) for column in x.T]
        self._set([knots for knots, _ in found])
        scores = [ndtri(middle) if len(middle) > 1 else np.zeros(1) for _, middle in found]
        self.height = np.concatenate([np.diff(own) for own in scores])
        self.floor = np.array([own[0] for own in scores])
        return super().fit(x, weights)

    def transform(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return the normal scores, column by column, which never holds all ramps."""
        scores = np.empty(x.shape, np.float32)
        for feature, column in enumerate(x.T):
            own = self.of == feature
            knots = np.append(self.start[own], self.stop[own][-1:])
            heights = self.floor[feature] + np.append(0.0, np.cumsum(self.height[own]))
            scores[:, feature] = np.interp(column, knots, heights) if len(knots) else 0.0
        return scores


class PiecewiseLinear(Ramps):
    """Piecewise-linear encoding (Gorishniy et al. 2022): `bins` ramps between quantiles of a feature, standardised.

    The encoded features are many and say little each: a sparse first block links only some of them, so that its
    cost grows with the links, not with the bins. A constant feature has no ramp.
    """

    names: ClassVar[tuple[str, ...]] = (*Ramps.names, "mean", "deviation")
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def fit(self, x: Floats, weights: Weights) -> "Scaling":
        """Learn the knots; see `Scaling.fit`."""
        self._set([self.knots(column, weights)[0] for column in x.T])
        if not len(self.of):  # nothing varies: one feature that is always 0
            self.start, self.stop, self.of = np.zeros(1), np.ones(1), np.zeros(1, np.int64)
        self.mean, self.deviation = ramp_moments(x, self.of, self.start, self._inverse(), weights / weights.sum())
        self.owner = self.of
        return self

    def _inverse(self) -> npt.NDArray[np.float64]:
        return 1.0 / (self.stop - self.start)

    def transform(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return the standardised ramps."""
        encoded = np.empty((len(x), len(self.of)), np.float32)
        encode_ramps(x, self.of, self.start, self._inverse(), self.mean, 1.0 / self.deviation, encoded)
        return encoded


SCALINGS: dict[str, type[Scaling]] = {
    "none": Scaling,
    "standard": Standard,
    "quantile": Quantile,
    "piecewise_linear": PiecewiseLinear,
}


def create(kind: str, bins: int) -> Scaling:
    """Return the unfitted scaling of a name."""
    return SCALINGS[kind](bins)
