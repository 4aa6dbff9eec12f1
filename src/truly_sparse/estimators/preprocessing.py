"""Scaling of features, fitted on weighted rows. Every kind is a piecewise-linear function of each feature.

That makes them exportable: a `Ramps` has one table of knots, and the encodings differ in what they do with the ramps
between them. Rows in which a feature is missing (NaN) teach nothing about it, and get 0 in all that it is encoded as.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from truly_sparse.engine.ramped import MOST, Ramped
from truly_sparse.engine.rows import NonZeros
from truly_sparse.errors import UserError
from truly_sparse.estimators.distinct_rows import Weights, are_whole
from truly_sparse.estimators.ramps import encode_ramps, place_ramps, ramp_moments, sums_of_columns
from truly_sparse.estimators.sparse_rows import divide, largest
from truly_sparse.estimators.stored import Floats, StoredRows, column_of

Arrays = dict[str, npt.NDArray[Any]]
#: Knots of the normal quantiles of a feature.
KNOTS = 256
#: A width up to here has no finite inverse.
CLOSEST = 2.0**-1024


def moments_of(x: Floats | StoredRows, weights: Weights) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and deviation of every column.

    That of a constant column is 1, as where squares are too small for a number; that of an empty one is infinite.
    """
    # Sums row by row, not products of matrices: those depend on the BLAS library and the processor.
    own = [_moments_of(column_of(x, place), weights, x.shape[1] == 1) for place in range(x.shape[1])]
    return np.array([mean for mean, _ in own]), np.array([deviation for _, deviation in own])


def _moments_of(column: Floats, weights: Weights, alone: bool) -> tuple[float, float]:
    """Return mean and deviation of a column, which may be the only one."""
    gaps = np.isnan(column)
    values: Floats
    if gaps.any():
        different = len(np.unique(column[~gaps]))
        share, values = np.where(gaps, 0.0, weights), np.nan_to_num(column.astype(np.float64))
        share /= max(_sum(share), np.finfo(np.float64).tiny)
    else:
        different = 1 + bool(np.ptp(column) > 0)
        share, values = weights / weights.sum(), column
    # NumPy sums a lone column without gaps in an order of its own, as models that there are were made.
    total = np.sum if alone and not gaps.any() else _sum
    mean = total(share * values)
    deviation = np.sqrt(total(share * (values - mean) ** 2))
    return float(mean), (float(deviation) if different > 1 and deviation > 0 else 1.0) if different else np.inf


def _sum(values: npt.NDArray[np.float64]) -> np.float64:
    found: np.float64 = sums_of_columns(values[:, None])[0]
    return found


def columns_with_gaps(x: Floats) -> npt.NDArray[np.int64]:
    """Return the numbers of the columns that hold NaN."""
    if not np.isnan(np.minimum.reduce(x, axis=None, initial=0.0)):  # in most rows nothing is missing
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.isnan(x).any(axis=0))


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

    def fit(self, x: Floats | StoredRows, weights: Weights) -> "Scaling":
        """Learn from x, shape (rows, features), with one weight per row."""
        del weights
        self.owner = np.arange(x.shape[1])
        return self

    def transform(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return the encoded rows, float32, shape (rows, encoded features)."""
        encoded = np.empty((len(x), len(self.owner)), np.float32)
        self.write(x, encoded)
        return encoded

    def fit_non_zeros(self, x: NonZeros) -> "Scaling":
        """Learn from rows of non-zeros, whatever their weights; for what is in `KEEPS_ZEROS`."""
        self.owner = np.arange(x.width)
        return self

    def transform_non_zeros(self, x: NonZeros) -> NonZeros:
        """Return rows of non-zeros encoded; for what is in `KEEPS_ZEROS`."""
        return x._replace(values=x.values.astype(np.float32, copy=False))

    def write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        """Write the encoded rows into the first columns of an array."""
        own = encoded[:, : len(self.owner)]
        self._write(x, encoded)
        for feature in columns_with_gaps(x):
            own[np.ix_(np.isnan(x[:, feature]), self.owner == feature)] = 0

    def _write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        """Do so, with anything where a feature is missing."""
        encoded[:, : len(self.owner)] = x

    def ramped(self, x: Floats) -> Ramped | None:
        """Return the encoded rows as ramps; None where they are none, to the last bit."""
        del x
        return None

    def arrays(self) -> Arrays:
        """Return what `restore` takes."""
        return {name: getattr(self, name) for name in ("owner", *self.names)}

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> "Scaling":
        """Take over what `arrays` returned."""
        for name in ("owner", *self.names):
            setattr(self, name, arrays[name])
        return self

    def check(self, features: int) -> None:
        """Refuse what was restored if it is no scaling of so many features.

        Raises
        ------
        UserError
        """
        for name, length in self._lengths(features).items():
            own, places = getattr(self, name), name in ("owner", "of")
            if own.dtype != (np.int64 if places else np.float64) or own.shape != (length,):
                raise UserError(f"{name} of its scaling is no list of {length} numbers")
            if places and length and not 0 <= own.min() <= own.max() < features:
                raise UserError(f"{name} of its scaling names features that there are not")

    def _lengths(self, features: int) -> dict[str, int]:
        """Return how long each array is."""
        return dict.fromkeys(("owner", *self.names), features)


class Standard(Scaling):
    """Mean 0 and deviation 1; a constant feature becomes 0."""

    names: ClassVar[tuple[str, ...]] = ("mean", "deviation")
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def fit(self, x: Floats | StoredRows, weights: Weights) -> "Scaling":
        """Learn means and deviations; see `Scaling.fit`."""
        self.mean, self.deviation = moments_of(x, weights)
        return super().fit(x, weights)

    def _write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        encoded[:, : len(self.owner)] = (x - self.mean) / self.deviation


class MaxAbs(Scaling):
    """The greatest magnitude of every feature becomes 1, and 0 stays 0: for sparse rows.

    It does not hang on the weights of rows.
    """

    names: ClassVar[tuple[str, ...]] = ("scale",)
    scale: npt.NDArray[np.float64]

    def fit(self, x: Floats | StoredRows, weights: Weights) -> "Scaling":
        """Learn the magnitudes; see `Scaling.fit`."""
        columns = (column_of(x, place) for place in range(x.shape[1]))
        self._set(np.array([np.fmax.reduce(np.abs(column), initial=0.0) for column in columns], np.float64))
        return super().fit(x, weights)

    def fit_non_zeros(self, x: NonZeros) -> "Scaling":
        """Learn the magnitudes; see `Scaling.fit_non_zeros`."""
        scale = np.zeros(x.width)
        largest(x, scale)
        self._set(scale)
        return super().fit_non_zeros(x)

    def _set(self, scale: npt.NDArray[np.float64]) -> None:
        self.scale = np.where(scale > 0, scale, 1.0)

    def transform_non_zeros(self, x: NonZeros) -> NonZeros:
        """Return rows of non-zeros encoded."""
        values = np.empty(len(x.values), np.float32)
        divide(x.values, x.features, self.scale, values)
        return x._replace(values=values)

    def _write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        encoded[:, : len(self.owner)] = x / self.scale


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
        return quantiles(*masses(values, weights), self.bins)

    def _set(self, knots: list[Floats]) -> None:
        self.start = np.concatenate([own[:-1] for own in knots])
        self.stop = np.concatenate([own[1:] for own in knots])
        self.of = np.repeat(np.arange(len(knots)), [max(0, len(own) - 1) for own in knots])

    def _lengths(self, features: int) -> dict[str, int]:
        ramps = np.size(self.of)
        return super()._lengths(features) | {"start": ramps, "stop": ramps, "of": ramps}

    def ramps(self, x: Floats) -> npt.NDArray[np.float64]:
        """Return all ramps of all rows, float64, shape (rows, ramps)."""
        return np.clip((x[:, self.of] - self.start) / (self.stop - self.start), 0.0, 1.0)


def masses(values: Floats, weights: Weights) -> tuple[Floats, Floats]:
    """Return the distinct values of one feature, ascending, and the probability up to the middle of each one's mass."""
    present = ~np.isnan(values)
    if not present.all():
        values, weights = values[present], weights[present]
    if not len(values):
        return np.zeros(0), np.zeros(0)
    ordered = values + 0.0  # one zero: of equal numbers that differ, which comes first would hang on the sort
    # Only sums that are not exact hang on the order of equal values, and the quicker sort leaves it open.
    order = None if (weights == 1).all() else np.argsort(ordered, kind=None if are_whole(weights) else "stable")
    if order is None:
        ordered.sort()
    else:
        ordered = ordered[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    distinct = ordered[first]
    if order is None:
        mass = np.empty(len(first))
        mass[:-1], mass[-1] = first[1:] - first[:-1], len(values) - first[-1]
    else:
        mass = np.add.reduceat(weights[order], first)
    del ordered, order, first
    mass /= weights.sum()
    middle = np.cumsum(mass)
    mass /= 2
    middle -= mass
    return distinct, middle


def quantiles(distinct: Floats, middle: Floats, bins: int) -> tuple[Floats, Floats]:
    """Return what `masses` did, where it is more than that of `bins` quantiles and both ends alone."""
    if len(distinct) <= bins + 1:
        return distinct.astype(np.float64), middle
    inner = np.searchsorted(middle, np.arange(1, bins) / bins)
    kept = np.concatenate(([0], inner.clip(max=len(distinct) - 1), [len(distinct) - 1]))
    kept = kept[np.concatenate(([True], kept[1:] > kept[:-1]))]
    return distinct[kept].astype(np.float64), middle[kept]


class Quantile(Ramps):
    """Normal quantiles: a feature's rank among the training rows, as a standard normal value.

    Between `KNOTS` quantiles the values are interpolated; equal values share the middle of their ranks.
    """

    names: ClassVar[tuple[str, ...]] = (*Ramps.names, "height", "floor")
    height: npt.NDArray[np.float64]
    floor: npt.NDArray[np.float64]

    def fit(self, x: Floats | StoredRows, weights: Weights) -> "Scaling":
        """Learn the quantiles; see `Scaling.fit`."""
        self.bins = KNOTS
        found = [self.knots(column_of(x, place), weights) for place in range(x.shape[1])]
        self._set([knots for knots, _ in found])
        scores = [ndtri(middle) if len(middle) > 1 else np.zeros(1) for _, middle in found]
        self.height = np.concatenate([np.diff(own) for own in scores])
        self.floor = np.array([own[0] for own in scores])
        return super().fit(x, weights)

    def _write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        for feature, column in enumerate(x.T):
            own = self.of == feature
            knots = np.append(self.start[own], self.stop[own][-1:])
            heights = self.floor[feature] + np.append(0.0, np.cumsum(self.height[own]))
            encoded[:, feature] = np.interp(column, knots, heights) if len(knots) else 0.0

    def _lengths(self, features: int) -> dict[str, int]:
        return super()._lengths(features) | {"height": np.size(self.of)}


class PiecewiseLinear(Ramps):
    """Piecewise-linear encoding (Gorishniy et al. 2022): `bins` ramps between quantiles of a feature, standardised.

    The encoded features are many and say little each: a sparse first block links only some of them, so that its
    cost grows with the links, not with the bins. A constant feature has no ramp, nor have steps up to `CLOSEST`.
    """

    names: ClassVar[tuple[str, ...]] = (*Ramps.names, "mean", "deviation")
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]

    def fit(self, x: Floats | StoredRows, weights: Weights) -> "Scaling":
        """Learn the knots; see `Scaling.fit`."""
        every = range(x.shape[1])
        found = [self._fitted(column_of(x, place), weights) for place in every]
        if not any(len(mean) for _, mean, _ in found):  # nothing varies: one feature that is always 0
            found[0] = (np.array([0.0, 1.0]), *self._moments_between(column_of(x, 0), weights, np.array([0.0, 1.0])))
        self._set([knots for knots, _, _ in found])
        self.mean, self.deviation = (np.concatenate([own[place] for own in found]) for place in (1, 2))
        self.owner = self.of
        vars(self).pop("_factors", None)  # of an earlier fit
        return self

    def _fitted(self, column: Floats, weights: Weights) -> tuple[Floats, Floats, Floats]:
        """Return knots of a feature, and mean and deviation of its ramps."""
        knots = _spaced(self.knots(column, weights)[0])
        return knots, *self._moments_between(column, weights, knots)

    def _moments_between(self, column: Floats, weights: Weights, knots: Floats) -> tuple[Floats, Floats]:
        present, share = ~np.isnan(column), weights / weights.sum()
        if not present.all():
            column, weights = column[present], weights[present]
            share = weights / sums_of_columns(weights[:, None])
        start, width = knots[:-1], np.diff(knots)
        return ramp_moments(np.ascontiguousarray(column), start, 1.0 / width, share)

    def _lengths(self, features: int) -> dict[str, int]:
        return dict.fromkeys(super()._lengths(features), np.size(self.of))

    @cached_property
    def _factors(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """1 / the width of each ramp, and 1 / its deviation."""
        return 1.0 / (self.stop - self.start), 1.0 / self.deviation

    def _write(self, x: Floats, encoded: npt.NDArray[np.float32]) -> None:
        inverse, scale = self._factors
        encode_ramps(x, self.of, self.start, inverse, self.mean, scale, encoded)

    def ramped(self, x: Floats) -> Ramped | None:
        """Return the encoded rows as ramps; see `Scaling.ramped`."""
        first, (inverse, scale) = np.searchsorted(self.of, np.arange(x.shape[1] + 1)), self._factors
        at_end = np.minimum((self.stop - self.start) * inverse, 1.0)
        low, high, end = (((ramp - self.mean) * scale).astype(np.float32) for ramp in (0.0, 1.0, at_end))
        apart = self.start[1:] >= self.stop[:-1]
        apart[first[1:-1][(first[1:-1] > 0) & (first[1:-1] < len(self.of))] - 1] = True  # of different columns
        if np.diff(first).max(initial=0) > MOST or not apart.all() or (end != high).any():
            return None
        found = Ramped(np.empty((len(x), 2 * x.shape[1]), np.float32), first, low, high)
        place_ramps(x, self.start, inverse, self.mean, scale, found)
        return found


def _spaced(knots: Floats) -> Floats:
    """Return ascending knots without those that are too close to the one before for a ramp between them."""
    if (np.diff(knots) > CLOSEST).all():
        return knots
    kept = knots[:1].tolist()
    for knot in knots.tolist():
        if knot - kept[-1] > CLOSEST:
            kept.append(knot)
    return np.array(kept)


SCALINGS: dict[str, type[Scaling]] = {
    "none": Scaling,
    "standard": Standard,
    "quantile": Quantile,
    "piecewise_linear": PiecewiseLinear,
    "max_abs": MaxAbs,
}
#: Those that leave 0 as it is, the first of which is the default of sparse rows.
KEEPS_ZEROS: dict[str, type[Scaling]] = {name: SCALINGS[name] for name in ("max_abs", "none")}


def for_sparse(wanted: str | None) -> str:
    """Return the kind for sparse rows.

    Raises
    ------
    UserError
        For one that makes other numbers of zeros.
    """
    if wanted is None:
        return next(iter(KEEPS_ZEROS))
    if wanted not in KEEPS_ZEROS:
        names = " or ".join(f'"{name}"' for name in KEEPS_ZEROS)
        raise UserError(f'X is sparse, and preprocessing "{wanted}" does not keep zeros; set it to {names}')
    return wanted


def create(kind: str, bins: int) -> Scaling:
    """Return the unfitted scaling of a name."""
    return SCALINGS[kind](bins)
