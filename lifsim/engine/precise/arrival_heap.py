"""Pending spikes of a block: a heap of cursors into its rows of synapses, ordered by time of arrival.

A spike sent at (step, offset) arrives at (step + delay, offset). A row (see `lifsim.engine.synapses.delivery`) has the synapses of one
source, ordered by delay. So a pending spike has a cursor in each of its rows, at the next segment. Simultaneous arrivals are ordered by
row, then by time of sending, so the order does not depend on blocks and threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.synapses.delivery import END, HEADER, length_at, segment_end


class ArrivalHeap(NamedTuple):
    """The heap of block b has the cursors ``heap[b, :number[b]]``, the next arrival first; those up to ``made[b]`` are free.

    Cursor j has a time of arrival (``step[b, j]``, ``offset[b, j]``), a `row`, the position `at` and the `length` of its segment, and
    the number `slot` of the delay of the segment.
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
    """Heaps of `blocks` blocks, without cursors or room for any."""
    whole, real_numbers = np.zeros((blocks, 0), np.int64), np.zeros((blocks, 0))
    number, made = np.zeros((2, blocks), np.int64)
    return ArrivalHeap(number, made, whole, whole, real_numbers, whole, whole, whole, whole)


def with_room(u: ArrivalHeap, room: int) -> ArrivalHeap:
    """The heaps `u` with room for at least `room` cursors per block. Room that is not yet written to takes no memory."""
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
    """Whether cursor `i` of block `b` comes before cursor `j` in the order of arrival."""
    if u.step[b, i] != u.step[b, j]:
        return u.step[b, i] < u.step[b, j]
    if u.offset[b, i] != u.offset[b, j]:
        return u.offset[b, i] > u.offset[b, j]
    if u.row[b, i] != u.row[b, j]:
        return u.row[b, i] < u.row[b, j]
    return u.slot[b, i] > u.slot[b, j]


@inlined
def set_out(u, y, b, source, step, offset):
    """Make a spike of `source`, sent at (`step`, `offset`), pending for block `b`."""
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
    """Move cursor `j` to its next segment that has synapses; returns False if there is none."""
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
    """Move the first cursor, whose segment was delivered, to its next segment, or remove the cursor."""
    if not pass_empty(u, y, b, u.heap[b, 0]):
        u.number[b] -= 1
        last = u.number[b]
        u.heap[b, 0], u.heap[b, last] = u.heap[b, last], u.heap[b, 0]
    sink(u, b)


@inlined
def rise(u, b, k):
    """Move entry `k` of the heap up to its position."""
    while k > 0 and comes_first(u, b, u.heap[b, k], u.heap[b, (k - 1) // 2]):
        above = (k - 1) // 2
        u.heap[b, k], u.heap[b, above] = u.heap[b, above], u.heap[b, k]
        k = above


@inlined
def sink(u, b):
    """Move the first entry of the heap down to its position."""
    k, n = 0, u.number[b]
    while 2 * k + 1 < n:
        below = 2 * k + 1
        if below + 1 < n and comes_first(u, b, u.heap[b, below + 1], u.heap[b, below]):
            below += 1
        if comes_first(u, b, u.heap[b, k], u.heap[b, below]):
            return
        u.heap[b, k], u.heap[b, below] = u.heap[b, below], u.heap[b, k]
        k = below
