"""The loop over slices: the engine advances by some steps, and the recorded data are sorted and written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lifsim.common.errors import RunError
from lifsim.common.notices import notices
from lifsim.common.timegrid import time_of
from lifsim.simulation.checkpointer import Checkpointer, StateSource
from lifsim.simulation.options import Progress
from lifsim.simulation.recorder import Recorder
from lifsim.simulation.settings import Settings
from lifsim.simulation.signals import StopRequest
from lifsim.simulation.sinks import Sink
from lifsim.simulation.weight_samples import RecordedWeights

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine, SliceRecords

SLICE_SECONDS = 0.1  # wall time of a slice: short enough to stop promptly, long enough to cost nothing


class SliceLoop:
    """Advances an engine and passes the recorded data to a sink.

    Parameters
    ----------
    engine, settings : the network in memory, and the settings of the run.
    recorder, weights, sink : the recorder that sorts records, the recorders of weights, and the sink of both.
    checkpointer : writes checkpoints when they are due. progress : called with the progress of the run.
    """

    def __init__(
        self,
        engine: RunningEngine,
        settings: Settings,
        recorder: Recorder,
        weights: Sequence[RecordedWeights],
        sink: Sink,
        checkpointer: Checkpointer,
        progress: Progress,
    ) -> None:
        self._engine, self._settings, self._progress = engine, settings, progress
        self._recorder, self._weights, self._sink, self._checkpointer = recorder, weights, sink, checkpointer
        self.recording_seconds = 0.0  # time spent on recorded data so far

    def run(self, until: int, deadline: float, asked: StopRequest, source: StateSource) -> None:
        """Advance to step `until`, or stop earlier if a signal is noted in `asked` or `deadline` (of `time.perf_counter`) is reached.
        `source` is the content of checkpoints.

        Raises
        ------
        RunError : a state variable is no longer finite; the disk or memory is nearly full.
        """
        engine, dt = self._engine, self._engine.plan.dt
        first, began, n = engine.step, time.perf_counter(), self._first_slice(deadline)
        for weights in self._weights:
            weights.begin()
        while engine.step < until:
            start = time.perf_counter()
            marks = [self._checkpointer.schedule.next(engine.step), *(w.next(engine.step) for w in self._weights)]
            n = min(n, engine.longest_slice(), until - engine.step, *(mark - engine.step for mark in marks))
            self._record(engine.advance(n), n)
            self._check_numbers()
            took = time.perf_counter() - start
            done, total = time_of(engine.step - first, dt), time_of(until - first, dt)
            self._progress("step", done_ms=done, total_ms=total, wall_s=time.perf_counter() - began)
            n = max(1, min(4 * n, int(n * SLICE_SECONDS / max(took, 1e-6))))
            if self._checkpointer.schedule.due(engine.step):
                self._checkpointer.keep(source)
            self._checkpointer.check_rest(source, time_of(engine.step, dt))
            if asked.number is not None or time.perf_counter() >= deadline:
                break

    def _first_slice(self, deadline: float) -> int:
        """The number of steps that take a quarter of the time of a slice on a slow computer if every synapse transmits in each step. One
        step if a progress function follows the run, or if that time may be too long.
        """
        if self._settings.method != "grid" or self._progress is not notices or deadline - time.perf_counter() < SLICE_SECONDS:
            return 1
        a_step = 2e-6 + 50e-9 * self._settings.needs["neurons"] + 1e-9 * self._settings.needs["synapses"]  # seconds
        return max(1, int(SLICE_SECONDS / 4 / a_step))

    def _record(self, recorded: SliceRecords, n: int) -> None:
        """Sort and write the records of the last `n` steps."""
        start, step = time.perf_counter(), self._engine.step
        chunk = self._recorder.chunk(step - n, n, recorded, self._engine.plan.events)
        weights = {w.key: w.rows(step - n, step, recorded) for w in self._weights}
        self._sink.write(replace(chunk, traces={**chunk.traces, **{key: rows for key, rows in weights.items() if rows is not None}}))
        self.recording_seconds += time.perf_counter() - start + recorded.seconds

    def _check_numbers(self) -> None:
        """Stop if a state variable is no longer finite, because weights or currents are too large (RunError)."""
        wrong = self._engine.first_not_finite()
        if wrong:
            population, neuron, name, found = wrong
            place, now = f"{population}[{neuron}].{name}", time_of(self._engine.step, self._engine.plan.dt)
            raise RunError(f"{place} is {found} at {now:g} ms or shortly before; weights or currents are too large for the precision")
