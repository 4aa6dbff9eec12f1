"""Random streams: those that came later leave the earlier ones as they were."""

import numpy as np

from truly_sparse.engine.streams import NAMES, Streams


def test_streams_that_came_later_leave_the_earlier_ones_as_they_were():
    """The first five are what all committed records were made with."""
    assert NAMES[:5] == ("start", "order", "dropout", "evolution", "regrowth")
    for seed, member in ((0, 0), (7, 3)):
        streams = Streams(seed, member)
        for number, name in enumerate(NAMES):
            sequence = np.random.SeedSequence(seed, spawn_key=(member, number))
            expected = np.random.Generator(np.random.PCG64(sequence)).integers(2**63, size=4)
            assert np.array_equal(getattr(streams, name).integers(2**63, size=4), expected)


def test_no_two_streams_share_a_draw():
    firsts = {
        int(getattr(Streams(seed, member), name).integers(2**63))
        for seed in range(3)
        for member in range(8)
        for name in NAMES
    }
    assert len(firsts) == 3 * 8 * len(NAMES)


def test_a_restored_state_goes_on_where_it_was_taken():
    streams = Streams(1)
    streams.gate.random(3)
    state, following = streams.state(), streams.gate.random(3)
    other = Streams(2)
    other.restore(state)
    assert np.array_equal(other.gate.random(3), following)
