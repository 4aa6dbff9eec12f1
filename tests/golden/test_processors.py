"""The same bits whatever instructions the processor has."""

import os
import platform
import subprocess
import sys

import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__ as dispatched

from truly_sparse.measure import host

#: What NumPy has for AVX-512, by names that depend on its version.
AVX512 = " ".join(name for name in dispatched if name.startswith("AVX512") or name == "X86_V4")
LIKE_AVX2 = {
    "NPY_DISABLE_CPU_FEATURES": AVX512,
    "OPENBLAS_CORETYPE": "Haswell",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+f16c,+bmi,+bmi2",
}
MEASURES = """
import numpy as np
from truly_sparse.data.arrays import scale
from truly_sparse.estimators.preprocessing import _moments
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
print([part.tobytes().hex() for part in _moments(outputs[0], rng.random(999))])
"""
needs_avx512 = pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64") or host.instructions() != "AVX-512",
    reason="shows that AVX2 gives what AVX-512 does, which this processor does not have",
)


@needs_avx512
def test_measures_and_scaling_are_the_same_bits_without_avx512():
    def said(environment):
        command = [sys.executable, "-W", "ignore", "-c", MEASURES]
        return subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=True).stdout

    assert said(LIKE_AVX2) == said({})


@needs_avx512
@pytest.mark.slow
def test_golden_runs_are_the_same_bits_without_avx512(tmp_path):
    environment = os.environ | LIKE_AVX2 | {"NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "truly_sparse", "golden"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
