"""The random numbers of the engines, from an independent implementation of Philox in plain NumPy and Python."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist

import numpy as np

_STANDARD = NormalDist()
FACTORS, KEY_STEPS = (0xD2511F53, 0xCD9E8D57), (0x9E3779B9, 0xBB67AE85)  # of Philox
AHEAD = 16


def philox(who: np.ndarray | int, when: np.ndarray | int, stream: int, key: tuple[int, int], attempt: int = 0) -> np.ndarray:
    """Philox4x32-10 (Salmon et al. 2011) of the counters (who, when, stream, attempt): four words each, shape (4, …)."""
    counters = [np.atleast_1d(np.asarray(x, np.uint64)) for x in (who, when, stream, attempt)]
    c = np.array(np.broadcast_arrays(*counters))
    even, odd, low = c[::2], c[1::2], np.uint64(0xFFFFFFFF)  # both products of a round at once
    column = (2,) + (1,) * (c.ndim - 1)
    factors, keys = (np.array(x, np.uint64).reshape(column) for x in (FACTORS, key))
    steps = np.array(KEY_STEPS, np.uint64).reshape(column)
    for _ in range(10):
        product = even * factors
        even, odd = (product[::-1] >> np.uint64(32)) ^ odd ^ keys, product[::-1] & low
        keys = (keys + steps) & low
    return np.stack([even[0], odd[0], even[1], odd[1]])


def philox_of_one(who: int, when: int, stream: int, key: tuple[int, int], attempt: int = 0) -> list[int]:
    """The four words of one counter: Python's integers are ten times as fast as arrays of one element."""
    c, low = [int(who), int(when), stream, attempt], 0xFFFFFFFF
    k0, k1 = (int(k) for k in key)
    for _ in range(10):
        a, b = c[0] * FACTORS[0], c[2] * FACTORS[1]
        c = [b >> 32 ^ c[1] ^ k0, b & low, a >> 32 ^ c[3] ^ k1, a & low]
        k0, k1 = (k0 + KEY_STEPS[0]) & low, (k1 + KEY_STEPS[1]) & low
    return c


class Words:
    """The words of nodes at many times, which are drawn `AHEAD` times at once."""

    def __init__(self, key: tuple[int, int]) -> None:
        self._key = key
        self._drawn: dict[int, tuple[int, np.ndarray]] = {}  # by stream: the first of the times, and their words

    def of(self, who: np.ndarray, when: int, stream: int) -> np.ndarray:
        """As `philox`, shape (4, n); `who` is always the same for a stream."""
        place = when % AHEAD
        if self._drawn.get(stream, (None,))[0] != when - place:
            times = np.arange(when - place, when - place + AHEAD)[:, None]
            self._drawn[stream] = when - place, philox(who, times, stream, self._key)
        return self._drawn[stream][1][:, place]


def poisson(mean: float, u: np.ndarray, further: Callable[[int], int]) -> np.ndarray:
    """The Poisson numbers with the given mean for the half words `u` (16 bits) and, where u is one of the last values, a further word.

    Of the 2¹⁶ values of u, floor(2¹⁶ P(k)) mean the count k, in order of k. For the values that remain, the word v = further(i) of entry i
    decides: the share of k in the values of v is proportional to the remainder of 2¹⁶ P(k).
    """
    given, rest = _poisson_shares(mean)
    count: np.ndarray = given.searchsorted(u, side="right")
    for i in np.flatnonzero(u >= given[-1]).tolist():
        count[i] = rest.searchsorted(further(i) / 2**32, side="right")
    return count


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


def normal(u: np.ndarray | int) -> np.ndarray:
    """The standard normal deviates of the random words `u`."""
    share = (np.asarray(u, np.float64) + 0.5) / 2**32
    return np.reshape(list(map(_STANDARD.inv_cdf, share.ravel().tolist())), share.shape)
