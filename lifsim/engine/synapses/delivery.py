"""Delivery of spikes to one block of targets.

The synapses of a block are packed in rows, a row being the synapses of one source that go into one
sum (excitatory or inhibitory) or have one weight. A row is a sequence of segments, one for each delay
that occurs in the network, ascending: the number of synapses, their targets, their weights. A spike
is pending until the longest delay has passed, with a cursor in each of its rows that carries the
length of the next segment; every step sweeps over the cursors and adds the segments that are due to
sums that stay in the cache. So memory is read in whole segments, which are prefetched, and all targets
receive in one order, (delay descending, source, projection, synapse), whatever the blocks and threads.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import types, uint32
from numba.extending import overload

from lifsim.engine.compiler.intrinsics import FOUR, add_four, add_rest, prefetch
from lifsim.engine.compiler.jit import inlined, kernel, merged
from lifsim.engine.compiler.parts import Part

LINE = 32  # 16-bit words in a cache line
MOST_LINES = 40  # of a segment that are asked for in advance
IN_FLIGHT = 192  # lines asked for and not yet used
NEAR = 1 << 17  # rows whose beginnings are found in the caches
HEADER = 2  # 16-bit words that hold the length of a segment
END = 0xFFFFFFFF  # the length that says that no further segment follows


class Synapses(NamedTuple):
    """Packed synapses of all blocks.

    `target` (uint16) holds the rows. A segment is its length (32 bits, in `HEADER` words), its targets
    as indices in the block, and its weights, from the next place on where a weight can begin; `weight`
    is the same memory seen as weights, each in units of ``unit[c]`` for rows of class c (empty if all
    synapses of a class have the weight ``unit[c]``). A row ends with the length `END`.
    Rows of source s: ``row_first[s]`` … ``row_first[s + 1] - 1``. The class of a row says the sum that
    its synapses go to, ``channel[c]``. Row r of block b begins at ``start[b, r]`` with a segment of
    ``length[b, r]`` synapses (`END` if it has none there). Segments are asked for ``ahead[b]`` cursors before
    they are used, ``lines[b]`` cache lines of each.
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
    """The spikes of the last steps, by piece of neurons: ids of step k are
    ``ids[begin[k % n, p]:][:number[k % n, p]]``, ascending, in the room of piece p, ``first[p]`` … ``first[p + 1]``,
    which is free from `room[p]` on. The last column of `begin` and `number` is for given spikes, whose ids are in `given`.
    `order` has all columns in order of the ids of their neurons.
    """

    ids: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    given: np.ndarray
    room: np.ndarray
    order: np.ndarray


class PendingSpikes(NamedTuple):
    """The spikes under way to each block b in rows of each class c: those sent in step k are the entries
    ``begin[b, c, k % n]`` … ``+ number[b, c, k % n]``, in order of source. `at` is the cursor into
    `Synapses.target`, just before the targets of the next segment, `length` the length of that;
    ``room[b, c]`` is where free entries begin.
    """

    at: np.ndarray
    length: np.ndarray
    begin: np.ndarray
    number: np.ndarray
    room: np.ndarray


def no_pending_spikes(blocks: int, classes: int, slots: int) -> PendingSpikes:
    """Nothing under way to `blocks` blocks."""
    begin, number = np.zeros((2, blocks, classes, slots), np.int64)
    at, length = np.zeros((blocks, classes, 0), np.int64), np.zeros((blocks, classes, 0), np.uint32)
    return PendingSpikes(at, length, begin, number, np.zeros((blocks, classes), np.int64))


class Delivery(NamedTuple):
    """What `deliver_static` works with; `inputs` are the sums of arriving weights of all neurons (channels × places), ``first[b]`` is
    where block b begins.
    """

    synapses: Synapses
    ring: Ring
    underway: PendingSpikes
    inputs: np.ndarray
    first: np.ndarray


@Part
def deliver_static(m, b, step):
    """Add to the sums of block `b` all weights of static synapses that arrive in `step`."""
    deliver(m.synapses, m.ring, m.underway, b, m.inputs[:, m.first[b] : m.first[b + 1]], step)


@merged
def deliver(y, ring, under, b, total, step):
    """Add to `total` (channels, n) of block `b` all weights that arrive in `step`.

    Delays that follow each other without a gap are those of cursors that lie side by side.
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
    """Ask for what `admit` will read: each spike of a large network else waits for the memory three times."""
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
    """Set out the spikes of ring slot `k` on their way to block `b`."""
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
    """Ids that piece `origin` (or, as the last, the given spikes) sent in slot `k`."""
    a = ring.begin[k, origin]
    z = a + ring.number[k, origin]
    return ring.ids[a:z] if origin < len(ring.room) else ring.given[a:z]


@kernel
def settle(under, b, newest, slots):
    """Before a slice: move what is under way, sent until step `newest`, to the front, so that the rest is free."""
    for c in range(under.room.shape[1]):
        n = 0
        for sent in range(max(1, newest - slots + 1), newest + 1):
            k = sent % slots
            first, number = under.begin[b, c, k], under.number[b, c, k]
            for i in range(number if first != n else 0):  # entries lie in the order of sending: they only move down
                under.at[b, c, n + i] = under.at[b, c, first + i]
                under.length[b, c, n + i] = under.length[b, c, first + i]
            under.begin[b, c, k] = n
            n += number
        under.room[b, c] = n


@kernel
def sweep(target, weight, unit, cursors, total, ahead, lines):
    """Add the segments at the cursors to `total` and move the cursors on."""
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
    """Add `n` synapses to `total`, one after the other: targets from `a` on, weights from `w` on, or each `unit`."""
    by_fours = n - n % FOUR
    for k in range(0, by_fours, FOUR):
        add_four(total, target, a + k, weight, w + k, unit)
    add_rest(total, target, a + by_fours, weight, w + by_fours, unit, n % FOUR)


# -- places in a row -------------------------------------------------------------------------------


def words(weight: Any) -> int:
    """16-bit words of a weight."""
    return int(weight.itemsize // 2)


@overload(words)
def _words(weight):
    n = weight.dtype.bitwidth // 16
    return lambda weight: n


def real(weight: Any, unit: Any) -> Any:
    """A stored weight as a number: a whole one is in units of `unit`."""
    return weight * unit if isinstance(weight, (int, np.integer)) else weight


@overload(real)
def _real(weight, unit):
    if isinstance(weight, types.Integer):
        return lambda weight, unit: unit * weight
    return lambda weight, unit: weight


@inlined
def first_weight(weight, a):
    """The first place in `weight` from the word `a` on."""
    return (a + words(weight) - 1) // words(weight)


@inlined
def length_at(target, a):
    """The length of a segment whose header is at `a`."""
    return uint32(target[a]) | uint32(target[a + 1]) << uint32(16)


@inlined
def fetch(target, weight, a, n, lines):
    """Ask for the lines of a segment of `n` synapses and of the header behind it.

    Always `lines` times, the last line again where there are fewer: a loop whose length cannot be foretold costs more.
    """
    last = a + np.int64(n) * (1 + words(weight) if len(weight) else 1) + HEADER - 1
    for k in range(lines):
        prefetch(target, min(a + k * LINE, last))


def look_ahead(size: float) -> tuple[int, int]:
    """How many segments to ask for in advance, and how many lines of each, where they are of about `size` words.

    Lines enough for longer ones too; segments so many that memory is kept busy and the fast cache holds them. (The
    hardware goes on by itself, but late: with 40 lines instead of 8, Brunel's 2.5 kB segments take a fifth less time.)
    """
    lines = min(2 + math.ceil(1.25 * size / LINE), MOST_LINES)
    return min(max(IN_FLIGHT // lines, 4), 12), lines


# -- rows as a whole -------------------------------------------------------------------------------


@kernel
def row_length(y, b, r):
    """Number of synapses of row `r` in block `b`."""
    total, a, n = 0, y.start[b, r], np.int64(y.length[b, r])
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
    """Row `r` of block `b` as arrays of `row_length` entries: targets in the block, weights, delays in steps."""
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
