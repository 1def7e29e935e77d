"""The current or the momentary rate of generators, sampled for a recording: functions of the step alone.

``I`` at time t is the current that a generator sends at t; it acts on a target with delay d in the step from t + d to t + d + dt.
``momentary_rate`` at time t is the expected rate of the spikes that the generator sends in the step that ends at t.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.building.by_node import steps_of
from lifsim.building.drives import SCHEDULE
from lifsim.building.stimuli import SAMPLES
from lifsim.building.waveform import waveform
from lifsim.common.timegrid import steps
from lifsim.network.recordings import Recording
from lifsim.plan.spikes import NEVER
from lifsim.simulation.recording_times import due_steps


class GeneratorSignal:
    """The samples of a recording of kind "generator"; the parameters of the generators have these `values`. `dt` is the time step in ms."""

    def __init__(self, r: Recording, values: dict[str, Any], dt: float) -> None:
        self.key = r.key
        self._recording, self._dt = r, dt
        self._model, self._n = r.view.population.model.name, r.view.population.n
        self.change(values)

    def change(self, values: dict[str, Any]) -> None:
        """Let the parameters have these values from now on."""
        self._values = values
        self._start, self._stop = (np.broadcast_to(steps_of(np.asarray(values[key]), self._dt), self._n) for key in ("start", "stop"))
        self._samples: tuple[np.ndarray, int] | None = None
        if self._model == "waveform_generator":
            self._samples = values.get(SAMPLES) or waveform(self._recording.view.population, values, self._dt)

    def samples(self, start: int, stop: int) -> np.ndarray:
        """The samples that are due in the steps start < step <= stop, (n_samples, n_nodes); pA or spikes/s."""
        return self._at(due_steps(self._recording, self._dt, start, stop))

    def now(self, step: int) -> np.ndarray:
        """The value after `step` of each of the recorded nodes, (n_nodes,)."""
        own: np.ndarray = self._at(np.array([step]))[0]
        return own

    def _at(self, steps: np.ndarray) -> np.ndarray:
        step = steps[:, None]
        own = self._current(step) if self._recording.variable == "I" else self._rate(step)
        return np.broadcast_to(own, (len(step), self._n))[:, self._recording.view.ids].astype(np.float64)

    def _current(self, step: np.ndarray) -> Any:
        """The currents that are sent at the end of each `step`, (n_samples, 1)."""
        v, on = self._values, (step >= self._start) & (step < self._stop)
        if self._samples is not None:
            rows, every = self._samples
            row = np.where(on, step - np.minimum(self._start, step), 0) // every
            column = np.arange(self._n) if rows.shape[1] > 1 else 0
            return np.where(on & (row < len(rows)), rows[np.minimum(row, len(rows) - 1), column], 0.0)
        if self._model == "step_current_generator":
            return np.where(on, self._series(step, "amplitude_times", "amplitude_values"), 0.0)
        if self._model == "ac_generator":
            return np.where(on, v["offset"] + self._wave(step), 0.0)
        return np.where(on, v["amplitude"], 0.0)

    def _rate(self, step: np.ndarray) -> Any:
        """The expected rates of the spikes of each `step`, (n_samples, 1)."""
        v, late = self._values, 1 if self._model != "poisson_generator_ps" else 0  # see `lifsim.building.drives`
        on = (step > self._start + late) & (step <= np.where(self._stop < NEVER, self._stop + late, NEVER))
        if self._model == "inhomogeneous_poisson_generator":
            return np.where(on, self._series(step, "rate_times", "rate_values"), 0.0)
        if self._model == "sinusoidal_poisson_generator":
            on = (step >= self._start) & (step < self._stop)
        changing = self._wave(step) if "amplitude" in v else 0.0
        return np.where(on, np.maximum(v["rate"] + changing, 0.0), 0.0)

    def _series(self, step: np.ndarray, times: str, values: str) -> np.ndarray:
        """A series of values, each of which holds from its time on; 0 before."""
        at, of = self._values.get(SCHEDULE) or (self._values[times], self._values[values])
        since = np.searchsorted([steps(float(t), self._dt) for t in at], step, side="right") - 1
        return np.append(of, 0.0)[since]

    def _wave(self, step: np.ndarray) -> np.ndarray:
        v = self._values
        omega = 2 * np.pi * np.asarray(v["frequency"]) * self._dt / 1000.0
        wave: np.ndarray = v["amplitude"] * np.sin(omega * step + np.deg2rad(v["phase"]))
        return wave
