"""Given synapses go to their places from where they lie: nothing is drawn, and nothing sorted before.

The kernels walk over all synapses in the order in which they were given, row by row, column by column or one by
one (`lifsim.given.Given`), and take those of the block at hand. Those of one source come one after the other if
they were given by source: then they go to their places at once, else by way of buckets. Either way those of a
pair stay in their order, which is all that a sum can tell.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import uint32, uint64

from lifsim.engine.delivery import Synapses
from lifsim.engine.jit import entry, kernel
from lifsim.engine.packing import BUCKET, ROW_BITS, SLOT_BITS, Buckets, Place, empty_bucket, stored
from lifsim.errors import ModelError


class Entries(NamedTuple):
    """A wiring of given synapses for kernels.

    `target`, `source` and `ptr` are those of `Given`. `node` holds the global id of each target, ``row[s, c]`` the
    row of source s and class c, `slot` that of each delay. `weight` and `steps` (of the delay) have an entry each
    or one for all; `cls` is the class of all, or -1 where the sign of each weight decides.
    """

    target: np.ndarray
    source: np.ndarray
    ptr: np.ndarray
    node: np.ndarray
    row: np.ndarray
    slot: np.ndarray
    weight: np.ndarray
    steps: np.ndarray
    cls: int


def entries_of(wiring: Any, place: Place) -> Entries:
    """The synapses of `wiring`, whose places `place` says."""
    w, g = wiring.weight, wiring.given
    weight = np.array([w.a]) if w.array is None else w.array
    steps = np.array([wiring.delay.a], np.int32) if wiring.delay.array is None else wiring.delay.array
    return Entries(
        g.targets, g.sources, g.ptr, wiring.targets, np.ascontiguousarray(place.row[wiring.sources]), place.slot, weight, steps, place.cls
    )


def count(wiring: Any, place: Place, lo: int, hi: int, table: np.ndarray) -> None:
    """`packing.count_block` of given synapses.

    Raises
    ------
    ModelError : indices are out of range, which they were not when they were given.
    """
    if len(wiring.given) and count_entries(entries_of(wiring, place), lo, hi, table):
        raise ModelError(f"projections[{wiring.index}]", "its indices have been changed since it was made", "arrays that stay as they are")


def fill(wiring: Any, place: Place, lo: int, hi: int, table: np.ndarray, y: Synapses, b: int, buckets: Buckets) -> None:
    """`packing.fill_block` of given synapses."""
    if len(wiring.given):
        fill_entries(entries_of(wiring, place), lo, hi, table, y, b, buckets)


# -- kernels ---------------------------------------------------------------------------------------


@entry
def count_entries(e, lo, hi, table):
    """Add the numbers of synapses onto the neurons lo … hi - 1 to ``table[row, slot, 0]``; how many are out of range."""
    wrong = 0
    for m in range(max(len(e.ptr) - 1, 1)):
        if wanted(e, m, lo, hi):
            a, z = line(e, m)
            for i in range(a, z):
                t, s = ends(e, m, i)
                if not (0 <= t < len(e.node) and 0 <= s < len(e.row)):
                    wrong += 1
                elif lo <= e.node[t] < hi:
                    row, slot = placed(e, s, i)
                    table[row, slot, 0] += uint32(1)
    return wrong


@entry
def fill_entries(e, lo, hi, table, y, b, buckets):
    """Put the synapses onto the neurons lo … hi - 1 of block `b` in their places."""
    room = len(buckets.place) // len(buckets.number)
    at_once = len(e.source) == 0
    buckets.number[:] = 0
    for m in range(max(len(e.ptr) - 1, 1)):
        if wanted(e, m, lo, hi):
            a, z = line(e, m)
            for i in range(a, z):
                t, s = ends(e, m, i)
                if lo <= e.node[t] < hi:
                    g = 0 if at_once else s >> BUCKET
                    if buckets.number[g] == room:
                        empty_bucket(buckets, g, room, table, y, b)
                    k = g * room + buckets.number[g]
                    row, slot = placed(e, s, i)
                    buckets.place[k] = uint64(row) << ROW_BITS | uint64(slot) << SLOT_BITS | uint64(e.node[t] - lo)
                    if len(y.weight):
                        weight = np.float64(e.weight[i if len(e.weight) > 1 else 0])
                        buckets.weight[k] = stored(weight, y.unit[y.row_class[row]], y.weight)
                    buckets.number[g] += 1
    for g in range(len(buckets.number)):
        empty_bucket(buckets, g, room, table, y, b)


@kernel
def wanted(e, m, lo, hi):
    """Whether line `m` can have synapses onto the neurons lo … hi - 1."""
    return len(e.target) > 0 or lo <= e.node[m] < hi


@kernel
def line(e, m):
    """The first synapse of line `m`, and the one behind the last; lists are one line."""
    return (e.ptr[m], e.ptr[m + 1]) if len(e.ptr) else (0, len(e.target))


@kernel
def ends(e, m, i):
    """Target and source of synapse `i`, in line `m`."""
    return np.int64(e.target[i] if len(e.target) else m), np.int64(e.source[i] if len(e.source) else m)


@kernel
def placed(e, s, i):
    """Row and slot of synapse `i`, of source `s`."""
    cls = e.cls if e.cls >= 0 else 1 if e.weight[i if len(e.weight) > 1 else 0] < 0 else 0
    return e.row[s, cls], e.slot[e.steps[i if len(e.steps) > 1 else 0]]
