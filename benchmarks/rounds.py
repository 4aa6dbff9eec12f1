"""Measuring in interleaved rounds, so that a change of the machine's speed meets everything that is compared.

All seconds are CPU seconds of the one thread that works: on a quiet core the same as those of a clock on the wall, and
on a shared one without what others took.
"""

import sys
import time
from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

from tqdm import tqdm

Name = TypeVar("Name", bound=Hashable)


def clocked(call: Callable[[], object], times: int = 1) -> float:
    """Return the CPU seconds of one call, of several if it is short."""
    start = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - start) / times


def interleaved(calls: Mapping[Name, Callable[[], float]], rounds: int, title: str) -> dict[Name, list[float]]:
    """Return the seconds that each call reports, once a round; the first, unmeasured round compiles and warms up."""
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    for round_ in tqdm(range(rounds + 1), desc=title, unit="round", disable=not sys.stderr.isatty()):
        for name, call in calls.items():
            found = call()
            if round_:
                seconds[name].append(found)
    return seconds
