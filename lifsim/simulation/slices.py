"""The loop over slices: the engine advances by some steps, and the recorded data are sorted and written."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from lifsim.building.stimuli import Stimuli
from lifsim.common.errors import RunError
from lifsim.common.notices import notices
from lifsim.common.timegrid import time_of
from lifsim.simulation.callback import Callback
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
    engine, stimuli, settings : the network in memory, its stimuli, and the settings of the run.
    recorder, weights, sink : the recorder that sorts records, the recorders of weights, and the sink of both.
    checkpointer : writes checkpoints when they are due. progress : called with the progress of the run.
    """

    def __init__(
        self,
        engine: RunningEngine,
        stimuli: Stimuli,
        settings: Settings,
        recorder: Recorder,
        weights: Sequence[RecordedWeights],
        sink: Sink,
        checkpointer: Checkpointer,
        progress: Progress,
    ) -> None:
        self._engine, self._stimuli, self._settings, self._progress = engine, stimuli, settings, progress
        self._recorder, self._weights, self._sink, self._checkpointer = recorder, weights, sink, checkpointer
        self.recording_seconds = 0.0  # time spent on recorded data so far
        self._longest = 1  # most steps of a slice, from the time that slices took

    def begin_again(self, recorder: Recorder) -> None:
        """Go on with `recorder` from the first step."""
        self._recorder = recorder

    def run(self, until: int, deadline: float, asked: StopRequest, source: StateSource, callback: Callback | None = None) -> None:
        """Advance to step `until`, or stop earlier if a signal is noted in `asked` or `deadline` (of `time.perf_counter`) is reached.
        `source` is the content of checkpoints, which are made after a call of `callback` where both are due.

        Raises
        ------
        RunError : a state variable is no longer finite; the disk or memory is nearly full.
        """
        engine, dt = self._engine, self._engine.plan.dt
        first, began = engine.step, time.perf_counter()
        longest = self._longest = max(self._longest, self._first_slice(deadline))
        self._read_weights()
        while engine.step < until:
            start = time.perf_counter()
            self._follow_stimuli()
            marks = [self._stimuli.next(engine.step), self._checkpointer.schedule.next(engine.step)]
            marks += [w.next(engine.step) for w in self._weights]
            marks += [callback.next(engine.step)] if callback else []
            n = min(longest, engine.longest_slice(), until - engine.step, *(mark - engine.step for mark in marks))
            self._record(engine.advance(n), n)
            self._check_numbers()
            took = time.perf_counter() - start
            done, total = time_of(engine.step - first, dt), time_of(until - first, dt)
            self._progress("step", done_ms=done, total_ms=total, wall_s=time.perf_counter() - began)
            if n == longest or took > SLICE_SECONDS:  # slices that end early, for a mark, say little
                longest = self._longest = max(1, min(4 * longest, int(n * SLICE_SECONDS / max(took, 1e-6))))
            if callback:
                changes = source.changes()
                callback.after(engine.step)
                if source.changes() != changes:
                    self._read_weights()
            if self._checkpointer.schedule.due(engine.step):
                self._checkpointer.keep(source)
            self._checkpointer.check_rest(source, time_of(engine.step, dt))
            if asked.number is not None or time.perf_counter() >= deadline:
                break

    def _read_weights(self) -> None:
        """Let the recorders of weights read the current ones, which the program may have set."""
        for weights in self._weights:
            weights.begin()

    def _follow_stimuli(self) -> None:
        """Pass to the stimuli that act from now on, if they differ from those so far."""
        plan = self._stimuli.follow(self._engine.plan, self._engine.step)
        if plan is not self._engine.plan:
            self._engine.restimulate(plan)

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
        if self._weights:
            weights = {w.key: w.rows(step - n, step, recorded) for w in self._weights}
            chunk = replace(chunk, traces={**chunk.traces, **{key: rows for key, rows in weights.items() if rows is not None}})
        self._sink.write(chunk)
        self.recording_seconds += time.perf_counter() - start + recorded.seconds

    def _check_numbers(self) -> None:
        """Stop if a state variable is no longer finite, because weights or currents are too large (RunError)."""
        wrong = self._engine.first_not_finite()
        if wrong:
            population, neuron, name, found = wrong
            place, now = f"{population}[{neuron}].{name}", time_of(self._engine.step, self._engine.plan.dt)
            raise RunError(f"{place} is {found} at {now:g} ms or shortly before; weights or currents are too large for the precision")
