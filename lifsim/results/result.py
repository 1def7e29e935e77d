"""The result of a run, whose data are in memory, in an HDF5 file, or in the log of an unfinished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.printable import one_line
from lifsim.files.outputs import check_output, make_folder
from lifsim.results.data import DataSource, Lazy, RecordedChunks, Spikes, Traces
from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.manifest import ids_of
from lifsim.results.recording import Recorded
from lifsim.results.run_info import clip
from lifsim.results.weight_events import WeightEvents, events_of


class Result:
    """Recorded data and metadata of a run. Data are read on first access. Times are in ms.

    A result can be pickled and copied, for use in other processes. A result in memory is pickled with its data; a result in a file or
    log is pickled as its path, and accessing data raises an error if that file was replaced or removed in the meantime.

    Parameters
    ----------
    source : where the data are read from. Users get results from a run or from `lifsim.open`.

    Attributes
    ----------
    spikes : population -> `Spikes`.
    traces : population -> `Traces`, a mapping variable -> array (n_samples, n_neurons).
    weight_events : population -> mapping "weight_events_from_SOURCE" -> `WeightEvents`, the weights that spikes transmitted to it.
    positions : population -> positions of its nodes, (n, dimensions), mm.
    info : all metadata of the run: model text, parameters, settings, versions, timings, …
    path : the file; None for a result in memory.
    note : a remark for users: that the run is still going on, or that a newer run is unfinished; "" if there is none.
    """

    def __init__(self, source: DataSource, path: Path | None = None, note: str = "") -> None:
        self._source = source
        self.path = path
        self.note = note
        self.info = source.info
        where = str(path) if path else "result"
        manifest = source.manifest
        self.spikes: Lazy[Spikes] = Lazy(
            list(manifest.spikes), self._spikes, f"{where}.spikes", "there are no spikes of {name!r}", self.unreadable
        )
        self.positions: Lazy[np.ndarray] = Lazy(source.located, source.positions, f"{where}.positions", "{name!r} has no positions")
        populations = list(dict.fromkeys(population for population, _ in manifest.keys))
        self.traces: Lazy[Traces] = Lazy(populations, self._traces, f"{where}.traces", "there are no traces of {name!r}")
        targets = list(dict.fromkeys(entry["population"] for entry in manifest.weight_events))
        missing = "there are no transmitted weights onto {name!r}"
        self.weight_events: Lazy[Lazy[WeightEvents]] = Lazy(targets, self._events, f"{where}.weight_events", missing)

    @classmethod
    def of(cls, recorded: Recorded) -> Result:
        """The result of `recorded` data, in memory or in a log."""
        note = f"the run goes on: {recorded.writer}" if recorded.writer else ""
        return cls(RecordedChunks(recorded), recorded.path, note)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "path": self.path and Path(self.path).absolute()}  # another process may have another working directory

    def _traces(self, population: str) -> Traces:
        return Traces(self._source, population, self.t_start, str(self.path) if self.path else "result")

    def _events(self, population: str) -> Lazy[WeightEvents]:
        entries = self._source.manifest.events(population)

        def load(name: str) -> WeightEvents:
            return events_of(self._source.trace((population, name)), entries[name]["unit"], entries[name]["source"], population)

        where = f"{self.path or 'result'}.weight_events[{population!r}]"
        return Lazy(list(entries), load, where, "there is no {name!r}")

    def _spikes(self, name: str) -> Spikes:
        manifest = self._source.manifest
        entry, n = manifest.spikes[name], int(manifest.populations[name]["n"])
        at, ids = self._source.spikes(name)
        start, stop = clip(entry, self.t_start, self.t_stop)
        return Spikes(at, ids, n, start, stop, ids_of(entry["ids"], n), self.dt, name)

    @property
    def file(self) -> ResultFile | None:
        """The HDF5 file that holds the data; None for a result in memory or in the log of a run."""
        return self._source if isinstance(self._source, ResultFile) else None

    @property
    def unreadable(self) -> Mapping[str, DataError]:
        """Populations of another tool's file that cannot be read -> the error."""
        return self.file.survey.unreadable if self.file is not None and self.file.survey is not None else {}

    @property
    def populations(self) -> dict[str, dict[str, Any]]:
        """name -> {"n": nodes, "model": name}, in the model's order."""
        return self._source.manifest.populations

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._source.manifest.name

    @property
    def dt(self) -> float:
        """Time step in ms (nan if not known)."""
        return float(self._source.manifest.dt)

    @property
    def seed(self) -> int:
        """Seed of the random numbers (-1 if not known)."""
        return int(self._source.manifest.seed)

    @property
    def t_start(self) -> float:
        """Start of the run (ms)."""
        return float(self.info["t_start"])

    @property
    def t_stop(self) -> float:
        """End of the run (ms)."""
        return float(self.info["t_stop"])

    @property
    def duration(self) -> float:
        """t_stop - t_start (ms)."""
        return float(self.info["duration"])

    @property
    def complete(self) -> bool:
        """Whether the run reached its end."""
        return bool(self.info["complete"])

    def verify(self) -> int:
        """Compare every byte of the file with its checksums.

        Returns
        -------
        The number of datasets that were checked; 0 for a result that is not in an HDF5 file.

        Raises
        ------
        DataError : the file was damaged or changed after it was written.
        """
        if self.file is not None:
            return self.file.verify()
        ignored = self.info.get("ignored")
        if ignored:
            raise DataError(str(self.path), f"is damaged: {ignored}", "the data before this can be read")
        return 0

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write all data and metadata to an HDF5 file.

        Parameters
        ----------
        path : the file; its folder is created if necessary.
        overwrite : replace an existing file.

        Returns
        -------
        The path.

        Raises
        ------
        OutputError : the file exists and `overwrite` is false, or it cannot be written. RunError : the disk is full.
        """
        path = check_output(path, overwrite)
        make_folder(path)
        self._source.save(path)
        return path

    def close(self) -> None:
        """Discard the loaded data. The result stays usable: its file is open only while data are read."""
        self.spikes.clear()
        self.traces.clear()
        self.weight_events.clear()
        self.positions.clear()

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        end = "" if self.complete else ", not complete"
        place = f" in {self.path}" if self.path else ""
        lines = [f"Result {self.name!r}{place}: ({self.t_start:g}, {self.t_stop:g}] ms, dt {self.dt:g} ms, seed {self.seed}{end}"]
        for name, population in self.populations.items():
            lines.append(f"  {name}: {population['n']:,} {population['model']}{self._recorded(name)}")
        lines += [f"  {name}: cannot be read: {error}" for name, error in self.unreadable.items()]
        return "\n".join([*map(one_line, lines), *(f"  ({one_line(text)})" for text in (self.info.get("note"), self.note) if text)])

    def _recorded(self, name: str) -> str:
        parts = [f"{self._source.count(name):,} spikes"] if name in self.spikes else []
        for population, variable in self._source.manifest.keys:
            if population == name:
                n, m = self._source.shape((name, variable))
                parts.append(f"{variable} {n:,} x {m:,}")
        for variable in self._source.manifest.events(name):
            parts.append(f"{variable} {self._source.shape((name, variable))[0]:,} spikes")
        return f"; {', '.join(parts)}" if parts else ""
