"""The exact Poisson trains that recorders of generators receive, one per node."""

from __future__ import annotations

import numpy as np

from lifsim.engine.precise.event_layout import go_on_from, train_of
from lifsim.engine.precise.event_poisson import RECORDED, begin, note_until
from lifsim.engine.precise.event_snapshot import OF_TRAIN
from lifsim.engine.snapshot_arrays import put
from lifsim.engine.synapses.sampling import key_of
from lifsim.plan.stimuli import ExactDrive


class ExactTrains:
    """A train for each node of a generator: `rate` (Hz), `dead_time` (ms), `start` and `stop` (steps), shape (n_nodes,) each."""

    def __init__(
        self, rate: np.ndarray, dead_time: np.ndarray, start: np.ndarray, stop: np.ndarray, stream: int, seed: int, dt: float
    ) -> None:
        node = np.arange(len(rate))
        self._key, self._dt = key_of(seed), float(dt)
        self._trains = train_of(ExactDrive(stream, node, node, rate, dead_time, 0, 0), node, RECORDED | np.uint32(stream))
        self._start = start
        self._trains["step"], self._trains["stop"] = start, stop
        begin((self._trains, self._key, float(dt)))

    def saved(self) -> dict[str, np.ndarray]:
        """The state of the trains."""
        return {name: self._trains[name].copy() for name in OF_TRAIN}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Restore a state from `saved`."""
        for name in OF_TRAIN:
            put(self._trains[name], name, state)

    def go_on_from(self, old: ExactTrains, step: int) -> None:
        """Go on after `step`, until which the trains were `old`."""
        self._trains["step"], self._trains["offset"], self._trains["drawn"] = self._start, 0.0, 0
        go_on_from(old._trains, self._trains, self._key, step, self._dt)

    def until(self, last: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The spikes since the last call up to the end of step `last`, in any order: step, node, offset (ms)."""
        room, before = 1024, self._trains.copy()
        while True:
            node, step = np.empty((2, room), np.int64)
            offset = np.empty(room)
            number = np.zeros(1, np.int64)
            note_until((self._trains, self._key, self._dt, node, step, offset, number), last)
            n = int(number[0])
            if n <= room:
                return step[:n], node[:n], offset[:n]
            self._trains, room = before.copy(), 4 * room
