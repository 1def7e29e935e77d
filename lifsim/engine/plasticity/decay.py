"""Exponential decay over whole numbers of steps, from tables: exp takes three times as long.

    exp(-n·dt/tau) = fine[n mod 2^bits] · coarse[n div 2^bits]

Two factors rounded once each: the product is right to 4e-16. Beyond the last entry the decay is below the smallest
number there is, so 0.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.jit import inlined

SMALLEST = 746.0  # exp(-746) is 0
MOST = 2**30  # steps of the longest run


class Decays(NamedTuple):
    """Tables of the time constants ``tau[i]`` (ms): ``fine[i]`` (2^bits entries), ``coarse[i]``; `mask` is 2^bits - 1."""

    tau: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray
    bits: np.ndarray
    mask: np.ndarray


@inlined
def decay(d, i, n):
    """exp(-n·dt/tau) of time constant i after `n` steps."""
    a = n >> d.bits[0]
    return d.coarse[i, a] * d.fine[i, n & d.mask[0]] if a < d.coarse.shape[1] else 0.0


def decays(tau: np.ndarray, dt: float) -> Decays:
    """Tables of the time constants `tau` (ms)."""
    most = min(SMALLEST * tau.max(initial=dt) / dt + 1, MOST)
    bits = int(np.ceil(np.log2(most) / 2))
    rate = dt / tau[:, None]
    coarse = np.arange(int(most) // 2**bits + 1) * 2.0**bits
    return Decays(tau, np.exp(-rate * np.arange(2**bits)), np.exp(-rate * coarse), np.array([bits]), np.array([2**bits - 1]))
