"""How functions are compiled: what is changed of Numba's way changes no result and nothing that others rely on."""

import gc

import numpy as np
import pytest
from numba import njit
from numba.core.compiler import Flags
from numba.core.errors import TypingError

from truly_sparse.engine import compiled
from truly_sparse.engine.compiled import COMPILED, INLINED


@pytest.fixture(params=[True, False])
def collecting(request):
    """Whether waste is looked for before a function is compiled."""
    before = gc.isenabled()
    (gc.enable if request.param else gc.disable)()
    yield request.param
    (gc.enable if before else gc.disable)()


def test_waste_is_looked_for_as_before_when_a_function_is_compiled(collecting):
    seen = []

    class Watching(compiled.WholeCompiler):
        def define_pipelines(self):
            seen.append(gc.isenabled())
            return super().define_pipelines()

    @njit(**INLINED)
    def part(x):
        return x + 1

    @njit(**{**COMPILED, "pipeline_class": Watching})
    def whole(x):
        return part(x) * 2

    assert whole(3) == 8
    assert seen == [False]
    assert gc.isenabled() == collecting


def test_waste_is_looked_for_as_before_where_a_function_cannot_be_compiled(collecting):
    @njit(**COMPILED)
    def wrong(x):
        return x.nowhere

    with pytest.raises(TypingError, match="nowhere"):
        wrong(1.0)
    assert gc.isenabled() == collecting


def test_choices_that_no_longer_change_equal_those_they_were_made_of():
    given = Flags()
    given.boundscheck, given.fastmath = True, True
    known = compiled.ChangingFlags(given).copy()
    assert known == given
    assert hash(known) == hash(given)
    assert known.values() == given.values()
    assert known != Flags()
    again = known.copy()  # those of a part of a function, which do change
    again.boundscheck = False
    assert again.boundscheck is False
    assert known.boundscheck is True


def test_passes_that_are_left_out_change_no_result():
    def step(x, wanted):
        total = np.float32(0)
        for k in range(len(x)):
            total += x[k] * x[k] if wanted else x[k]
        return total

    x = np.random.default_rng(0).random(1001).astype(np.float32)
    ours = njit(**COMPILED)(step)
    theirs = njit(**{name: value for name, value in COMPILED.items() if name != "pipeline_class"})(step)
    for wanted in (True, False):
        assert ours(x, wanted) == theirs(x, wanted)
