"""Exponential decay over whole numbers of steps, from tables: exp takes three times as long.

    exp(-n·dt/tau) = fine[n mod 2^a] · coarse[n div 2^a]

Two factors rounded once each: the product is right to 4e-16. The last entry of `coarse` stands for all that are further
away, where the decay is below the smallest number there is: 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined

SMALLEST = 746.0  # exp(-746) is 0
MOST = 2**30  # steps of the longest run


class Decays(NamedTuple):
    """Tables of the time constants ``tau[i]`` (ms), one behind the other: ``fine[i·2^a …]`` and ``coarse[i·2^b …]``; `bits` are a and b."""

    tau: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray
    bits: np.ndarray


@inlined
def decay(d, i, n):
    """exp(-n·dt/tau) of time constant i after `n` steps. (Where it is hot it is written out: a call counts references to arrays.)"""
    a, b = d.bits[0], d.bits[1]
    return d.coarse[(i << b) + min(n >> a, (1 << b) - 1)] * d.fine[(i << a) + (n & ((1 << a) - 1))]


def decays(tau: np.ndarray, dt: float) -> Decays:
    """Tables of the time constants `tau` (ms)."""
    most = min(SMALLEST * tau.max(initial=dt) / dt + 1, MOST)
    a = int(np.ceil(np.log2(most) / 2))
    b = int(np.ceil(np.log2(most / 2**a + 2)))
    rate = dt / tau[:, None]
    coarse = np.exp(-rate * 2.0**a * np.append(np.arange(2**b - 1), np.inf))
    return Decays(tau, np.exp(-rate * np.arange(2**a)).ravel(), coarse.ravel(), np.array([a, b]))
