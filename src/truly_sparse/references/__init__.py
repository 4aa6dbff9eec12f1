"""What a practitioner would try first: scikit-learn's classifiers, one file each, with a function `create`.

They keep scikit-learn's own defaults except where the file says why not. A new one is one file here and one method in
the configuration.
"""

from importlib import import_module
from typing import Any


def create(name: str, seed: int) -> Any:
    """Return the unfitted classifier of the file `name`."""
    return import_module(f"{__name__}.{name}").create(seed)
