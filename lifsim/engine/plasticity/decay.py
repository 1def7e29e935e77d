"""Exponential decay over whole numbers of steps, from tables; calling exp takes three times as long.

    exp(-n·dt/tau) = fine[n mod 2^a] · coarse[n div 2^a]

Each factor is rounded once, so the relative error of the product is at most 4e-16. The last entry of `coarse` is 0. It is used for
all longer times, for which the exact value is below the smallest positive float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined

SMALLEST = 746.0  # exp(-746) rounds to 0
MOST = 2**30  # steps of the longest run


class Decays(NamedTuple):
    """Tables for time constants i: ``tau[i]`` (ms), ``fine[i·2^a:(i + 1)·2^a]`` and ``coarse[i·2^b:(i + 1)·2^b]``; `bits` is [a, b]."""

    tau: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray
    bits: np.ndarray


@inlined
def decay(d, i, n):
    """exp(-n·dt/tau) for time constant i and `n` steps. (Hot loops contain this code themselves: a call counts references to arrays.)"""
    a, b = d.bits[0], d.bits[1]
    return d.coarse[(i << b) + min(n >> a, (1 << b) - 1)] * d.fine[(i << a) + (n & ((1 << a) - 1))]


def decays(tau: np.ndarray, dt: float) -> Decays:
    """Tables for the time constants `tau` (ms, shape (n,)) and time steps of `dt` ms."""
    most = min(SMALLEST * tau.max(initial=dt) / dt + 1, MOST)
    a = int(np.ceil(np.log2(most) / 2))
    b = int(np.ceil(np.log2(most / 2**a + 2)))
    rate = dt / tau[:, None]
    coarse = np.exp(-rate * 2.0**a * np.append(np.arange(2**b - 1), np.inf))
    return Decays(tau, np.exp(-rate * np.arange(2**a)).ravel(), coarse.ravel(), np.array([a, b]))
