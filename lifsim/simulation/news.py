"""What a simulation recorded since the last look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.common.timegrid import time_of, times
from lifsim.results.manifest import Manifest, first_sample, ids_of
from lifsim.results.recording import Chunk
from lifsim.results.run_info import clip, trace_ids
from lifsim.results.spikes import Spikes, unchecked
from lifsim.simulation.sinks import Sink

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine


@dataclass(frozen=True, eq=False)
class SampledVariable:
    """New samples of one variable of a population.

    Parameters
    ----------
    times : of the samples in ms, float64 (n_samples,). values : float64 (n_samples, n_neurons), in `unit`.
    ids : the neuron of each column, int64 (n_neurons,); empty for a population rate.
    """

    times: np.ndarray
    values: np.ndarray
    ids: np.ndarray
    unit: str

    def __len__(self) -> int:
        return len(self.times)

    def __repr__(self) -> str:
        when = f", {self.times[0]:g} to {self.times[-1]:g} ms" if len(self) else ""
        return f"<{len(self):,} samples x {self.values.shape[1]:,} columns ({self.unit}){when}>"


class News:
    """Reads from `sink` what an `engine` recorded since the last look."""

    def __init__(self, sink: Sink, engine: RunningEngine) -> None:
        self._sink, self._engine = sink, engine
        self._marks = {"spikes": 0, "samples": 0}  # the place in the sink up to which each was read
        self.since = {"spikes": 0, "samples": 0}  # the step of the last look at each
        self._ids: dict[Any, np.ndarray] = {}

    def _new(self, what: str) -> list[Chunk]:
        """The chunks of the steps since the last look."""
        chunks, self._marks[what] = self._sink.chunks_since(self._marks[what])
        since, self.since[what] = self.since[what], self._engine.step
        return [chunk for chunk in chunks if chunk.start >= since]  # after a checkpoint, the sink is read from its beginning

    def spikes(self) -> dict[str, Spikes]:
        """The spikes of each recorded population since the last call."""
        m, since = self._sink.manifest, self.since["spikes"]
        chunks, window = self._new("spikes"), (time_of(since, m.dt), time_of(self._engine.step, m.dt))
        return {name: self._spikes_of(name, entry, m, chunks, window) for name, entry in m.spikes.items()}

    def _spikes_of(self, name: str, entry: dict[str, Any], m: Manifest, chunks: Iterable[Chunk], window: tuple[float, float]) -> Spikes:
        own = [chunk for chunk in chunks if name in chunk.spikes and len(chunk.spikes[name][0])]
        at = np.concatenate([np.zeros(0), *(chunk.spike_times(name, m.dt) for chunk in own)])
        ids = np.concatenate([np.zeros(0, np.int64), *(chunk.spikes[name][1] for chunk in own)]).astype(np.int64, copy=False)
        n = int(m.populations[name]["n"])
        if name not in self._ids:
            self._ids[name] = ids_of(entry["ids"], n)
        return unchecked(at, ids, n, *clip(entry, *window), self._ids[name], m.dt, name)

    def samples(self) -> dict[str, dict[str, SampledVariable]]:
        """The samples of each recorded variable since the last call, by population and variable."""
        m, chunks = self._sink.manifest, self._new("samples")
        out: dict[str, dict[str, SampledVariable]] = {}
        for key, entry in zip(m.keys, m.traces, strict=True):
            if key not in self._ids:
                self._ids[key] = trace_ids(m, key)
            own = [(chunk.start, chunk.traces[key]) for chunk in chunks if key in chunk.traces and len(chunk.traces[key])]
            rows = np.concatenate([np.zeros((0, m.columns(key))), *(x for _, x in own)])
            at = [first + every * np.arange(len(x)) for (first, every), x in ((first_sample(entry, start, m.dt), x) for start, x in own)]
            steps = np.concatenate([np.zeros(0, np.int64), *at])
            out.setdefault(key[0], {})[key[1]] = SampledVariable(times(steps, m.dt), rows, self._ids[key], str(entry["unit"]))
        return out
