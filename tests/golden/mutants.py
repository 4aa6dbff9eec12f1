"""Changed sources, one small change at a time, and whether the golden runs notice.

Run as a script it tries some changes of every part of the files named until one is noticed, with --all every one:
`python tests/golden/mutants.py --all training/schedule.py`. Golden runs that call a part come first; which these are
is found out once, and kept where --calls FILE names a file.
"""

import argparse
import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from numba.core import config

PACKAGE = Path(__file__).parents[2] / "src/truly_sparse"
#: Processor seconds of a mutant that never ends: several times what all golden runs take.
LIMIT = 900
#: Changes of one part that are tried until one is noticed: on so many golden runs first, then on all.
FEW, FIRST_RUNS = 4, 20
NOT_NOTICED = "NOT NOTICED"
#: What is imported before mutants are forked; of the package nothing, which each imports changed.
LIBRARIES = (
    "scipy.special",
    "scipy.optimize",
    "sklearn.neural_network",
    "sklearn.manifold",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.decomposition",
    "pandas",
    "pyarrow.parquet",
)
SWAPPED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
#: Instructions that the vector operations are built of.
INSTRUCTIONS = {"fadd": "fsub", "fsub": "fadd", "fmul": "fadd", "add": "sub", "mul": "add", "lshr": "shl", "xor": "or_"}


class Mutant(NamedTuple):
    """One change: the file, the part it is in, its number among the part's changes, and what it is."""

    file: str
    part: str
    number: int
    change: str


def parts(file):
    """Return the names of what a file is made of: functions, methods, and what stands outside of them.

    "Class.method" is a method, "Class." what a class says itself, "" what the module does; what is inside a function
    belongs to it.
    """
    return [name for name, _ in _parts(ast.parse((PACKAGE / file).read_text()))]


def _parts(tree):
    """Yield (name, statements) of the parts of a module that have something to change."""
    for prefix, owner in [
        ("", tree),
        *((f"{node.name}.", node) for node in tree.body if isinstance(node, ast.ClassDef)),
    ]:
        yield prefix, [node for node in owner.body if isinstance(node, ast.Assign | ast.AnnAssign)]
        for node in owner.body:
            if isinstance(node, ast.FunctionDef):
                yield f"{prefix}{node.name}", node.body


def mutants(file, part):
    """Return every change of a part."""
    statements = dict(_parts(ast.parse((PACKAGE / file).read_text())))[part]
    return [Mutant(file, part, number, say) for number, say in enumerate(_changes(statements))]


def code_of(mutant):
    """Return the code of the mutant's module."""
    path = PACKAGE / mutant.file
    tree = ast.parse(path.read_text())
    for number, _ in enumerate(_changes(dict(_parts(tree))[mutant.part])):
        if number == mutant.number:
            return compile(ast.fix_missing_locations(tree), str(path), "exec")
    raise ValueError(mutant)


def _changes(statements):
    """Change statements in one place after the other, and say how; the change is taken back afterwards."""
    for place in [place for statement in statements for place in _walk(statement)]:
        for field, value in _mutated(place):
            before, old = ast.unparse(place), getattr(place, field)
            setattr(place, field, value)
            yield f"line {place.lineno}: {before} -> {ast.unparse(place)}"
            setattr(place, field, old)


def _walk(node):
    """Yield the nodes that decide something: no errors and their texts, no annotations."""
    if isinstance(node, ast.Raise | ast.Assert | ast.arguments):
        return
    yield node
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in ("annotation", "returns"):
                yield from _walk(child)


def _mutated(place):
    """Yield (field, new value) of each way to change one node."""
    if isinstance(place, ast.Constant) and isinstance(place.value, int | float) and not isinstance(place.value, bool):
        yield "value", place.value + 1
    elif isinstance(place, ast.Constant) and isinstance(place.value, bool):
        yield "value", not place.value
    elif isinstance(place, ast.BinOp | ast.AugAssign | ast.BoolOp) and type(place.op) in SWAPPED:
        yield "op", SWAPPED[type(place.op)]()
    elif isinstance(place, ast.Compare) and type(place.ops[0]) in SWAPPED:
        yield "ops", [SWAPPED[type(place.ops[0])](), *place.ops[1:]]
    elif isinstance(place, ast.Attribute) and place.attr in INSTRUCTIONS:
        yield "attr", INSTRUCTIONS[place.attr]


class _Finder(importlib.abc.MetaPathFinder, importlib.machinery.SourceFileLoader):
    """Gives one module of the package another code; the others have their own."""

    def __init__(self, file, code):
        *folders, last = file.removesuffix(".py").split("/")
        name = ".".join(["truly_sparse", *folders, *([last] if last != "__init__" else [])])
        super().__init__(name, str(PACKAGE / file))
        self.code = code

    def find_spec(self, name, path=None, target=None):
        del path, target
        if name != self.name:
            return None
        return importlib.util.spec_from_file_location(name, self.path, loader=self)

    def get_code(self, name):
        del name
        return self.code


def compiled(file):
    """Say whether a file holds what is compiled into kernels."""
    return any(word in (PACKAGE / file).read_text() for word in ("njit", "intrinsic", "overload"))


def noticed(mutant, calls=(), most=None):
    """Return how the golden runs notice a mutant: the first line of a difference, or how it fails; None if not.

    Each is tried in a process of its own, with kernels of its own where the change is compiled into them. None is no
    change. `calls` is what `called` returns; `most` is how many golden runs are tried, of all kinds, or None.
    """
    finder = cache = None
    first = []
    if mutant is not None:
        finder = _Finder(mutant.file, code_of(mutant))
        cache = tempfile.mkdtemp() if compiled(mutant.file) else None
        first = [case for case, parts in enumerate(calls) if f"{mutant.file}:{mutant.part}" in parts]
        if most is not None:
            first = first[:: -(-len(first) // most) or 1]
    try:
        return _in_child(_try, finder, cache, first, most)
    except EOFError:
        return "crashed"
    finally:
        if cache is not None:
            shutil.rmtree(cache)


def called():
    """Return, for each golden run, the parts ("file:part") that it calls.

    Calls of what is compiled are not seen: all parts of the compiled files that a called file imports are named.
    """
    return _in_child(_watch)


def _in_child(work, *given):
    """Return what a function sends from a process of its own; EOFError if that ends before."""
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    child = context.Process(target=work, args=(*given, writer))
    child.start()
    writer.close()
    try:
        return reader.recv()
    finally:
        child.join()


def _watch(writer):
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    check = importlib.import_module("truly_sparse.golden.check")
    sources = importlib.import_module("truly_sparse.experiments.sources")
    found = []
    for case in check.cases():
        codes = set()
        sys.setprofile(lambda frame, event, _, codes=codes: codes.add(frame.f_code) if event == "call" else None)
        check.differences([case])
        sys.setprofile(None)
        seen = {part for code in codes for part in _part_of(code)}
        unseen = _compiled_below({part.partition(":")[0] for part in seen}, sources)
        found.append(sorted(seen | {f"{file}:{part}" for file in unseen for part in parts(file)}))
    writer.send(found)


def _compiled_below(files, sources):
    """Return the compiled files that some files import, and those that such files import."""
    found, waiting = set(), list(files)
    while waiting:
        path = PACKAGE / waiting.pop()
        used, _ = sources._used(path, *sources._version(path), PACKAGE)
        below = {other.relative_to(PACKAGE).as_posix() for other in used if other.suffix == ".py"}
        new = {file for file in below - found if compiled(file)}
        found |= new
        waiting += new
    return found


def _part_of(code):
    """Yield the part that a code object belongs to, if it is of the package."""
    path = Path(code.co_filename)
    if path.is_relative_to(PACKAGE):
        names = code.co_qualname.partition(".<locals>")[0].split(".")
        yield f"{path.relative_to(PACKAGE).as_posix()}:{'.'.join(names[:2])}"


def _try(finder, cache, first, most, writer):
    # A crash is an answer, not worth a file; nor is what is said on the way.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if cache is not None:
        # Compiled quickly: optimisation changes no bit.
        os.environ |= {"NUMBA_CACHE_DIR": cache, "NUMBA_OPT": "0"}
        config.reload_config()
    if finder is not None:
        sys.meta_path.insert(0, finder)
    found = None
    try:
        check = importlib.import_module("truly_sparse.golden.check")
        cases = list(check.cases())
        for place in [*first, *sorted(set(range(len(cases))) - set(first))][:most]:
            found = next(iter(check.differences([cases[place]])), None)
            if found:
                break
    except BaseException as error:
        found = f"{type(error).__name__}: {error}"
    writer.send(found)


def main(arguments):
    """Print one line for every mutant tried."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--all", action="store_true", dest="every")
    parser.add_argument("--calls", type=Path)
    given = parser.parse_args(arguments)
    for module in LIBRARIES:
        importlib.import_module(module)
    kept = given.calls is not None and given.calls.exists()
    calls = json.loads(given.calls.read_text()) if kept else called()
    if given.calls is not None and not kept:
        given.calls.write_text(json.dumps(calls))
    for file in given.files:
        for part in parts(file):
            found = mutants(file, part)
            if given.every:
                for mutant in found:
                    _say(mutant, noticed(mutant, calls))
                continue
            some = random.Random(f"{file} {part}").sample(found, min(len(found), FEW))
            tries = ((mutant, noticed(mutant, calls, most)) for most in (FIRST_RUNS, None) for mutant in some)
            first = next(((mutant, how) for mutant, how in tries if how), None)
            for mutant, how in [first] if first else [(mutant, None) for mutant in some]:
                _say(mutant, how)


def _say(mutant, how):
    print(f"{mutant.file}:{mutant.part} {mutant.change}:", *(how or NOT_NOTICED).split(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
