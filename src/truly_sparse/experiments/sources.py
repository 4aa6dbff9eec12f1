"""The import graph of the package, and what a source file does whatever it looks like.

Read from syntax trees, nothing is imported: the workflow asks each time it starts.
"""

import ast
import hashlib
from collections.abc import Callable, Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

# Fields whose presence or default depends on the Python version, never on what the code does.
_SKIPPED_FIELDS = {"kind", "type_comment", "type_ignores"}


def reached(root: Path, package: Path, chosen: set[str] | None = None) -> list[Path]:
    """Return the files of the package that `root` can use, itself included, sorted by path.

    Imports count wherever they stand, but where only a type checker sees them. What imports by name
    (``import_module(f"{__name__}.{name}")``) can use every module below that folder, or those in `chosen`; what reads
    resources (``files("package.room")``) can use every file of that folder that is no module.

    Parameters
    ----------
    root : Path
        A file of the package; none is reached from one that does not exist.
    package : Path
        Folder of the package, whose own ``__init__.py`` is left out: it holds the version and late imports for users.
    chosen : set of str, optional
        Names of modules, or of folders of them.
    """
    found: set[Path] = set()
    waiting = [root]
    while waiting:
        file = waiting.pop()
        if file in found or not file.is_file() or file == package / "__init__.py":
            continue
        found.add(file)
        if file.suffix == ".py":
            direct, by_name = _used(file, *_version(file), package)
            waiting += [*direct, *(other for other in by_name if chosen is None or chosen & _names(other, package))]
            waiting += [folder / "__init__.py" for folder in file.parents if package in folder.parents]
    return sorted(found, key=lambda file: file.relative_to(package).as_posix())


def _names(file: Path, package: Path) -> set[str]:
    return set(file.relative_to(package).with_suffix("").parts)


def digest(file: Path) -> str:
    """Return a digest of a file's bytes, or of a module's syntax tree, whatever comments and formatting it has."""
    return _digest(file, *_version(file))


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _digest(file: Path, written: int, size: int) -> str:
    if file.suffix != ".py":
        return hashlib.sha256(file.read_bytes()).hexdigest()
    pieces: list[str] = []
    _write(_tree(file, written, size), pieces.append)
    return hashlib.sha256("".join(pieces).encode("utf-8", "surrogatepass")).hexdigest()


@cache
def _tree(file: Path, written: int, size: int) -> ast.Module:
    # Keyed by age and size: read once a process, and again where it has changed.
    del written, size
    return ast.parse(file.read_bytes())


@cache
def _used(file: Path, written: int, size: int, package: Path) -> tuple[list[Path], list[Path]]:
    """Return the files that a module imports, and those that it can import by name."""
    direct: list[Path] = []
    by_name: list[Path] = []
    for node in _seen(_tree(file, written, size)):
        if isinstance(node, ast.Import):
            direct += [place for alias in node.names for place in _module(alias.name, package)]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            direct += [place for name in (node.module, *names) for place in _module(name, package)]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            if node.func.id == "import_module":
                by_name += _folder(node.args[0], file, package).rglob("*.py")
            elif node.func.id == "files":
                every = _folder(node.args[0], file, package).iterdir()
                direct += [place for place in every if place.is_file() and place.suffix != ".py"]
    return direct, by_name


def _seen(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree that run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                yield from (other, *_seen(other))
        else:
            yield node
            yield from _seen(node)


def _module(name: str, package: Path) -> list[Path]:
    """Return where a module of the package is; nothing for what is none, or not of the package."""
    top, *parts = name.split(".")
    if top != package.name or not parts:
        return []
    place = package.joinpath(*parts)
    return [file for file in (place.with_name(f"{place.name}.py"), place / "__init__.py") if file.is_file()]


def _folder(name: ast.expr, file: Path, package: Path) -> Path:
    """Return the folder that a module name such as ``f"{__name__}.{x}"`` or ``"package.room"`` begins with.

    Raises
    ------
    ValueError
        For a name that does not say where the module is.
    """
    first = name.values[0] if isinstance(name, ast.JoinedStr) else name
    if isinstance(first, ast.FormattedValue) and isinstance(first.value, ast.Name) and first.value.id == "__name__":
        return file.parent
    if isinstance(first, ast.Constant) and str(first.value).startswith(f"{package.name}."):
        return package.joinpath(*str(first.value).rstrip(".").split(".")[1:])
    raise ValueError(f'{file}, line {name.lineno}: start the name of the module with "{package.name}." or __name__')


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
