"""Packs the synapses of a plan into the rows of `delivery.Synapses`, block by block.

A first pass counts the synapses of each segment, a second pass writes them to their rows. Both draw the synapses of each target from the
same counters, so synapses are stored only once. The second pass draws target by target, but memory is ordered by source. So synapses are
collected in buckets, each for a few hundred sources, and written to their rows in groups: each cache line is then fetched a few times
instead of once per synapse. Each thread packs its own blocks; nothing is shared. Given synapses have kernels of their own (`explicit`),
compiled only if there are any.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import uint16, uint32

from lifsim.common.arrays import delays_among
from lifsim.common.errors import LifsimError
from lifsim.engine.compiler.intrinsics import FOUR
from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.buckets import BUCKET, RowPlace, buckets_for, empty_bucket, place_word, stored
from lifsim.engine.synapses.delivery import END, HEADER, Synapses, first_weight, look_ahead, row_length, segment_end, unpack_row
from lifsim.engine.synapses.sampling import DELAYS_TOO, WEIGHTS_TOO, Drawer, Rule, draw, rule_of
from lifsim.engine.synapses.tally import Tally, portions
from lifsim.plan.limits import MOST_CLASSES, MOST_WORDS, STEPS, WIDE
from lifsim.plan.synapses import CONSTANT, GIVEN

ROW_WORDS = 4  # rows begin at multiples of 4 words: the size of the longest weight, float64


@Part
def count_block(m, lo, hi, begin, end):
    """Draw the synapses whose targets are at the places lo … hi - 1, and add their numbers to ``table[row, slot, 0]``.

    Only the targets with the numbers begin … end - 1 in the wiring are drawn.
    """
    d, place, table = read(m)
    what = DELAYS_TOO | (WEIGHTS_TOO if place.cls < 0 else 0)
    for t in range(begin, end):
        if lo <= d.targets[t] < hi:
            for k in range(draw(d, t, what)):
                row, slot = placed(d, place, k)
                table[row, slot, 0] += uint32(1)


@inlined
def placed(d, place, k):
    """Row and slot of synapse `k` of the target that was just drawn."""
    cls = place.cls if place.cls >= 0 else 1 if d.weight[k] < 0 else 0
    return place.row[d.sources[d.source[k]], cls], place.slot[d.delay[k]]


@Part
def measure_rows(m):
    """Compute from `table` the words of each row (`size`), and the mean length of segments, weighted by synapses (``mean[0]``)."""
    y, table, size, mean = read(m)
    once, twice = np.int64(0), np.int64(0)
    for r in range(len(table)):
        a, z = 0, last_segment(table[r])
        for j in range(z + 1):
            n = np.int64(table[r, j, 0])
            a = segment_end(y.weight, a, n) + HEADER
            once += n
            twice += n * n
        size[r] = -(-a // ROW_WORDS) * ROW_WORDS
    mean[0] = float(twice) / max(float(once), 1.0)


@kernel
def last_segment(counts):
    """The last slot of a row that has synapses, -1 if none has."""
    j = len(counts) - 1
    while j >= 0 and counts[j, 0] == 0:
        j -= 1
    return j


@Part
def open_rows(m, b):
    """Write the lengths of all segments of block `b`, and replace the counts in `table` by positions relative to the row.

    ``table[row, slot]`` then has the positions of the next target and of the next weight of the segment.
    """
    y, table = read(m)
    for r in range(len(table)):
        z, start = last_segment(table[r]), y.start[b, r]
        y.length[b, r] = table[r, 0, 0] if z >= 0 else uint32(END)
        a = 0
        for j in range(z + 1):
            n = np.int64(table[r, j, 0])
            table[r, j, 0], table[r, j, 1] = a, first_weight(y.weight, a + n)
            a = segment_end(y.weight, a, n)
            following = table[r, j + 1, 0] if j < z else uint32(END)
            y.target[start + a], y.target[start + a + 1] = uint16(following), uint16(following >> uint32(16))
            a += HEADER


@Part
def fill_block(m, lo, hi, b, begin, end):
    """Draw the synapses whose targets are at the places lo … hi - 1, in block `b`, and write them to their rows.

    Only the targets with the numbers begin … end - 1 in the wiring are drawn.
    """
    d, place, table, y, buckets = read(m)
    room = len(buckets.place) // len(buckets.number)
    what = DELAYS_TOO | (WEIGHTS_TOO if len(y.weight) or place.cls < 0 else 0)
    buckets.number[:] = 0
    for t in range(begin, end):
        if lo <= d.targets[t] < hi:
            for k in range(draw(d, t, what)):
                g = d.source[k] >> BUCKET
                if buckets.number[g] == room:
                    empty_bucket(buckets, g, room, table, y, b)
                i = g * room + buckets.number[g]
                row, slot = placed(d, place, k)
                buckets.place[i] = place_word(row, slot, d.targets[t] - lo)
                if len(y.weight):
                    buckets.weight[i] = stored(d.weight[k], y.unit[y.row_class[row]], y.weight)
                buckets.number[g] += 1
    for g in range(len(buckets.number)):
        empty_bucket(buckets, g, room, table, y, b)


@Part
def mark_delays(m):
    """Set ``seen[delay]`` for all delays (in steps) that are drawn."""
    d, seen = read(m)
    for t in range(len(d.targets)):
        for k in range(draw(d, t, DELAYS_TOO)):
            seen[d.delay[k]] = True


class Packing:
    """Makes the packed synapses of all `wirings`: `synapses` has room for them and no content before `fill`.

    `first` has the first place of each block, `dtypes` are those of input sums and of stored weights, `channels` is the number of input
    sums of a neuron. `tally` counts the synapses, and applies a function to every block, using all threads.
    """

    def __init__(
        self,
        wirings: list[Any],
        n_nodes: int,
        first: np.ndarray,
        key: tuple[np.uint64, np.uint64],
        dtypes: tuple[Any, Any],
        channels: int,
        tally: Tally,
    ) -> None:
        dtype, weight_dtype = dtypes
        self._wirings, self._first, self._key, self._tally = wirings, first, key, tally
        self._rules = [None if w.kind == GIVEN else rule_of(w) for w in wirings]
        classes = constant_classes(wirings, channels)
        row, row_first, row_class = number_rows(wirings, n_nodes, classes, channels)
        delay = occurring_delays(wirings, self._rules, key)
        slot = np.zeros(int(delay.max(initial=0)) + 1, np.int32)
        slot[delay] = np.arange(len(delay))
        self._places = [RowPlace(row, slot, class_of(w, classes, channels)) for w in wirings]
        self._counts = synapses_of_blocks(wirings, first)
        self._weight_words = 0 if classes else weight_dtype.itemsize // 2
        self._base = block_bounds(self._counts.sum(axis=0), len(row_class), len(delay), self._weight_words)
        memory = np.empty(int(self._base[-1]) // ROW_WORDS, np.uint64)
        unit = np.array([weight for weight, _ in classes] or units(wirings, channels, weight_dtype), dtype)
        self.synapses = Synapses(
            memory.view(np.uint16),
            memory[:0].view(weight_dtype) if classes else memory.view(weight_dtype),
            row_first,
            row_class,
            np.array([channel for _, channel in classes] or range(channels), np.int64),
            unit,
            np.zeros((len(first) - 1, len(row_class)), np.int64),
            np.full((len(first) - 1, len(row_class)), END, np.uint32),
            delay,
            *np.zeros((2, len(first) - 1), np.int64),
        )

    def fill(self) -> Synapses:
        """Draw the synapses and write them, block by block; returns `synapses`.

        Raises
        ------
        LifsimError : a row is too long.
        """
        self._tally.each(self._fill_block, range(len(self._first) - 1))
        return self.synapses

    def _fill_block(self, b: int) -> None:
        from lifsim.engine.synapses import explicit

        y, first, tally = self.synapses, self._first, self._tally
        table = np.zeros((len(y.row_class), len(y.delay), 2), np.uint32)
        parts = list(zip(self._wirings, self._rules, self._places, self._counts[:, b], strict=True))
        for w, rule, place, n in parts:
            if rule is None:
                explicit.count(w, place, first[b], first[b + 1], table)
                tally.add(n / 2)
                continue
            drawer = Drawer(rule, self._key)
            for begin, end, share in portions(w.ptr, len(first) - 1):
                drawer.run(count_block, (place, table), first[b], first[b + 1], begin, end)
                tally.add(n * share / 2)
        self._place_rows(b, table)
        for w, rule, place, n in parts:
            buckets = buckets_for(len(w.sources), int(n), y.weight)
            if rule is None:
                explicit.fill(w, place, first[b], first[b + 1], table, y, b, buckets)
                tally.add(n / 2)
                continue
            drawer = Drawer(rule, self._key)
            for begin, end, share in portions(w.ptr, len(first) - 1):
                drawer.run(fill_block, (place, table, y, buckets), first[b], first[b + 1], b, begin, end)
                tally.add(n * share / 2)

    def _place_rows(self, b: int, table: np.ndarray) -> None:
        """Give each row of block `b` its place in memory, by the numbers of its synapses in `table`."""
        y = self.synapses
        size, mean = np.zeros(len(y.row_class), np.int64), np.zeros(1)
        measure_rows((y, table, size, mean))
        refuse_longer(table, size, int(self._counts[:, b].sum()))
        y.ahead[b], y.lines[b] = look_ahead(float(mean[0]) * (1 + self._weight_words))
        y.start[b] = self._base[b] + np.cumsum(size) - size
        open_rows((y, table), b)


def refuse_longer(table: np.ndarray, size: np.ndarray, synapses: int) -> None:
    """Refuse rows of more than `MOST_WORDS` words, also if the 32-bit counts in `table` overflowed (block with many `synapses`)."""
    overflowed = synapses > MOST_WORDS and int(table[:, :, 0].sum(dtype=np.int64)) != synapses
    if overflowed or size.max(initial=0) > MOST_WORDS:
        got = f"the synapses of a node onto the neurons of a block take more than {MOST_WORDS:,} words of 16 bits"
        raise LifsimError("projections", got, "use fewer synapses from one node, or weights of fewer bits")


def synapses_of_blocks(wirings: list[Any], first: np.ndarray) -> np.ndarray:
    """Number of synapses of each wiring in each block, shape (n_wirings, n_blocks)."""
    counts = np.zeros((len(wirings), len(first) - 1), np.int64)
    for own, w in zip(counts, wirings, strict=True):
        block = np.searchsorted(first, w.targets, side="right") - 1
        own[:] = np.bincount(block, np.diff(w.ptr), len(own))
    return counts


def block_bounds(synapses: np.ndarray, rows: int, delays: int, weight_words: int) -> np.ndarray:
    """The beginning of the memory of each block, and the end of the last, in 16-bit words; an upper bound of what blocks need.

    There is spare room at the end because synapses are read in groups of four. Not all delays occur in all rows, but memory that is left
    over is never touched and takes address space only.
    """
    spare = FOUR * ROW_WORDS if rows else 0
    size = synapses * (1 + weight_words) + rows * (delays * (HEADER + max(weight_words - 1, 0)) + ROW_WORDS) + spare
    return np.concatenate([[0], np.cumsum(-(-size // ROW_WORDS) * ROW_WORDS)])


@Part
def unpack_rows(m, b, first):
    """Unpack the rows of block `b` from `first` on, of the given lengths, into arrays with one entry per synapse."""
    y, length, row, target, weight, delay = read(m)
    i = 0
    for r in range(len(length)):
        n = length[r]
        row[i : i + n] = r
        unpack_row(y, b, first + r, target[i : i + n], weight[i : i + n], delay[i : i + n])
        i += n


@Part
def row_lengths(m, b, first):
    """Fill `out` with the number of synapses of each row of block `b` from row `first` on."""
    y, out = read(m)
    for r in range(len(out)):
        out[r] = row_length(y, b, first + r)


def lengths(y: Synapses, b: int, first: int, last: int) -> np.ndarray:
    """Number of synapses of each of the rows first … last - 1 of block `b`."""
    out = np.zeros(last - first, np.int64)
    row_lengths((y, out), b, first)
    return out


def unpack(y: Synapses, b: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Unpack the rows first … last - 1 of block `b`.

    Returns one entry per synapse: row (counted from `first`), target (index in the block), weight, delay in steps.
    """
    length = lengths(y, b, first, last)
    row, target, delay = np.empty((3, length.sum()), np.int64)
    weight = np.empty(len(row))
    unpack_rows((y, length, row, target, weight, delay), b, first)
    return row, target, weight, delay


def constant_classes(wirings: list[Any], channels: int) -> list[tuple[float, int]]:
    """The classes (weight, channel) if all weights are constant with at most `MOST_CLASSES` different ones; else an empty list."""
    if not all(w.weight.kind == CONSTANT for w in wirings):
        return []
    found = sorted({(float(w.weight.a), channel_of(w, channels)) for w in wirings})
    return found if len(found) <= MOST_CLASSES else []


def channel_of(wiring: Any, channels: int) -> int:
    """The channel (input sum) of all synapses of a wiring, by its receptor or the sign of its weights; -1 if signs are mixed."""
    if wiring.receptor:
        return int(wiring.receptor) - 1
    return 0 if channels == 1 else {1: 0, -1: 1, 0: -1}[wiring.weight.sign]


def class_of(wiring: Any, classes: list[tuple[float, int]], channels: int) -> int:
    """The class of all synapses of a wiring: index of (weight, channel), or the channel; -1 if signs are mixed."""
    channel = channel_of(wiring, channels)
    return classes.index((float(wiring.weight.a), channel)) if classes else channel


def units(wirings: list[Any], channels: int, dtype: np.dtype) -> list[float]:
    """The unit of the stored weights of each class: 1 for floats, else the largest possible weight divided by `STEPS`."""
    if dtype.kind == "f":
        return [1.0] * channels
    largest = np.zeros(channels)
    for w in wirings:
        cls = class_of(w, [], channels)
        own = slice(None) if cls < 0 else cls
        largest[own] = np.maximum(largest[own], np.abs(w.weight.range).max())
    return np.where(largest > 0, largest / STEPS, 1.0).tolist()


def number_rows(
    wirings: list[Any], n_nodes: int, classes: list[tuple[float, int]], channels: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the rows by source, then class; returns row of (source, class) (-1: none), first row of each source, class of each row."""
    used = np.zeros((n_nodes, len(classes) or channels), bool)
    for w in wirings:
        cls = class_of(w, classes, channels)
        if cls >= 0:
            used[w.sources, cls] = True
        else:
            used[w.sources, :2] = True
    row = np.where(used, np.cumsum(used).reshape(used.shape) - 1, -1).astype(np.int32)
    row_first = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
    return row, row_first, np.nonzero(used)[1].copy()  # a contiguous copy: parts do not take strided arrays


def occurring_delays(wirings: list[Any], rules: list[Rule | None], key: tuple[np.uint64, np.uint64]) -> np.ndarray:
    """All delays (steps, ascending) that can occur; those of a range wider than `WIDE` are found by drawing all synapses."""
    found: set[int] = set()
    for w, rule in zip(wirings, rules, strict=True):
        if w.delay.array is not None:
            found |= set(delays_among(w.delay.array).tolist())
            continue
        low, high = (int(np.floor(x + 0.5)) for x in w.delay.range)
        if rule is not None and high - low > WIDE:
            seen = np.zeros(high + 1, bool)
            Drawer(rule, key).run(mark_delays, (seen,))
            found |= set(np.flatnonzero(seen).tolist())
        else:
            found |= set(range(max(low, 1), high + 1))
    return np.array(sorted(found), np.int64)
