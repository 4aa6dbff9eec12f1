"""How functions are compiled."""

from typing import Any

COMPILED: Any = {"boundscheck": False, "error_model": "numpy"}
#: Of functions that only compiled code calls: no way in from Python, nothing allocated; compiled the sooner.
INNER: Any = {**COMPILED, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}
#: Of those whose code stands where they are called.
INLINED: Any = {**INNER, "forceinline": True}
