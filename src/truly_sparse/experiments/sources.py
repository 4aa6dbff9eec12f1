"""The import graph of the package: which files a result can depend on.

Nothing is imported: the workflow asks each time it starts.
"""

from functools import cache
from pathlib import Path

from truly_sparse.experiments.source_facts import OWN, Named, facts_of


def reached(root: Path, package: Path, chosen: set[str] | None) -> list[Path]:
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
    return facts_of(file, *_version(file)).digest


def _version(file: Path) -> tuple[int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


@cache
def _used(file: Path, written: int, size: int, package: Path) -> tuple[list[Path], list[Path]]:
    """Return the files that a module imports, and those that it can import by name."""
    facts = facts_of(file, written, size)
    direct = [place for name in facts.imported for place in _module(name, package)]
    by_name = [place for named in facts.modules for place in _folder(named, file, package).rglob("*.py")]
    for named in facts.resources:
        every = _folder(named, file, package).iterdir()
        direct += [place for place in every if place.is_file() and place.suffix != ".py"]
    return direct, by_name


def _module(name: str, package: Path) -> list[Path]:
    """Return where a module of the package is; nothing for what is none, or not of the package."""
    top, *parts = name.split(".")
    if top != package.name or not parts:
        return []
    place = package.joinpath(*parts)
    return [file for file in (place.with_name(f"{place.name}.py"), place / "__init__.py") if file.is_file()]


def _folder(named: Named, file: Path, package: Path) -> Path:
    """Return the folder that a module name such as ``f"{__name__}.{x}"`` or ``"package.room"`` begins with.

    Raises
    ------
    ValueError
        For a name that does not say where the module is.
    """
    if named.begins == OWN:
        return file.parent
    if named.begins.startswith(f"{package.name}."):
        return package.joinpath(*named.begins.rstrip(".").split(".")[1:])
    raise ValueError(f'{file}, line {named.line}: start the name of the module with "{package.name}." or __name__')
