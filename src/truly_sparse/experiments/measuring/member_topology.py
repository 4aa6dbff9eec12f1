"""Topological distance among the members of one ensemble (NNSTD; thesis figures 9, 10 and 11)."""

from collections.abc import Iterator
from functools import partial
from itertools import combinations, product
from typing import Any

import pandas as pd
from scipy import sparse

from truly_sparse.data.arrays import Arrays
from truly_sparse.experiments.measuring.pieces import in_pieces
from truly_sparse.experiments.measuring.trained import HIDDEN, finish, settings_of, trainer_of, with_data
from truly_sparse.measure.topology_distance import shared_part, topology_distances, topology_of

#: The blocks of a network, each a 0/1 matrix [input][output].
Topology = list[sparse.csr_array]


def measure(settings: dict[str, Any], config: dict[str, Any]) -> pd.DataFrame:
    """Train ensembles with seeds 0, 1, ... by every method, and compare every two members of one ensemble.

    Returns
    -------
    DataFrame
        One row per (dataset, method, seed, one, other, block), `one` and `other` counting the members of an ensemble
        and `block` those between two hidden layers, both from 0: `distance`, the NNSTD of the block; `shared`, the part
        of the links of `one` that `other` has at the same places; `links` of `one`, and `partial`.

    Raises
    ------
    UserError
        Where a dataset is not prepared, or training diverges.
    """
    each = (
        (dataset, *key)
        for dataset, ensembles in settings["datasets"].items()
        for key in product(settings["methods"], range(ensembles))
    )
    return in_pieces(each, partial(_of_one, settings, config))


def _of_one(settings: dict[str, Any], config: dict[str, Any], dataset: str, method: str, seed: int) -> pd.DataFrame:
    """Return the rows of one ensemble."""
    training = settings_of(config, dataset, method, epsilon=settings["epsilon"])
    members, data = _members(config, dataset, training, config["methods"][method]["strategy"], seed)
    return with_data([{"method": method, "seed": seed, **row} for row in _compare(members)], dataset, data)


def _members(
    config: dict[str, Any], dataset: str, training: dict[str, Any], strategy: str, seed: int
) -> tuple[list[Topology], Arrays]:
    """Return the topologies of an ensemble's members, which are those of a run with this seed, and the data."""
    trainer, data = trainer_of(config, dataset, training, strategy, seed, seed)
    finish(trainer, dataset)
    return [topology_of(member.arrays) for member in trainer.members], data


def _compare(members: list[Topology]) -> Iterator[dict[str, Any]]:
    for (one, first), (other, second) in combinations(enumerate(members), 2):
        distances = topology_distances(first[:-1], second[:-1])
        for block in range(HIDDEN, len(distances)):
            yield {
                "one": one,
                "other": other,
                "block": block - HIDDEN,
                "distance": distances[block],
                "shared": shared_part(first[block], second[block]),
                "links": first[block].nnz,
            }
