"""Something that is worked out beside a fit, in a thread of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Stopped(Exception):
    """Raised in the thread whose result nobody wants any more."""


class Beside(Generic[Result]):
    """A call that runs in a thread of its own, from `with` on; it is told to stop where that block fails.

    Parameters
    ----------
    call : callable
        Is given this object, and asks it by `go_on` from time to time.
    """

    def __init__(self, call: Callable[["Beside[Result]"], Result]) -> None:
        self._call, self._unwanted, self._thread = call, threading.Event(), ThreadPoolExecutor(1)

    def __enter__(self) -> "Beside[Result]":
        self._future = self._thread.submit(self._call, self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._unwanted.set()
        self._thread.shutdown()

    @property
    def runs(self) -> bool:
        """Whether the call has not ended yet."""
        return not self._future.done()

    def go_on(self) -> None:
        """Raise where nobody wants the result any more; asked in the thread of the call."""
        if self._unwanted.is_set():
            raise Stopped

    def result(self) -> Result:
        """Wait for what the call returns, or raise what it raised."""
        return self._future.result()
