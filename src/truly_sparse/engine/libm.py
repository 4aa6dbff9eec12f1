"""`exp` and `log` of float32 in a stated order of operations, so that no processor or C library changes their bits.

Both reduce the argument, look up a table and evaluate a short polynomial in float64, with fused multiply-adds where
they are written, and round once to float32. The method and the coefficients are those of Arm's Optimized Routines (MIT
licence), which glibc has computed `expf` and `logf` by since 2.27: every result is its result on x86-64 with FMA and
on 64-bit ARM. Other C libraries may round otherwise, but none is asked.
"""

from decimal import Decimal
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

from truly_sparse.engine.compiled import COMPILED

#: Beyond these the result of `exp` is 0 or infinite, as it is at them. What is not a number passes through.
LOWEST, HIGHEST = np.float32(-104.0), np.float32(89.0)
_STEPS = 32
#: 2 ** (i / 32) as bits; less i, so that adding a number of steps, shifted into the exponent, gives its power of two.
_POWERS = np.array([float(Decimal(2) ** (Decimal(i) / _STEPS)) for i in range(_STEPS)]).view(np.uint64) - (
    np.arange(_STEPS, dtype=np.uint64) << np.uint64(47)
)
_STEPS_PER_UNIT = float.fromhex("0x1.71547652b82fep+5")  # 32 / log 2
#: Added to a number, it leaves the nearest integer in the lowest bits.
_ROUNDING = float.fromhex("0x1.8p+52")
#: 2 ** (r / 32) for r in [-1/2, 1/2] is about 1 + _E1 r + _E2 r^2 + _E3 r^3.
_E1, _E2, _E3 = map(float.fromhex, ("0x1.62e42ff0c52d6p-6", "0x1.ebfce50fac4f3p-13", "0x1.c6af84b912394p-20"))

#: 1 / c for a c near the middle of each of 16 parts of [0.7, 1.4), and log c.
_INVERSES = np.array([
    *map(float.fromhex, (
        "0x1.661ec79f8f3bep+0", "0x1.571ed4aaf883dp+0", "0x1.49539f0f010bp+0", "0x1.3c995b0b80385p+0",
        "0x1.30d190c8864a5p+0", "0x1.25e227b0b8eap+0", "0x1.1bb4a4a1a343fp+0", "0x1.12358f08ae5bap+0",
        "0x1.0953f419900a7p+0", "0x1p+0", "0x1.e608cfd9a47acp-1", "0x1.ca4b31f026aap-1",
        "0x1.b2036576afce6p-1", "0x1.9c2d163a1aa2dp-1", "0x1.886e6037841edp-1", "0x1.767dcf5534862p-1",
    ))
])  # fmt: skip
_LOGARITHMS = np.array([float(-Decimal(inverse).ln()) for inverse in _INVERSES])
_PARTS_START = np.uint32(0x3F330000)  # 0.7 as bits
_LOG_2 = float.fromhex("0x1.62e42fefa39efp-1")
#: log(1 + r) for small r is about r + _L2 r^2 + _L3 r^3 + _L4 r^4.
_L2, _L3, _L4 = map(float.fromhex, ("-0x1.ffffef20a4123p-2", "0x1.5575b0be00b6ap-2", "-0x1.00ea348b88334p-2"))


@intrinsic
def fma(typingctx, a, b, c):
    """Return a * b + c of float64, rounded once, in compiled code."""
    del typingctx

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        del context, sig
        return builder.fma(*args)

    return types.float64(types.float64, types.float64, types.float64), codegen


@njit(cache=True, **COMPILED)
def exp(x):
    """Return e to the power of x, float32 of float32."""
    if x < LOWEST:
        x = LOWEST
    elif x > HIGHEST:
        x = HIGHEST
    x = np.float64(x)
    rounded = np.float64(fma(x, _STEPS_PER_UNIT, _ROUNDING))
    steps = rounded.view(np.uint64)
    r = fma(x, _STEPS_PER_UNIT, _ROUNDING - rounded)
    power = np.uint64(_POWERS[steps & np.uint64(_STEPS - 1)] + (steps << np.uint64(47)))
    return np.float32(fma(fma(_E3, r, _E2), r * r, fma(_E1, r, 1.0)) * power.view(np.float64))


@njit(cache=True, **COMPILED)
def log(x):
    """Return the natural logarithm of x, float32 of float32."""
    if not x > 0:
        return np.float32(-np.inf if x == 0 else np.nan)
    if x == np.inf:
        return x
    subnormal = x < np.float32(2.0**-126)
    bits = np.float32(x * np.float32(2.0**23) if subnormal else x).view(np.uint32)
    beyond = np.int32(bits - _PARTS_START)  # its upper 9 bits are the power of two, the next 4 the part
    part = np.uint32(beyond >> 19) & np.uint32(15)
    z = np.float64(np.uint32(bits - (np.uint32(beyond) & np.uint32(0xFF800000))).view(np.float32))
    r = fma(z, _INVERSES[part], -1.0)
    start = fma(np.float64((beyond >> 23) - 23 * subnormal), _LOG_2, _LOGARITHMS[part]) + r
    return np.float32(fma(fma(_L4, r * r, fma(_L3, r, _L2)), r * r, start))
