"""Delivery of spikes to one block of targets.

The synapses of a block are packed in rows, a row being the synapses of one source that go into one
sum (excitatory or inhibitory). A row is a sequence of segments, one for each delay that occurs in the
network, ascending: the number of its synapses, then their targets. A spike stays under way until the
longest delay has passed, with a cursor in each of its rows; every step reads the segment that is due
and adds it to sums that stay in the cache. So all targets receive in one order, (delay, source,
projection, synapse), whatever the blocks and threads.
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

    `target` (uint16) holds the rows: for each delay in `delay` (steps, ascending) a header of `header`
    words with the number of synapses, then their targets as indices in the block. `weight` holds the
    weights in the same order, without headers; it is empty if `row_weight` holds one for all of a row.
    Rows of source s: ``row_first[s]`` … ``row_first[s + 1] - 1``. Row r of block b begins at
    ``target_start[b, r]`` (-1 if it has no synapses there) and ``weight_start[b, r]``.
    """

    target: np.ndarray
    weight: np.ndarray
    row_first: np.ndarray
    row_channel: np.ndarray
    row_weight: np.ndarray
    target_start: np.ndarray
    weight_start: np.ndarray
    delay: np.ndarray
    header: np.ndarray


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


class Underway(NamedTuple):
    """The spikes under way to each block b: those sent in step k are the entries
    ``begin[b, k % n]`` … ``+ number[b, k % n]``, one a row, in order of source. `at` and `weight` are
    cursors into `Synapses.target` and `Synapses.weight`; `room` is where free entries begin.
    """

    at: np.ndarray
    weight: np.ndarray
    row: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    room: np.ndarray


class Segments(NamedTuple):
    """Segments due in this step, for each of the two sums: first target, length, first weight, row."""

    start: np.ndarray
    length: np.ndarray
    weight: np.ndarray
    row: np.ndarray
    number: np.ndarray


def no_spikes_underway(blocks: int, slots: int) -> Underway:
    """Nothing under way to `blocks` blocks."""
    nothing = [np.zeros((blocks, 0), np.int64) for _ in range(3)]
    begin, number = np.zeros((2, blocks, slots), np.int64)
    return Underway(nothing[0], nothing[1], nothing[2], begin, number, np.zeros(blocks, np.int64))


@kernel
def no_segments():
    """Room for a list of segments."""
    room = np.empty((4, 2, SEGMENTS), np.int64)
    return Segments(room[0], room[1], room[2], room[3], np.zeros(2, np.int64))


@kernel
def deliver(y, ring, under, segments, b, arrived, step):
    """Add to `arrived` (channels, n) of block `b` all weights that arrive in `step`."""
    slots = ring.number.shape[1]
    for j in range(len(y.delay)):
        sent = step - y.delay[j]
        if sent > 0:
            k = sent % slots
            if j == 0:
                admit(y, ring, under, b, k)
            first = under.begin[b, k]
            last = first + under.number[b, k]
            for a in range(first, last, SEGMENTS):
                z = min(a + SEGMENTS, last)
                if max(segments.number[0], segments.number[1]) + z - a > SEGMENTS:
                    flush(y, segments, arrived)
                gather(y, segments, under.at[b, a:z], under.weight[b, a:z], under.row[b, a:z])
    flush(y, segments, arrived)


@kernel
def admit(y, ring, under, b, k):
    """Set out the spikes of ring slot `k` on their way to block `b`."""
    n = begin = under.room[b]
    for origin in range(len(ring.number)):
        ids = sent_by(ring, origin, k)
        for i in range(len(ids)):
            for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                if y.target_start[b, r] >= 0:
                    under.at[b, n], under.weight[b, n], under.row[b, n] = y.target_start[b, r], y.weight_start[b, r], r
                    n += 1
    under.begin[b, k], under.number[b, k], under.room[b] = begin, n - begin, n


@kernel
def sent_by(ring, origin, k):
    """Ids that block `origin` (or, as the last, the given spikes) sent in slot `k`."""
    a = ring.begin[origin, k]
    z = a + ring.number[origin, k]
    return ring.ids[origin, a:z] if origin < len(ring.ids) else ring.given[a:z]


@kernel
def settle(under, b, start, slots):
    """Before a slice from step `start` on: move what is under way to the front, so that the rest is free."""
    n = 0
    for sent in range(max(1, start - slots + 1), start + 1):
        k = sent % slots
        first, number = under.begin[b, k], under.number[b, k]
        if first != n:
            for i in range(number):  # entries lie in the order of sending: they only move down
                under.at[b, n + i] = under.at[b, first + i]
                under.weight[b, n + i] = under.weight[b, first + i]
                under.row[b, n + i] = under.row[b, first + i]
        under.begin[b, k] = n
        n += number
    under.room[b] = n


@inlined
def segment_length(target, header, a):
    """Number of synapses in the segment whose header is at `a`."""
    n = np.int64(target[a])
    if header == 2:
        n += np.int64(target[a + 1]) << 16
    return n


@kernel
def gather(y, segments, at, weight, row):
    """List the segments that the cursors `at` have come to, and move these on."""
    target, header = y.target, y.header[0]
    for i in range(len(at)):
        a = at[i]
        n = np.int64(target[a])  # written out: a call would count references to `target`
        if header == 2:
            n += np.int64(target[a + 1]) << 16
        at[i] = a + header + n
        if n > 0:
            c = y.row_channel[row[i]]
            m = segments.number[c]
            segments.start[c, m], segments.length[c, m] = a + header, n
            segments.weight[c, m], segments.row[c, m] = weight[i], row[i]
            weight[i] += n
            segments.number[c] = m + 1


@kernel
def flush(y, segments, arrived):
    """Deliver the listed segments, prefetching a few ahead."""
    for c in range(len(arrived)):
        n = segments.number[c]
        start, length, weight, row = segments.start[c], segments.length[c], segments.weight[c], segments.row[c]
        for i in range(n):
            if i + AHEAD < n:
                fetch(y, start[i + AHEAD], weight[i + AHEAD], length[i + AHEAD])
            a, w, m = start[i], weight[i], length[i]
            if len(y.weight):
                add(arrived[c], y.target[a : a + m], y.weight[w : w + m])
            else:
                add_same(arrived[c], y.target[a : a + m], y.row_weight[row[i]])
        segments.number[c] = 0


@inlined
def fetch(y, a, w, m):
    """Ask for the lines of a segment; what is beyond the first few the hardware follows by itself."""
    for k in range(0, min(m, 256), 32):
        prefetch(y.target, a + k)
    if len(y.weight):
        for k in range(0, min(m, 256), 64 // y.weight.itemsize):
            prefetch(y.weight, w + k)


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


@kernel
def row_length(y, b, r):
    """Number of synapses of row `r` in block `b`."""
    total, a = 0, y.target_start[b, r]
    for _ in range(len(y.delay) if a >= 0 else 0):
        n = segment_length(y.target, y.header[0], a)
        a += y.header[0] + n
        total += n
    return total


@kernel
def unpack_row(y, b, r, target, weight, delay):
    """Row `r` of block `b` as arrays of `row_length` entries: targets in the block, weights, delays in steps."""
    i, a, w = 0, y.target_start[b, r], y.weight_start[b, r]
    for j in range(len(y.delay) if a >= 0 else 0):
        n = segment_length(y.target, y.header[0], a)
        a += y.header[0]
        for k in range(n):
            target[i], delay[i] = y.target[a + k], y.delay[j]
            weight[i] = y.weight[w + i] if len(y.weight) else y.row_weight[r]
            i += 1
        a += n
