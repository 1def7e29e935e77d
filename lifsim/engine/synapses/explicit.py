"""Packs given synapses directly from the user's arrays: nothing is drawn or sorted.

The kernels go through all synapses in the given order (by row, by column, or as a list; see
`lifsim.network.explicit_synapses.ExplicitSynapses`) and take those whose target is in the current block. Synapses given by source are
written to their rows directly, others through buckets. In both cases the synapses of a pair keep their order, so that sums are rounded
in the same way.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.buckets import BUCKET, Buckets, RowPlace, empty_bucket, place_word, stored
from lifsim.engine.synapses.delivery import Synapses

TILE = 4096  # synapses that are searched at a time for those of the current block


class Entries(NamedTuple):
    """A wiring of given synapses in the form for kernels.

    `target`, `source` and `ptr` are as in `ExplicitSynapses`. `node` has the place of each target, ``row[s, c]`` the row of source s and
    class c, ``slot[d]`` the slot of delay d. `weight` and `steps` (delays) have one entry per synapse, or one for all. `cls` is the class
    of all synapses, or -1 if the sign of each weight decides.
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


class Destination(NamedTuple):
    """The destination of synapses with targets at the places lo … hi - 1: buckets of `room` synapses, then `y`; `own` is work space."""

    y: Synapses
    buckets: Buckets
    room: int
    lo: int
    hi: int
    own: np.ndarray


def entries_of(wiring: Any, place: RowPlace) -> Entries:
    """The synapses of `wiring` in the form for kernels; `place` tells where they are stored."""
    w, g = wiring.weight, wiring.given
    weight = np.array([w.a]) if w.array is None else w.array
    steps = np.array([wiring.delay.a], np.int32) if wiring.delay.array is None else wiring.delay.array
    row = np.ascontiguousarray(place.row[wiring.sources])
    return Entries(fixed(g.targets), fixed(g.sources), g.ptr, wiring.targets, row, place.slot, fixed(weight), fixed(steps), place.cls)


def fixed(array: np.ndarray) -> np.ndarray:
    """A read-only view: kernels are compiled for one type only, whether the user's array is writable or not."""
    out = array.view()
    out.flags.writeable = False
    return out


def count(wiring: Any, place: RowPlace, lo: int, hi: int, table: np.ndarray) -> None:
    """Count the given synapses whose targets are at the places lo … hi - 1 (see `packing.count_block`)."""
    if len(wiring.given):
        count_entries((entries_of(wiring, place), np.empty(TILE, np.int32), table), lo, hi)


def fill(wiring: Any, place: RowPlace, lo: int, hi: int, table: np.ndarray, y: Synapses, b: int, buckets: Buckets) -> None:
    """Write the given synapses whose targets are at the places lo … hi - 1 to block `b` of `y` (see `packing.fill_block`)."""
    if len(wiring.given):
        fill_entries((entries_of(wiring, place), np.empty(TILE, np.int32), table, y, buckets), lo, hi, b)


# -- kernels ---------------------------------------------------------------------------------------


@Part
def count_entries(m, lo, hi):
    """Count the synapses whose targets are at the places lo … hi - 1: add their numbers to ``table[row, slot, 0]``."""
    e, own, table = read(m)
    for k in range(lines(e)):
        if len(e.target) or lo <= e.node[k] < hi:
            count_line(e, k, lo, hi, table, own)


@kernel
def lines(e):
    """The number of lines: rows or columns of a matrix; a list is one line."""
    return len(e.ptr) - 1 if len(e.ptr) else 1


@kernel
def line(e, m):
    """The range of synapses of line `m`: first, and last + 1."""
    return (e.ptr[m], e.ptr[m + 1]) if len(e.ptr) else (0, len(e.target))


@kernel
def count_line(e, m, lo, hi, table, own):
    """`count_entries` for line `m`. (One call per synapse would count references to every array.)"""
    target, source, weight, steps = e.target, e.source, e.weight, e.steps
    rows, slots, s, c, d = e.row, e.slot, m, max(e.cls, 0), e.slot[e.steps[0]]
    first, last = line(e, m)
    for begin in range(first, last, len(own)):
        end = min(begin + len(own), last)
        for k in range(choose(target[begin:end], e.node, lo, hi, own) if len(target) else end - begin):
            i = begin + (own[k] if len(target) else k)
            s = np.int64(source[i]) if len(source) else s
            if e.cls < 0:
                c = np.int64(weight[i] < 0)
            if len(steps) > 1:
                d = slots[steps[i]]
            table[rows[s, c], d, 0] += uint32(1)


@kernel
def choose(target, node, lo, hi, own):
    """Write to `own` the indices of the targets in the places lo … hi - 1; returns their number. (Without branches to mispredict.)"""
    n = np.int64(0)
    for i in range(len(target)):
        x = node[target[i]]
        own[n] = i
        n += np.int64((x >= lo) & (x < hi))
    return n


@Part
def fill_entries(m, lo, hi, b):
    """Write the synapses whose targets are at the places lo … hi - 1, in block `b`, to their rows."""
    e, own, table, y, buckets = read(m)
    room = len(buckets.place) // len(buckets.number)
    to = Destination(y, buckets, room, lo, hi, own)
    buckets.number[:] = 0
    for k in range(lines(e)):
        if len(e.target) or lo <= e.node[k] < hi:
            i, last = line(e, k)
            while i < last:
                i = fill_line(e, k, i, last, to)
                if i < last:
                    empty_bucket(buckets, np.int64(e.source[i]) >> BUCKET if len(e.source) else 0, room, table, y, b)
            if len(e.source) == 0:
                empty_bucket(buckets, 0, room, table, y, b)
    for g in range(len(buckets.number)):
        empty_bucket(buckets, g, room, table, y, b)


@kernel
def fill_line(e, m, first, last, to):
    """Put the synapses of line `m` from `first` on into buckets; returns the first one for which there is no room, or `last`."""
    y, buckets, room, lo, hi, own = to
    target, source, weight, steps = e.target, e.source, e.weight, e.steps
    node, rows, slots, c, d = e.node, e.row, e.slot, max(e.cls, 0), e.slot[e.steps[0]]
    place, waiting, number, weights, unit, row_class = buckets.place, buckets.weight, buckets.number, y.weight, y.unit, y.row_class
    t, s, w = m, m, np.float64(weight[0])
    for begin in range(first, last, len(own)):
        end = min(begin + len(own), last)
        for q in range(choose(target[begin:end], node, lo, hi, own) if len(target) else end - begin):
            i = begin + (own[q] if len(target) else q)
            t = np.int64(target[i]) if len(target) else t
            s = np.int64(source[i]) if len(source) else s
            g = s >> BUCKET if len(source) else 0
            if number[g] == room:
                return i
            if len(weight) > 1:
                w = np.float64(weight[i])
            if e.cls < 0:
                c = np.int64(w < 0)
            if len(steps) > 1:
                d = slots[steps[i]]
            k, r = g * room + number[g], rows[s, c]
            place[k] = place_word(r, d, node[t] - lo)
            if len(weights):
                waiting[k] = stored(w, unit[row_class[r]], weights)
            number[g] += 1
    return last
