"""The log of transmitted weights: a row for each spike that arrives at a recorded synapse with long-term plasticity.

Without a log, its place in the data of delivery is taken by None, and the code that writes rows is not compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.compiler.overloads import is_none, overload


class WeightLog(NamedTuple):
    """The log of one model in a slice. Block b has ``number[b]`` rows from ``first[b]`` on, in the order of arrival.

    ``row[r]`` and ``place[q]`` say whether the synapses of a row of the store and those onto a neuron are recorded. A row of the log has
    the step in which the spike was `sent`, its `delay` (steps), its `source` (global id), the index of the `synapse` in the store, and the
    `weight` that was transmitted.
    """

    row: np.ndarray
    place: np.ndarray
    first: np.ndarray
    number: np.ndarray
    sent: np.ndarray
    delay: np.ndarray
    source: np.ndarray
    synapse: np.ndarray
    weight: np.ndarray


ROW_BYTES = 36  # of a row of the log


def empty_log(row: np.ndarray, place: np.ndarray, rooms: np.ndarray) -> WeightLog:
    """A log with room for ``rooms[b]`` rows of each block b; memory that is not written to is not taken from the system."""
    first = np.concatenate([[0], np.cumsum(rooms)]).astype(np.int64)
    n = int(first[-1])
    sent, source, synapse = (np.empty(n, np.int64) for _ in range(3))
    return WeightLog(row, place, first, np.zeros(len(rooms), np.int64), sent, np.empty(n, np.int32), source, synapse, np.empty(n))


def log_weights(log: Any, y: Any, b: int, lo: int, r: int, j: int, source: int, sent: int) -> None:
    """Log the weights that a spike of `source`, sent in step `sent`, transmits through segment (r, j) of block `b`.

    The segment has the synapses of row r with delay number j. The block begins at place `lo`. Only recorded synapses are logged.
    """


@overload(log_weights)
def _log_weights(log, y, b, lo, r, j, source, sent):
    if is_none(log):
        return lambda log, y, b, lo, r, j, source, sent: None
    return lambda log, y, b, lo, r, j, source, sent: write_rows(log, y, b, lo, r, j, source, sent)


@kernel
def write_rows(log, y, b, lo, r, j, source, sent):
    """Write the rows of one segment, after its weights have been updated."""
    n = log.first[b] + log.number[b]
    if log.row[r]:
        for i in range(y.begin[b, r, j], y.begin[b, r, j + 1]):
            if log.place[lo + y.target[i]]:
                log.sent[n], log.delay[n], log.source[n] = sent, y.delay[j], source
                log.synapse[n], log.weight[n] = i, y.weight[i]
                n += 1
    log.number[b] = n - log.first[b]
