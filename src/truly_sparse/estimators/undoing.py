"""A fit that fails leaves the estimator as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def undone_on_failure(model: Any) -> Iterator[None]:
    """Give a model the attributes that it had back where what is done ends with an exception, such as Ctrl-C.

    What the attributes hold is never changed in place, only replaced.
    """
    before = dict(vars(model))
    try:
        yield
    except BaseException:
        vars(model).clear()
        vars(model).update(before)
        raise
