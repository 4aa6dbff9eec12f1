"""`exp` and `log`: the same bits everywhere, and those of the C library that every committed record was made with."""

import hashlib
import math
import platform

import numpy as np
import pytest
from llvmlite import binding
from numba import njit

from truly_sparse.engine import libm

#: Where the C library's own `expf` and `logf` are known to be the same.
glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc"
    or not (platform.machine() == "aarch64" or binding.get_host_cpu_features().get("fma")),
    reason="needs glibc on x86-64 with FMA or on 64-bit ARM",
)


def sweep_of(ours, library):
    """Return a function that counts the differences over the bit patterns of a range, and gives the last of them."""

    @njit
    def sweep(start, stop, step):
        differences, last = 0, np.float32(0.0)
        for pattern in range(start, stop, step):
            x = np.uint32(pattern).view(np.float32)
            found, wanted = np.float32(ours(x)), np.float32(library(x))
            if found.view(np.uint32) != wanted.view(np.uint32) and not (found != found and wanted != wanted):
                differences, last = differences + 1, x
        return differences, last

    return sweep


#: Compiled code calls the C library for these; interpreted code would call NumPy's own.
SWEEPS = {"exp": sweep_of(libm.exp, np.exp), "log": sweep_of(libm.log, np.log)}


def sample():
    """Return float32 numbers of every sign and exponent, and the edges."""
    patterns = np.arange(0, 2**32, 40_009, dtype=np.uint32).view(np.float32)
    edges = np.array([0.0, 1.0, 1e-38, 2.0**-149, 2.0**-126, 88.72284, 103.27893, 103.97208, 104.0, np.inf], np.float32)
    around = np.concatenate([np.nextafter(edges, np.float32(away)) for away in (-np.inf, np.inf)])
    x = np.concatenate([patterns, edges, -edges, around, -around])
    return x[~np.isnan(x)]


def test_exp_has_the_fused_results_where_they_differ():
    """Of all numbers, these two alone have another `exp` where products and sums are rounded one by one."""
    x = np.array([0x4202422F, 0xC27C65D9], np.uint32).view(np.float32)
    assert [libm.exp(value).hex() for value in x] == ["0x1.f93e380000000p+46", "0x1.f453260000000p-92"]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("exp", "ba08626814b67b2910537d45c3ce81856c7f3271ab089afc14461802631b129f"),
        ("log", "94b1e06662f434c2ba4c12b0ec0b7d40415395c4388b291bc6ebe2b4aec1eb92"),
    ],
)
def test_results_have_the_committed_bits(name, digest):
    function = getattr(libm, name)
    results = np.array([function(x) for x in sample()], np.float32)
    results[np.isnan(results)] = np.nan  # which of the many is the processor's affair
    assert hashlib.sha256(results.astype("<f4").tobytes()).hexdigest() == digest


@pytest.mark.parametrize(("name", "units"), [("exp", 0.503), ("log", 0.82)])
def test_results_are_near_the_exact_ones(name, units):
    """Within what the method's authors state, in units of the last place."""
    function, exact = getattr(libm, name), getattr(math, name)
    for x in np.random.default_rng(0).uniform(-80, 80, 2000).astype(np.float32):
        x = abs(x) if name == "log" else x
        wanted = exact(float(x))
        assert abs(function(x) - wanted) <= units * float(np.spacing(np.float32(abs(wanted))))


@glibc
@pytest.mark.parametrize("name", ["exp", "log"])
def test_results_are_those_of_the_c_library(name):
    assert SWEEPS[name](0, 2**32, 997)[0] == 0


@glibc
@pytest.mark.parametrize("name", ["exp", "log"])
def test_every_result_is_that_of_the_c_library(name):
    assert SWEEPS[name](0, 2**32, 1)[0] == 0
