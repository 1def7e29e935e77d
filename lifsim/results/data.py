"""The data of a result and its traces, read on first access from memory, a log or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, NoReturn, Protocol, TypeVar

import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.timegrid import times
from lifsim.results.hdf5_writer import write
from lifsim.results.manifest import Key, Manifest, first_sample, full_names, ids_of, variable_of
from lifsim.results.recording import Recorded
from lifsim.results.run_info import entries, trace_ids

T = TypeVar("T")


class DataSource(Protocol):
    """The source from which a `Result` reads its data. Times are in ms; `located` names the populations that have positions."""

    manifest: Manifest
    info: dict[str, Any]
    located: list[str]

    def count(self, name: str) -> int:
        """Number of spikes of a population."""

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""

    def spike_pieces(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Times (ms) and ids of a population's spikes in order of time, in pieces, only one of which is in memory."""

    def positions(self, name: str) -> np.ndarray:
        """Positions of the nodes of a population in `located`, (n, dimensions), mm."""

    def shape(self, key: Key) -> tuple[int, int]:
        """(n_samples, n_columns) of a trace."""

    def trace(self, key: Key) -> np.ndarray:
        """A trace, (n_samples, n_columns)."""

    def save(self, path: Path) -> None:
        """Write everything to an HDF5 file."""


class RecordedChunks:
    """The data source of a result whose chunks are in memory or in a log."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self.manifest = recorded.manifest
        self.info = entries(recorded)
        self.located = list(recorded.manifest.positions)

    def count(self, name: str) -> int:
        """Number of spikes of a population."""
        return self._recorded.totals.spikes.get(name, 0)

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""
        at, ids, n = np.empty(self.count(name)), np.empty(self.count(name), np.int64), 0
        for chunk in self._recorded.chunks:
            if name in chunk.spikes:
                own = slice(n, n + len(chunk.spikes[name][1]))
                chunk.spike_times(name, self.manifest.dt, out=at[own])
                ids[own], n = chunk.spikes[name][1], own.stop
        return at, ids

    def spike_pieces(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Times (ms) and ids of a population's spikes in order of time, a piece for each chunk."""
        for chunk in self._recorded.chunks:
            if name in chunk.spikes:
                yield chunk.spike_times(name, self.manifest.dt), chunk.spikes[name][1].astype(np.int64)

    def positions(self, name: str) -> np.ndarray:
        """Positions of the nodes of a population, (n, dimensions), mm."""
        return np.asarray(self.manifest.positions[name], np.float64)

    def shape(self, key: Key) -> tuple[int, int]:
        """(n_samples, n_columns) of a trace."""
        return self._recorded.totals.samples.get(key, 0), self.manifest.columns(key)

    def trace(self, key: Key) -> np.ndarray:
        """A trace, (n_samples, n_columns)."""
        out, row = np.empty(self.shape(key)), 0
        for chunk in self._recorded.chunks:
            rows = chunk.traces.get(key, out[:0])
            out[row : row + len(rows)] = rows
            row += len(rows)
        return out

    def save(self, path: Path) -> None:
        """Write everything to an HDF5 file."""
        write(self._recorded, path)


class Lazy(Mapping[str, T], Generic[T]):
    """A read-only mapping whose values are loaded on first access and then kept."""

    def __init__(
        self,
        names: Sequence[str],
        load: Callable[[str], T],
        where: str,
        missing: str,
        unreadable: Mapping[str, DataError] | None = None,
    ) -> None:
        self._names, self._load, self._where, self._missing = list(names), load, where, missing
        self._unreadable = unreadable or {}
        self._loaded: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self._loaded:
            self.check(name)
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def check(self, name: str) -> None:
        """Raise DataError if there is no value of `name`, without loading it."""
        if name not in self._names:
            self._refuse(name)

    def _refuse(self, name: str) -> NoReturn:
        if name in self._unreadable:
            raise self._unreadable[name]
        hint = did_you_mean(str(name), self._names) or "nothing of this kind was recorded"
        raise DataError(self._where, self._missing.format(name=name), hint)

    def get(self, name: str, default: Any = None) -> Any:
        """The value of `name`, or `default` if there is none."""
        return self[name] if name in self._names else default

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": {}}  # values can be loaded again

    def __repr__(self) -> str:
        return f"<{', '.join(self._names) or 'none'}>"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._names)

    def clear(self) -> None:
        """Discard the loaded values."""
        self._loaded.clear()


class Traces(Lazy[np.ndarray]):
    """Traces of one population: ``traces["V_m"]`` is a float64 array of shape (n_samples, n_neurons).

    ``list(traces)`` has the names of the traces. Every call accepts such a name, or a variable with the nodes, the interval or both, as in
    "V_m[5:7]", "V_m@0.1" and "V_m[5:7]@0.1", if this describes a single trace.

    Parameters
    ----------
    source : where the data are read from. population : its name. start : start of the run, ms. where : the place that error
        messages name.
    """

    def __init__(self, source: DataSource, population: str, start: float, where: str) -> None:
        variables = [v for p, v in source.manifest.keys if p == population]
        super().__init__(variables, self._read, f"{where}.traces[{population!r}]", "there is no {name!r}")
        self._source, self._population, self._start = source, population, start

    def _read(self, name: str) -> np.ndarray:
        return self._source.trace((self._population, name))

    def __getitem__(self, name: str) -> np.ndarray:
        return super().__getitem__(self._found(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or bool(self._full_names.get(str(name)))

    @cached_property
    def _full_names(self) -> dict[str, str]:
        """Further names of traces: with nodes and interval in full, as in "V_m[0:5]@1"; "" for a name that several traces have."""
        out: dict[str, str] = {}
        for name in self._names:
            for full in full_names(self._source.manifest.trace(self._population, name)):
                out[full] = "" if full in out else name
        return out

    def _found(self, name: str) -> str:
        """The name of the trace that `name` denotes: `name` itself, unless it is one of the names in full."""
        return name if name in self._names else self._full_names.get(name) or name

    def _entry(self, name: str) -> dict[str, Any]:
        if name not in self:
            self._refuse(name)
        return self._source.manifest.trace(self._population, self._found(name))

    def variable_of(self, variable: str) -> str:
        """The recorded variable, such as "V_m" of the trace called "V_m[5:7]" (DataError if it was not recorded)."""
        return variable_of(self._entry(variable))

    def named(self, variable: str) -> list[str]:
        """The names of the traces of `variable`, such as ``["V_m", "V_m[5:7]"]`` of "V_m"; of a name, that name; [] if there is none."""
        found = [self._found(variable)] if variable in self else []
        return list(dict.fromkeys([*found, *(name for name in self if self.variable_of(name) == variable)]))

    def times_of(self, variable: str) -> np.ndarray:
        """Times of the samples of `variable` in ms, float64 (n_samples,) (DataError if it was not recorded)."""
        dt = self._source.manifest.dt
        first, every = first_sample(self._entry(variable), round(self._start / dt), dt)
        n = self._source.shape((self._population, self._found(variable)))[0]
        return times(first + every * np.arange(n), dt)

    def ids_of(self, variable: str) -> np.ndarray:
        """The neuron of each column of `variable`, int64 (n_neurons,); empty for "rate" (DataError if it was not recorded)."""
        self._entry(variable)
        return trace_ids(self._source.manifest, (self._population, self._found(variable)))

    def members_of(self, variable: str) -> np.ndarray:
        """The neurons over which a rate was taken, int64 (n_neurons,); for other variables as `ids_of` (DataError if not recorded)."""
        entry, manifest = self._entry(variable), self._source.manifest
        if variable_of(entry) != "rate":
            return self.ids_of(variable)
        return ids_of(entry.get("members", "all"), manifest.populations[self._population]["n"])

    def sources_of(self, variable: str) -> np.ndarray:
        """The presynaptic neuron of each column of recorded weights, int64 (n_synapses,); `ids_of` gives the postsynaptic neurons.

        `variable` is the name of the recorded weights; for other variables the array is empty (DataError if it was not recorded).
        """
        return np.asarray(self._entry(variable).get("sources", []), dtype=np.int64)

    def unit_of(self, variable: str) -> str:
        """Unit of `variable`, such as "mV" (DataError if it was not recorded)."""
        return str(self._entry(variable)["unit"])

    @property
    def times(self) -> np.ndarray:
        """Times of the samples in ms, float64 (n_samples,), if they are the same for all variables (DataError if not)."""
        return self._common(self.times_of, "times_of")

    @property
    def ids(self) -> np.ndarray:
        """The neuron of each column, int64 (n_neurons,), if they are the same for all variables (DataError if not)."""
        return self._common(self.ids_of, "ids_of", [v for v in self if self.variable_of(v) != "rate"])

    def _common(self, of: Callable[[str], np.ndarray], call: str, variables: Sequence[str] = ()) -> np.ndarray:
        first, *others = [of(v) for v in variables or self]
        if any(not np.array_equal(first, other) for other in others):
            raise DataError(
                self._where,
                f"{', '.join(self)} were recorded at different times or from different neurons",
                f"call {call}({next(iter(self))!r}) for each variable",
            )
        return first
