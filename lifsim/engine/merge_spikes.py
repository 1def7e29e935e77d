"""Brings together what the pieces of a population wrote down in a slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.parts import Part, read


def merged_spikes(written: Any, pieces: np.ndarray, first_id: int, start: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps (int64) and ids less `first_id` (uint32) of the spikes of `pieces`, whose ids ascend: by step, then id.

    Each piece wrote down, in order, the spikes of the steps from `start` + 1 to `start` + `steps`.
    """
    total = written.number[pieces].sum()
    step, ids = np.empty(total, np.int64), np.empty(total, np.uint32)
    merge((written, pieces, np.zeros(steps + 1, np.int64), step, ids), first_id, start)
    return step, ids


@Part
def merge(m, first_id, start):
    """Counting sort: `at` becomes the number of spikes of each step, then where the next one of that step goes."""
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
