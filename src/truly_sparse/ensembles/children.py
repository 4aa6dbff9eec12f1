"""What stages do to make a child of a trained network: functions that the training loop calls when they begin."""

import numpy as np
import numpy.typing as npt

from truly_sparse.engine import store
from truly_sparse.engine.dense import DenseMLP
from truly_sparse.engine.linked import Linked
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.store import Network
from truly_sparse.ensembles import subnetworks
from truly_sparse.ensembles.annealing import Iterative, Stochastic
from truly_sparse.ensembles.noise_search import noisy_members
from truly_sparse.training.config import TrainingConfig
from truly_sparse.training.loop import Problem
from truly_sparse.training.stage import Derive, Draw, Harvest, Made


def pruned(settings: TrainingConfig, child: int, whole: bool) -> Derive:
    """Return what makes a child of its parent, with its own links or, with `whole`, with all of its parent's."""

    def derive(parent: Network, draw: Draw) -> Network:
        if settings.sampler != "partition" and not settings.sparsity and settings.inherit:
            parent.rest()  # with all of its weights, a dense network stays dense
            return parent
        if whole:
            marks = {pair: subnetworks.every(part) for pair, part in subnetworks.parts_of(parent).items()}
        else:
            marks = subnetworks.kept(parent, settings, child, draw)
        return subnetworks.child_of(parent, marks, settings, None if settings.inherit else draw(child + 1).start)

    return derive


def iterative(settings: TrainingConfig, child: int) -> Derive:
    """Return what lets a child's links fall by and by."""

    def anneal(network: Linked, draw: Draw) -> Iterative:
        return Iterative(network, settings, draw(child + 1).prune)

    return anneal


def stochastic(settings: TrainingConfig, child: int) -> Derive:
    """Return what has a child's surplus links take part in ever fewer steps."""

    def anneal(network: Linked, draw: Draw) -> Stochastic:
        target = subnetworks.marked(network, subnetworks.kept(network, settings, child, draw))
        drawn = subnetworks.marked(network, subnetworks.fallible(network, settings))
        return Stochastic(target, settings, draw(child + 1), drawn)

    return anneal


def noisy(settings: TrainingConfig) -> Harvest:
    """Return what makes noisy networks of their parent."""

    def harvest(parent: Network, problem: Problem, draw: Draw) -> Made:
        return noisy_members(parent, problem, settings, draw(1).noise)

    return harvest


def dropped(settings: TrainingConfig) -> Harvest:
    """Return what makes networks of their parent by dropping hidden neurons at random, and scaling the others."""

    def harvest(parent: Network, problem: Problem, draw: Draw) -> Made:
        del problem
        rng = draw(1).noise
        for _ in range(settings.members):
            stays = [np.ones(parent.sizes[0], bool), *(rng.random(n) >= settings.dropout for n in parent.sizes[1:-1])]
            yield None, store.snapshot(_with_neurons(parent, stays, 1 / (1 - settings.dropout)))

    return harvest


def _with_neurons(parent: Network, stays: list[npt.NDArray[np.bool_]], scale: float) -> Network:
    """Return a copy whose other neurons are silent, with what leads from hidden ones scaled; `stays` has the inputs."""
    if isinstance(parent, SparseMLP):
        neurons = np.concatenate(stays)
        sources = np.repeat(np.arange(len(neurons)), np.diff(parent.graph.arrays.pointers))
        keep = neurons[sources]
        child = parent.subnetwork(keep)
        child.graph.values[sources[keep] >= parent.sizes[0]] *= np.float32(scale)
        return child
    copy = store.build(store.snapshot(parent))
    assert isinstance(copy, DenseMLP)
    for weights, own in list(zip(copy.weights, stays, strict=True))[1:]:
        weights *= np.where(own, np.float32(scale), np.float32(0))
    return copy
