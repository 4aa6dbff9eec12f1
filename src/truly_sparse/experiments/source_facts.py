"""What one source file says: what it imports, and a digest of what it does whatever it looks like.

Read from its syntax tree, which takes milliseconds: of some hundred files, in every process. So it is kept beside the
compiled module, in ``__pycache__``, for just these bytes.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from truly_sparse.files import atomic_path

#: Stands for the module's own name at the beginning of another's.
OWN = "__name__"
# Fields whose presence or default depends on the Python version, never on what the code does.
_SKIPPED_FIELDS = {"kind", "type_comment", "type_ignores"}


class Named(NamedTuple):
    """A module that is named where the code runs: how its name begins (empty where nothing says that), and its line."""

    begins: str
    line: int


class Facts(NamedTuple):
    """A digest of a file; what it imports; what it imports by a name, and of which folders it reads resources."""

    digest: str
    imported: tuple[str, ...] = ()
    modules: tuple[Named, ...] = ()
    resources: tuple[Named, ...] = ()


@cache
def facts_of(file: Path, written: int, size: int) -> Facts:
    """Return the facts of a file; of one that is no module, the digest of its bytes.

    Parameters
    ----------
    file : Path
    written, size : int
        Its time and size: read once a process, and again where it has changed.
    """
    del written, size
    content = file.read_bytes()
    if file.suffix != ".py":
        return Facts(hashlib.sha256(content).hexdigest())
    kept = file.parent / "__pycache__" / f"{file.stem}.{sys.implementation.cache_tag}.facts.json"
    version = hashlib.sha256(_own() + content).hexdigest()
    found = _read(kept, version)
    if found is None:
        found = _facts(ast.parse(content))
        _keep(kept, version, found)
    return found


@cache
def _own() -> bytes:
    """Return this file's bytes: other ones may find other facts."""
    return Path(__file__).read_bytes()


def _read(kept: Path, version: str) -> Facts | None:
    """Return the facts on file; None where there are none of this version, or they are damaged."""
    try:
        about = json.loads(kept.read_text(encoding="utf-8"))
        if about["version"] != version:
            return None
        named = ([Named(*one) for one in about[kind]] for kind in ("modules", "resources"))
        return Facts(about["digest"], tuple(about["imported"]), *map(tuple, named))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(kept: Path, version: str, facts: Facts) -> None:
    """Write facts for other processes; where nothing can be written, they find them again."""
    try:
        with atomic_path(kept) as temporary:
            temporary.write_text(json.dumps({"version": version, **facts._asdict()}), encoding="utf-8")
    except OSError:
        return


def _facts(tree: ast.Module) -> Facts:
    imported: list[str] = []
    named: dict[str, list[Named]] = {"import_module": [], "files": []}
    for node in _seen(tree):
        if isinstance(node, ast.Import):
            imported += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args and node.func.id in named:
            named[node.func.id].append(Named(_beginning(node.args[0]), node.args[0].lineno))
    pieces: list[str] = []
    _write(tree, pieces.append)
    digest = hashlib.sha256("".join(pieces).encode("utf-8", "surrogatepass")).hexdigest()
    return Facts(digest, tuple(imported), tuple(named["import_module"]), tuple(named["files"]))


def _beginning(name: ast.expr) -> str:
    """Return what a module's name begins with, ``OWN`` or text; empty where that is not said."""
    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
    if isinstance(first, ast.FormattedValue) and isinstance(first.value, ast.Name) and first.value.id == OWN:
        return OWN
    return str(first.value) if isinstance(first, ast.Constant) else ""


def _seen(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree that run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                yield from (other, *_seen(other))
        else:
            yield node
            yield from _seen(node)


def _write(value: Any, say: Callable[[str], None]) -> None:
    """Say a text form of a syntax tree, piece by piece, that does not depend on the Python version."""
    if isinstance(value, ast.Constant):
        say(f"({type(value.value).__name__} {value.value!r})")
    elif isinstance(value, ast.JoinedStr):
        say("(JoinedStr ")
        _write(_whole_texts(value.values), say)
        say(")")
    elif isinstance(value, ast.AST):
        say(f"({type(value).__name__}")
        for name, field in ast.iter_fields(value):
            # Empty fields are skipped: newer versions add some, such as type_params.
            if name not in _SKIPPED_FIELDS and field is not None and field != []:
                say(f" {name}=")
                _write(_without_texts(field) if name == "body" else field, say)
        say(")")
    elif isinstance(value, list):
        say("[")
        for item in value:
            _write(item, say)
        say("]")
    else:
        say(repr(value))


def _without_texts(body: Any) -> Any:
    """Drop statements that are nothing but a string, docstrings above all."""
    if not isinstance(body, list):
        return body
    return [
        node
        for node in body
        if not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    ]


def _whole_texts(parts: list[ast.expr]) -> list[Any]:
    """Join the texts of an f-string: how they are cut up, and whether empty ones are kept, depends on the version."""
    joined: list[Any] = []
    for is_text, group in groupby(parts, key=lambda part: isinstance(part, ast.Constant)):
        if is_text:
            text = "".join(str(part.value) for part in group if isinstance(part, ast.Constant))
            joined += [text] if text else []
        else:
            joined += group
    return joined
