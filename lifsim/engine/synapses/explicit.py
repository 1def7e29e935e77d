"""Given synapses go to their places from where they lie: nothing is drawn, and nothing sorted before.

The kernels walk over all synapses in the order in which they were given, row by row, column by column or one by one
(`lifsim.network.explicit_synapses.ExplicitSynapses`), and take those of the block at hand. Synapses that were given by source are written
to their places at once; others wait in buckets. In both cases the synapses of a pair keep their order, so that sums are rounded alike.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.buckets import BUCKET, Buckets, RowPlace, empty_bucket, place_word, stored
from lifsim.engine.synapses.delivery import Synapses

TILE = 4096  # synapses among which those of a block are chosen at a time


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


def entries_of(wiring: Any, place: RowPlace) -> Entries:
    """The synapses of `wiring`, whose places `place` says."""
    w, g = wiring.weight, wiring.given
    weight = np.array([w.a]) if w.array is None else w.array
    steps = np.array([wiring.delay.a], np.int32) if wiring.delay.array is None else wiring.delay.array
    row = np.ascontiguousarray(place.row[wiring.sources])
    return Entries(fixed(g.targets), fixed(g.sources), g.ptr, wiring.targets, row, place.slot, fixed(weight), fixed(steps), place.cls)


def fixed(array: np.ndarray) -> np.ndarray:
    """An array to read: of those to read and those to write only one kind has to be compiled for."""
    out = array.view()
    out.flags.writeable = False
    return out


def count(wiring: Any, place: RowPlace, lo: int, hi: int, table: np.ndarray) -> None:
    """`packing.count_block` of given synapses."""
    if len(wiring.given):
        count_entries((entries_of(wiring, place), np.empty(TILE, np.int32), table), lo, hi)


def fill(wiring: Any, place: RowPlace, lo: int, hi: int, table: np.ndarray, y: Synapses, b: int, buckets: Buckets) -> None:
    """`packing.fill_block` of given synapses."""
    if len(wiring.given):
        fill_entries((entries_of(wiring, place), np.empty(TILE, np.int32), table, y, buckets), lo, hi, b)


# -- kernels ---------------------------------------------------------------------------------------


@Part
def count_entries(m, lo, hi):
    """Add the numbers of synapses onto the neurons lo … hi - 1 to ``table[row, slot, 0]``."""
    e, own, table = read(m)
    for k in range(lines(e)):
        if len(e.target) or lo <= e.node[k] < hi:
            count_line(e, k, lo, hi, table, own)


@kernel
def lines(e):
    """How many lines there are; lists are one."""
    return len(e.ptr) - 1 if len(e.ptr) else 1


@kernel
def line(e, m):
    """The first synapse of line `m` and the one behind the last."""
    return (e.ptr[m], e.ptr[m + 1]) if len(e.ptr) else (0, len(e.target))


@kernel
def count_line(e, m, lo, hi, table, own):
    """Those of line `m`. (A call for each synapse would count references to every array.)"""
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
    """Put into `own` which of these are onto the neurons lo … hi - 1; how many. (Nothing to guess wrong in a random order.)"""
    n = 0
    for i in range(len(target)):
        x = node[target[i]]
        own[n] = i
        n += np.int64((x >= lo) & (x < hi))
    return n


@Part
def fill_entries(m, lo, hi, b):
    """Put the synapses onto the neurons lo … hi - 1 of block `b` in their places."""
    e, own, table, y, buckets = read(m)
    room = len(buckets.place) // len(buckets.number)
    buckets.number[:] = 0
    for k in range(lines(e)):
        if len(e.target) or lo <= e.node[k] < hi:
            i, last = line(e, k)
            while i < last:
                i = fill_line(e, k, i, last, lo, hi, y, buckets, room, own)
                if i < last:
                    empty_bucket(buckets, np.int64(e.source[i]) >> BUCKET if len(e.source) else 0, room, table, y, b)
            if len(e.source) == 0:
                empty_bucket(buckets, 0, room, table, y, b)
    for g in range(len(buckets.number)):
        empty_bucket(buckets, g, room, table, y, b)


@kernel
def fill_line(e, m, first, last, lo, hi, y, buckets, room, own):
    """Those of line `m` from `first` on go into buckets; returns the one for which there is no room, or `last`."""
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
