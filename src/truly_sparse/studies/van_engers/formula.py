"""The formula of the paper beside runs: its printed numbers, the same form fitted to ours, and rivals."""

from typing import Any

import pandas as pd

from truly_sparse.analysis.evidence import Missing
from truly_sparse.studies.van_engers import contour, curve
from truly_sparse.studies.van_engers.curve import Curve

#: What is asked of a fit, besides a, b and the plateau.
NUMBERS = ("error", "printed_error", "contour", "falls_tenth", "falls_half")
#: Losses of accuracy, as fractions, whose places on a fitted curve are given.
TENTH, HALF = 0.001, 0.005


class Printed:
    """The printed numbers about the formula, by name.

    Parameters
    ----------
    frame : DataFrame
        config/published/van_engers_model.csv as `published.load` returns it.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self._numbers: dict[str, float] = dict(zip(frame["metric"], frame["published"], strict=True))

    def __getitem__(self, name: str) -> float:
        return float(self._numbers[name])

    @property
    def curve(self) -> Curve:
        """Formula 1."""
        return Curve(self["a"], self["b"], self["plateau"])

    def accuracy(self, zeta: float) -> float:
        """Return what formula 1 gives for a fraction, in percent."""
        return 100 * self.curve.at(zeta)


def fractions_of(runs: pd.DataFrame, metric: str) -> pd.Series:
    """Return mean accuracies by replaced fraction, not in percent."""
    return contour.means_of(runs, metric) / 100


def fitted(runs: pd.DataFrame, metric: str) -> Curve:
    """Return the curve fitted to runs, its plateau the mean before the contour; errors as for `curve.fit`."""
    if runs[metric].notna().sum() == 0:
        raise Missing("no run has finished")
    return curve.fit(fractions_of(runs, metric), contour.before(runs, metric) / 100)


def numbers(runs: pd.DataFrame, metric: str, printed: Curve | None = None) -> dict[str, float | None]:
    """Return a, b and plateau of the fitted curve, and `NUMBERS`; None for what cannot be worked out.

    `error` is the mean squared error of the fitted curve and `printed_error` that of the printed one, both in squared
    fractions; `contour` is where the plateau ends; `falls_tenth` and `falls_half` are where the fitted curve has lost a
    tenth and a half of a point.
    """
    found: dict[str, float | None] = dict.fromkeys(("a", "b", "plateau", *NUMBERS))
    if runs[metric].notna().sum() == 0:
        return found
    means = fractions_of(runs, metric)
    found |= {"plateau": contour.before(runs, metric) / 100, "contour": contour.contour(runs, metric)}
    if printed is not None:
        found["printed_error"] = printed.error(means)
    try:
        own = fitted(runs, metric)
    except Missing:
        return found
    falls = {"falls_tenth": own.falls(TENTH), "falls_half": own.falls(HALF)}
    return found | own._asdict() | {"error": own.error(means)} | falls


def rivals(runs: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return mean squared error and Akaike's criterion of the curve and of every rival form, by `form`.

    All have the curve's plateau. Errors as for `curve.fit`.
    """
    means, own = fractions_of(runs, metric), fitted(runs, metric)
    links = float(runs["links"].mean())
    errors: dict[str, tuple[str, float, int]] = {"curve": ("a exp(b (ζ − 1))", own.error(means), curve.PARAMETERS)}
    for name, rival in curve.RIVALS.items():
        error = curve.rival_error(rival, means, own.plateau, links)
        errors[name] = rival.words, error, rival.parameters
    rows: list[dict[str, Any]] = [
        {"form": name, "words": words, "error": error, "aic": curve.criterion(error, len(means), parameters)}
        for name, (words, error, parameters) in errors.items()
    ]
    return pd.DataFrame(rows)
