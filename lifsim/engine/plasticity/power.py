"""Powers x^mu of weights in plain arithmetic, so that loops over them vectorise; loops that call the library function do not.

    x^mu = 2^z,  z = mu (e + log2 m),  x = m·2^e,  m from √½ to √2

log2 m is computed from the series of artanh s with s = (m - 1)/(m + 1), |s| ≤ 0.172, and 2^z from the series of the exponential
function about the nearest integer. The truncation errors are below 1e-16; the error of the result is below 3e-15.
"""

from __future__ import annotations

import math

import numpy as np

from lifsim.engine.compiler.intrinsics import bits_of, from_bits
from lifsim.engine.compiler.jit import inlined

ROOT = 0x3FE6A09E667F3BCD  # the bits of √½
FRACTION = 52  # bits of the fraction (mantissa) of a float64
WHOLE = 1.5 * 2.0**FRACTION  # added to a number, leaves its nearest integer in the last bits
WHOLE_BITS = 0x4338000000000000  # the bits of `WHOLE`
L0, L1, L2, L3, L4, L5, L6, L7, L8, L9 = (2 / math.log(2) / (2 * k + 1) for k in range(10))
E0, E1, E2, E3, E4, E5, E6, E7, E8, E9, E10, E11, E12 = (math.log(2) ** k / math.factorial(k) for k in range(13))


@inlined
def power(x, mu):
    """x^mu for x >= 0 and mu >= 0."""
    e = (bits_of(x) - np.int64(ROOT)) >> np.int64(FRACTION)
    m = from_bits(bits_of(x) - (e << np.int64(FRACTION)))
    z = min(max(mu * (from_bits(e + np.int64(WHOLE_BITS)) - WHOLE + log2(m)), -1022.0), 1023.0)
    whole = z + WHOLE
    out = from_bits(bits_of(exp2(z - (whole - WHOLE))) + ((bits_of(whole) - np.int64(WHOLE_BITS)) << np.int64(FRACTION)))
    return out if x > 0.0 or mu == 0.0 else 0.0


@inlined
def log2(m):
    """log2 m for m from √½ to √2."""
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    r = q * q
    low = (L0 + q * L1) + r * ((L2 + q * L3) + r * (L4 + q * L5))
    return s * (low + r * r * r * ((L6 + q * L7) + r * (L8 + q * L9)))


@inlined
def exp2(f):
    """2^f for f from -½ to ½."""
    g = f * f
    h = g * g
    low = ((E0 + f * E1) + g * (E2 + f * E3)) + h * ((E4 + f * E5) + g * (E6 + f * E7))
    return low + h * h * (((E8 + f * E9) + g * (E10 + f * E11)) + h * E12)
