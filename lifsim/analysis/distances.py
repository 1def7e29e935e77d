"""Distances between spike trains: van Rossum's, and Victor and Purpura's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.analysis.neurons import chosen, places, stable_order
from lifsim.common.errors import DataError
from lifsim.results.spikes import Spikes

_TABLE = 1 << 17  # entries of a table of van Rossum's distance: spikes times trains
_REACH = 300.0  # time constants that such spikes span at most: exp(300) is far from an overflow
_ROUNDING = 1e-12  # sums of equal trains in another order differ by less: their distance is 0
_CELLS = 1 << 15  # entries of a table of Victor and Purpura's distance: pairs times spikes


def van_rossum_distance(
    spikes: Spikes, other: Spikes | None = None, tau: float = 10.0, ids: Any = None, other_ids: Any = None
) -> np.ndarray:
    """Van Rossum's distances between spike trains.

    D² = (2 / tau) ∫ (f - g)² dt, where f and g are the two trains convolved with exp(-t / tau), t >= 0 (M. C. W. van Rossum, Neural
    Comput. 13, 751, 2001, where the factor is 1 / tau). With this factor, a single additional spike is a distance of 1, as in
    `elephant.spike_train_dissimilarity.van_rossum_distance`. It is computed from D² = S_ff + S_gg - 2 S_fg, where S_fg is the sum of
    exp(-|t - u| / tau) over pairs of spikes (C. Houghton, T. Kreuz, Network 23, 48, 2012), in a time that is linear in the number of
    spikes.

    Parameters
    ----------
    spikes : the spikes of one population.
    other : those of another population or run; default: the same.
    tau : time constant, ms. math.inf compares only spike counts.
    ids, other_ids : the neurons of `spikes` and of `other`; default: all recorded ones.

    Returns
    -------
    float64 (n_neurons, n_other): the distance of each train to each of the other ones.

    Raises
    ------
    DataError : `tau` is not above 0, or a neuron of `ids` or `other_ids` was not recorded.
    """
    if not tau > 0:
        raise DataError("tau", f"{tau:g} ms", "must be above 0")
    (at, train), n, m = _pooled(spikes, other, ids, other_ids)
    columns = slice(n, n + m) if other is not None else slice(0, n)
    total = np.bincount(train, minlength=max(n + m, n)).astype(np.float64)
    if math.isinf(tau):
        return np.abs(total[:n, None] - total[None, columns])
    sums = _kernel_sums(at, train, len(total), tau)
    own = np.diag(sums)
    both = own[:n, None] + own[None, columns]
    squared = both - 2 * sums[:n, columns]
    return np.sqrt(np.where(squared > _ROUNDING * both, squared, 0.0))


def _pooled(spikes: Spikes, other: Spikes | None, ids: Any, other_ids: Any) -> tuple[tuple[np.ndarray, np.ndarray], int, int]:
    """Times and trains of all spikes, in order of time; numbers of trains of the two sets (0 without `other`)."""
    if other is None and other_ids is not None:
        raise DataError("other_ids", "is given without other", "ids, or the spikes to compare with")
    sets = [(spikes, chosen(spikes, ids))] + ([] if other is None else [(other, chosen(other, other_ids))])
    at, train, n = [], [], 0
    for these, neurons in sets:
        place = places(these.ids, neurons)
        at.append(these.times[place >= 0])
        train.append(place[place >= 0] + n)
        n += len(neurons)
    order = np.argsort(np.concatenate(at), kind="stable")
    sizes = [len(neurons) for _, neurons in sets]
    return (np.concatenate(at)[order], np.concatenate(train)[order]), sizes[0], sum(sizes[1:])


def _kernel_sums(at: np.ndarray, train: np.ndarray, n: int, tau: float) -> np.ndarray:
    """Sum of exp(-|t - u| / tau) over the spikes t of one train and u of another, for all pairs of `n` trains.

    The exponential of two spikes is a product: pairs within a group of spikes are a cumulative sum over the group, and all earlier
    spikes a state of each train that decays. Of two spikes at the same time, the one that is listed first is the earlier one.
    """
    from scipy.sparse import csr_matrix

    later = np.zeros((n, n))  # over pairs in which the spike of the first train is the later one
    size = max(_TABLE // max(n, 1), 64)
    state, since, a = np.zeros(n), float(at[0]) if len(at) else 0.0, 0
    while a < len(at):
        z = min(a + size, int(np.searchsorted(at, at[a] + _REACH * tau, side="right")))
        age = (at[a:z] - at[a]) / tau
        grown = np.zeros((z - a + 1, n))  # what the spikes before each one add up to, at the time of the first
        grown[0] = state * math.exp((since - at[a]) / tau)
        grown[np.arange(1, z - a + 1), train[a:z]] += np.exp(age)
        np.cumsum(grown, axis=0, out=grown)
        fade = np.exp(-age)
        later += csr_matrix((fade, (train[a:z], np.arange(z - a))), shape=(n, z - a)) @ grown[:-1]
        state, since, a = grown[-1] * fade[-1], at[z - 1], z
    return later + later.T + np.diag(np.bincount(train, minlength=n).astype(np.float64))


def victor_purpura_distance(
    spikes: Spikes, other: Spikes | None = None, cost: float = 0.1, ids: Any = None, other_ids: Any = None
) -> np.ndarray:
    """Victor and Purpura's distances between spike trains.

    The least cost of changing one train into the other: 1 for adding or removing a spike, `cost` * |dt| for moving one by dt (J. D.
    Victor, K. P. Purpura, J. Neurophysiol. 76, 1310, 1996, D^spike[q]). Same as
    `elephant.spike_train_dissimilarity.victor_purpura_distance`, whose cost factor is per second there.

    Parameters
    ----------
    spikes : the spikes of one population.
    other : those of another population or run; default: the same.
    cost : of moving a spike, 1/ms. Spikes further apart than 2 / cost are not moved. 0 compares only spike counts; math.inf counts all
        spikes that do not coincide.
    ids, other_ids : the neurons of `spikes` and of `other`; default: all recorded ones.

    Returns
    -------
    float64 (n_neurons, n_other): the distance of each train to each of the other ones. The time needed grows with the product of the
    numbers of spikes of all pairs; it takes half a second for the pairs of 100 trains of 100 spikes.

    Raises
    ------
    DataError : `cost` is negative, or a neuron of `ids` or `other_ids` was not recorded.
    """
    if not cost >= 0:
        raise DataError("cost", f"{cost:g} per ms", "a number from 0 on")
    (at, train), n, m = _pooled(spikes, other, ids, other_ids)
    table, length = _padded(at, train, n + m)
    if other is None:
        a, b = np.triu_indices(n, 1)
    else:
        a, b = (x.ravel() for x in np.mgrid[0:n, n : n + m])
    swap = length[a] > length[b]  # a is the shorter train: its spikes are taken one by one
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    found = np.empty(len(a))
    order = np.lexsort((length[b], length[a]))
    size = max(_CELLS // (table.shape[1] + 1), 1)
    for k in range(0, len(order), size):
        these = order[k : k + size]
        found[these] = _edit_costs(table[a[these]], length[a[these]], table[b[these]], length[b[these]], cost)
    if other is not None:
        return found.reshape(n, m)
    matrix = np.zeros((n, n))
    matrix[np.triu_indices(n, 1)] = found
    return matrix + matrix.T


def _padded(at: np.ndarray, train: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The spike times of each of `n` trains in a row, filled up with 0, and the number of its spikes."""
    length = np.bincount(train, minlength=n)
    order = stable_order(train, max(n, 1))
    column = np.arange(len(at)) - np.repeat(np.cumsum(length) - length, length)
    table = np.zeros((n, int(length.max(initial=0))))
    table[train[order], column] = at[order]
    return table, length


def _edit_costs(a: np.ndarray, n: np.ndarray, b: np.ndarray, m: np.ndarray, cost: float) -> np.ndarray:
    """Distances of pairs of trains, the rows of `a` with `n` spikes, ascending, and those of `b` with `m` spikes.

    G[i, j], the cost for the first i spikes of a and the first j of b, is the least of G[i-1, j] + 1, G[i-1, j-1] + cost |a_i - b_j| and
    G[i, j-1] + 1. A row of all pairs is computed at once: with the least H of the first two, G[i, j] = min over k <= j of
    H[k] + (j - k), a cumulative minimum of H - k. Entries beyond the end of a train influence none before it.
    """
    b = b[:, : int(m.max(initial=0))]
    least = np.zeros((len(a), b.shape[1] + 1))  # G - j
    found = np.empty(len(a))
    for i in range(int(n.max(initial=0)) + 1):
        if i:
            least = _next_row(least, a[:, i - 1], b, cost)
        done = int(np.searchsorted(n, i, side="right"))  # pairs whose train a ends here
        here = len(found) - len(n)
        found[here : here + done] = least[np.arange(done), m[:done]] + m[:done]
        least, a, b, n, m = least[done:], a[done:], b[done:], n[done:], m[done:]
    return found


def _next_row(least: np.ndarray, a: np.ndarray, b: np.ndarray, cost: float) -> np.ndarray:
    """The row of G - j after the next spikes `a`, one for each pair."""
    apart = np.abs(a[:, None] - b)
    moved = cost * apart if math.isfinite(cost) else np.where(apart > 0, math.inf, 0.0)
    moved += least[:, :-1] - 1.0
    row = least + 1.0
    np.minimum(row[:, 1:], moved, out=row[:, 1:])
    return np.minimum.accumulate(row, axis=1, out=row)
