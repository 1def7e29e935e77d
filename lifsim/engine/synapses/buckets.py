"""Buckets in which synapses wait until a cache line of them is full, on the way to their rows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types, uint16, uint32, uint64
from numba.extending import overload

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.synapses.delivery import words
from lifsim.plan.limits import STEPS, WAITING

BUCKET = 9  # bits of the number of a source within its bucket
ROW_BITS, SLOT_BITS, MOST_SLOTS = uint64(38), uint64(16), uint64((1 << 22) - 1)  # of a place in a word


class RowPlace(NamedTuple):
    """Where the synapses of a wiring go: row of (source node, class), slot of a delay, class.

    `cls` is the class of all its synapses, or -1 where the sign of each weight decides.
    """

    row: np.ndarray
    slot: np.ndarray
    cls: int


class Buckets(NamedTuple):
    """Synapses that wait for their places, by bucket: (row, slot, target) in one word, stored weight; how many."""

    place: np.ndarray
    weight: np.ndarray
    number: np.ndarray


@inlined
def place_word(row, slot, target):
    """Row, slot and target in the block of a synapse that waits, in one word."""
    return uint64(row) << ROW_BITS | uint64(slot) << SLOT_BITS | uint64(target)


@kernel
def empty_bucket(buckets, g, room, table, y, b):
    """Put the synapses of bucket `g` in their places."""
    first, n = g * room, buckets.number[g]
    put(buckets.place[first : first + n], buckets.weight[first : first + n], table, y.target, y.weight, y.start[b])
    buckets.number[g] = 0


@kernel
def put(place, weight, table, target, weights, start):
    """Each synapse at the next free place of its segment."""
    for i in range(len(place)):
        row, slot = place[i] >> ROW_BITS, place[i] >> SLOT_BITS & MOST_SLOTS
        target[start[row] + table[row, slot, 0]] = uint16(place[i])
        table[row, slot, 0] += uint32(1)
        if len(weights):
            weights[start[row] // words(weights) + table[row, slot, 1]] = weight[i]
            table[row, slot, 1] += uint32(1)


def stored(weight: float, unit: float, array: Any) -> Any:
    """A weight as `array` stores it: as it is, or rounded to a whole number of units."""
    return weight


@overload(stored)
def _stored(weight, unit, array):
    if isinstance(array.dtype, types.Integer):
        return lambda weight, unit, array: min(max(math.floor(weight / unit + 0.5), -STEPS), STEPS)
    return lambda weight, unit, array: weight


def buckets_for(sources: int, synapses: int, weight: np.ndarray) -> Buckets:
    """Buckets for a wiring of so many sources and synapses."""
    n = (max(sources, 1) - 1 >> BUCKET) + 1
    room = max(min(synapses, WAITING) // n, 64)
    return Buckets(np.empty(n * room, np.uint64), np.empty(n * room if len(weight) else 0, weight.dtype), np.zeros(n, np.int64))
