"""The golden runs on lesser processors than this one: the same digests with AVX2, their own without FMA."""

import platform
import subprocess
import sys

import pytest
from llvmlite import binding

from truly_sparse.golden.processors import LESSER, environment

AT_HAND = binding.get_host_cpu_features() if platform.machine() == "x86_64" else {}
PROBE = """
import numpy as np
from numba import njit
from truly_sparse.engine.vector import LANES, add_product, fill, splat, total
from truly_sparse.measure import host

@njit
def rest(row):
    square = fill(splat(np.float32(-1 - 2**-11), LANES), (0,))
    return total(add_product(square, splat(row[0], LANES), row, 0)[0])

print(host.instructions(), rest(np.full(LANES, 1 + 2**-12, np.float32)) > 0)
"""


def output(instructions, *command):
    """Run Python held to some instructions and return what it prints."""
    return subprocess.run(
        [sys.executable, *command], env=environment(instructions), check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.skipif(not AT_HAND.get("fma"), reason="needs an x86-64 processor with FMA")
@pytest.mark.parametrize(("instructions", "fused"), [("AVX2 and FMA", True), ("plain", False)])
def test_a_process_held_to_a_lesser_processor_says_so_and_rounds_as_it_does(instructions, fused):
    """The square of 1 + 2**-12, rounded by itself, loses its last term."""
    assert output(instructions, "-c", PROBE) == f"{instructions} {fused}\n"


@pytest.mark.slow
@pytest.mark.skipif(not AT_HAND.get("fma"), reason="needs an x86-64 processor with FMA")
@pytest.mark.parametrize("instructions", LESSER)
def test_the_golden_runs_give_the_digests_of_a_lesser_processor(instructions):
    assert "golden runs gave the committed digests" in output(instructions, "-m", "truly_sparse", "golden")
