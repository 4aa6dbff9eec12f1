"""What there is to know about one setting: its type, range, default and text, said once for every use of it."""

import dataclasses
from collections.abc import Iterable, Iterator
from numbers import Real
from operator import index
from typing import Any, NamedTuple

from truly_sparse.errors import UserError

#: Name in JSON schemas and in words of the types that a setting may have; a tuple is a list of whole numbers.
JSON = {bool: "boolean", int: "integer", float: "number", str: "string", tuple: "array"}
WORDS = {bool: "bool", int: "int", float: "float", str: "str", tuple: "sequence of int"}
#: Keyword of a bound in JSON schemas, and in words.
BOUNDS = {
    "least": ("minimum", "at least"),
    "above": ("exclusiveMinimum", "greater than"),
    "most": ("maximum", "at most"),
    "below": ("exclusiveMaximum", "less than"),
}
#: Layers that a list may have.
LONGEST = 1000


class Setting(NamedTuple):
    """One setting; a bound that is None does not bound.

    Parameters
    ----------
    kind : type
        bool, int, float, str, or tuple for a list of whole numbers.
    text : str
        What it is, in a sentence or two.
    choices : tuple of str
        The texts it may be, where it is a str.
    least, above, most, below : float, optional
        Range of a number, or of the numbers of a list: inclusive, exclusive, inclusive, exclusive.
    configured : bool
        Whether the training section of a configuration has it.
    added : bool
        Whether a run's settings have it only where it is not its default: it came later, and that default is what runs
        did before.
    """

    kind: type
    text: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    configured: bool = True
    added: bool = False

    def bounds(self) -> dict[str, float]:
        """Return the bounds there are, by name."""
        return {name: getattr(self, name) for name in BOUNDS if getattr(self, name) is not None}

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of a value."""
        if self.choices:
            return {"enum": [*self.choices]}
        bounds = {BOUNDS[name][0]: bound for name, bound in self.bounds().items()}
        if self.kind is tuple:
            return {"type": "array", "minItems": 1, "maxItems": LONGEST, "items": {"type": "integer", **bounds}}
        return {"type": JSON[self.kind], **bounds}

    def check(self, name: str, value: Any, automatic: bool = False) -> Any:
        """Return a value in the type that the setting has, or refuse it.

        Parameters
        ----------
        name : str
            What the setting is called.
        value : object
        automatic : bool, default False
            Whether "auto" will do.

        Raises
        ------
        UserError
            In one line: what was given, and what may be.
        """
        if automatic and isinstance(value, str) and value == "auto":
            return value
        possible = self._taken(value)
        if possible is None:
            raise UserError(f"{name} is {value!r}; give {self.wanted()}" + (', or "auto"' if automatic else ""))
        return possible

    def _taken(self, value: Any) -> Any:
        """Return the value in its type; None where it is not possible."""
        if self.kind is tuple:
            return self._layers(value)
        if self.kind is str:
            return value if isinstance(value, str) and value in self.choices else None
        if self.kind is bool:
            return bool(value) if type(value).__name__ in ("bool", "bool_") else None
        if not isinstance(value, Real) or not self._within(value):
            return None
        number = float(value)
        if self.kind is float:
            return number
        return int(number) if number.is_integer() else None

    def _layers(self, value: Any) -> tuple[int, ...] | None:
        try:
            layers = tuple(index(one) for one in (value if isinstance(value, Iterable) else [value]))
        except TypeError:
            return None
        return layers if 0 < len(layers) <= LONGEST and all(map(self._within, layers)) else None

    def _within(self, value: Any) -> bool:
        low = (self.least is None or value >= self.least) and (self.above is None or value > self.above)
        return bool(low and (self.most is None or value <= self.most) and (self.below is None or value < self.below))

    def wanted(self) -> str:
        """Return what may be given, in words."""
        if self.kind is tuple:
            return "the neurons of one or more layers, such as (500, 500)"
        if self.kind is str:
            return f"one of {', '.join(self.choices)}"
        if self.kind is bool:
            return "True or False"
        bounds = " and ".join(f"{BOUNDS[name][1]} {bound:,}" for name, bound in self.bounds().items())
        return f"a {'whole ' if self.kind is int else ''}number that is {bounds}"

    def type_text(self) -> str:
        """Return the type as a docstring says it."""
        if self.choices:
            return "{" + ", ".join(f'"{choice}"' for choice in self.choices) + "}"
        return WORDS[self.kind]


def setting(default: Any, text: str, kind: type | None = None, **more: Any) -> Any:
    """Return the field of a dataclass that is a setting; its type is that of the default unless stated."""
    described = Setting(kind or type(default), text, **more)
    return dataclasses.field(default=default, metadata={"setting": described})


def settings_of(owner: type) -> Iterator[tuple[str, Setting, Any]]:
    """Yield name, setting and default of every setting of a dataclass."""
    for field in dataclasses.fields(owner):
        if "setting" in field.metadata:
            yield field.name, field.metadata["setting"], field.default
