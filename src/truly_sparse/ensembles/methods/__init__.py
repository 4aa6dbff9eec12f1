"""Methods of ensembles, one file each with a class `Members` derived from `Method`; a file's name is the method's.

The name of an escape strategy is a method, too: members that follow one another. These files are read when a
configuration is checked, so that they import nothing that takes long.
"""

from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from truly_sparse.ensembles.method import Method
from truly_sparse.ensembles.sequential import Sequential

#: The method that trains one network.
SINGLE = "none"


@cache
def names() -> list[str]:
    """Return the names of the methods that have a file here."""
    return sorted(module.name for module in iter_modules(__path__))


@cache
def strategies() -> list[str]:
    """Return the names of the escape strategies, from the names of their files alone."""
    return sorted(module.name for module in iter_modules([str(Path(__file__).parents[1] / "strategies")]))


def of_many() -> list[str]:
    """Return the names of those that make ensembles."""
    return [name for name in names() if name != SINGLE]


def kind(name: str) -> type[Method]:
    """Return the class of the method that a name stands for; other names than `names` are those of strategies."""
    if name not in names():
        return Sequential
    found: type[Method] = import_module(f"{__name__}.{name}").Members
    return found
