"""The random numbers of the engines, from an independent implementation of Philox in plain NumPy and Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import Any

import numpy as np

_STANDARD = NormalDist()


def philox(who: np.ndarray | int, when: int, stream: int, key: tuple[int, int], attempt: int = 0) -> np.ndarray:
    """Philox4x32-10 (Salmon et al. 2011) of the counters (who, when, stream, attempt): four words each, shape (4, n)."""
    counters = [np.atleast_1d(np.asarray(x, np.uint64)) for x in (who, when, stream, attempt)]
    return np.array(np.broadcast_arrays(*_ten_rounds(counters, key)))


def philox_of_one(who: int, when: int, stream: int, key: tuple[int, int], attempt: int = 0) -> list[int]:
    """The four words of one counter: Python's integers are ten times as fast as arrays of one element."""
    return _ten_rounds([int(who), int(when), stream, attempt], key)


def _ten_rounds(c: list[Any], key: tuple[int, int]) -> list[Any]:
    """The ten rounds of Philox, of integers or of uint64 arrays."""
    low = 0xFFFFFFFF
    k0, k1 = (int(k) for k in key)
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [b >> 32 ^ c[1] ^ k0, b & low, a >> 32 ^ c[3] ^ k1, a & low]
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c


def poisson(mean: float, u: int, further: Callable[[], int]) -> int:
    """The Poisson number with the given mean for the half word `u` (16 bits) and, if u is one of the last values, a `further` word.

    Of the 2¹⁶ values of u, floor(2¹⁶ P(k)) mean the count k, in order of k. For the values that remain, the word v = further()
    decides: the share of k in the values of v is proportional to the remainder of 2¹⁶ P(k).
    """
    given, rest = _poisson_shares(mean)
    return int(given.searchsorted(u, side="right") if u < given[-1] else rest.searchsorted(further() / 2**32, side="right"))


@lru_cache(1024)
def _poisson_shares(mean: float) -> tuple[np.ndarray, np.ndarray]:
    """For k = 0, 1, …: the number of values of a half word that mean at most k, and the fraction of values of a further word that do."""
    if mean == 0:
        return np.array([2**16]), np.ones(1)
    share = 2**16 * poisson_probabilities(mean)
    rest = np.cumsum(share - np.floor(share))
    return np.cumsum(np.floor(share)), rest / rest[-1]


def poisson_probabilities(mean: float) -> np.ndarray:
    """P(0), P(1), … of a Poisson distribution, up to where they are negligible."""
    if mean == 0:
        return np.ones(1)
    k = np.arange(int(mean + 7 * np.sqrt(mean)) + 25)
    return np.exp(k * np.log(mean) - mean - np.cumsum(np.log(np.maximum(k, 1))))


def normal(u: int) -> float:
    """The standard normal deviate of the random word `u`."""
    return _STANDARD.inv_cdf((u + 0.5) / 2**32)
