"""The spike trains that recorders of generators receive."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import uint32

from lifsim.engine import layout
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.random import RECORDED, word
from lifsim.engine.snapshot_arrays import put
from lifsim.engine.stimuli.modulated_trains import add_trains
from lifsim.engine.stimuli.poisson import limits, probabilities
from lifsim.engine.synapses.sampling import key_of


@Part
def fill_words(m, stream):
    """Fill `out` with one random word per step (row) and node (column)."""
    step, key, out = read(m)
    for i in range(len(step)):
        for node in range(out.shape[1]):
            out[i, node] = word(node, step[i], uint32(stream), key)


def poisson_counts(mean: np.ndarray, step: np.ndarray, stream: int, seed: int) -> np.ndarray:
    """Poisson counts with the given `mean`, shape (n_steps, n_nodes), for the steps in `step`."""
    words = np.empty(mean.shape, np.uint32)
    fill_words((step, key_of(seed), words), int(RECORDED | np.uint32(stream)))
    counts = np.zeros(mean.shape, np.int64)
    for m in np.unique(mean):
        low, thresholds = limits(*probabilities(float(m)))
        at = mean == m
        counts[at] = low + np.searchsorted(thresholds, words[at], side="right")
    return counts


class RecordedTrains:
    """The trains that `drives` (`lifsim.plan.stimuli.TrainDrive`) define for the nodes 0 … n - 1 of a generator, from the first step on."""

    def __init__(self, drives: list[Any], n: int, seed: int) -> None:
        self._trains = layout.trains_of(drives, np.arange(n), np.array([0, n]), 1, 1)
        self._n, self._key = n, key_of(seed)

    def saved(self) -> dict[str, np.ndarray]:
        """The state of gamma trains; see `ModulatedTrains`."""
        return {"left": self._trains.left.copy(), "drawn": self._trains.drawn.copy()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore a state from `saved`."""
        for name in ("left", "drawn"):
            put(getattr(self._trains, name), name, state)

    def go_on_from(self, old: RecordedTrains) -> None:
        """Take over the state of the trains `old` of the same nodes."""
        mine, theirs = (np.argsort(trains.target, kind="stable") for trains in (self._trains, old._trains))
        self._trains.left[mine], self._trains.drawn[mine] = old._trains.left[theirs], old._trains.drawn[theirs]

    def counts(self, first: int, steps: int) -> np.ndarray:
        """Number of spikes of each node in the next `steps` steps, beginning with step `first`; shape (steps, n)."""
        out = np.zeros((steps, self._n))
        count_trains((self._trains, self._key, out), first)
        return out.astype(np.int64)


@Part
def count_trains(m, first):
    """Add the spikes of the steps from `first` on to `out`, one step per row."""
    trains, key, out = read(m)
    for i in range(len(out)):
        add_trains(trains, 0, 0, out[i : i + 1], key, first + i)
