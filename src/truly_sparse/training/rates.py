"""How the learning rate of a network moves on its way: by epochs, as a factor, or from step to step, as a curve.

Configurations are checked with it, before threads are settled: it uses no NumPy.
"""

from collections.abc import Callable
from math import cos, pi
from typing import NamedTuple, Protocol

#: A number for each step of an epoch.
Steps = list[float]


def hold_linear(part: float) -> float:
    """Return 1 up to half of the way, 0.01 from nine tenths on, and a line between (Whitaker section 5.2)."""
    return 1.0 if part <= 0.5 else max(0.01, 1.0 - 0.99 * (part - 0.5) / 0.4)


def tenths(part: float) -> float:
    """Return 1, 0.1 from half of the way on, and 0.01 in the last tenth (Whitaker sections 4.3.2 and 6.3.1)."""
    if part < 0.5:
        return 1.0
    return 0.1 if part < 0.9 else 0.01


#: Factors on the rate by the part of the epochs that has gone by.
FACTORS: dict[str, Callable[[float], float]] = {"hold_linear": hold_linear, "tenths": tenths}


class Curve(Protocol):
    """Learning rate and momentum of each step of an epoch."""

    def rates(self, steps: int, momentum: float) -> tuple[Steps, Steps]:
        """Return both for an epoch of so many steps; `momentum` is that of the settings."""
        ...


class OneCycle(NamedTuple):
    """Up from a hundredth of the peak and down to nearly nothing, each half a cosine, while momentum dips by a tenth.

    Smith and Topin 2018 as Whitaker's code has it: a tenth of the steps goes up, the momentum lies 0.05 above that of
    the settings at both ends and 0.05 below at the peak.

    Parameters
    ----------
    peak : float
    epoch, epochs : int
        This epoch, from 0, and all of the cycle.
    """

    peak: float
    epoch: int
    epochs: int

    def rates(self, steps: int, momentum: float) -> tuple[Steps, Steps]:
        """Return rates and momenta; see `Curve.rates`."""
        highest, lowest = min(momentum + 0.05, 0.999), max(momentum - 0.05, 0.0)
        rates, momenta = [], []
        for step in range(self.epoch * steps, (self.epoch + 1) * steps):
            floor = self.peak / 100 if self._rises(step, steps) else self.peak / 1e6
            height = self._height(step, steps)
            rates.append(floor + (self.peak - floor) * height)
            momenta.append(highest - (highest - lowest) * height)
        return rates, momenta

    def _way_up(self, steps: int) -> float:
        return max(1.0, 0.1 * self.epochs * steps - 1)

    def _rises(self, step: int, steps: int) -> bool:
        return step <= self._way_up(steps)

    def _height(self, step: int, steps: int) -> float:
        """Return where a step lies between floor (0) and peak (1)."""
        up = self._way_up(steps)
        if self._rises(step, steps):
            return (1 - cos(pi * step / up)) / 2
        return (1 + cos(pi * (step - up) / max(1.0, self.epochs * steps - 1 - up))) / 2


class CosineCycle(NamedTuple):
    """Half a cosine from the peak to nothing over the steps of some epochs (Huang et al. 2017)."""

    peak: float
    epoch: int
    epochs: int

    def rates(self, steps: int, momentum: float) -> tuple[Steps, Steps]:
        """Return rates and momenta; see `Curve.rates`."""
        parts = [(self.epoch * steps + step) / (self.epochs * steps) for step in range(steps)]
        return [self.peak * (1 + cos(pi * part)) / 2 for part in parts], [momentum] * steps


class Triangle(NamedTuple):
    """From `high` to `low` and back over each `period` epochs, along lines (Garipov et al. 2018); `epoch` is from 0."""

    high: float
    low: float
    epoch: int
    period: int

    def rates(self, steps: int, momentum: float) -> tuple[Steps, Steps]:
        """Return rates and momenta; see `Curve.rates`."""
        parts = [(self.epoch % self.period + step / steps) / self.period for step in range(steps)]
        downs = (1 - 2 * part if part < 0.5 else 2 * part - 1 for part in parts)
        return [self.low + (self.high - self.low) * down for down in downs], [momentum] * steps
