"""Delivery of spikes to one block of targets.

The synapses of a block are packed in rows. A row has the synapses of one source and one class; a class is an input sum (excitatory or
inhibitory), or one constant weight. A row is a sequence of segments, one for each delay that occurs in the network, ascending; a segment
is the number of its synapses, their targets, and their weights. A spike is pending until its longest delay has passed. A pending spike
has a cursor in each of its rows: the position and the length of the next segment. Every step sweeps over the cursors and adds the segments
that are due to input sums, which stay in the cache. So memory is read in whole segments, which are prefetched, and each target receives
its weights in a fixed order (delay descending, source, projection, synapse) that does not depend on blocks and threads.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy import uint32

from lifsim.engine.compiler.intrinsics import FOUR, add_four, add_rest, prefetch
from lifsim.engine.compiler.jit import inlined, kernel, merged
from lifsim.engine.compiler.overloads import is_integer, overload
from lifsim.engine.compiler.parts import Part

LINE = 32  # 16-bit words in a cache line
MOST_LINES = 40  # most cache lines of a segment that are prefetched
IN_FLIGHT = 192  # cache lines that are prefetched and not yet used
NEAR = 1 << 17  # number of rows up to which their starts and lengths fit into the caches
HEADER = 2  # 16-bit words in which the length of a segment is stored
END = 0xFFFFFFFF  # instead of a length: no further segment follows


class Synapses(NamedTuple):
    """Packed synapses of all blocks.

    `target` (uint16) has all rows. A segment consists of its length (32 bits, in `HEADER` words), its targets (indices in the block) and
    its weights, which begin at the next position that is aligned for a weight. `weight` is the same memory as an array of weights, in
    units of ``unit[c]`` for rows of class c; it is empty if all synapses of a class have the weight ``unit[c]``. A row ends with the
    length `END`.

    Source s has the rows ``row_first[s]`` … ``row_first[s + 1] - 1``. Row r has the class ``row_class[r]``; class c adds to the input sum
    ``channel[c]``. Row r of block b begins at word ``start[b, r]`` (after the header) with a segment of ``length[b, r]`` synapses (`END`:
    the row is empty). `delay` are the delays (steps) of segments, ascending. Segments are prefetched ``ahead[b]`` cursors before they are
    used, ``lines[b]`` cache lines of each.
    """

    target: np.ndarray
    weight: np.ndarray
    row_first: np.ndarray
    row_class: np.ndarray
    channel: np.ndarray
    unit: np.ndarray
    start: np.ndarray
    length: np.ndarray
    delay: np.ndarray
    ahead: np.ndarray
    lines: np.ndarray


class Ring(NamedTuple):
    """The spikes of the last n steps (slots).

    The spikes of piece p in step k are ``ids[begin[k % n, p]:][:number[k % n, p]]``, ascending global ids. Piece p has the entries
    ``first[p]`` … ``first[p + 1] - 1`` of `ids`, which are free from ``room[p]`` on. `begin` and `number` have shape (n, n_pieces + 1);
    their last column is for given spikes, whose ids are in `given`. `order` has all columns, sorted by the ids of their neurons.
    """

    ids: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    given: np.ndarray
    room: np.ndarray
    order: np.ndarray


class PendingSpikes(NamedTuple):
    """The cursors of pending spikes, for each block b and class c.

    Spikes sent in step k have the ``number[b, c, k % n]`` entries from ``begin[b, c, k % n]`` on, in order of source. ``at[b, c, i]`` is
    the position in `Synapses.target` of the targets of the next segment, ``length[b, c, i]`` the length of this segment. Entries are
    free from ``room[b, c]`` on.
    """

    at: np.ndarray
    length: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    room: np.ndarray


def no_pending_spikes(blocks: int, classes: int, slots: int) -> PendingSpikes:
    """No pending spikes, for `blocks` blocks, `classes` classes and a ring of `slots` steps."""
    begin, number = np.zeros((2, blocks, classes, slots), np.int64)
    at, length = np.zeros((blocks, classes, 0), np.int64), np.zeros((blocks, classes, 0), np.uint32)
    return PendingSpikes(at, length, begin, number, np.zeros((blocks, classes), np.int64))


class Delivery(NamedTuple):
    """The data of `deliver_static`: `inputs` are the input sums, shape (n_channels, n_places); block b begins at place ``first[b]``."""

    synapses: Synapses
    ring: Ring
    underway: PendingSpikes
    inputs: np.ndarray
    first: np.ndarray


@Part
def deliver_static(m, b, step):
    """Add all weights of static synapses that arrive in `step` to the input sums of block `b`."""
    deliver(m.synapses, m.ring, m.underway, b, m.inputs[:, m.first[b] : m.first[b + 1]], step)


@merged
def deliver(y, ring, under, b, total, step):
    """Add all weights that arrive in `step` to the input sums `total` of block `b`, shape (n_channels, n_neurons).

    Cursors of spikes sent in consecutive steps are contiguous, so each run of consecutive delays is one sweep.
    """
    slots = ring.number.shape[0]
    if step > y.delay[0]:
        k = (step - y.delay[0]) % slots
        if len(y.row_class) > NEAR:
            foresee(y, ring, b, k)
        admit(y, ring, under, b, k)
    longest = len(y.delay) - 1
    while longest >= 0:
        shortest = longest
        while shortest > 0 and y.delay[shortest - 1] == y.delay[shortest] - 1:
            shortest -= 1
        oldest, newest = max(step - y.delay[longest], 1), step - y.delay[shortest]
        for c in range(len(y.channel) if newest > 0 else 0):
            a = under.begin[b, c, oldest % slots]
            z = under.begin[b, c, newest % slots] + under.number[b, c, newest % slots]
            cursors = under.at[b, c, a:z], under.length[b, c, a:z]
            sweep(y.target, y.weight, y.unit[c], cursors, total[y.channel[c]], y.ahead[b], y.lines[b])
        longest = shortest - 1


@kernel
def foresee(y, ring, b, k):
    """Prefetch the data that `admit` will read; otherwise, in a large network, each spike waits for memory three times."""
    for origin in range(len(ring.order)):
        ids = sent_by(ring, ring.order[origin], k)
        for i in range(len(ids)):
            prefetch(y.row_first, ids[i])
    for origin in range(len(ring.order)):
        ids = sent_by(ring, ring.order[origin], k)
        for i in range(len(ids)):
            prefetch(y.start[b], y.row_first[ids[i]])
            prefetch(y.length[b], y.row_first[ids[i]])


@kernel
def admit(y, ring, under, b, k):
    """Make the spikes of ring slot `k` pending for block `b`."""
    for c in range(len(y.channel)):
        under.begin[b, c, k] = under.room[b, c]
    for origin in range(len(ring.order)):
        ids = sent_by(ring, ring.order[origin], k)
        for i in range(len(ids)):
            for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                if y.length[b, r] != END:
                    c = y.row_class[r]
                    n = under.room[b, c]
                    under.at[b, c, n], under.length[b, c, n] = y.start[b, r], y.length[b, r]
                    under.room[b, c] = n + 1
    for c in range(len(y.channel)):
        under.number[b, c, k] = under.room[b, c] - under.begin[b, c, k]


@merged
def sent_by(ring, origin, k):
    """The ids of the spikes in slot `k` of piece `origin` (given spikes for the last `origin`)."""
    a = ring.begin[k, origin]
    z = a + ring.number[k, origin]
    return ring.ids[a:z] if origin < len(ring.room) else ring.given[a:z]


@kernel
def settle(under, b, newest, slots):
    """Before a slice: move the cursors of pending spikes, sent up to step `newest`, to the front, so that the rest is free."""
    for c in range(under.room.shape[1]):
        n = 0
        for sent in range(max(1, newest - slots + 1), newest + 1):
            k = sent % slots
            first, number = under.begin[b, c, k], under.number[b, c, k]
            for i in range(number if first != n else 0):  # entries are in order of sending, so they only move down
                under.at[b, c, n + i] = under.at[b, c, first + i]
                under.length[b, c, n + i] = under.length[b, c, first + i]
            under.begin[b, c, k] = n
            n += number
        under.room[b, c] = n


@kernel
def sweep(target, weight, unit, cursors, total, ahead, lines):
    """Add the segments at the cursors to `total`, shape (n_neurons,), and move the cursors to the next segments."""
    at, length = cursors
    for i in range(min(ahead, len(at))):
        if length[i] != END:
            fetch(target, weight, at[i], length[i], lines)
    for i in range(len(at)):
        if i + ahead < len(at) and length[i + ahead] != END:
            fetch(target, weight, at[i + ahead], length[i + ahead], lines)
        n = np.int64(length[i])
        if n != END:
            a = at[i]
            if len(weight):
                add(total, target, a, n, weight, first_weight(weight, a + n), unit)
            else:
                add(total, target, a, n, None, 0, unit)
            a = segment_end(weight, a, n)
            at[i], length[i] = a + HEADER, length_at(target, a)


@inlined
def add(total, target, a, n, weight, w, unit):
    """Add `n` synapses to `total` in order: targets from word `a` on, weights from index `w` on (None: each weight is `unit`)."""
    by_fours = n - n % FOUR
    for k in range(0, by_fours, FOUR):
        add_four(total, target, a + k, weight, w + k, unit)
    add_rest(total, target, a + by_fours, weight, w + by_fours, unit, n % FOUR)


# -- positions in a row ----------------------------------------------------------------------------


def words(weight: Any) -> int:
    """The number of 16-bit words of a stored weight."""
    return int(weight.itemsize // 2)


@overload(words)
def _words(weight):
    n = weight.dtype.bitwidth // 16
    return lambda weight: n


def real(weight: Any, unit: Any) -> Any:
    """The value of a stored weight: integers are in units of `unit`."""
    return weight * unit if isinstance(weight, (int, np.integer)) else weight


@overload(real)
def _real(weight, unit):
    if is_integer(weight):
        return lambda weight, unit: unit * weight
    return lambda weight, unit: weight


@inlined
def first_weight(weight, a):
    """The first index in `weight` that is at or behind word `a`."""
    return (a + words(weight) - 1) // words(weight)


@inlined
def length_at(target, a):
    """The length of the segment whose header is at word `a`."""
    return uint32(target[a]) | uint32(target[a + 1]) << uint32(16)


@inlined
def fetch(target, weight, a, n, lines):
    """Prefetch the cache lines of a segment of `n` synapses and of the header behind it.

    There are always `lines` prefetches (the last line is repeated if there are fewer), because a loop of unpredictable length costs more.
    """
    last = a + np.int64(n) * (1 + words(weight) if len(weight) else 1) + HEADER - 1
    for k in range(lines):
        prefetch(target, min(a + k * LINE, last))


def look_ahead(size: float) -> tuple[int, int]:
    """The number of segments to prefetch in advance, and of cache lines to prefetch of each, if segments have about `size` words.

    The lines suffice for somewhat longer segments. The segments are enough to keep the memory busy, and few enough for the fastest cache.
    (The hardware prefetches further lines, but late: with 40 lines instead of 8, the 2.5 kB segments of Brunel's network take a fifth
    less time.)
    """
    lines = min(2 + math.ceil(1.25 * size / LINE), MOST_LINES)
    return min(max(IN_FLIGHT // lines, 4), 12), lines


# -- whole rows ------------------------------------------------------------------------------------


@kernel
def row_length(y, b, r):
    """The number of synapses of row `r` in block `b`."""
    total, a, n = np.int64(0), y.start[b, r], np.int64(y.length[b, r])
    while n != END:
        total += n
        a = segment_end(y.weight, a, n)
        a, n = a + HEADER, np.int64(length_at(y.target, a))
    return total


@inlined
def segment_end(weight, a, n):
    """The word behind a segment of `n` synapses whose targets begin at `a`."""
    return (first_weight(weight, a + n) + n) * (words(weight)) if len(weight) else a + n


@kernel
def unpack_row(y, b, r, target, weight, delay):
    """Unpack row `r` of block `b` into arrays of `row_length` entries: targets (indices in the block), weights, delays in steps."""
    i, j, a, n = 0, 0, y.start[b, r], np.int64(y.length[b, r])
    unit = y.unit[y.row_class[r]]
    while n != END:
        w = first_weight(y.weight, a + n)
        for k in range(n):
            target[i], delay[i] = y.target[a + k], y.delay[j]
            weight[i] = real(y.weight[w + k], unit) if len(y.weight) else unit
            i += 1
        a = segment_end(y.weight, a, n)
        a, n, j = a + HEADER, np.int64(length_at(y.target, a)), j + 1
