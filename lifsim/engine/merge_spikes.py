"""Merges the spikes that the pieces of a population recorded in a slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.parts import Part, read


def merged_spikes(written: Any, pieces: np.ndarray, first_id: int, start: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (int64) and ids minus `first_id` (uint32) of the spikes of `pieces`, sorted by step, then id; shape (n_spikes,) each.

    The pieces are in ascending order of ids. Each piece recorded the spikes of the steps `start` + 1 … `start` + `steps` in order.
    """
    total = written.number[pieces].sum()
    step, ids = np.empty(total, np.int64), np.empty(total, np.uint32)
    merge((written, pieces, np.zeros(steps + 1, np.int64), step, ids), first_id, start)
    return step, ids


@Part
def merge(m, first_id, start):
    """Counting sort by step. `at`, shape (steps + 1,), first counts the spikes of each step, then has the position of the next one."""
    written, pieces, at, step, ids = read(m)
    for p in pieces:
        i, end = written.first[p], written.first[p] + written.number[p]
        while i < end:
            now, begin = written.step[i], i
            while i < end and written.step[i] == now:
                i += 1
            at[now - start] += i - begin
    before = 0
    for k in range(len(at)):
        before, at[k] = before + at[k], before
    for p in pieces:
        i, end = written.first[p], written.first[p] + written.number[p]
        while i < end:
            now = written.step[i]
            to = at[now - start]
            while i < end and written.step[i] == now:
                step[to], ids[to] = now, written.id[i] - first_id
                i, to = i + 1, to + 1
            at[now - start] = to
