"""Exponential decay over whole numbers of steps, from tables: exp takes three times as long.

    exp(-n·dt/tau) = fine[n mod 2^bits] · coarse[n div 2^bits]

Two factors rounded once each: the product is right to 4e-16. The last entry of `coarse` stands for all that are further
away, where the decay is below the smallest number there is: 0.
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
    """exp(-n·dt/tau) of time constant i after `n` steps. (Where it is hot it is written out: a call counts references to arrays.)"""
    return d.coarse[i, min(n >> d.bits[0], d.coarse.shape[1] - 1)] * d.fine[i, n & d.mask[0]]


def decays(tau: np.ndarray, dt: float) -> Decays:
    """Tables of the time constants `tau` (ms)."""
    most = min(SMALLEST * tau.max(initial=dt) / dt + 1, MOST)
    bits = int(np.ceil(np.log2(most) / 2))
    rate = dt / tau[:, None]
    coarse = np.exp(-rate * 2.0**bits * np.append(np.arange(int(most) // 2**bits + 1), np.inf))
    return Decays(tau, np.exp(-rate * np.arange(2**bits)), coarse, np.array([bits]), np.array([2**bits - 1]))
