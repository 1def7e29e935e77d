"""Packs the synapses of a plan into the rows of `delivery.Synapses`: a count pass, then a fill pass.

Both passes draw the synapses of each target anew from the same counters, so they are held only
once, in their final place. A thread works on its own blocks; nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.delivery import Synapses, row_length, unpack_row
from lifsim.engine.jit import kernel
from lifsim.engine.wiring import Rule, delays_of, rule_of, scratch_for, sources_of, weights_of
from lifsim.plan import CONSTANT

MOST_CLASSES = 8  # of constant weights; with more, each synapse has its own
WIDE = 256  # slots of delay above which a first pass looks which ones occur


class Place(NamedTuple):
    """Where the synapses of a wiring go: row of (source node, class), slot of a delay, class.

    `cls` is the class of all its synapses, or -1 where the sign of each weight decides.
    """

    row: np.ndarray
    slot: np.ndarray
    cls: int


@kernel
def count_block(rule, s, key, place, lo, hi, table):
    """Add the numbers of synapses of `rule` onto the neurons lo … hi - 1 to ``table[row, slot + 1]``."""
    for t in range(len(rule.targets)):
        if lo <= rule.targets[t] < hi:
            n = sources_of(rule, t, s, key)
            delays_of(rule, t, n, s, key)
            if place.cls < 0:
                weights_of(rule, t, n, s, key)
            for k in range(n):
                cls = place.cls if place.cls >= 0 else 1 if s.weight[k] < 0 else 0
                table[place.row[rule.sources[s.source[k]], cls], place.slot[int(s.delay[k])] + 1] += 1


@kernel
def fill_block(rule, s, key, place, lo, hi, table, y, b):
    """Put the synapses of `rule` onto the neurons lo … hi - 1 of block `b` in their places.

    ``table[row, slot]`` is the next free place of the slot, counted from the first synapse of the row.
    """
    header, weights = y.header[0], len(y.weight) > 0
    for t in range(len(rule.targets)):
        if lo <= rule.targets[t] < hi:
            n = sources_of(rule, t, s, key)
            delays_of(rule, t, n, s, key)
            if weights or place.cls < 0:
                weights_of(rule, t, n, s, key)
            for k in range(n):
                cls = place.cls if place.cls >= 0 else 1 if s.weight[k] < 0 else 0
                row, slot = place.row[rule.sources[s.source[k]], cls], place.slot[int(s.delay[k])]
                i = np.int64(table[row, slot])
                table[row, slot] += 1
                y.target[y.target_start[b, row] + i + header * (slot + 1)] = rule.targets[t] - lo
                if weights:
                    y.weight[y.weight_start[b, row] + i] = s.weight[k]


@kernel
def mark_delays(rule, s, key, seen):
    """Mark in `seen` the delays (in steps) that occur in `rule`."""
    for t in range(len(rule.targets)):
        n = sources_of(rule, t, s, key)
        delays_of(rule, t, n, s, key)
        for k in range(n):
            seen[int(s.delay[k])] = True


@kernel
def write_headers(y, b, table):
    """Write the length of each segment before it; after filling, ``table[row, slot]`` is where the slot ends."""
    header = y.header[0]
    for r in range(len(table)):
        first = 0
        for j in range(len(y.delay) if y.target_start[b, r] >= 0 else 0):
            n = np.int64(table[r, j]) - first
            a = y.target_start[b, r] + first + header * j
            y.target[a] = n & 0xFFFF
            if header == 2:
                y.target[a + 1] = n >> 16
            first += n


@kernel
def open_rows(table):
    """Counts in ``table[row, slot + 1]`` become the beginnings of the slots."""
    for r in range(len(table)):
        for j in range(1, table.shape[1]):
            table[r, j] += table[r, j - 1]


def pack(
    wirings: list[Any],
    n_nodes: int,
    first: np.ndarray,
    key: tuple[np.uint64, np.uint64],
    dtypes: tuple[Any, Any],
    one_channel: bool,
    each: Callable[[Callable[[int], None], Sequence[int]], None],
) -> Synapses:
    """The packed synapses of all `wirings`.

    `first` are the block boundaries, `dtypes` those of accumulators and stored weights; `each`
    applies a function to every block, on all threads.
    """
    dtype, weight_dtype = dtypes
    rules = [rule_of(w) for w in wirings]
    classes = constant_classes(wirings)
    channels = 1 if one_channel else 2
    row, row_first, row_class = number_rows(wirings, n_nodes, classes, channels)
    delay = occurring_delays(wirings, rules, key)
    slot = np.zeros(int(delay.max(initial=0)) + 1, np.int32)
    slot[delay] = np.arange(len(delay))
    places = [Place(row, slot, class_of(w, classes, channels)) for w in wirings]
    blocks = range(len(first) - 1)
    table = np.zeros((len(blocks), len(row_class), len(delay) + 1), np.uint32)

    def count(b: int) -> None:
        for rule, place in zip(rules, places, strict=True):
            count_block(rule, scratch_for(rule), key, place, first[b], first[b + 1], table[b])

    each(count, blocks)
    table, delay, slot[:] = drop_empty(table, delay, slot)
    total = table.sum(axis=2, dtype=np.int64)
    header = 1 if table.max(initial=0) < 1 << 16 else 2
    words = np.where(total > 0, total + header * len(delay), 0)
    row_weight = np.array(classes or [0.0], dtype)[row_class if classes else row_class * 0]
    row_channel = (row_weight < 0).astype(np.int64) if classes else row_class.astype(np.int64)
    y = Synapses(
        np.empty(words.sum(), np.uint16),
        np.empty(0, dtype) if classes else np.empty(total.sum(), weight_dtype),
        row_first,
        row_channel * (not one_channel),
        row_weight,
        np.where(total > 0, _starts(words), -1),
        _starts(total),
        delay,
        np.array([header], np.int64),
    )

    def fill(b: int) -> None:
        open_rows(table[b])
        for rule, place in zip(rules, places, strict=True):
            fill_block(rule, scratch_for(rule), key, place, first[b], first[b + 1], table[b], y, b)
        write_headers(y, b, table[b])

    each(fill, blocks)
    return y


def _starts(sizes: np.ndarray) -> np.ndarray:
    """Where each of these pieces begins if they lie one behind the other; same shape."""
    return (np.cumsum(sizes) - sizes.ravel()).reshape(sizes.shape)


@kernel
def unpack_rows(y, b, first, length, row, target, weight, delay):
    """The rows from `first` on, of the given lengths, of block `b`: one entry a synapse."""
    i = 0
    for r in range(len(length)):
        n = length[r]
        row[i : i + n] = r
        unpack_row(y, b, first + r, target[i : i + n], weight[i : i + n], delay[i : i + n])
        i += n


@kernel
def row_lengths(y, b, first, out):
    """Numbers of synapses of the rows from `first` on in block `b`."""
    for r in range(len(out)):
        out[r] = row_length(y, b, first + r)


def unpack(y: Synapses, b: int, first: int, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The rows first … last - 1 of block `b`: row (from `first`), target in the block, weight, delay in steps."""
    length = np.zeros(last - first, np.int64)
    row_lengths(y, b, first, length)
    row, target, delay = np.empty((3, length.sum()), np.int64)
    weight = np.empty(len(row))
    unpack_rows(y, b, first, length, row, target, weight, delay)
    return row, target, weight, delay


def constant_classes(wirings: list[Any]) -> list[float]:
    """The weights that occur if all are constant and few differ, else nothing."""
    if not all(w.weight.kind == CONSTANT for w in wirings):
        return []
    values = sorted({float(w.weight.a) for w in wirings})
    return values if len(values) <= MOST_CLASSES else []


def class_of(wiring: Any, classes: list[float], channels: int) -> int:
    """The class of all synapses of a wiring: its weight, or its sign; -1 where signs are mixed."""
    if classes:
        return classes.index(float(wiring.weight.a))
    if channels == 1:
        return 0
    return {1: 0, -1: 1, 0: -1}[wiring.weight.sign]


def number_rows(wirings: list[Any], n_nodes: int, classes: list[float], channels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows by source, then class: row of (source, class), first row of a source, class of a row."""
    used = np.zeros((n_nodes, len(classes) or channels), bool)
    for w in wirings:
        cls = class_of(w, classes, channels)
        if cls >= 0:
            used[w.sources, cls] = True
        else:
            used[w.sources] = True
    row = np.where(used, np.cumsum(used).reshape(used.shape) - 1, -1).astype(np.int32)
    row_first = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
    return row, row_first, np.nonzero(used)[1]


def occurring_delays(wirings: list[Any], rules: list[Rule], key: tuple[np.uint64, np.uint64]) -> np.ndarray:
    """All delays (steps, ascending) that can occur; which of a wide range do is looked up."""
    found: set[int] = set()
    for w, rule in zip(wirings, rules, strict=True):
        if w.delay.array is not None:
            found |= set(np.unique(w.delay.array).astype(int).tolist())
            continue
        low, high = (int(np.floor(x + 0.5)) for x in w.delay.range)
        if high - low > WIDE:
            seen = np.zeros(high + 1, bool)
            mark_delays(rule, scratch_for(rule), key, seen)
            found |= set(np.flatnonzero(seen).tolist())
        else:
            found |= set(range(max(low, 1), high + 1))
    return np.array(sorted(found), np.int64)


def drop_empty(table: np.ndarray, delay: np.ndarray, slot: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Without the slots that no synapse has."""
    used = table[:, :, 1:].any(axis=(0, 1))
    if used.all():
        return table, delay, slot
    slot = slot.copy()
    slot[delay[used]] = np.arange(used.sum())
    return np.ascontiguousarray(table[:, :, np.concatenate([[True], used])]), delay[used], slot
