"""Where neurons lie in memory: each thread has a share of every population.

How often neurons will fire is not known beforehand, and populations differ in it by a factor of ten. Threads that
have equal shares of each have equal work whatever the rates turn out to be.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from lifsim.plan.limits import GRAIN, LARGEST_BLOCK

NEURON_COST = 300  # synapses that cost as much as a neuron: 0.7 ns a step beside 0.8 ns at each of 3 spikes a second, at dt = 1 ms


class Placement(NamedTuple):
    """Neuron i has the place ``place[i]``, and the place q the neuron ``id[q]``.

    Block b owns the places ``first[b]`` … ``first[b + 1] - 1``, thread r the blocks ``thread[r]`` … . In the places of
    a thread lies its share of population 0, then of 1 … .
    """

    first: np.ndarray
    thread: np.ndarray
    place: np.ndarray
    id: np.ndarray


def place_neurons(plan: Any, threads: int) -> Placement:
    """The seats of all neurons of `plan`, so that threads have equal work."""
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
    """Where populations, ``first[g]`` … ``first[g + 1] - 1``, are cut: thread r gets those from ``cut[g, r]`` on, to ``cut[g, r + 1]``.

    What a population gives too much or too little to a thread, because shares are multiples of `GRAIN`, the next one evens out.
    """
    cut, before, total = [], np.zeros(threads + 1), 0.0  # `before` each thread: the work of those before it
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
    """The cost of each neuron, in synapses."""
    cost = np.full(plan.n_neurons, NEURON_COST / plan.dt)
    for w in plan.wirings:
        np.add.at(cost, w.targets, np.diff(w.ptr))
    return cost


def blocks_for_threads(thread: np.ndarray, threads: int) -> np.ndarray:
    """The first block of each thread where `threads` share those of all in `thread`."""
    if threads == len(thread) - 1:
        return thread
    return thread[np.linspace(0, len(thread) - 1, threads + 1).round().astype(np.int64)]
