"""Placement of neurons in memory: each thread gets a share of every population.

Firing rates are not known in advance, and differ between populations by a factor of ten. If threads have equal shares of each population,
they have equal work at any rates.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from lifsim.plan.limits import GRAIN, LARGEST_BLOCK

# Synapses that cost as much as a neuron at dt = 1 ms: 0.7 ns per neuron and step; 0.8 ns per synapse and spike, at 3 spikes/s.
NEURON_COST = 300


class Placement(NamedTuple):
    """Neuron i has the place ``place[i]``; place q has the neuron ``id[q]``. Shape (n_neurons,) each.

    Block b has the places ``first[b]`` … ``first[b + 1] - 1``, thread r the blocks ``thread[r]`` … ``thread[r + 1] - 1``. The places of a
    thread contain its share of population 0, then of population 1, and so on.
    """

    first: np.ndarray
    thread: np.ndarray
    place: np.ndarray
    id: np.ndarray


def place_neurons(plan: Any, threads: int) -> Placement:
    """The places of all neurons of `plan`, chosen so that threads have equal work."""
    cut = shares([g.first for g in plan.groups] + [plan.n_neurons], work(plan), threads)
    ids, first, thread = [np.zeros(0, np.int64)], [0], [0]
    for r in range(threads):
        ids += [np.arange(a, z) for a, z in cut[:, r : r + 2]]
        start, n = first[-1], int((cut[:, r + 1] - cut[:, r]).sum())
        parts = -(-n // LARGEST_BLOCK)
        first += [start + n * (k + 1) // parts for k in range(parts)]
        thread.append(len(first) - 1)
    at = np.concatenate(ids)
    return Placement(np.array(first, np.int64), np.array(thread, np.int64), np.argsort(at), at)


def shares(first: list[int], cost: np.ndarray, threads: int) -> np.ndarray:
    """Divide each population, ids ``first[g]`` … ``first[g + 1] - 1``, among threads: thread r gets ``cut[g, r]`` … ``cut[g, r + 1] - 1``.

    Shares are multiples of `GRAIN` where possible; the next population compensates for the rounding of the previous ones. `cost` has
    shape (n_neurons,); the result has shape (n_groups, threads + 1).
    """
    cut, before, total = [], np.zeros(threads + 1), 0.0  # `before[r]`: the work given to threads before r
    for a, z in itertools.pairwise(first):
        sums = np.concatenate([[0.0], np.cumsum(cost[a:z])])
        total += sums[-1]
        wanted = np.searchsorted(sums, total * np.arange(threads + 1) / threads - before)
        wanted = np.minimum((wanted + GRAIN // 2) // GRAIN * GRAIN, z - a)
        wanted[0], wanted[-1] = 0, z - a
        at = np.maximum.accumulate(wanted)
        before += sums[at]
        cut.append(a + at)
    return np.array(cut, np.int64).reshape(-1, threads + 1)


def work(plan: Any) -> np.ndarray:
    """The cost of each neuron, in units of a synapse; shape (n_neurons,)."""
    cost = np.full(plan.n_neurons, NEURON_COST / plan.dt)
    for w in plan.wirings:
        np.add.at(cost, w.targets, np.diff(w.ptr))
    return cost


def blocks_for_threads(thread: np.ndarray, threads: int) -> np.ndarray:
    """The first block of each of `threads` threads that share all blocks; `thread` are the first blocks for the full team."""
    if threads == len(thread) - 1:
        return thread
    return thread[np.linspace(0, len(thread) - 1, threads + 1).round().astype(np.int64)]
