"""What a run must come to when it is trained again, said before it is.

A sparse run must give the same bytes. What the BLAS library computes (dense networks, scikit-learn's models) depends on
library and processor, and so do sparse runs on a processor without fused multiply-add: their test accuracy must lie
inside an interval around the recorded one, in which that of another seed would lie with a chance of 97 %.
"""

from collections.abc import Iterable
from math import isclose, sqrt
from typing import Any, NamedTuple

from truly_sparse.experiments.probabilities import Codes
from truly_sparse.experiments.records import Record
from truly_sparse.measure import host

#: Facts of the clock, the machine and the code, and words: no results.
PASSING = frozenset(
    {"code", "counters", "data", "failure", "finished", "golden", "host", "model_bytes", "peak_memory_bytes", "seconds",
     "settings", "source_hash", "started", "threads"}
)  # fmt: skip
#: What must be the same to 12 digits: earlier records have sums in another order, and logarithms of another library.
ROUNDED = ("metrics", "diversity")
DIGITS = 1e-12
#: Chance that the accuracy of another seed lies inside an interval.
CHANCE = 0.97
#: Differences from a mean over seeds, beyond the first of each mean, that an interval takes at least.
FREEDOM = 4


class Expected(NamedTuple):
    """What a run must come to.

    Attributes
    ----------
    record : dict
        The committed record.
    codes : ndarray of uint8, shape (rows, classes), or None
        Committed test probabilities, where they are kept.
    interval : tuple of float, or None
        Least and largest test accuracy; None where every byte must be the same.
    """

    record: Record
    codes: Codes | None
    interval: tuple[float, float] | None

    def __str__(self) -> str:
        return "same bytes" if self.interval is None else "{:.2f} to {:.2f} %".format(*(100 * x for x in self.interval))

    def compare(self, again: Record, codes: Codes | None) -> tuple[str, bool]:
        """Return (what differs from what must be, or nothing; whether all is the same to the last byte)."""
        differing = [name for name in sorted(self.record.keys() - PASSING) if _differs(self.record, again, name)]
        if self.codes is not None and (codes is None or (self.codes != codes).any()):
            differing.append("probabilities")
        missed = [name for name in differing if name not in ROUNDED or not _near(self.record[name], again[name])]
        if self.interval is None:
            return (f"other {', '.join(missed)}" if missed else ""), not differing
        (low, high), was, now = self.interval, self.record["accuracy"]["test"], again["accuracy"]["test"]
        if (was is None) != (now is None):
            return f"{again['status']}, and the record says {self.record['status']}", False
        inside = now is None or low <= now <= high
        return ("" if inside else f"test accuracy {100 * now:.2f} % outside {self}"), not differing


def expected(record: Record, alike: Iterable[Record], codes: Codes | None) -> Expected:
    """Return what a run must come to on this processor.

    Parameters
    ----------
    record : dict
    alike : iterable of dict
        Records of the same method on the same dataset, of one experiment; see `interval`.
    codes : ndarray of uint8, or None
    """
    # Records without `processor` are of a processor with AVX-512.
    rounding = {host.processor_facts()["instructions"], record["host"].get("processor", {}).get("instructions")}
    exact = record["settings"]["model"] == "sparse" and "plain" not in rounding
    return Expected(record, codes, None if exact else interval(record, alike))


def interval(record: Record, alike: Iterable[Record]) -> tuple[float, float]:
    """Return the least and the largest test accuracy that a run may have.

    A run with other rounding is at most as far from its record as two seeds are from each other: the square root of 2
    times their standard deviation times the quantile of Student's t. The deviation is that of the records around the
    mean of their setting, over all settings of the method on a split of the dataset. Where these have fewer than 4
    degrees of freedom (one seed each, say), it is that of a share of as many test rows, sqrt(p (1 - p) / rows), with
    the quantile of the normal distribution. One test row more or less is always inside.
    """
    from scipy.special import ndtri, stdtrit  # takes as long to import as a short run

    accuracy, rows = record["accuracy"]["test"], record["data"]["test_rows"]
    if accuracy is None:
        return 0.0, 1.0
    settings: dict[str, list[float]] = {}
    for one in alike:
        if one["accuracy"]["test"] is not None:
            settings.setdefault(one["setting"], []).append(one["accuracy"]["test"])
    freedom = sum(len(seeds) - 1 for seeds in settings.values())
    if freedom < FREEDOM:
        deviation, quantile = sqrt(accuracy * (1 - accuracy) / rows), ndtri((1 + CHANCE) / 2)
    else:
        means = {setting: sum(seeds) / len(seeds) for setting, seeds in settings.items()}
        squares = sum((seed - means[setting]) ** 2 for setting, seeds in settings.items() for seed in seeds)
        deviation, quantile = sqrt(squares / freedom), stdtrit(freedom, (1 + CHANCE) / 2)
    reach = max(sqrt(2) * deviation * float(quantile), 1.5 / rows)
    return max(accuracy - reach, 0.0), min(accuracy + reach, 1.0)


def _differs(record: Record, again: Record, name: str) -> bool:
    """Say whether a part of two records differs, but for seconds inside it."""
    one, other = ({**each} if isinstance(each, dict) else each for each in (record[name], again.get(name)))
    for each in (one, other):
        if isinstance(each, dict):
            each.pop("seconds", None)
    return bool(one != other)


def _near(one: Any, other: Any) -> bool:
    """Say whether two mappings of numbers (or nothing) are the same to 12 digits."""
    if not isinstance(one, dict) or not isinstance(other, dict) or one.keys() != other.keys():
        return bool(one == other)
    pairs = [(one[name], other[name]) for name in one]
    return all(x == y if None in (x, y) else isclose(x, y, rel_tol=DIGITS, abs_tol=DIGITS) for x, y in pairs)
