"""Samples of the weights of plastic synapses during a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lifsim.common.timegrid import steps
from lifsim.network.recordings import Recording
from lifsim.plan.spikes import NEVER
from lifsim.simulation.recording_times import stop_of


class WeightSamples:
    """Samples the weights of the recording `r` between slices; `matrix` returns the current weights of (source, target).

    A sample has one column per synapse, ordered by source, then target.
    """

    def __init__(self, r: Recording, dt: float, matrix: Callable[[Any, Any], Any]) -> None:
        self.key = r.key
        self._recording, self._matrix = r, matrix
        self._start, self._stop, self._every = steps(r.start, dt), stop_of(r, dt), steps(r.interval, dt)

    def entry(self) -> dict[str, list[int]]:
        """The manifest entry: the target ("ids") and the source ("sources") of each column."""
        weights = self._matrix(self._recording.source, self._recording.view)
        columns = np.repeat(np.arange(weights.shape[1]), np.diff(weights.indptr))
        assert self._recording.source is not None
        return {"ids": self._recording.view.ids[weights.indices].tolist(), "sources": self._recording.source.ids[columns].tolist()}

    def next(self, step: int) -> int:
        """The first step after `step` in which a sample is due."""
        due = self._start + (max(0, step - self._start) // self._every + 1) * self._every
        return due if due <= self._stop else NEVER

    def now(self) -> np.ndarray:
        """The current weights as a sample, shape (1, synapses)."""
        return np.asarray(self._matrix(self._recording.source, self._recording.view).data)[None, :]
