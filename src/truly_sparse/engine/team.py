"""Threads that share the work of each step: what a thread does, and where it waits for the others.

A thread takes neurons in a row, of about as many links as the others', so that every sum is made by one thread in its
stated order: the bits are those of one thread. Between layers all threads meet. Where there is one thread, its team is
an empty tuple, for which nothing of this is compiled.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic, overload

from truly_sparse.engine.bisection import first_from
from truly_sparse.engine.compiled import INLINED
from truly_sparse.engine.memory import aligned
from truly_sparse.engine.registers import I32, I64, Code, operation

#: How often a thread looks for the others, for some 20 microseconds, before it lets the system run something else.
LOOKS = 50_000
#: Multiply-adds of a step, for each thread, from which on meeting the others costs little.
WORTH = 1_000_000
#: For how many epochs one thread trains alone where more were slower, twice as many each time that they are.
ALONE = 8


class Team(NamedTuple):
    """A thread's number among `size`; in arrays of one number, arrivals so far (int64) and what the first one told."""

    number: int
    size: int
    arrivals: npt.NDArray[np.int64]
    told: npt.NDArray[np.float64]


def teams(size: int) -> list[Team]:
    """Return what each thread of a team is given."""
    arrivals, told = aligned(1, np.int64), aligned(1, np.float64)
    return [Team(number, size, arrivals, told) for number in range(size)]


class Crew:
    """How many threads train a network, epoch by epoch, where several may: as many as are quicker than one.

    They are not where other programs have the processors: then each waits until the others have had their turn.
    """

    def __init__(self) -> None:
        self._alone, self._next = 0, ALONE
        self._pace: float | None = None

    def choose(self, threads: int, products: int) -> int:
        """Return how many of the allowed threads share steps of so many multiply-adds."""
        if self._alone:
            self._alone -= 1
            return 1
        return max(1, min(threads, products // WORTH))

    def trained(self, threads: int, seconds: float) -> None:
        """Take note of what a step of an epoch took."""
        if threads == 1:
            self._pace = seconds
        elif self._pace is None:
            self._alone = 1  # to know
        elif seconds > self._pace:
            self._alone, self._next = self._next, 2 * self._next
        else:
            self._next = ALONE


def together(calls: list[Callable[[], Any]]) -> Any:
    """Run calls that wait for each other in a thread each; return what the first gives.

    All of them run or none: none where a thread cannot be started or an interrupt comes before all are. One that comes
    later is raised when all calls are over.
    """
    if len(calls) == 1:
        return calls[0]()
    given: list[Future[Any]] = [Future() for _ in calls]
    ready, all_started = threading.Event(), False
    # To wait for before a thread is joined: one whose join is interrupted counts as ended while it runs (Python 3.11).
    over = [threading.Event() for _ in calls]

    def run(number: int) -> None:
        ready.wait()
        try:
            if all_started:
                given[number].set_result(calls[number]())
        except BaseException as error:  # raised where the result is asked for
            given[number].set_exception(error)
        finally:
            over[number].set()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    try:
        for thread in threads:
            thread.start()
        all_started = True
        ready.set()
        for own in over:
            own.wait()
    finally:
        ready.set()
        for thread, own in zip(threads, over, strict=True):
            if thread.ident is not None:
                own.wait()
                thread.join()
    first, *_ = [one.result() for one in given]
    return first


def leads(team):
    """Return whether a thread does what one alone has to do; compiled code only."""
    raise NotImplementedError


def meet(team):
    """Wait until all threads are here; compiled code only."""
    raise NotImplementedError


def tell(team, number):
    """Meet, and return what the thread that leads was given; compiled code only."""
    raise NotImplementedError


def share(team, ends, begin, end):
    """Return which neurons of those from `begin` up to `end` a thread takes, of which neuron n has the links from
    ``ends[n]`` up to ``ends[n + 1]``; compiled code only.
    """
    raise NotImplementedError


def stretch(team, count):
    """Return which of `count` parameters a thread moves, by vectors; compiled code only."""
    raise NotImplementedError


def _alone(team: Any) -> bool:
    return isinstance(team, types.BaseTuple) and not len(team)


@overload(leads, jit_options=INLINED)
def _leads(team):
    return (lambda team: True) if _alone(team) else (lambda team: team.number == 0)  # noqa: ARG005


@overload(meet, jit_options=INLINED)
def _meet(team):
    if _alone(team):
        return lambda team: None  # noqa: ARG005

    def meet_others(team):
        here = _arrive(team.arrivals)
        wanted = (here + team.size - 1) // team.size * team.size
        looks = 0
        while _arrived(team.arrivals) < wanted:
            looks += 1
            if looks > LOOKS:
                _give_way(team.arrivals)

    return meet_others


@overload(tell, jit_options=INLINED)
def _tell(team, number):
    del number
    if _alone(team):
        return lambda team, number: number  # noqa: ARG005

    def tell_others(team, number):
        if team.number == 0:
            team.told[0] = number
        meet(team)
        return team.told[0]

    return tell_others


@njit(**INLINED)
def _cut(ends, begin, end, number, count):
    """Return the neuron that begins a thread's share."""
    if number == 0:
        return begin
    if number == count:
        return end
    wanted = ends[begin] + (ends[end] - ends[begin]) * number // count
    return first_from(ends, begin, end, wanted)


@overload(share, jit_options=INLINED)
def _share(team, ends, begin, end):
    del ends, begin, end
    if _alone(team):
        return lambda team, ends, begin, end: (begin, end)  # noqa: ARG005

    def share_of_thread(team, ends, begin, end):
        first = _cut(ends, begin, end, team.number, team.size)
        return first, _cut(ends, begin, end, team.number + 1, team.size)

    return share_of_thread


@overload(stretch, jit_options=INLINED)
def _stretch(team, count):
    del count
    if _alone(team):
        return lambda team, count: (0, count)  # noqa: ARG005

    def stretch_of_thread(team, count):
        vectors = count // 8
        first, last = vectors * team.number // team.size * 8, vectors * (team.number + 1) // team.size * 8
        return first, count if team.number + 1 == team.size else last

    return stretch_of_thread


@intrinsic
def _arrive(typingctx, arrivals):
    """Count one more arrival; return how many there are."""

    def write(code: Code, _: Any) -> Any:
        place, one = code.address(0, ir.Constant(I64, 0), I64), ir.Constant(I64, 1)
        return code.builder.add(code.builder.atomic_rmw("add", place, one, "seq_cst"), one)

    return operation(types.int64, (arrivals,), write)


@intrinsic
def _arrived(typingctx, arrivals):
    """Return how many arrivals there are."""

    def write(code: Code, _: Any) -> Any:
        return code.builder.load_atomic(code.address(0, ir.Constant(I64, 0), I64), "acquire", 8, typ=I64)

    return operation(types.int64, (arrivals,), write)


@intrinsic
def _give_way(typingctx, arrivals):
    """Let the system run something else, where it has a call for that."""

    def write(code: Code, _: Any) -> None:
        if os.name == "posix":
            module = code.builder.module
            kind = ir.FunctionType(I32, [])
            name = "sched_yield"
            function = module.globals.get(name) or ir.Function(module, kind, name)
            code.builder.call(function, [])

    return operation(types.void, (arrivals,), write)
