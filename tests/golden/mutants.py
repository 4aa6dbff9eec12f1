"""Changed sources, one small change at a time, and whether the golden runs notice.

Run as a script it tries some changes of every function of the files named until one is noticed, with --all every one:
`python tests/golden/mutants.py --all ensembles/schedule.py`.
"""

import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
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
#: Processor seconds of a mutant that never ends.
LIMIT = 200
#: Changes of one function that are tried until one is noticed.
FEW = 4
NOT_NOTICED = "NOT NOTICED"
LIBRARIES = (
    *("scipy.special", "scipy.optimize", "sklearn.neural_network", "sklearn.manifold", "sklearn.ensemble"),
    *("sklearn.linear_model", "sklearn.decomposition", "pandas", "pyarrow.parquet"),
)
SWAPPED = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Mod: ast.FloorDiv, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.Pow: ast.Mult},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq},
    **{ast.And: ast.Or, ast.Or: ast.And, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}
#: Instructions that the vector operations are built of.
INSTRUCTIONS = {"fadd": "fsub", "fsub": "fadd", "fmul": "fadd", "add": "sub", "mul": "add", "lshr": "shl", "xor": "or_"}


class Mutant(NamedTuple):
    """One change: the file, the function it is in, its number among the function's changes, and what it is."""

    file: str
    function: str
    number: int
    change: str


def functions(file):
    """Return {name: node} of a file's functions, methods among them; one inside another belongs to it."""
    found = {}
    for node in ast.parse((PACKAGE / file).read_text()).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}": one for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def mutants(file, function, node):
    """Return every change of a function."""
    return [Mutant(file, function, number, say) for number, (say, _) in enumerate(_changes(node))]


def _changes(function):
    """Yield (what changes, the function with that change)."""
    places = [place for statement in _body(function) for place in ast.walk(statement)]
    for place in places:
        for field, value in _mutated(place):
            before, old = ast.unparse(place), getattr(place, field)
            setattr(place, field, value)
            say, changed = f"line {place.lineno}: {before} -> {ast.unparse(place)}", copy.deepcopy(function)
            setattr(place, field, old)
            yield say, changed


def _body(function):
    """Return the statements of a function that do something, errors and their texts left out."""
    return [
        statement
        for statement in function.body
        if not isinstance(statement, ast.Raise)
        and not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    ]


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


def code_of(mutant):
    """Return the code of the mutant's module."""
    path = PACKAGE / mutant.file
    tree = ast.parse(path.read_text())
    owner, _, name = mutant.function.rpartition(".")
    body = next(node for node in tree.body if getattr(node, "name", "") == owner).body if owner else tree.body
    place = next(i for i, node in enumerate(body) if isinstance(node, ast.FunctionDef) and node.name == name)
    body[place] = [changed for _, changed in _changes(body[place])][mutant.number]
    return compile(ast.fix_missing_locations(tree), str(path), "exec")


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
    return "njit" in (PACKAGE / file).read_text() or "intrinsic" in (PACKAGE / file).read_text()


def noticed(mutant):
    """Return how the golden runs notice a mutant: the first line of a difference, or how it fails; None if not.

    Each is tried in a process of its own, with kernels of its own where the change is compiled into them. None is no
    change.
    """
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    finder = cache = None
    if mutant is not None:
        finder = _Finder(mutant.file, code_of(mutant))
        cache = tempfile.mkdtemp() if compiled(mutant.file) else None
    child = context.Process(target=_try, args=(finder, cache, writer))
    child.start()
    writer.close()
    try:
        return reader.recv()
    except EOFError:
        return "crashed"
    finally:
        child.join()
        if cache is not None:
            shutil.rmtree(cache)


def _try(finder, cache, writer):
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
        for case in check.cases():
            found = next(iter(check.differences([case])), None)
            if found:
                break
    except BaseException as error:
        found = f"{type(error).__name__}: {error}"
    writer.send(found)


def prepare():
    """Import what all mutants need before they are forked; of the package nothing, which each imports changed."""
    for module in LIBRARIES:
        importlib.import_module(module)


def main(arguments):
    """Print one line for every mutant tried."""
    prepare()
    if noticed(None):
        sys.exit("the golden runs fail without any change")
    every = "--all" in arguments
    for file in (argument for argument in arguments if argument != "--all"):
        for name, node in functions(file).items():
            found = mutants(file, name, node)
            some = random.Random(f"{file} {name}").sample(found, min(len(found), FEW))
            for mutant in found if every else some:
                how = noticed(mutant)
                print(f"{file} {name} {mutant.change}: {' '.join((how or NOT_NOTICED).split())}", flush=True)
                if how and not every:
                    break


if __name__ == "__main__":
    main(sys.argv[1:])
