"""Spikes under way to a block of targets: a heap of cursors into its rows of synapses, by the moment of arrival.

A spike sent at (step, offset) arrives at (step + delay, offset). A row (`engine.delivery`) holds the synapses of one source
by delay, so a spike has a cursor in each of its rows, which stands at its next segment. Cursors that arrive at one
moment come in order of row, then of sending: neither blocks nor threads leave a trace in it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import uint32

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.synapses.delivery import END, HEADER, length_at, segment_end


class ArrivalHeap(NamedTuple):
    """Of block b the cursors ``heap[b, :number[b]]``, the one that arrives first in front; what follows, up to ``made[b]``, is
    free. A cursor j has the moment of arrival, its row, the place ``at[b, j]`` and the `length` of the segment, and the number
    of its delay.
    """

    number: np.ndarray
    made: np.ndarray
    heap: np.ndarray
    step: np.ndarray
    offset: np.ndarray
    row: np.ndarray
    at: np.ndarray
    length: np.ndarray
    slot: np.ndarray


def nothing_underway(blocks: int) -> ArrivalHeap:
    """No cursors, and no room for any."""
    whole, real_numbers = np.zeros((blocks, 0), np.int64), np.zeros((blocks, 0))
    number, made = np.zeros((2, blocks), np.int64)
    return ArrivalHeap(number, made, whole, whole, real_numbers, whole, whole, whole, whole)


def with_room(u: ArrivalHeap, room: int) -> ArrivalHeap:
    """`u` with room for so many cursors in each block, at least; memory is used as it is needed."""
    made = int(u.made.max(initial=0))
    if room <= u.heap.shape[1]:
        return u
    wider = {}
    for name in u._fields[2:]:
        old = getattr(u, name)
        wider[name] = np.empty((len(old), room), old.dtype)
        wider[name][:, :made] = old[:, :made]
    return u._replace(**wider)


@inlined
def comes_first(u, b, i, j):
    """Whether cursor `i` of block `b` comes before cursor `j`."""
    if u.step[b, i] != u.step[b, j]:
        return u.step[b, i] < u.step[b, j]
    if u.offset[b, i] != u.offset[b, j]:
        return u.offset[b, i] > u.offset[b, j]
    if u.row[b, i] != u.row[b, j]:
        return u.row[b, i] < u.row[b, j]
    return u.slot[b, i] > u.slot[b, j]


@inlined
def set_out(u, y, b, source, step, offset):
    """A spike of `source`, sent at this moment, sets out to block `b`."""
    for r in range(y.row_first[source], y.row_first[source + 1]):
        if y.length[b, r] != END:
            if u.number[b] == u.made[b]:
                u.heap[b, u.made[b]] = u.made[b]
                u.made[b] += 1
            j = u.heap[b, u.number[b]]
            u.step[b, j], u.offset[b, j], u.row[b, j] = step + y.delay[0], offset, r
            u.at[b, j], u.length[b, j], u.slot[b, j] = y.start[b, r], y.length[b, r], 0
            u.number[b] += 1
            if u.length[b, j] == 0:
                pass_empty(u, y, b, j)
            rise(u, b, u.number[b] - 1)


@inlined
def pass_empty(u, y, b, j):
    """Move cursor `j` on to its next segment that holds synapses; False if there is none."""
    while True:
        a = segment_end(y.weight, u.at[b, j], u.length[b, j])
        length = length_at(y.target, a)
        if length == uint32(END):
            return False
        s = u.slot[b, j] + 1
        u.step[b, j] += y.delay[s] - y.delay[s - 1]
        u.slot[b, j], u.at[b, j], u.length[b, j] = s, a + HEADER, length
        if length > 0:
            return True


@inlined
def go_on(u, y, b):
    """The first cursor's segment has arrived: move it to its next one, or take it out."""
    if not pass_empty(u, y, b, u.heap[b, 0]):
        u.number[b] -= 1
        last = u.number[b]
        u.heap[b, 0], u.heap[b, last] = u.heap[b, last], u.heap[b, 0]
    sink(u, b)


@inlined
def rise(u, b, k):
    """Let the entry `k` of the heap rise to its place."""
    while k > 0 and comes_first(u, b, u.heap[b, k], u.heap[b, (k - 1) // 2]):
        above = (k - 1) // 2
        u.heap[b, k], u.heap[b, above] = u.heap[b, above], u.heap[b, k]
        k = above


@inlined
def sink(u, b):
    """Let the front of the heap sink to its place."""
    k, n = 0, u.number[b]
    while 2 * k + 1 < n:
        below = 2 * k + 1
        if below + 1 < n and comes_first(u, b, u.heap[b, below + 1], u.heap[b, below]):
            below += 1
        if comes_first(u, b, u.heap[b, k], u.heap[b, below]):
            return
        u.heap[b, k], u.heap[b, below] = u.heap[b, below], u.heap[b, k]
        k = below
