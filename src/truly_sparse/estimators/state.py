"""What training gives an estimator, and what it keeps of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truly_sparse.engine import store
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.prediction import Ordered, Outputs
from truly_sparse.estimators.children import Parent
from truly_sparse.estimators.encoding import Encoding
from truly_sparse.training.loop import End, Member


@dataclass
class Trained:
    """What a run gave: its members and the rows of its history, where it ended, and whose children the members are.

    Of the members that there were before, all are kept or the first `kept`. `ends` has the end of every member that is
    trained by itself.
    """

    members: list[Member]
    history: list[dict[str, Any]]
    end: End
    parent: Parent | None = None
    kept: int | None = None
    ends: list[End] = field(default_factory=list)


@dataclass
class Model:
    """A fitted state: encoding, members, and where training ended; a parent's arrays are shared with members."""

    encoding: Encoding
    members: list[Member]
    end: End | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    parent: Parent | None = None
    #: Where each member's training ended, after `partial_fit`.
    ends: list[End] = field(default_factory=list)
    #: By what the logarithms of the probabilities are divided.
    temperature: float = 1.0
    #: What is no choice any more, as `_settled` returns it; empty where a file did not say.
    made_with: Mapping[str, Any] = field(default_factory=dict)
    #: The members' links in order for single rows, and for many, once some were predicted.
    ordered: Ordered | None = None
    in_strips: Outputs | None = None


def network_of(member: Member) -> SparseMLP:
    """Return the network of a member's arrays."""
    network = store.build(member.arrays)
    assert isinstance(network, SparseMLP)
    return network
