"""Packs the synapses of a plan into the rows of `delivery.Synapses`: a count pass, then a fill pass.

Both passes draw the synapses of each target anew from the same counters, so they are held only
once, in their final place. A thread works on its own blocks; nothing is shared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.delivery import Synapses
from lifsim.engine.jit import kernel
from lifsim.engine.wiring import CONSTANT, Rule, delays_of, rule_of, scratch_for, sources_of, weights_of

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
def fill_block(rule, s, key, place, lo, hi, table, start, target, weight):
    """Put the synapses of `rule` onto the neurons lo … hi - 1 in their places.

    ``table[row, slot]`` is the next free place of the slot, relative to ``start[row]``.
    """
    for t in range(len(rule.targets)):
        if lo <= rule.targets[t] < hi:
            n = sources_of(rule, t, s, key)
            delays_of(rule, t, n, s, key)
            if len(weight) or place.cls < 0:
                weights_of(rule, t, n, s, key)
            for k in range(n):
                cls = place.cls if place.cls >= 0 else 1 if s.weight[k] < 0 else 0
                row, slot = place.row[rule.sources[s.source[k]], cls], place.slot[int(s.delay[k])]
                i = start[row] + table[row, slot]
                table[row, slot] += 1
                target[i] = rule.targets[t] - lo
                if len(weight):
                    weight[i] = s.weight[k]


@kernel
def mark_delays(rule, s, key, seen):
    """Mark in `seen` the delays (in steps) that occur in `rule`."""
    for t in range(len(rule.targets)):
        n = sources_of(rule, t, s, key)
        delays_of(rule, t, n, s, key)
        for k in range(n):
            seen[int(s.delay[k])] = True


@kernel
def close_rows(table):
    """After filling, entry j holds the end of slot j: make it the beginning again."""
    for r in range(len(table)):
        for j in range(table.shape[1] - 1, 0, -1):
            table[r, j] = table[r, j - 1]
        table[r, 0] = 0


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
    key: np.ndarray,
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
    start = np.concatenate([[0], np.cumsum(total)])
    target = np.empty(start[-1], np.uint16)
    weight = np.empty(0, dtype) if classes else np.empty(start[-1], weight_dtype)
    start = start[:-1].reshape(total.shape)

    def fill(b: int) -> None:
        open_rows(table[b])
        for rule, place in zip(rules, places, strict=True):
            fill_block(rule, scratch_for(rule), key, place, first[b], first[b + 1], table[b], start[b], target, weight)
        close_rows(table[b])

    each(fill, blocks)
    row_weight = np.array(classes or [0.0], dtype)[row_class if classes else row_class * 0]
    row_channel = (row_weight < 0).astype(np.int64) if classes else row_class.astype(np.int64)
    if one_channel:
        row_channel[:] = 0
    return Synapses(target, weight, row_first, row_channel, row_weight, start, table, delay)


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


def occurring_delays(wirings: list[Any], rules: list[Rule], key: np.ndarray) -> np.ndarray:
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
