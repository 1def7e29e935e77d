"""Delivery of spikes to one block of targets.

The synapses of a block are packed in rows, a row being the synapses of one source that go into one
sum (excitatory or inhibitory); in a row they are sorted by delay, and a small table says where each
delay begins. A spike stays active until its longest delay has passed; in every step only the
segment for the delay that is due is added, to sums that stay in the cache. So all targets receive in
one order, (delay, source, projection, synapse), whatever the blocks and threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.engine.intrinsics import prefetch
from lifsim.engine.jit import inlined, kernel

AHEAD = 6  # segments between prefetch and use: 3 to 16 measured alike
SEGMENTS = 2048  # gathered before they are delivered


class Synapses(NamedTuple):
    """Packed synapses of all blocks.

    `target` (uint16, index in the block) and `weight` have an entry a synapse; `weight` is empty if
    `row_weight` holds one for all of a row. Rows of source s: ``row_first[s]`` …
    ``row_first[s + 1] - 1``. Row r of block b begins at ``row_start[b, r]``, its delay slot j at
    ``+ table[b, r, j]``; slot j has a delay of ``delay[j]`` steps, ascending.
    """

    target: np.ndarray
    weight: np.ndarray
    row_first: np.ndarray
    row_channel: np.ndarray
    row_weight: np.ndarray
    row_start: np.ndarray
    table: np.ndarray
    delay: np.ndarray


class Ring(NamedTuple):
    """The spikes of the last steps, by block of neurons: ids of step k are
    ``ids[b, begin[b, k % n]:][:number[b, k % n]]``, ascending. The last row of `begin` and `number` is
    for given spikes, whose ids are in `given`.
    """

    ids: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    given: np.ndarray
    room: np.ndarray


class Segments(NamedTuple):
    """Segments due in this step, for each of the two sums: where they start, length, row."""

    start: np.ndarray
    length: np.ndarray
    row: np.ndarray
    number: np.ndarray


@kernel
def deliver(y, ring, segments, b, arrived, step):
    """Add to `arrived` (2, n) of block `b` all weights that arrive in `step`."""
    slots = ring.number.shape[1]
    segments.number[:] = 0
    for j in range(len(y.delay)):
        sent = step - y.delay[j]
        if sent > 0:
            k = sent % slots
            for origin in range(len(ring.number)):
                n = ring.number[origin, k]
                if n > 0:
                    begin = ring.begin[origin, k]
                    own = origin < len(ring.ids)
                    ids = ring.ids[origin, begin : begin + n] if own else ring.given[begin : begin + n]
                    gather(y, segments, b, j, ids, arrived)
    flush(y, segments, arrived)


@kernel
def gather(y, segments, b, j, ids, arrived):
    """List the segments of delay slot `j` of the sources `ids`; deliver when the list is full."""
    start, table = y.row_start[b], y.table[b]
    for i in range(len(ids)):
        for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
            first, last = table[r, j], table[r, j + 1]
            if last > first:
                c = y.row_channel[r]
                n = segments.number[c]
                segments.start[c, n] = start[r] + first
                segments.length[c, n] = last - first
                segments.row[c, n] = r
                segments.number[c] = n + 1
                if n + 1 == SEGMENTS:
                    flush(y, segments, arrived)


@kernel
def flush(y, segments, arrived):
    """Deliver the listed segments, prefetching a few ahead."""
    for c in range(len(arrived)):
        n = segments.number[c]
        start, length, row = segments.start[c], segments.length[c], segments.row[c]
        for i in range(n):
            if i + AHEAD < n:
                fetch(y, start[i + AHEAD], length[i + AHEAD])
            a, m = start[i], length[i]
            if len(y.weight):
                add(arrived[c], y.target[a : a + m], y.weight[a : a + m])
            else:
                add_same(arrived[c], y.target[a : a + m], y.row_weight[row[i]])
        segments.number[c] = 0


@inlined
def fetch(y, a, m):
    """Ask for the lines of a segment; what is beyond the first few the hardware follows by itself."""
    for k in range(0, min(m, 256), 32):
        prefetch(y.target, a + k)
    if len(y.weight):
        for k in range(0, min(m, 256), 64 // y.weight.itemsize):
            prefetch(y.weight, a + k)


@inlined
def add(total, target, weight):
    """total[target] += weight, one synapse after the other."""
    for k in range(len(target)):
        total[target[k]] += weight[k]


@inlined
def add_same(total, target, weight):
    """total[target] += weight, the same for all."""
    for k in range(len(target)):
        total[target[k]] += weight
