"""What is committed comes out the same, byte for byte, on processors with other vector instructions.

A process can be told not to use those it has: NumPy and OpenBLAS by a variable each, the C library by another.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numpy._core import _multiarray_umath as umath

ROOT = Path(__file__).parents[3]
#: Tables and figures whose numbers or places come from least squares, ranks, logarithms or products of matrices.
TABLES = ("ablations", "table5", "baselines", "verdicts")
FIGURES = ("effects", "cost", "ranks", "peers", "figure2", "figure4")
WRITE = f"""
from truly_sparse.studies import make
from truly_sparse.experiments.configuration import load_config
config = load_config("config/journal.yaml") | {{"train": False}}
for name in {TABLES}:
    make.table(config, name)
for name in {FIGURES}:
    make.figure(config, name)
"""
# The last digits of sums, products, exponentials and logarithms: what has to differ for the tests to say anything.
DIGITS = """
import math
import numpy as np
x = np.random.default_rng(0).uniform(0.1, 9, (400, 300))
print(hash((np.linalg.pinv(x).tobytes(), np.log(x).tobytes(), tuple(math.exp(value) for value in x[0]))))
"""


def _features(*kinds: str) -> str:
    """Return the features of this processor that NumPy has code for and whose name holds one of `kinds`."""
    has = umath.__cpu_features__
    return " ".join(name for name in umath.__cpu_dispatch__ if has.get(name) and any(kind in name for kind in kinds))


AVX2 = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": _features("512", "V4")}
PLAIN = {
    "OPENBLAS_CORETYPE": "Nehalem",
    "OPENBLAS_NUM_THREADS": "1",
    "NPY_DISABLE_CPU_FEATURES": _features(""),
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX,-AVX2,-FMA,-FMA4",
}
PROCESSORS = pytest.mark.parametrize("settings", [AVX2, PLAIN], ids=["AVX2", "no AVX"])


def _python(code: str, settings: dict[str, str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore", **settings}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with the committed records and nothing that was made of them."""
    (tmp_path / "results" / "journal").mkdir(parents=True)
    for name in ("config", "results/journal/records"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.skipif(not umath.__cpu_features__.get("FMA3"), reason="this processor has nothing to leave out")
def test_the_settings_change_the_last_digits(tmp_path):
    assert _python(DIGITS, PLAIN, tmp_path) != _python(DIGITS, {}, tmp_path)


@PROCESSORS
def test_committed_tables_and_figures_come_out_the_same(settings, elsewhere):
    _python(WRITE, settings, elsewhere)
    made = [path for path in (elsewhere / "results/journal").rglob("*.*") if path.suffix in (".csv", ".png")]
    assert len(made) == len(TABLES) + 2 * len(FIGURES)
    for path in made:
        committed = ROOT / path.relative_to(elsewhere)
        assert path.read_bytes() == committed.read_bytes(), committed.relative_to(ROOT)
