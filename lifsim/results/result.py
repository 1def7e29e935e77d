"""The result of a run, whose data are in memory, in an HDF5 file, or in the log of an unfinished run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.overview import Fact, Overview, Overviewed, counted, table_of
from lifsim.files.outputs import check_output, make_folder
from lifsim.results import neo_block, pandas_table, xarray_dataset
from lifsim.results.data import DataSource, Lazy, RecordedChunks, Traces
from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.manifest import ids_of
from lifsim.results.recording import Recorded
from lifsim.results.run_info import clip
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes, unchecked
from lifsim.results.weight_events import WeightEvents, events_of

_POPULATIONS = "population", "nodes", "model", "recorded"
_UNREADABLE = "population", "error"


class Result(Overviewed):
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
    note : a remark for users: that the run is still in progress, or that a newer run is unfinished; "" if there is none.
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
        note = f"the run is in progress: {recorded.writer}" if recorded.writer else ""
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
        at, ids = self._source.spikes(name)
        s = self.stream(name)
        return unchecked(at, ids, s.n_nodes, s.t_start, s.t_stop, s.recorded_ids, s.dt, name, s.derived)

    def stream(self, name: str) -> SpikeStream:
        """The spikes of a population, read in pieces: for recordings that are larger than the memory.

        Parameters
        ----------
        name : a population in `spikes`.

        Returns
        -------
        The spikes as a `SpikeStream`, whose attributes are those of `Spikes`, and which `lifsim.analysis` accepts where it says so.

        Raises
        ------
        DataError : there are no spikes of the population.
        """
        self.spikes.check(name)
        manifest = self._source.manifest
        entry, n = manifest.spikes[name], int(manifest.populations[name]["n"])
        start, stop = clip(entry, self.t_start, self.t_stop)
        read, dt = partial(self._source.spike_pieces, name), float(entry.get("dt", self.dt))
        return SpikeStream(read, n, start, stop, ids_of(entry["ids"], n), dt, name, tuple(entry.get("derived", ())))

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

    def to_pandas(self, what: str = "spikes") -> Any:
        """Spikes or traces as a `pandas.DataFrame` in long format.

        Parameters
        ----------
        what : "spikes": a row for each spike, in order of time, with the columns time (ms), population and neuron (index in the
            population). "traces": a row for each sample, with the columns time (ms), population, variable, neuron (missing for a rate),
            value and unit; of recorded weights, neuron is the target, and a column source has the presynaptic neuron.

        Returns
        -------
        The table; population, variable and unit are categories.

        Raises
        ------
        LifsimError : pandas is not installed. DataError : `what` is neither, or the file was damaged.
        """
        return pandas_table.table(self, what)

    def to_neo(self) -> Any:
        """All spikes and traces as a `neo.Block`, for Elephant and other tools.

        Returns
        -------
        A block with one segment: a `neo.SpikeTrain` for each recorded neuron, silent ones included (annotations `population`, `neuron`),
        and a `neo.AnalogSignal` of shape (samples, neurons) for each trace (annotation `population`, array annotation `neuron`; of
        recorded weights, `neuron` is the target and `source` the presynaptic neuron). A `neo.Group` for each population holds its own.

        Raises
        ------
        LifsimError : neo is not installed. DataError : the file was damaged.
        """
        return neo_block.block(self)

    def to_xarray(self, populations: str | Sequence[str] | None = None) -> Any:
        """Spikes and traces as an `xarray.Dataset`.

        Parameters
        ----------
        populations : name or names of the populations; default: all of which something was recorded.

        Returns
        -------
        Each variable has the dimensions time (ms) and neuron (index in the population), a rate only time, and weights time and synapse
        (with the coordinates source and target); units are in the attribute `units`. Spikes are the variables spike_time (ms) and
        spike_neuron. With several populations, the population's name stands in front: ``exc_V_m``, ``exc_neuron``. A variable that was
        sampled at other times than the first, or of other neurons, has a dimension of its own, such as ``time_V_m``.

        Raises
        ------
        LifsimError : xarray is not installed. DataError : nothing was recorded of a population, or the file was damaged.
        """
        return xarray_dataset.dataset(self, populations)

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

    def _overview(self) -> Overview:
        time = f"({self.t_start:g}, {self.t_stop:g}] ms"
        facts = [Fact("time", time, said=time), Fact("dt", f"{self.dt:g} ms"), Fact("seed", f"{self.seed}")]
        facts += [] if self.complete else [Fact("complete", "no", said="not complete")]
        remarks = [f"({text})" for text in (self.info.get("note"), self.note) if text]
        known = table_of("populations", _POPULATIONS, list(self.populations), self._row, self._line, 5)
        failed = table_of("populations", _UNREADABLE, list(self.unreadable.items()), _why, lambda item: ": ".join(_why(item)), 2)
        return Overview("Result", f"{self.name!r}{f' in {self.path}' if self.path else ''}", facts, remarks, (known, failed))

    def _line(self, name: str) -> str:
        n, model, recorded = self._row(name)[1:]
        return f"{name}: {n} {model}{f'; {recorded}' if recorded else ''}"

    def _row(self, name: str) -> tuple[str, ...]:
        parts = [counted(self._source.count(name), "spike")] if name in self.spikes else []
        for population, variable in self._source.manifest.keys:
            if population == name:
                n, m = self._source.shape((name, variable))
                parts.append(f"{variable} {n:,} x {m:,}")
        for variable in self._source.manifest.events(name):
            parts.append(f"{variable} {counted(self._source.shape((name, variable))[0], 'spike')}")
        about = self.populations[name]
        return name, f"{about['n']:,}", about["model"], ", ".join(parts)


def _why(item: tuple[str, DataError]) -> tuple[str, str]:
    return item[0], f"cannot be read: {item[1]}"
