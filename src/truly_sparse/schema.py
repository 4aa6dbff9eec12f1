"""Reading a mapping against a JSON schema in workflow/schemas: first error in one line, defaults filled."""

import difflib
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml

from truly_sparse.errors import UserError, one_line

# Levels of mappings and lists in a file, and values in it, an alias counting as all that it stands for.
DEEPEST, MOST_VALUES = 50, 100_000
#: What PyYAML raises, besides its own errors, for values that are not what their tag says or that are nested too deep.
NO_VALUE = (ValueError, OverflowError, LookupError, AttributeError, TypeError, RecursionError)


def checkout_file(name: Path, near: Path | None = None) -> Path:
    """Return the path of a file of the checkout, found by walking up from the working folder, the package or `near`.

    Raises
    ------
    UserError
        Where no folder above holds it.
    """
    starts = [Path.cwd() / "x", Path(__file__).resolve(), *([near.resolve()] if near else [])]
    for start in starts:
        for folder in start.parents:
            if (folder / name).is_file():
                return folder / name
    raise UserError(f"{name} is not in any folder above; run this from a checkout of the repository")


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # ten times faster in C
    """Reads plain values only, and 5e-05 as the number that it is in JSON and YAML 1.2."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge mappings into one, not without bound: merges of merges double what they hold.

        What is merged into a mapping may have keys of it; what is written into it may not twice.
        """
        self._refuse_repeated(node)
        super().flatten_mapping(node)
        self.keys = getattr(self, "keys", 0) + len(node.value)
        if self.keys > MOST_VALUES:
            raise yaml.YAMLError(f"more than {MOST_VALUES:,} keys, merged ones included")

    def _refuse_repeated(self, node: yaml.MappingNode) -> None:
        self.checked = getattr(self, "checked", set[int]())
        if id(node) in self.checked:  # as often as it is merged, and then with what was merged into it
            return
        self.checked.add(id(node))
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                before, line = lines.get(key.value), key.start_mark.line + 1
                if before:
                    raise yaml.YAMLError(f'the key "{key.value}" is written twice, in lines {before} and {line}')
                lines[key.value] = line


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> Any:
    """Return what a YAML or JSON file holds: plain values only.

    Raises
    ------
    yaml.YAMLError
        For what is no YAML, keys that are written twice, and dates and numbers that do not exist or are too long.
    """
    text = path.read_text(encoding="utf-8")
    try:
        return yaml.load(text, Loader=_Loader)
    except NO_VALUE as error:
        raise yaml.YAMLError(str(error)) from None


def load_schema(path: Path) -> dict[str, Any]:
    """Return a schema written in YAML."""
    loaded: dict[str, Any] = read_yaml(path)
    return loaded


#: Names that a message lists.
MOST_KNOWN = 40


def suggest(name: object, known: Iterable[str]) -> str:
    """Return '; did you mean "x"?' for a close name, else '; known: a, b, c', of many only the first."""
    known = sorted(known)
    close = difflib.get_close_matches(str(name), known, n=1)
    if close:
        return f'; did you mean "{close[0]}"?'
    more = f" and {len(known) - MOST_KNOWN} more" if len(known) > MOST_KNOWN else ""
    return f"; known: {', '.join(known[:MOST_KNOWN]) or 'none'}{more}"


def check(content: Any, root: dict[str, Any], where: str) -> None:
    """Raise UserError with the path of the first key of `content` that the schema `root` refuses."""
    _refuse_too_much(content, where)
    _refuse_unspeakable(content, where, "")
    errors = list(jsonschema.Draft202012Validator(root).iter_errors(content))
    if errors:
        # A misspelt key is the cause of the missing one.
        first = min(errors, key=lambda error: error.validator != "additionalProperties")
        path = key_path(first.absolute_path)
        raise UserError(f"{where}: {path}{_say(first)}")


def fill(content: Any, part: dict[str, Any], root: dict[str, Any], defaults: bool = True) -> Any:
    """Return a copy of `content` with defaults added and numbers in the type that the schema `part` asks for.

    Parts reached through `allOf` are partial overrides: their numbers are converted, their defaults left out.
    """
    part = _resolve(part, root)
    for other in part.get("allOf", []):
        content = fill(content, other, root, defaults=False)
    if isinstance(content, dict):
        return _fill_mapping(content, part, root, defaults)
    if isinstance(content, list):
        return [fill(item, part.get("items", {}), root, defaults) for item in content]
    if isinstance(content, int | float) and not isinstance(content, bool):
        # YAML reads 1 and 1.0 as different types; one setting must not have two hashes.
        return {"number": float, "integer": int}.get(str(part.get("type")), lambda number: number)(content)
    return content


def read_texts(content: Any, part: dict[str, Any], root: dict[str, Any]) -> Any:
    """Return a copy of `content` with text turned into the number or truth value that the schema `part` asks for.

    Snakemake's `--config training="{epochs: 40}"` hands over every value inside braces as text.
    """
    part = _resolve(part, root)
    for other in part.get("allOf", []):
        content = read_texts(content, other, root)
    if isinstance(content, dict):
        known, named = part.get("properties", {}), _named(part)
        return {key: read_texts(value, known.get(key, named), root) for key, value in content.items()}
    if isinstance(content, list):
        return [read_texts(item, part.get("items", {}), root) for item in content]
    if isinstance(content, str) and part.get("type") in ("number", "integer", "boolean"):
        try:
            return yaml.safe_load(content)
        except (yaml.YAMLError, *NO_VALUE):
            return content
    return content


def key_path(steps: Iterable[str | int]) -> str:
    """Return "experiments.table1[0].epsilon: " for a path of keys and positions; "" at the top."""
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".")
    return f"{path}: " if path else ""


def _fill_mapping(content: dict[str, Any], part: dict[str, Any], root: dict[str, Any], defaults: bool) -> Any:
    properties, named = part.get("properties", {}), _named(part)
    filled = {}
    for key, sub in properties.items():
        resolved = _resolve(sub, root)
        if key in content:
            filled[key] = fill(content[key], sub, root, defaults)
        elif defaults and "default" in resolved:
            filled[key] = fill(resolved["default"], sub, root)
    return filled | {key: fill(value, named, root, defaults) for key, value in content.items() if key not in properties}


def _named(part: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the values of a mapping whose keys are free names."""
    schemas: list[dict[str, Any]] = list(part.get("patternProperties", {}).values())
    return schemas[0] if schemas else {}


def _resolve(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Return `part` with its reference (if any) followed; keys beside the reference win."""
    while "$ref" in part:
        target: Any = root
        for step in part["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        part = target | {key: value for key, value in part.items() if key != "$ref"}
    return part


def _refuse_too_much(content: Any, where: str) -> None:
    """Refuse what is nested too deep, or would be too much if every alias were written out."""
    left, count = [(content, 0)], 0
    while left:
        value, depth = left.pop()
        count += 1
        if depth > DEEPEST:
            raise UserError(
                f"{where}: nested more than {DEEPEST} levels deep, perhaps an alias (*) inside its own anchor (&)"
            )
        if count > MOST_VALUES:
            raise UserError(f"{where}: more than {MOST_VALUES:,} values, perhaps aliases (*) of aliases")
        if isinstance(value, dict | list):
            left += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]


def _refuse_unspeakable(content: Any, where: str, path: str) -> None:
    """Refuse what JSON or a path cannot hold: keys that are not text, infinite numbers, dates, line breaks."""
    if isinstance(content, dict):
        for key, value in content.items():
            if not isinstance(key, str):
                raise UserError(
                    f'{where}: {path.lstrip(".")}: the key {_short(repr(key))} is not text; write "{key}" in quotes'
                )
            _refuse_unspeakable(key, where, path)
            _refuse_unspeakable(value, where, f"{path}.{key}")
    elif isinstance(content, list):
        for position, value in enumerate(content):
            _refuse_unspeakable(value, where, f"{path}[{position}]")
    elif isinstance(content, float) and not math.isfinite(content):
        raise UserError(f"{where}: {path.lstrip('.')}: {content} is not a finite number")
    elif isinstance(content, str) and not content.isprintable():
        shown = _short(repr(content))
        raise UserError(f"{where}: {path.lstrip('.')}: {shown} holds a line break or another control character")
    elif not isinstance(content, str | int | float | bool | None):
        raise UserError(f'{where}: {path.lstrip(".")}: {content} is not text; write "{content}" in quotes')


_KINDS = {
    "object": "a mapping of keys",
    "array": "a list",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text",
    "null": "nothing",
}
_BOUNDS = {
    "minimum": "at least",
    "maximum": "at most",
    "exclusiveMinimum": "greater than",
    "exclusiveMaximum": "less than",
}


def _say(error: jsonschema.ValidationError) -> str:
    """Return what one schema error means, in words."""
    kind, part = str(error.validator), cast(Any, error.schema)
    limit, found = cast(Any, error.validator_value), cast(Any, error.instance)
    if kind == "additionalProperties":
        known = part.get("properties", {})
        unknown = [key for key in found if key not in known]
        if not known:
            return f'"{_short(unknown[0])}" is not a possible name; use up to 100 letters, digits, "_", "." and "-"'
        return f'unknown key "{_short(unknown[0])}"{suggest(_short(unknown[0]), known)}'
    if kind == "required":
        return f'the key "{next(key for key in limit if key not in found)}" is missing'
    if kind == "type":
        return _say_type([limit] if isinstance(limit, str) else limit, found)
    if kind == "enum":
        return f'"{_short(found)}" is not possible{suggest(_short(found), map(str, limit))}'
    if kind in _BOUNDS:
        return f"{_short(found)} is not possible; must be {_BOUNDS[kind]} {limit}"
    if kind == "pattern":
        return f'"{_short(found)}" is not a possible name; use letters, digits, "_", "." and "-"'
    if kind == "uniqueItems":
        return "a value is listed twice"
    if kind in {"minItems", "minProperties", "minLength"}:
        return "must not be empty"
    if kind in {"maxItems", "maxLength"}:
        return f"is too long; at most {limit} {'values' if kind == 'maxItems' else 'characters'}"
    return _short(error.message)


def _say_type(kinds: list[str], found: Any) -> str:
    expected = " or ".join(_KINDS.get(kind, kind) for kind in kinds)
    if found is None:
        return f"expected {expected}, found nothing"
    if isinstance(found, str) and {"number", "integer"} & set(kinds):
        try:
            return f'expected {expected}, found the text "{found}"; write {float(found)} without quotes'
        except ValueError:
            pass
    return f'expected {expected}, found "{_short(found)}"'


def _short(found: Any) -> str:
    """Return a value as text that fits into a line."""
    shown = one_line(found)
    return f"{shown[:60]}..." if len(shown) > 60 else shown
