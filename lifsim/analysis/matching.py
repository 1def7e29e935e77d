"""Pairs the spikes of two recordings of one population: which spikes have no partner in the other one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lifsim.results.spikes import Spikes

_ROUNDING = 1e-9  # ms


@dataclass(frozen=True)
class NearbySpike:
    """A spike near the first difference.

    Parameters
    ----------
    time : ms. neuron : its id. in_first, in_second : whether the first and the second recording have it.
    """

    time: float
    neuron: int
    in_first: bool
    in_second: bool


@dataclass(frozen=True)
class FirstDifference:
    """The earliest spike that only one of two recordings has.

    Parameters
    ----------
    time : ms. neuron : its id. in_first : whether the first recording has it; otherwise the second.
    nearest : time of the nearest spike of this neuron that only the other recording has, ms; nan if there is none.
    nearby : the spikes of the population around it, in order of time.
    """

    time: float
    neuron: int
    in_first: bool
    nearest: float
    nearby: tuple[NearbySpike, ...]


@dataclass(frozen=True)
class PopulationMatch:
    """The spikes of a population in two recordings.

    Parameters
    ----------
    spikes : number of spikes in each. alone : number of spikes in each without a partner in the other.
    first : the earliest of those; None if there are none.
    """

    spikes: tuple[int, int]
    alone: tuple[int, int]
    first: FirstDifference | None


def matched(a: Spikes, b: Spikes, tolerance: float, around: int) -> PopulationMatch:
    """Pair the spikes of each neuron in `a` and `b` that are at most `tolerance` (ms) apart; `around` spikes on each side of the first
    difference are kept.

    As many pairs as possible are made. The order of simultaneous spikes does not matter. A tolerance above 0 allows for the rounding of
    times, such as that of 15.3 - 15.2 beside 0.1.
    """
    tolerance += _ROUNDING if tolerance else 0.0
    sizes = len(a), len(b)
    if sizes[0] == sizes[1] and np.array_equal(a.ids, b.ids) and (np.abs(a.times - b.times) <= tolerance).all():
        return PopulationMatch(sizes, (0, 0), None)
    at, ids = np.concatenate([a.times, b.times]), np.concatenate([a.ids, b.ids])
    side = np.repeat(np.array([0, 1], np.int8), sizes)
    order = np.lexsort((side, at, ids))
    at, ids, side = at[order], ids[order], side[order]
    alone = _without_partner(at, ids, side, tolerance)
    numbers = int(np.count_nonzero(alone & (side == 0))), int(np.count_nonzero(alone & (side == 1)))
    return PopulationMatch(sizes, numbers, _first(at, ids, side, alone, around) if any(numbers) else None)


def _without_partner(at: np.ndarray, ids: np.ndarray, side: np.ndarray, tolerance: float) -> np.ndarray:
    """Of spikes in the order of neurons, then times: whether each has no partner.

    They are looked at in chains. A chain holds spikes of one neuron, of either recording, no two successive ones of which are more than
    `tolerance` apart, so that partners are in the same chain.
    """
    linked = np.zeros(len(at), bool)
    linked[1:] = (ids[1:] == ids[:-1]) & (at[1:] - at[:-1] <= tolerance)
    starts = np.flatnonzero(~linked)
    ends = np.append(starts[1:], len(at))
    alone = np.ones(len(at), bool)
    pairs = starts[(ends - starts == 2)]
    pairs = pairs[side[pairs] != side[np.minimum(pairs + 1, len(at) - 1)]]
    alone[pairs] = alone[pairs + 1] = False
    for k in np.flatnonzero(ends - starts > 2).tolist():
        own = slice(starts[k], ends[k])
        alone[own] = _alone_in_chain(at[own], side[own], tolerance)
    return alone


def _alone_in_chain(at: np.ndarray, side: np.ndarray, tolerance: float) -> np.ndarray:
    """Which spikes of a chain have no partner: the earliest free spikes are paired, which leaves the fewest alone."""
    alone = np.ones(len(at), bool)
    one, other = (np.flatnonzero(side == s).tolist() for s in (0, 1))
    i = j = 0
    while i < len(one) and j < len(other):
        apart = at[one[i]] - at[other[j]]
        if abs(apart) <= tolerance:
            alone[one[i]] = alone[other[j]] = False
        i, j = i + (apart <= tolerance), j + (apart >= -tolerance)
    return alone


def _first(at: np.ndarray, ids: np.ndarray, side: np.ndarray, alone: np.ndarray, around: int) -> FirstDifference:
    left = np.flatnonzero(alone)
    k = left[np.lexsort((side[left], ids[left], at[left]))[0]]
    others = left[(ids[left] == ids[k]) & (side[left] != side[k])]
    nearest = float(at[others[np.argmin(np.abs(at[others] - at[k]))]]) if len(others) else math.nan
    return FirstDifference(float(at[k]), int(ids[k]), bool(side[k] == 0), nearest, _nearby(at, ids, side, alone, k, around))


def _nearby(at: np.ndarray, ids: np.ndarray, side: np.ndarray, alone: np.ndarray, k: int, around: int) -> tuple[NearbySpike, ...]:
    """The spike `k` and `around` spikes before and after it; spikes with a partner count once."""
    single = alone | (side == 0)  # of each pair, the spike of the first recording
    single[k] = True
    rows = np.flatnonzero(single)
    rows = rows[np.lexsort((side[rows], ids[rows], at[rows]))]
    place = int(np.flatnonzero(rows == k)[0])
    shown = rows[max(place - around, 0) : place + around + 1].tolist()
    return tuple(NearbySpike(float(at[j]), int(ids[j]), *_owners(int(side[j]), bool(alone[j]))) for j in shown)


def _owners(side: int, alone: bool) -> tuple[bool, bool]:
    return (not alone or side == 0, not alone or side == 1)
