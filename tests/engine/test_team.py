"""Threads that share each step train a network to the bits of one thread, whatever it is and however many they are."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from truly_sparse.engine import network as network_module
from truly_sparse.engine import team
from truly_sparse.engine.network import SparseMLP
from truly_sparse.engine.optimisers import SGD, Adam
from truly_sparse.engine.ramped import Ramped
from truly_sparse.engine.topology import erdos_renyi

OPTIMISERS = {
    "in place": SGD(0.1, nesterov=True),
    "clipped": SGD(0.1, clip=0.5),
    "coupled": SGD(np.linspace(0.1, 0.2, 4), 0.8, decay=0.01, coupled=True),
    "adam": Adam(0.01, clip=1.0),
}


@pytest.fixture(autouse=True)
def _small_steps_are_shared_too(monkeypatch):
    monkeypatch.setattr(team, "WORTH", 1)
    monkeypatch.setattr(team.Crew, "trained", lambda *_: None)


def trained(seed, sizes, storage, slopes, optimiser, dropout, batch, threads, ramps):
    """Return what an epoch and another leave of a network with a shortcut."""
    rng = np.random.default_rng(seed)
    links = {
        pair: erdos_renyi(sizes[pair[0]], sizes[pair[1]], 4, rng) for pair in ((0, 1), (0, 2), (1, 2), (2, 3), (1, 3))
    }
    network = SparseMLP.start(sizes, links, slopes, rng, storage=storage, bias_per_block=True)
    x, y = rng.normal(size=(4 * batch, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], 4 * batch)
    samples = x
    if ramps:
        numbers = np.concatenate([np.ones_like(x), x], axis=1)
        samples = Ramped(numbers, np.arange(sizes[0] + 1), np.zeros(sizes[0]), np.ones(sizes[0]))
    results = [
        network.train_epoch(
            samples, y, rng.permutation(4 * batch), batch, optimiser, dropout, seed, 4 * e, None, threads
        )
        for e in range(2)
    ]
    return [np.array(results, float), *network.copy_state().values()]


#: Storage, slopes, and whether samples are ramps: each with each of the others; kernels of every one are compiled.
COMPILED = [
    ("float32", [0.2, -0.1], False),
    ("float32", "mish", True),
    ("bfloat16", [0.2, -0.1], True),
    ("bfloat16", "mish", False),
]


@pytest.mark.slow  # compiles each of them for every optimiser, for one thread and for several
@pytest.mark.parametrize("optimiser", OPTIMISERS)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 40)] * 4),
    st.sampled_from(COMPILED),
    st.sampled_from([0.0, 0.3]),
    st.integers(1, 16) | st.integers(65, 70),  # one tile and several: kernels of two widths
    st.integers(2, 5),
)
def test_the_bits_are_those_of_one_thread(optimiser, seed, sizes, compiled, dropout, batch, threads):
    storage, slopes, ramps = compiled
    own = seed, sizes, storage, slopes, OPTIMISERS[optimiser], dropout, batch
    for one, other in zip(trained(*own, 1, False), trained(*own, threads, ramps), strict=True):
        np.testing.assert_array_equal(one, other)


def test_all_threads_stop_where_the_loss_is_not_finite():
    own = 3, (9, 8, 7, 3), "float32", [0.0, 0.0], SGD(1e30), 0.0, 16
    one, other = trained(*own, 1, False), trained(*own, 3, False)
    assert not np.isfinite(one[0]).all()
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_thread_works(monkeypatch):
    seen, together = [], team.together

    def counted(calls):
        seen.append(len(calls))
        return together(calls)

    monkeypatch.setattr("truly_sparse.engine.network.together", counted)
    trained(1, (40, 40, 40, 3), "float32", [0.0, 0.0], SGD(0.1), 0.0, 64, 3, False)
    assert seen == [3, 3]


@pytest.fixture
def crew(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(team, "WORTH", 100)
    return team.Crew()


def epochs(crew, alone, shared, count):
    """Return how many of three threads train each epoch, where a step of one and of more takes so many seconds."""
    found = []
    for _ in range(count):
        found.append(crew.choose(3, 1000))
        crew.trained(found[-1], alone if found[-1] == 1 else shared)
    return found


def test_small_steps_are_not_shared(crew):
    assert [crew.choose(3, products) for products in (50, 199, 200, 299, 300, 10_000)] == [1, 1, 2, 2, 3, 3]


def test_threads_train_where_they_are_quicker_than_one_and_are_tried_again_where_they_are_not(crew):
    assert epochs(crew, 2.0, 1.0, 30) == [3, 1] + 28 * [3]
    assert epochs(crew, 2.0, 5.0, 1 + team.ALONE + 1 + 2 * team.ALONE + 1) == (
        [3] + team.ALONE * [1] + [3] + 2 * team.ALONE * [1] + [3]
    )
    assert epochs(crew, 2.0, 1.0, 4 * team.ALONE + 5) == 4 * team.ALONE * [1] + 5 * [3]
    assert epochs(crew, 2.0, 5.0, team.ALONE + 2) == [3] + team.ALONE * [1] + [3]


@pytest.fixture
def over():
    """Return whether no thread is alive that was not before, after waiting for those that are about to end."""
    before = set(threading.enumerate())

    def look():
        others = set(threading.enumerate()) - before
        for thread in others:
            thread.join(5)
        return not any(thread.is_alive() for thread in others)

    return look


def test_calls_run_together_and_the_first_answers():
    meeting = threading.Barrier(3)
    assert team.together([lambda n=n: (meeting.wait(5), n)[1] for n in range(3)]) == 0


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), KeyboardInterrupt()])
def test_no_call_begins_where_not_all_threads_can_start(monkeypatch, over, error):
    start, begun, started = threading.Thread.start, [], []

    def start_two(thread):
        if len(started) == 2:
            raise error
        started.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_two)
    with pytest.raises(type(error)):
        team.together([lambda n=n: begun.append(n) for n in range(3)])
    assert not begun
    assert len(started) == 2
    assert over()


#: What a process does whose main thread is interrupted while it waits for calls.
INTERRUPTED = """
import os, signal, threading, time
from truly_sparse.engine import team

over = []

def call(number):
    if not number:
        os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)
    over.append(number)

try:
    team.together([lambda n=n: call(n) for n in range(3)])
except KeyboardInterrupt:
    print("interrupted", sorted(over), threading.active_count())
"""


def test_an_interrupt_is_raised_when_all_calls_are_over():
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "interrupted [0, 1, 2] 1\n"


def test_an_error_in_any_call_is_raised():
    def fail():
        raise MemoryError("no room")

    with pytest.raises(MemoryError, match="no room"):
        team.together([lambda: 1, fail])


def test_what_calls_take_is_made_before_any_begins(monkeypatch, over):
    def no_room(*_):
        raise MemoryError("no room")

    monkeypatch.setattr(network_module.ramped_kernels, "room_for", no_room)
    with pytest.raises(MemoryError, match="no room"):
        trained(3, (9, 8, 7, 3), "float32", [0.2, -0.1], SGD(0.1), 0.0, 16, 3, False)
    assert over()
