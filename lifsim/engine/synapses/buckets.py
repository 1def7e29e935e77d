"""Buckets that collect synapses before they are written to their rows, so that memory is written in larger pieces."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint16, uint32, uint64

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.overloads import is_integer, overload
from lifsim.engine.synapses.delivery import words
from lifsim.plan.limits import STEPS, WAITING

BUCKET = 9  # a bucket has the synapses of 2**BUCKET sources
ROW_BITS, SLOT_BITS, MOST_SLOTS = uint64(38), uint64(16), uint64((1 << 22) - 1)  # of a place word: row, slot (22 bits), target (16)


class RowPlace(NamedTuple):
    """The rows and slots in which the synapses of a wiring are stored.

    ``row[node, class]`` is the row of a source node and class, ``slot[delay]`` the number of a delay among those that occur. `cls` is the
    class of all synapses of the wiring, or -1 if the sign of each weight decides.
    """

    row: np.ndarray
    slot: np.ndarray
    cls: int


class Buckets(NamedTuple):
    """Synapses in buckets: `place` (row, slot and target in one word), stored `weight`, and the `number` of synapses of each bucket."""

    place: np.ndarray
    weight: np.ndarray
    number: np.ndarray


@inlined
def place_word(row, slot, target):
    """Row, slot and target (index in the block) of a synapse in one 64-bit word."""
    return uint64(row) << ROW_BITS | uint64(slot) << SLOT_BITS | uint64(target)


@kernel
def empty_bucket(buckets, g, room, table, y, b):
    """Write the synapses of bucket `g` to their rows in block `b`."""
    first, n = g * room, buckets.number[g]
    put(buckets.place[first : first + n], buckets.weight[first : first + n], table, y.target, y.weight, y.start[b])
    buckets.number[g] = 0


@kernel
def put(place, weight, table, target, weights, start):
    """Write each synapse to the next free position of its segment; `table` has these positions (see `packing.open_rows`)."""
    for i in range(len(place)):
        row, slot = place[i] >> ROW_BITS, place[i] >> SLOT_BITS & MOST_SLOTS
        target[start[row] + table[row, slot, 0]] = uint16(place[i])
        table[row, slot, 0] += uint32(1)
        if len(weights):
            weights[start[row] // words(weights) + table[row, slot, 1]] = weight[i]
            table[row, slot, 1] += uint32(1)


def stored(weight: float, unit: float, array: Any) -> Any:
    """A weight in the form that `array` stores: unchanged, or rounded to a whole number of units."""
    return weight


@overload(stored)
def _stored(weight, unit, array):
    if is_integer(array.dtype):
        return lambda weight, unit, array: min(max(math.floor(weight / unit + 0.5), -STEPS), STEPS)
    return lambda weight, unit, array: weight


def buckets_for(sources: int, synapses: int, weight: np.ndarray) -> Buckets:
    """Empty buckets for a wiring with `sources` sources and `synapses` synapses; `weight` is the array of stored weights."""
    n = (max(sources, 1) - 1 >> BUCKET) + 1
    room = max(min(synapses, WAITING) // n, 64)
    return Buckets(np.empty(n * room, np.uint64), np.empty(n * room if len(weight) else 0, weight.dtype), np.zeros(n, np.int64))
