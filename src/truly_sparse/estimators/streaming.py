"""Where `partial_fit` has a meaning."""

from collections.abc import Callable
from types import MethodType
from typing import Any

from truly_sparse.errors import UserError


class NotStreamed(UserError, AttributeError):
    """The estimator has no `partial_fit`."""


class _Streamed:
    """A method that an estimator has where its `_no_stream` gives no reason why not."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __get__(self, model: Any, kind: type | None = None) -> Callable[..., Any]:
        if model is None:
            return self._function
        reason = model._no_stream()
        if reason is not None:
            raise NotStreamed(reason)
        return MethodType(self._function, model)


def where_streamed(function: Callable[..., Any]) -> Any:
    """Make a method one that `hasattr` finds only where the estimator learns from streams.

    Elsewhere it is an `AttributeError` of one line, as scikit-learn expects.
    """
    return _Streamed(function)
