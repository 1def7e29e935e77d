"""What a run records: chunks of spikes and traces, and the sinks that keep them.

The simulation writes one `Chunk` a slice into a sink. `MemorySink` keeps the chunks; `FileSink` logs
them (`lifsim.runlog`) and turns the log into one HDF5 file at the end. Both answer with a
`lifsim.results.Result`.
"""

from __future__ import annotations

import json
import math
import os
import stat
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lifsim.errors import DataError, LifsimError, OutputError
from lifsim.expressions import shortened
from lifsim.grid import steps, times
from lifsim.runlog import CHUNK, HEADER_SIZE, MANIFEST, SUMMARY, LogWriter, frames, log_path, why_ended

if TYPE_CHECKING:
    from types import TracebackType

    from lifsim.results import Result

FORMAT_VERSION = "1.0"  # readers accept any minor version of a major one

Key = tuple[str, str]
Summary = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # what a run says at its end; called again when all else is on disk


# -- what is recorded -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chunk:
    """What one slice of a run, the steps `start` < step <= `stop`, recorded.

    spikes : population -> (steps, ids), int64 arrays of equal length, sorted by step, then id; or (steps, ids, offsets), a
        spike having been exactly `offset` ms before the end of its step, sorted by time, then id.
    traces : (population, variable) -> float64 array (n_samples, n_neurons).
    """

    start: int
    stop: int
    spikes: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    traces: Mapping[Key, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """A JSON header (what follows), then traces as f8, spikes as u32 (steps after `start`, ids) and, if exact, f8 (offsets)."""
        traces = {key: np.ascontiguousarray(rows, "<f8") for key, rows in self.traces.items() if rows.size}
        spikes = {name: pair for name, pair in self.spikes.items() if len(pair[0])}
        header = {
            "start": int(self.start),
            "stop": int(self.stop),
            "traces": [[*key, *rows.shape] for key, rows in traces.items()],
            "spikes": [[name, len(pair[0])] for name, pair in spikes.items()],
        }
        exact = [name for name, columns in spikes.items() if len(columns) == 3]
        header |= {"exact": exact} if exact else {}
        text = json.dumps(header).encode()
        text += b" " * (-(len(text) + 4) % 8)  # the arrays begin on a multiple of 8 bytes
        parts = [struct.pack("<I", len(text)), text, *(rows.tobytes() for rows in traces.values())]
        for at, ids, *offset in spikes.values():
            parts += [(np.asarray(at) - self.start).astype("<u4").tobytes(), np.asarray(ids).astype("<u4").tobytes()]
            parts += [np.asarray(x).astype("<f8").tobytes() for x in offset]
        return b"".join(parts)

    @classmethod
    def from_bytes(cls, payload: bytes) -> Chunk:
        """The chunk that `to_bytes` wrote (ValueError if it is none)."""
        (length,) = struct.unpack_from("<I", payload)
        header = json.loads(payload[4 : 4 + length])
        at = 4 + length

        def take(dtype: str, count: int) -> np.ndarray:
            nonlocal at
            values = np.frombuffer(payload, dtype, count, at)
            at += values.nbytes
            return values

        start = header["start"]
        traces = {(p, v): take("<f8", n * m).reshape(n, m) for p, v, n, m in header["traces"]}
        spikes: dict[str, tuple[np.ndarray, ...]] = {}
        for p, n in header["spikes"]:
            spikes[p] = take("<u4", n) + np.int64(start), take("<u4", n).astype(np.int64)
            if p in header.get("exact", ()):
                spikes[p] += (take("<f8", n),)
        return cls(start, header["stop"], spikes, traces)

    def spike_times(self, name: str, dt: float) -> np.ndarray:
        """Times (ms) of the spikes of a population."""
        step, _, *offset = self.spikes[name]
        return times(step, dt) - offset[0] if offset else times(step, dt)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a run is and what it records; the first thing in its log, and part of every result.

    populations : name -> {"n": nodes, "model": name}, in the model's order.
    spikes : population -> {"ids": "all" or a list, "start": ms, "stop": ms}.
    traces : a list of {"population", "variable", "unit", "interval", "start", "stop", "ids"}; the
        first sample is at start + interval (ms). "rate" of a population has one column and ids []. Weights have
        a column a synapse, its target in "ids" and its source in "sources".
    positions : population -> where its nodes lie, (n, dimensions), mm; in a file of results a dataset of its own.

    An endless `stop` is inf or None.
    """

    dt: float
    populations: dict[str, dict[str, Any]]
    spikes: dict[str, dict[str, Any]] = field(default_factory=dict)
    traces: list[dict[str, Any]] = field(default_factory=list)
    name: str = "network"
    description: str = ""
    reference: str = ""
    seed: int = 1
    model_text: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    host: str = ""
    started: str = ""
    format_version: str = FORMAT_VERSION
    positions: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """JSON text; infinite and undefined numbers become strings ("inf"), as JSON has none."""
        return json.dumps(plain(asdict(self)))

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest of `to_json`; entries of later minor versions are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})

    def trace(self, population: str, variable: str) -> dict[str, Any]:
        """The entry of one trace (KeyError if it is not recorded)."""
        for entry in self.traces:
            if (entry["population"], entry["variable"]) == (population, variable):
                return entry
        raise KeyError((population, variable))

    @property
    def keys(self) -> list[Key]:
        """(population, variable) of each trace, in the order of the recordings."""
        return [(entry["population"], entry["variable"]) for entry in self.traces]

    def columns(self, key: Key) -> int:
        """Number of columns of a trace."""
        return 1 if key[1] == "rate" else len(ids_of(self.trace(*key)["ids"], self.populations[key[0]]["n"]))


def ids_of(ids: Any, n: int) -> np.ndarray:
    """The ids that a manifest writes as "all" or a list: int64."""
    return np.arange(n, dtype=np.int64) if isinstance(ids, str) else np.asarray(ids, dtype=np.int64)


def ms(time: Any) -> float:
    """A time of a manifest as a number of ms; None is endless."""
    return math.inf if time is None else float(time)


def plain(value: Any) -> Any:
    """`value` with nothing in it that JSON cannot say."""
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and np.isfinite(value).all():
        return value.tolist()
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(entry) for entry in (value.tolist() if isinstance(value, np.ndarray) else value)]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


# -- all that a run recorded ------------------------------------------------------------------------


@dataclass
class Totals:
    """Extent of what was recorded: steps, spikes a population, samples a trace."""

    start: int = 0
    stop: int | None = None
    spikes: dict[str, int] = field(default_factory=dict)
    samples: dict[Key, int] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Count one more chunk, which must begin where the last one ended (ValueError)."""
        if self.stop is None:
            self.start = chunk.start
        elif chunk.start != self.stop:
            raise ValueError(f"a chunk from step {chunk.start} follows one up to step {self.stop}")
        self.stop = chunk.stop
        for name, columns in chunk.spikes.items():
            self.spikes[name] = self.spikes.get(name, 0) + len(columns[0])
        for key, rows in chunk.traces.items():
            self.samples[key] = self.samples.get(key, 0) + len(rows)

    @property
    def end(self) -> int:
        """The last step (`start` before the first chunk)."""
        return self.start if self.stop is None else self.stop

    def copy(self) -> Totals:
        """A copy that later chunks leave alone."""
        return Totals(self.start, self.stop, dict(self.spikes), dict(self.samples))


@dataclass(frozen=True)
class Recorded:
    """A manifest and its chunks, which can be gone through any number of times, one in memory at a time.

    summary : what the run said at its end; None if it did not come to its end.
    ignored : bytes of a damaged or torn end of the log that are not part of this.
    reason : why they are not.
    """

    manifest: Manifest
    chunks: Iterable[Chunk]
    totals: Totals
    summary: dict[str, Any] | None = None
    ignored: int = 0
    path: Path | None = None
    reason: str = ""


@dataclass(frozen=True)
class LoggedChunks:
    """The chunks in the first `end` bytes of a log."""

    path: Path
    end: int

    def __iter__(self) -> Iterator[Chunk]:
        for frame in frames(self.path, self.end):
            if frame.kind == CHUNK:
                yield _decoded(self.path, frame.payload)


def _decoded(path: Path, payload: bytes) -> Chunk:
    try:
        return Chunk.from_bytes(payload)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise DataError(str(path), f"holds a frame that cannot be read ({error})") from None


def read_log(path: Path, until: int | None = None) -> tuple[Recorded, int]:
    """All that a log holds (up to step `until`), and the number of its bytes that are good.

    Raises
    ------
    DataError : not a log, or one that ends before its manifest.
    """
    manifest, summary, totals, end = None, None, Totals(), 0
    for frame in frames(path):
        if frame.kind == MANIFEST:
            manifest = Manifest.from_json(frame.payload.decode())
        elif frame.kind == SUMMARY:
            summary = json.loads(frame.payload)
        else:
            chunk = _decoded(path, frame.payload)
            if until is not None and chunk.stop > until:
                break
            totals.add(chunk)
            summary = None  # the run went on after what it had said
        end = frame.end
    reason = why_ended(path, end or HEADER_SIZE)
    if manifest is None:
        if reason.startswith("damaged"):
            raise DataError(str(path), f"is {reason}", "what comes after it cannot be read")
        raise DataError(str(path), "holds nothing: the run was stopped before it began")
    size = path.stat().st_size
    return Recorded(manifest, LoggedChunks(path, end), totals, summary, size - end, path, reason), end


def said(summary: Summary) -> dict[str, Any]:
    """What a run says at its end, as of now, ready for JSON."""
    return dict(plain(summary() if callable(summary) else summary))


# -- sinks ------------------------------------------------------------------------------------------


class Sink(Protocol):
    """Where a run writes what it records."""

    def describe(self, manifest: Manifest) -> None:
        """Know more of the run than when it began."""

    def write(self, chunk: Chunk) -> None:
        """Take one more chunk; it begins where the last one ended."""

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More may follow, and then another `finish`."""

    def close(self) -> None:
        """Give up files and locks. What was not finished stays where it is, to be resumed."""


class MemorySink:
    """Keeps what is recorded in memory."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self._chunks: list[Chunk] = []
        self._totals = Totals()

    def describe(self, manifest: Manifest) -> None:
        """Know more of the run than when it began."""
        self.manifest = manifest

    def write(self, chunk: Chunk) -> None:
        """Take one more chunk; it begins where the last one ended."""
        self._totals.add(chunk)
        self._chunks.append(chunk)

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More may follow, and then another `finish`."""
        from lifsim.results import Result

        return Result.of(Recorded(self.manifest, tuple(self._chunks), self._totals.copy(), said(summary)))

    def close(self) -> None:
        """Nothing to give up."""


class FileSink:
    """Logs what is recorded to `path`.log; `finish` makes `path` of it, `close` then drops the log.

    Parameters
    ----------
    manifest : what is going to be recorded.
    path : the HDF5 file to make. Its folder is created if only the last level is missing.
    overwrite : replace an existing file or an unfinished run.

    Raises
    ------
    OutputError : the place cannot be used.
    """

    def __init__(self, manifest: Manifest, path: str | Path, overwrite: bool = False) -> None:
        from lifsim import results  # noqa: F401 (loads HDF5 now, while nobody counts the seconds of the run)

        self.path = check_output(path, overwrite)
        self.manifest = manifest
        self._totals = Totals()
        self._finished = False
        make_folder(self.path)
        self._log = LogWriter(log_path(self.path), overwrite)
        self.path.unlink(missing_ok=True)  # an old result must not be taken for this run's
        self._log.append(MANIFEST, manifest.to_json().encode())
        self._log.sync()

    @classmethod
    def resume(cls, path: str | Path, step: int) -> FileSink:
        """Go on with the log of an interrupted run from `step`; what it holds after that is cut off.

        Raises
        ------
        DataError : there is no such log, or it does not reach `step`.
        OutputError : another run is writing it.
        """
        sink = cls.__new__(cls)
        sink.path, sink._finished = Path(path), False
        log = log_path(path)
        if not log.exists():
            raise DataError(str(log), "does not exist", "only a run that was interrupted can be resumed")
        recorded, end = read_log(log, until=step)
        if recorded.totals.stop is not None and recorded.totals.stop != step:
            raise DataError(str(log), f"ends at step {recorded.totals.stop}", f"needed: step {step}")
        sink.manifest, sink._totals = recorded.manifest, recorded.totals
        sink._log = LogWriter.reopen(log, end)
        return sink

    def describe(self, manifest: Manifest) -> None:
        """Know more of the run than when it began: readers of the log take the last manifest in it."""
        self.manifest = manifest
        self._log.append(MANIFEST, manifest.to_json().encode())

    def write(self, chunk: Chunk) -> None:
        """Append one more chunk; it begins where the last one ended.

        Raises
        ------
        RunError : the disk is full or failing. What was written before is kept.
        """
        self._totals.add(chunk)
        self._log.append(CHUNK, chunk.to_bytes())
        self._finished = False

    def sync(self) -> None:
        """Return when all chunks so far would survive a power failure (before a checkpoint)."""
        self._log.sync()

    def finish(self, summary: Summary) -> Result:
        """Make `path` of all chunks so far, and open it. More may follow, and then another `finish`.

        Raises
        ------
        RunError : the disk is full or failing. The log keeps everything.
        """
        from lifsim import resultfile, results

        now = said(summary)
        self._log.append(SUMMARY, json.dumps(now).encode())
        chunks = LoggedChunks(self._log.path, self._log.end)
        resultfile.write(Recorded(self.manifest, chunks, self._totals, now), self.path, lambda: said(summary))
        self._finished = True
        return results.open(self.path)

    def close(self) -> None:
        """Close the log; drop it if nothing was recorded or all of it is in `path`, else leave it to be resumed."""
        self._log.close(remove=self._finished or self._totals.stop is None)

    def __enter__(self) -> FileSink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def check_output(path: str | Path, overwrite: bool = False) -> Path:
    """`path`, a leading ~ expanded, if a run may write its results there. Creates and removes nothing.

    Raises
    ------
    OutputError : it exists already, is no file, its name cannot be used, or its folder is missing.
    """
    path = expanded(path, "out", OutputError)
    log = log_path(path)
    if _status(path, is_dir=True):
        raise OutputError(str(path), "is a folder", "give the name of a file, such as run.h5")
    if _status(path) and not overwrite:
        raise OutputError(str(path), "exists already", "choose another name, or replace it with --overwrite (overwrite=True)")
    if _status(log) and not overwrite:
        ways = "read it with `lifsim info`, or start anew with --overwrite (overwrite=True)"
        raise OutputError(str(path), f"{log.name} is left of a run that goes on or was interrupted", ways)
    _status(path.with_name(f".{path.name}.{2**22}.tmp"))  # the longest name that will be needed
    _check_folder(path.parent)
    return path


def expanded(path: Any, place: str, error: type[LifsimError]) -> Path:
    """`path` as a Path, a leading ~ expanded; `error` at `place` if it is none."""
    if not isinstance(path, (str, Path)):
        raise error(place, f"{shortened(repr(path))}", "the path of a file")
    if not str(path).strip() or Path(path) == Path():
        raise error(place, f"{str(path)!r}", "the path of a file")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no such user
        return Path(path)


def make_folder(path: Path) -> None:
    """Create the folder of `path` if only its last level is missing (OutputError if it cannot be)."""
    _check_folder(path.parent)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(str(path.parent), f"cannot be created ({error.strerror})") from None


def _check_folder(folder: Path) -> None:
    """Refuse a folder that is none, or of which more than the last level is missing."""
    if _status(folder, is_dir=True):
        return
    if _status(folder):
        raise OutputError(str(folder), "is not a folder")
    above = Path(os.path.abspath(folder)).parent
    if not above.is_dir() or above == above.parent:  # nobody means to have a new folder at the root
        raise OutputError(shortened(str(folder)), "does not exist", "create it first")


def _status(path: Path, is_dir: bool = False) -> bool:
    """Whether `path` exists (and is a folder); OutputError if the system knows that it never can."""
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return False
    except NotADirectoryError:
        raise OutputError(shortened(str(path.parent)), "is not a folder") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise OutputError(shortened(str(path)), f"cannot be written ({said})", "another name") from None
    return stat.S_ISDIR(mode) or not is_dir


def first_sample(entry: Mapping[str, Any], start: int, dt: float) -> tuple[int, int]:
    """(first, interval) in steps: where the first sample of a trace lies in a run that begins after step `start`."""
    every, begin = steps(entry["interval"], dt), steps(entry["start"], dt)
    return begin + every * (max(0, start - begin) // every + 1), every
