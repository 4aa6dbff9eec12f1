"""Noisy copies of a network: how much noise they bear, and which of them predict best (Whitaker section 4.2)."""

from collections.abc import Iterator, Sequence
from math import exp, log

import numpy as np

from truly_sparse.engine import store
from truly_sparse.engine.divergence import divergence
from truly_sparse.engine.network import Floats
from truly_sparse.engine.noise import Noise
from truly_sparse.engine.rows import Samples, chosen
from truly_sparse.engine.store import perturbed
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.loop import Problem

#: Standard deviations and sparsities that are tried.
DEVIATIONS = tuple(0.001 * 300 ** (i / 12) for i in range(13))
SPARSITIES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
#: Noisy networks whose divergence is averaged, rows on which it is taken, and bisections after the interpolation.
TRIED, ROWS, BISECTIONS = 8, 1000, 3


def population(kind: str, keys: Sequence[int], sd: float, sparsity: float) -> Iterator[Noise]:
    """Yield the noise of each network of a population.

    Parameters
    ----------
    kind : {"quad", "mirrored", "independent"}
        Equations 4.8 to 4.11; the first and third of these; the first of them.
    keys : sequence of int
        One for each quad, pair or network.
    sd, sparsity : float
    """
    complements = (False, True) if kind == "quad" else (False,)
    for key in keys:
        for sign in (1,) if kind == "independent" else (1, -1):
            yield from (Noise(key, sd, sparsity, sign, complement) for complement in complements)


def mean_divergence(parent: store.Network, x: Samples, noises: Sequence[Noise], reference: Floats) -> float:
    """Return the mean divergence of noisy networks from their parent, whose predictions of x are the reference."""
    total = 0.0
    for noise in noises:
        total += divergence(reference, perturbed(parent, noise).predict_proba(x))
    return total / len(noises)


def deviation_at(
    parent: store.Network, x: Samples, settings: TrainingConfig, keys: Sequence[int], sparsity: float
) -> float:
    """Return the standard deviation at which noisy networks diverge by `divergence`; the last that is tried if none do.

    It is interpolated between logarithms, then bisected.
    """
    reference, known = parent.predict_proba(x), dict[float, float]()

    def at(sd: float) -> float:
        noises = list(population(settings.noise, keys, sd, sparsity))[:TRIED]
        known[sd] = mean_divergence(parent, x, noises, reference)
        return known[sd]

    wanted = settings.divergence
    above = next((sd for sd in DEVIATIONS if at(sd) >= wanted), None)
    if above is None or above == DEVIATIONS[0]:
        return DEVIATIONS[-1] if above is None else above
    below = DEVIATIONS[DEVIATIONS.index(above) - 1]
    for _ in range(BISECTIONS):
        sd = between(below, above, known[below], known[above], wanted)
        below, above = (sd, above) if at(sd) < wanted else (below, sd)
    return between(below, above, known[below], known[above], wanted)


def between(below: float, above: float, value_below: float, value_above: float, wanted: float) -> float:
    """Interpolate between logarithms; rounded, so that no C library's last digit counts."""
    low, high = log(max(value_below, 1e-12)), log(max(value_above, 1e-12))
    part = 0.5 if high <= low else (log(wanted) - low) / (high - low)
    part = min(max(part, 0.0), 1.0)
    return float(f"{exp(log(below) + part * (log(above) - log(below))):.9g}")


def noisy_members(
    parent: store.Network, problem: Problem, settings: TrainingConfig, rng: np.random.Generator
) -> list[tuple[float, store.Arrays]]:
    """Return score and arrays of the noisy networks that are kept, the best on the validation rows first.

    Ties go to the lower loss, then to the earlier one. There is at least one validation row.
    """
    sharing = len(list(population(settings.noise, [0], settings.noise_sd, settings.sparsity)))
    keys = [int(rng.integers(2**64, dtype=np.uint64)) for _ in range(settings.population // sharing)]
    base, shown = store.snapshot(parent), problem.x_validation
    found = []
    for sparsity in SPARSITIES if settings.search_sparsity else (settings.sparsity,):
        few = chosen(shown, slice(ROWS))
        sd = settings.noise_sd or deviation_at(parent, few, settings, keys, sparsity)
        noises = list(population(settings.noise, keys, sd, sparsity))
        outputs = np.stack([perturbed(parent, noise).predict_proba(shown) for noise in noises])
        ranks = sorted(
            range(len(noises)), key=lambda i: (-problem.targets.score(outputs[i]), problem.targets.loss(outputs[i]), i)
        )[: settings.members]
        together = [*([parent.predict_proba(shown)] if settings.include_parent else []), *outputs[ranks]]
        mean = _mean(together)
        members = [(problem.targets.score(outputs[i]), {**base, "noise": store.numbers_of(noises[i])}) for i in ranks]
        found.append((-problem.targets.score(mean), problem.targets.loss(mean), -sparsity, members))
    return min(found, key=lambda each: each[:3])[3]


def _mean(outputs: Sequence[Floats]) -> Floats:
    """Return the mean of outputs, added in order."""
    whole = np.zeros(outputs[0].shape, np.float64)
    for each in outputs:
        whole += each
    return (whole / len(outputs)).astype(np.float32)
