"""The golden runs and measures on lesser processors than this one: the same bits with AVX2, others without FMA."""

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
from truly_sparse.engine.registers import LANES
from truly_sparse.engine.vector import add_product, fill, splat, total
from truly_sparse.measure import host

@njit
def rest(row):
    square = fill(splat(np.float32(-1 - 2**-11), LANES), (0,))
    return total(add_product(square, splat(row[0], LANES), row, 0)[0])

print(host.instructions(), rest(np.full(LANES, 1 + 2**-12, np.float32)) > 0)
"""

MEASURES = """
import numpy as np
from truly_sparse.data.arrays import scale
from truly_sparse.estimators.preprocessing import moments_of
from truly_sparse.estimators.targets import mean_of
from truly_sparse.measure.diversity import diversity
from truly_sparse.measure.metrics import classification_metrics, predict_ensemble

rng = np.random.default_rng(0)
outputs = rng.random((4, 999, 7), np.float32)
outputs *= outputs * outputs
outputs /= outputs.sum(axis=2, keepdims=True)
labels = rng.integers(0, 7, 999)
values = rng.random(999) * 100
print(classification_metrics(predict_ensemble(outputs), labels), diversity(outputs, labels))
for kind in ("standard", "quantile", "minmax_all_rows"):
    print(scale(values, np.arange(600), kind).tobytes().hex())
print(mean_of(outputs[0], rng.random(7)).tobytes().hex())
print([part.tobytes().hex() for part in moments_of(outputs[0], rng.random(999))])
"""


def output(instructions, *command):
    """Run Python held to some instructions and return what it prints."""
    held = environment(instructions) | {"OPENBLAS_CORETYPE": "Haswell"}
    return subprocess.run([sys.executable, *command], env=held, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(not AT_HAND.get("fma"), reason="needs an x86-64 processor with FMA")
@pytest.mark.parametrize(("instructions", "fused"), [("AVX2 and FMA", True), ("plain", False)])
def test_a_process_held_to_a_lesser_processor_says_so_and_rounds_as_it_does(instructions, fused):
    """The square of 1 + 2**-12, rounded by itself, loses its last term."""
    assert output(instructions, "-c", PROBE) == f"{instructions} {fused}\n"


@pytest.mark.skipif(not AT_HAND.get("avx512f"), reason="needs a processor with AVX-512, whose bits are to be met")
def test_measures_and_scaling_are_the_same_bits_with_avx2():
    with_avx512 = subprocess.run([sys.executable, "-c", MEASURES], check=True, capture_output=True, text=True).stdout
    assert output("AVX2 and FMA", "-W", "ignore", "-c", MEASURES) == with_avx512


@pytest.mark.skipif(not AT_HAND.get("fma"), reason="needs an x86-64 processor with FMA")
@pytest.mark.parametrize("instructions", LESSER)
def test_the_golden_runs_give_the_digests_of_a_lesser_processor(instructions):
    assert "golden runs gave the committed digests" in output(instructions, "-m", "truly_sparse", "golden")
