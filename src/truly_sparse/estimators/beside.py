"""Something that is worked out beside a fit, in a thread of its own."""

import threading
from collections.abc import Callable
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
        self._call, self._unwanted = call, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._found: list[Result] = []
        self._failure: BaseException | None = None

    def _run(self) -> None:
        try:
            self._found.append(self._call(self))
        except BaseException as failure:  # raised where the result is asked for
            self._failure = failure

    def __enter__(self) -> "Beside[Result]":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is not None:
            self._unwanted.set()
        self._thread.join()

    @property
    def runs(self) -> bool:
        """Whether the call has not ended yet."""
        return self._thread.is_alive()

    def go_on(self) -> None:
        """Raise where nobody wants the result any more; asked in the thread of the call."""
        if self._unwanted.is_set():
            raise Stopped

    def result(self) -> Result:
        """Wait for what the call returns, or raise what it raised."""
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found[0]
