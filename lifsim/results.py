"""Results of runs: in memory, in an HDF5 file, or in the log of a run that did not end.

Times are in ms.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

import numpy as np

from lifsim import disk
from lifsim.errors import DataError, did_you_mean
from lifsim.expressions import shortened
from lifsim.grid import times
from lifsim.outputs import check_output, expanded, make_folder
from lifsim.printable import one_line
from lifsim.recording import Key, Manifest, Recorded, first_sample, ids_of, plain, read_log
from lifsim.resultfile import File, clip, entries, refuse_counts, trace_ids
from lifsim.resultwriter import write
from lifsim.runlog import LogWriter, log_path
from lifsim.untrusted import kind_of

if TYPE_CHECKING:
    from lifsim.foreign import NodeCount

T = TypeVar("T")


# -- writing ----------------------------------------------------------------------------------------


def convert(log: str | Path, path: str | Path | None = None, summary: Mapping[str, Any] | None = None) -> Result:
    """Turn the log of a run that ended or was interrupted into `path` and remove the log.

    Parameters
    ----------
    log : OUT.h5.log.
    path : the HDF5 file to make (or replace), OUT.h5 unless given.
    summary : what to say of the run's end, if the log does not; without it the result is marked
        as not complete.

    Raises
    ------
    DataError : not a log. OutputError : the run is still going on. RunError : the disk is full.
    """
    log = Path(log)
    path = Path(path) if path is not None else log.with_suffix("")
    read_log(log)  # refuses what is no log
    lock = LogWriter.reopen(log)
    try:
        recorded, _ = read_log(log)
        disk.remove_abandoned(path)
        said = plain(summary) if summary is not None else recorded.summary
        made = write(replace(recorded, summary=said), path)
    except BaseException:
        lock.close()
        raise
    lock.close(remove=True)
    return Result(made, path)


# -- where a result comes from ----------------------------------------------------------------------


class Source(Protocol):
    """What `Result` needs to know; times in ms."""

    manifest: Manifest
    info: dict[str, Any]
    located: list[str]

    def count(self, name: str) -> int:
        """Number of spikes of a population."""

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""

    def positions(self, name: str) -> np.ndarray:
        """Where the nodes of a population that is `located` lie, (n, dimensions), mm."""

    def shape(self, key: Key) -> tuple[int, int]:
        """(n_samples, n_columns) of a trace."""

    def trace(self, key: Key) -> np.ndarray:
        """A trace, (n_samples, n_columns)."""

    def save(self, path: Path) -> None:
        """Write everything to an HDF5 file."""


class _Chunks:
    """A result made of chunks, in memory or in a log."""

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded
        self.manifest = recorded.manifest
        self.info = entries(recorded)
        self.located = list(recorded.manifest.positions)

    def count(self, name: str) -> int:
        return self._recorded.totals.spikes.get(name, 0)

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        at, ids, n = np.empty(self.count(name)), np.empty(self.count(name), np.int64), 0
        for chunk in self._recorded.chunks:
            if name in chunk.spikes:
                own = slice(n, n + len(chunk.spikes[name][1]))
                chunk.spike_times(name, self.manifest.dt, out=at[own])
                ids[own], n = chunk.spikes[name][1], own.stop
        return at, ids

    def positions(self, name: str) -> np.ndarray:
        return np.asarray(self.manifest.positions[name], np.float64)

    def shape(self, key: Key) -> tuple[int, int]:
        return self._recorded.totals.samples.get(key, 0), self.manifest.columns(key)

    def trace(self, key: Key) -> np.ndarray:
        out, row = np.empty(self.shape(key)), 0
        for chunk in self._recorded.chunks:
            rows = chunk.traces.get(key, out[:0])
            out[row : row + len(rows)] = rows
            row += len(rows)
        return out

    def save(self, path: Path) -> None:
        write(self._recorded, path)


# -- results ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of one population.

    times : ms, float64 (n_spikes,), ascending. ids : 0-based index in the population, int64
    (n_spikes,). n_nodes : size of the population. t_start, t_stop : ms; spikes with
    t_start < t <= t_stop were recorded. recorded_ids : the neurons that were recorded, int64.
    dt : time step in ms, nan if not known.
    """

    times: np.ndarray
    ids: np.ndarray
    n_nodes: int
    t_start: float
    t_stop: float
    recorded_ids: np.ndarray
    dt: float = math.nan
    name: str = ""

    def __len__(self) -> int:
        return len(self.times)

    def window(self, t_start: float | None = None, t_stop: float | None = None) -> Spikes:
        """The spikes with t_start < t <= t_stop (ms); all of them if neither is given."""
        if t_start is None and t_stop is None:
            return self
        start = self.t_start if t_start is None else max(t_start, self.t_start)
        stop = self.t_stop if t_stop is None else min(t_stop, self.t_stop)
        stop = max(start, stop)
        slack = 1e-6 * self.dt if self.dt > 0 else 0.0  # a limit such as 0.1 + 0.2 still means the step at 0.3
        a, b = np.searchsorted(self.times, [start + slack, stop + slack], side="right")
        return replace(self, times=self.times[a:b], ids=self.ids[a:b], t_start=start, t_stop=stop)

    def __repr__(self) -> str:
        return f"<Spikes of {self.name}: {len(self):,} of {len(self.recorded_ids):,} neurons in ({self.t_start:g}, {self.t_stop:g}] ms>"


class Lazy(Mapping[str, T], Generic[T]):
    """Named things that are read when they are asked for, once."""

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
            if name not in self._names:
                self._refuse(name)
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _refuse(self, name: str) -> NoReturn:
        if name in self._unreadable:
            raise self._unreadable[name]
        hint = did_you_mean(str(name), self._names) or "nothing of the kind was recorded"
        raise DataError(self._where, self._missing.format(name=name), hint)

    def get(self, name: str, default: Any = None) -> Any:
        """What is called `name`, else `default`."""
        return self[name] if name in self._names else default

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_loaded": {}}  # it can be read again

    def __repr__(self) -> str:
        return f"<{', '.join(self._names) or 'none'}>"

    def clear(self) -> None:
        """Forget what was read."""
        self._loaded.clear()


class Traces(Lazy[np.ndarray]):
    """Traces of one population: ``traces["V_m"]`` has shape (n_samples, n_neurons)."""

    def __init__(self, source: Source, population: str, start: float, where: str) -> None:
        variables = [v for p, v in source.manifest.keys if p == population]
        super().__init__(variables, self._read, f"{where}.traces[{population!r}]", "there is no {name!r}")
        self._source, self._population, self._start = source, population, start

    def _read(self, variable: str) -> np.ndarray:
        return self._source.trace((self._population, variable))

    def _entry(self, variable: str) -> dict[str, Any]:
        if variable not in self:
            self._refuse(variable)
        return self._source.manifest.trace(self._population, variable)

    def times_of(self, variable: str) -> np.ndarray:
        """Times of the samples of `variable`: ms, (n_samples,)."""
        dt = self._source.manifest.dt
        first, every = first_sample(self._entry(variable), round(self._start / dt), dt)
        n = self._source.shape((self._population, variable))[0]
        return times(first + every * np.arange(n), dt)

    def ids_of(self, variable: str) -> np.ndarray:
        """The neuron of each column of `variable`, int64; empty for "rate"."""
        self._entry(variable)
        return trace_ids(self._source.manifest, (self._population, variable))

    def sources_of(self, variable: str) -> np.ndarray:
        """The source neuron of each column of recorded weights, int64; `ids_of` names the targets."""
        return np.asarray(self._entry(variable).get("sources", []), dtype=np.int64)

    def unit_of(self, variable: str) -> str:
        """Unit of `variable`."""
        return str(self._entry(variable)["unit"])

    @property
    def times(self) -> np.ndarray:
        """Times of the samples (ms), if they are the same for all variables."""
        return self._common(self.times_of, "times_of")

    @property
    def ids(self) -> np.ndarray:
        """The neuron of each column, if they are the same for all variables."""
        return self._common(self.ids_of, "ids_of", [v for v in self if v != "rate"])

    def _common(self, of: Callable[[str], np.ndarray], call: str, variables: Sequence[str] = ()) -> np.ndarray:
        first, *others = [of(v) for v in variables or self]
        if any(not np.array_equal(first, other) for other in others):
            raise DataError(self._where, f"{', '.join(self)} were recorded differently", f"ask for each: {call}({next(iter(self))!r})")
        return first


class Result:
    """What a run recorded. Data are read when they are asked for.

    It can be pickled and copied, for workers in other processes: one in memory with its data, one in a file (or a log) as the path,
    which is read there when data are asked for, with an error if the file was replaced or removed meanwhile.

    Attributes
    ----------
    spikes : population -> `Spikes`.
    traces : population -> `Traces`, which is variable -> array (n_samples, n_neurons).
    positions : population -> where its nodes lie, (n, dimensions), mm.
    info : everything known of the run: model text, parameters, settings, versions, timings, …
    path : the file, None for a result in memory.
    note : what to know when looking at it: that the run goes on, or that a newer run is unfinished; "" if nothing.
    """

    def __init__(self, source: Source, path: Path | None = None, note: str = "") -> None:
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

    @classmethod
    def of(cls, recorded: Recorded) -> Result:
        """A result made of chunks."""
        note = f"the run goes on: {recorded.writer}" if recorded.writer else ""
        return cls(_Chunks(recorded), recorded.path, note)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "path": self.path and Path(self.path).absolute()}  # whoever gets it may be in another folder

    def _traces(self, population: str) -> Traces:
        return Traces(self._source, population, self.t_start, str(self.path) if self.path else "result")

    def _spikes(self, name: str) -> Spikes:
        manifest = self._source.manifest
        entry, n = manifest.spikes[name], int(manifest.populations[name]["n"])
        at, ids = self._source.spikes(name)
        start, stop = clip(entry, self.t_start, self.t_stop)
        return Spikes(at, ids, n, start, stop, ids_of(entry["ids"], n), self.dt, name)

    @property
    def file(self) -> File | None:
        """The HDF5 file that the data are read from; None for a result in memory or in the log of a run."""
        return self._source if isinstance(self._source, File) else None

    @property
    def unreadable(self) -> Mapping[str, DataError]:
        """Populations of another tool's file that cannot be read, and why."""
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
        """Seed of the random numbers."""
        return int(self._source.manifest.seed)

    @property
    def t_start(self) -> float:
        """Where the run began (ms)."""
        return float(self.info["t_start"])

    @property
    def t_stop(self) -> float:
        """Where the run ended (ms)."""
        return float(self.info["t_stop"])

    @property
    def duration(self) -> float:
        """t_stop - t_start (ms)."""
        return float(self.info["duration"])

    @property
    def complete(self) -> bool:
        """Whether the run came to its end."""
        return bool(self.info["complete"])

    def verify(self) -> int:
        """Compare every byte of the file with its checksums; the number of checked datasets (0 for what is no HDF5 file).

        Raises
        ------
        DataError : something was damaged or changed after it was written.
        """
        if self.file is not None:
            return self.file.verify()
        ignored = self.info.get("ignored")
        if ignored:
            raise DataError(str(self.path), f"is damaged: {ignored}", "what comes before can be read")
        return 0

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write everything to an HDF5 file; the path.

        Raises
        ------
        OutputError : it exists already or cannot be written. RunError : the disk is full.
        """
        path = check_output(path, overwrite)
        make_folder(path)
        self._source.save(path)
        return path

    def close(self) -> None:
        """Forget what was read; the file is open only while it is read."""
        self.spikes.clear()
        self.traces.clear()
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
        return f"; {', '.join(parts)}" if parts else ""


def open(path: str | Path, n_nodes: NodeCount = None) -> Result:
    """Open results: an HDF5 file of lifsim, SONATA spikes of another tool, or an unfinished run.

    `path` is OUT.h5, or OUT.h5.log; asked for OUT.h5 while only the log exists, the log is opened. A population of another tool's
    file that cannot be read is left out with a warning; asking for it raises what is wrong with it.

    Parameters
    ----------
    n_nodes : how many neurons another tool's spikes are of (a number for all populations, or {population: number}), which such
        files seldom say; else as many as the largest id asks for, and a warning if the ids do not begin with 0.

    Raises
    ------
    DataError : the file is missing, damaged, of another kind, of a newer format, or would read from
        other files; `n_nodes` does not fit it.
    """
    result = opened(path, n_nodes)
    if result.file is not None and result.file.survey is not None:
        from lifsim.foreign import warnings_of

        for text in warnings_of(result.file.survey, path):
            warnings.warn(text, stacklevel=2)
    return result


def opened(path: str | Path, n_nodes: NodeCount = None) -> Result:
    """The results that `open` opens, without warnings."""
    path = expanded(path, "file of results", DataError)
    try:
        path = _existing(path)
    except (OSError, ValueError) as error:  # a name that cannot be
        said = getattr(error, "strerror", None) or str(error)
        raise DataError(shortened(str(path)), f"cannot be read ({said})") from None
    if path.suffix.lower() == ".toml":
        raise DataError(str(path), "is a model, not a result", f"run it first: lifsim run {path}")
    if path.suffix == ".log":
        refuse_counts(path, n_nodes)
        return Result.of(read_log(path)[0])
    file = File(path, n_nodes)
    return Result(file, path, _newer_run(path, file.info))


def _newer_run(path: Path, info: Mapping[str, Any]) -> str:
    """What to say of an unfinished run that will replace the result at `path`, or go on from it; "" if there is none."""
    log = log_path(path)
    if not log.exists():
        return ""
    try:
        recorded, _ = read_log(log)
    except DataError:
        return ""
    if recorded.manifest.run == info.get("run") and recorded.summary is not None:
        return ""
    state = f"is being written by {recorded.writer}" if recorded.writer else "is unfinished"
    done = f"{recorded.totals.end * recorded.manifest.dt:g} ms"
    return f"a newer run, of which {done} are done, {state}: lifsim info {log}"


def _existing(path: Path) -> Path:
    """The file that holds the results asked for: `path`, or the log of an unfinished run."""
    if not path.exists() and log_path(path).exists():
        return log_path(path)
    if not path.exists():
        known = sorted(p.name for p in path.parent.glob("*.h5")) if path.parent.is_dir() else []
        hint = did_you_mean(path.name, known)
        raise DataError(str(path), "does not exist", hint if hint.startswith("did you mean") else "a file of results, such as x.h5")
    kind = kind_of(path.stat().st_mode)
    if kind:
        raise DataError(str(path), f"is {kind}", "a file of results")
    return path
