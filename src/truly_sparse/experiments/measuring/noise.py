"""What noise on a part of a trained network's links does to it, and ensembles of such networks (Whitaker chapter 4)."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from truly_sparse.data.arrays import Arrays
from truly_sparse.engine import store
from truly_sparse.engine.divergence import divergence
from truly_sparse.engine.network import Floats
from truly_sparse.engine.noise import Noise
from truly_sparse.engine.rows import Samples
from truly_sparse.engine.store import Network, perturbed
from truly_sparse.ensembles import methods
from truly_sparse.ensembles.methods.noisy_subnetworks import SHARING
from truly_sparse.ensembles.noise_search import between, population
from truly_sparse.errors import UserError
from truly_sparse.experiments.measuring.pieces import in_pieces
from truly_sparse.experiments.measuring.trained import finish, settings_of, short, some_rows, trainer_of, with_data
from truly_sparse.experiments.samples import samples
from truly_sparse.measure.combining import vote
from truly_sparse.measure.metrics import Labels, classification_metrics, predict_ensemble

#: Sparsity at which masks and their complements are as large, and of the ensembles therefore.
HALF = 0.5
#: What of the sparsities stands beside dense noise of the same norm.
SPARSE = 0.9
#: Children that vote.
VOTERS = 4
#: Kinds of noise in a population.
KINDS = ("independent", "mirrored", "quad")


class Rows(NamedTuple):
    """Rows to predict, and what the parent says of them."""

    x: Samples
    y: Labels
    parent: Floats


class Child(NamedTuple):
    """A noisy network: accuracy and negative log-likelihood on the held-out rows, and its test probabilities."""

    accuracy: float
    likelihood: float
    test: Floats


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train parents with seeds 0, 1, ... and look what noise does to them.

    Returns
    -------
    DataFrame
        One row per (dataset, seed, part, ...); accuracies are in percent, divergences in nats. `part` says which
        columns a row has besides `sparsity`, `sd` (standard deviation of the noise) and `kl` (divergence of the parent
        to a noisy network, mean over these):

        grid
            Independent noise on the held-out rows: `norm`, the deviation of dense noise of the same norm; `draws`;
            `loss`, `loss_sd`, by how many points the accuracy is below the parent's, mean and deviation over draws;
            `accuracy`; `disagreement` of every two draws.
        norm
            The same at a sparsity of 0.9, with the norm of dense noise of the deviations wanted.
        combining
            One ensemble of the parent and four independent children (`draw`) on the test rows: `accuracy` of mean
            probabilities, `vote` of the majority.
        population
            One ensemble (`draw`) of the parent and `members` children out of a population, at the deviation whose
            divergence is `divergence`: `kind` of noise; `choice` of the members, by accuracy on the held-out rows
            (selected), the first ones (random) or all; `accuracy`, `nll`, `ece` on the test rows, what the `parent_`
            has, and `kl_ensemble`, the divergence of the parent to the ensemble.

    Raises
    ------
    UserError
        Where a dataset is not prepared, training diverges, or more members are wanted than there are.
    """
    if max(settings["members"]) > settings["population"]:
        raise UserError(
            f"measurements.noise: {max(settings['members'])} members of a population of {settings['population']}"
        )
    each = product(settings["datasets"], range(settings["seeds"]))
    frame = in_pieces(each, partial(_of_one, settings, config))
    numbers = frame.select_dtypes("float").columns
    return frame.assign(**{name: frame[name].map(short, na_action="ignore") for name in numbers})


def deviation_at(deviations: Sequence[float], divergences: Sequence[float], wanted: float) -> float:
    """Return the standard deviation of the noise at which the divergence is as wanted.

    Parameters
    ----------
    deviations, divergences : sequence of float
        What was measured, deviations ascending.
    wanted : float
        Divergence; beyond what was measured, the last deviation on that side is returned.
    """
    points = list(zip(deviations, divergences, strict=True))
    for (left, below), (right, above) in pairwise(points):
        if below <= wanted < above:
            # Straight between logarithms: a small divergence grows with the square of the deviation.
            return between(left, right, below, above, wanted)
    return points[0][0] if wanted < points[0][1] else points[-1][0]


def _of_one(settings: dict[str, Any], config: dict[str, Any], dataset: str, seed: int) -> pd.DataFrame:
    """Return the rows of one parent."""
    network, data = _parent(settings, config, dataset, seed)
    rows = [{"seed": seed, **row} for row in _measured(settings, network, data, seed)]
    return with_data(rows, dataset, data)


def _parent(settings: dict[str, Any], config: dict[str, Any], dataset: str, seed: int) -> tuple[Network, Arrays]:
    method = settings["method"]
    changes = {name: settings[name] for name in ("epsilon", "epochs")}
    training = settings_of(config, dataset, method, members=1, **changes)
    model = config["methods"][method]["model"]
    trainer, data = trainer_of(config, dataset, training, methods.SINGLE, seed, seed, model)
    finish(trainer, dataset)
    return store.build(trainer.members[0].arrays), data


def _measured(settings: dict[str, Any], network: Network, data: Arrays, seed: int) -> Iterator[dict[str, Any]]:
    held_out = rows_of(network, samples(data.x_validation), data.y_validation, settings["rows"])
    test = rows_of(network, samples(data.x_test), data.y_test, len(data.y_test))
    rng = np.random.default_rng([seed, 0])
    grid = list(_sweep(settings, network, held_out, rng))
    yield from grid
    for norm in settings["deviations"]:
        sd = norm / math.sqrt(1 - SPARSE)
        yield {"part": "norm", **_cell(settings, network, held_out, SPARSE, sd, rng)}
    yield from _combining(settings, network, test, np.random.default_rng([seed, 1]))
    at_half = [row for row in grid if row["sparsity"] == HALF]
    sd = deviation_at(settings["deviations"], [row["kl"] for row in at_half], settings["divergence"])
    yield from _populations(settings, network, held_out, test, sd, np.random.default_rng([seed, 2]))


def rows_of(network: Network, x: Samples, y: Labels, count: int) -> Rows:
    """Return the rows that members are looked at by, with what the parent predicts of them."""
    some, labels = some_rows(x, y, count)
    return Rows(some, labels, network.predict_proba(some))


def _sweep(
    settings: dict[str, Any], network: Network, rows: Rows, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    for sparsity in settings["sparsities"]:
        for sd in settings["deviations"]:
            yield {"part": "grid", **_cell(settings, network, rows, sparsity, sd, rng)}


def _cell(
    settings: dict[str, Any],
    network: Network,
    rows: Rows,
    sparsity: float,
    sd: float,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Return what independent noise of one strength does on some rows."""
    draws = np.stack(
        [perturbed(network, Noise(_key(rng), sd, sparsity)).predict_proba(rows.x) for _ in range(settings["draws"])]
    )
    predicted = draws.argmax(axis=2)
    accuracies = 100 * (predicted == rows.y).mean(axis=1)
    losses = _accuracy(rows.parent.argmax(axis=1), rows.y) - accuracies
    one, other = (predicted[places] for places in np.triu_indices(len(draws), 1))
    return {
        "sparsity": sparsity,
        "sd": sd,
        "norm": sd * math.sqrt(1 - sparsity),
        "kl": float(np.mean([divergence(rows.parent, draw) for draw in draws])),
        "draws": len(draws),
        "accuracy": float(accuracies.mean()),
        "loss": float(losses.mean()),
        "loss_sd": float(losses.std(ddof=1)),
        "disagreement": float((one != other).mean()),
    }


def _combining(
    settings: dict[str, Any], network: Network, test: Rows, rng: np.random.Generator
) -> Iterator[dict[str, Any]]:
    for sd in settings["deviations"]:
        for draw in range(settings["populations"]):
            children = [perturbed(network, Noise(_key(rng), sd, HALF)).predict_proba(test.x) for _ in range(VOTERS)]
            members = np.stack([test.parent, *children])
            yield {
                "part": "combining",
                "sparsity": HALF,
                "sd": sd,
                "draw": draw,
                "members": VOTERS,
                "kl": float(np.mean([divergence(test.parent, child) for child in children])),
                "accuracy": _accuracy(predict_ensemble(members).argmax(axis=1), test.y),
                "vote": _accuracy(vote(members), test.y),
            }


def _populations(
    settings: dict[str, Any],
    network: Network,
    held_out: Rows,
    test: Rows,
    sd: float,
    rng: np.random.Generator,
) -> Iterator[dict[str, Any]]:
    parent = _metrics(test.parent, test.y)
    for draw in range(settings["populations"]):
        for kind in KINDS:
            keys = [_key(rng) for _ in range(settings["population"] // SHARING[kind])]
            noises = population(kind, keys, sd, HALF)
            children = [_child(perturbed(network, noise), held_out, test) for noise in noises]
            ranked = sorted(children, key=lambda child: (-child.accuracy, child.likelihood))
            chosen = {("all", len(children)): children}
            for members in settings["members"]:
                chosen |= {("selected", members): ranked[:members], ("random", members): children[:members]}
            for (choice, members), own in chosen.items():
                together = predict_ensemble(np.stack([test.parent, *(child.test for child in own)]))
                yield {
                    "part": "population",
                    "kind": kind,
                    "choice": choice,
                    "members": members,
                    "draw": draw,
                    "sparsity": HALF,
                    "sd": sd,
                    "kl": float(np.mean([divergence(test.parent, child.test) for child in own])),
                    **_metrics(together, test.y),
                    **{f"parent_{name}": value for name, value in parent.items()},
                    "kl_ensemble": divergence(test.parent, together),
                }


def _child(network: Network, held_out: Rows, test: Rows) -> Child:
    found = _metrics(network.predict_proba(held_out.x), held_out.y)
    return Child(found["accuracy"], found["nll"], network.predict_proba(test.x))


def _metrics(probabilities: Floats, y: Labels) -> dict[str, float]:
    found = classification_metrics(probabilities, y)
    named = {"accuracy": found["accuracy"], "nll": found["log_loss"], "ece": found["ece"]}
    return {name: 100 * value if name == "accuracy" else value for name, value in named.items() if value is not None}


def _accuracy(predicted: Labels, y: Labels) -> float:
    return 100 * float((predicted == y).mean())


def _key(rng: np.random.Generator) -> int:
    return int(rng.integers(2**63))
