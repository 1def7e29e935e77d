"""Counter-based random numbers (Philox4x32-10, Salmon et al. 2011), the same on any thread.

A random number is a function of (seed, stream, who, when) only. So there is no state to save, and nothing depends on threads, blocks or
slices. `key` is the seed as two 32-bit words (a tuple of uint64). The counter has four words: who (neuron or target), when (step or
number of the draw), stream (purpose, and projection or device), and the attempt (0, or more after a rejection).
"""

from __future__ import annotations

import math

import numpy as np
from numpy import uint32, uint64

from lifsim.engine.compiler.jit import inlined, kernel

M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_32, _MASK = np.uint64(32), np.uint64(0xFFFFFFFF)

# Purposes of streams. The purpose is the upper byte of a stream number; the lower three bytes are the projection or device.
SOURCES, WEIGHTS, DELAYS, POISSON, NOISE, RECORDED = (np.uint32(i << 24) for i in range(1, 7))
TRAINS, SHARED_TRAINS, PATHS, ESCAPE = (np.uint32(i << 24) for i in range(7, 11))


@inlined
def philox(c0, c1, c2, c3, key):
    """Four random words for the counter (c0, c1, c2, c3): 32-bit numbers held in uint64 so that loops vectorise."""
    c0, c1, c2, c3 = uint64(c0), uint64(c1), uint64(c2), uint64(c3)
    k0, k1 = uint64(key[0]), uint64(key[1])
    for _ in range(10):
        a, b = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (b >> _32) ^ c1 ^ k0, b & _MASK, (a >> _32) ^ c3 ^ k1, a & _MASK
        k0, k1 = (k0 + W0) & _MASK, (k1 + W1) & _MASK
    return c0, c1, c2, c3


@kernel
def word(who, when, stream, key):
    """Random word number `when` (0, 1, 2 …) of `who`; each counter gives four words."""
    q = philox(who, when >> 2, stream, 0, key)
    j = when & 3
    return q[0] if j == 0 else q[1] if j == 1 else q[2] if j == 2 else q[3]


@kernel
def retry_word(who, when, stream, attempt, key):
    """The random word for a repeated `attempt` (1, 2, …) at draw number `when`."""
    return philox(who, when, stream, attempt, key)[0]


@kernel
def below(n, u, who, when, stream, key):
    """An exactly uniform whole number from 0 to n - 1, from the random word `u` (Lemire 2019).

    floor(u·n / 2³²) is uniform if words with (u·n mod 2³²) < (2³² mod n) are rejected.
    """
    m = uint64(u) * uint64(n)
    low = uint32(m)
    if low < uint32(n):
        threshold = uint32(uint64(4294967296) % uint64(n))
        attempt = 0
        while low < threshold:
            attempt += 1
            m = uint64(retry_word(who, when, stream, attempt, key)) * uint64(n)
            low = uint32(m)
    return np.int64(m >> _32)


@inlined
def midpoint(u):
    """The word `u` as a float64 in (0, 1): the midpoint of its interval of width 2⁻³²."""
    return (np.float64(u) + 0.5) / 4294967296.0


@inlined
def polynomial(x, a0, a1, a2, a3, a4, a5, a6, a7):
    """a0 + a1·x + … + a7·x⁷."""
    return ((((((a7 * x + a6) * x + a5) * x + a4) * x + a3) * x + a2) * x + a1) * x + a0


@inlined
def central_normal(q):
    """Normal deviate (AS 241) of the probability q + 1/2, for abs(q) <= 0.425."""
    r = 0.180625 - q * q
    return (
        q
        * polynomial(
            r,
            3.3871328727963666080e0,
            1.3314166789178437745e2,
            1.9715909503065514427e3,
            1.3731693765509461125e4,
            4.5921953931549871457e4,
            6.7265770927008700853e4,
            3.3430575583588128105e4,
            2.5090809287301226727e3,
        )
        / polynomial(
            r,
            1.0,
            4.2313330701600911252e1,
            6.8718700749205790830e2,
            5.3941960214247511077e3,
            2.1213794301586595867e4,
            3.9307895800092710610e4,
            2.8729085735721942674e4,
            5.2264952788528545610e3,
        )
    )


@kernel
def normal(u):
    """The standard normal deviate of the word `u`, by the inverse distribution function (algorithm AS 241, Wichura 1988).

    The 2³² midpoints (u + 1/2) / 2³² reach ±6.3 standard deviations.
    """
    q = midpoint(u) - 0.5
    if abs(q) <= 0.425:
        return central_normal(q)
    r = math.sqrt(-math.log(0.5 - abs(q)))
    if r <= 5.0:
        r -= 1.6
        z = polynomial(
            r,
            1.42343711074968357734e0,
            4.63033784615654529590e0,
            5.76949722146069140550e0,
            3.64784832476320460504e0,
            1.27045825245236838258e0,
            2.41780725177450611770e-1,
            2.27238449892691845833e-2,
            7.74545014278341407640e-4,
        ) / polynomial(
            r,
            1.0,
            2.05319162663775882187e0,
            1.67638483018380384940e0,
            6.89767334985100004550e-1,
            1.48103976427480074590e-1,
            1.51986665636164571966e-2,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        )
    else:
        r -= 5.0
        z = polynomial(
            r,
            6.65790464350110377720e0,
            5.46378491116411436990e0,
            1.78482653991729133580e0,
            2.96560571828504891230e-1,
            2.65321895265761230930e-2,
            1.24266094738807843860e-3,
            2.71155556874348757815e-5,
            2.01033439929228813265e-7,
        ) / polynomial(
            r,
            1.0,
            5.99832206555887937690e-1,
            1.36929880922735805310e-1,
            1.48753612908506148525e-2,
            7.86869131145613259100e-4,
            1.84631831751005468180e-5,
            1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        )
    return z if q > 0 else -z


@kernel
def fill_normal(u, out):
    """``out[i] = normal(u[i])``. A vectorised loop treats all words as central values; those in the tails (3 in 20) are then recomputed."""
    for i in range(len(u)):
        out[i] = central_normal(midpoint(u[i]) - 0.5)
    for i in range(len(u)):
        if abs(midpoint(u[i]) - 0.5) > 0.425:
            out[i] = normal(u[i])


@kernel
def fill_words(who, stream, key, w0, w1, w2, w3):
    """Fill `w0` … `w3` with random words: the four that Philox gives for the counter (who, q) go to ``w0[q]`` … ``w3[q]``."""
    for q in range(len(w0)):
        w0[q], w1[q], w2[q], w3[q] = philox(who, q, stream, 0, key)
