"""Recorded data of a run: chunks of spikes and traces, with the manifest of the run.

The simulation passes one `Chunk` per slice to a sink (`lifsim.simulation.sinks`), which keeps the chunks in memory or writes them to
the log.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.timegrid import times
from lifsim.results.log_reading import CHUNK, CUT_SHORT, HEADER_SIZE, MANIFEST, RUN, START, SUMMARY, frames, is_written, owner, why_ended
from lifsim.results.manifest import Key, Manifest


@dataclass(frozen=True)
class Chunk:
    """Data recorded in one slice of a run, the steps `start` < step <= `stop`.

    spikes : population -> (steps after `start`, ids), integer arrays of equal length, sorted by step, then id; with exact spike
        times (steps, ids, offsets), where a spike occurred `offset` ms before the end of its step, sorted by time, then id.
    traces : (population, variable) -> float64 array (n_samples, n_neurons).
    """

    start: int
    stop: int
    spikes: Mapping[str, tuple[np.ndarray, ...]] = field(default_factory=dict)
    traces: Mapping[Key, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The chunk as bytes, in the format of `parts`."""
        return b"".join(self.parts())

    def parts(self) -> list[Any]:
        """A JSON header that lists the arrays, then traces as f8, spikes as u32 (steps, ids) and, if exact, f8 (offsets)."""
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
        parts = [struct.pack("<I", len(text)), text, *traces.values()]
        for columns in spikes.values():
            parts += [np.ascontiguousarray(x, form) for x, form in zip(columns, ("<u4", "<u4", "<f8"), strict=False)]
        return parts

    @classmethod
    def from_bytes(cls, payload: bytes) -> Chunk:
        """The chunk from the bytes of `to_bytes` (ValueError if they are not a chunk)."""
        (length,) = struct.unpack_from("<I", payload)
        header = json.loads(payload[4 : 4 + length])
        at = 4 + length

        def take(dtype: str, count: int) -> np.ndarray:
            nonlocal at
            values = np.frombuffer(payload, dtype, count, at)
            at += values.nbytes
            return values

        traces = {(p, v): take("<f8", n * m).reshape(n, m) for p, v, n, m in header["traces"]}
        spikes: dict[str, tuple[np.ndarray, ...]] = {}
        for p, n in header["spikes"]:
            spikes[p] = take("<u4", n), take("<u4", n)
            if p in header.get("exact", ()):
                spikes[p] += (take("<f8", n),)
        return cls(header["start"], header["stop"], spikes, traces)

    def spike_times(self, name: str, dt: float, these: slice = slice(None), out: np.ndarray | None = None) -> np.ndarray:
        """Times (ms) of the spikes of a population, or of `these`; written to `out` if given."""
        step, _, *offset = self.spikes[name]
        at = times(step[these], dt, self.start, out)
        return np.subtract(at, offset[0][these], out=at) if offset else at


@dataclass
class Totals:
    """Extent of the recorded data: steps, spikes per population, samples per trace."""

    start: int = 0
    stop: int | None = None
    spikes: dict[str, int] = field(default_factory=dict)
    samples: dict[Key, int] = field(default_factory=dict)

    def add(self, chunk: Chunk) -> None:
        """Add the counts of a chunk, which must begin where the last one ended (ValueError if not)."""
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
        """A copy that adding chunks does not change."""
        return Totals(self.start, self.stop, dict(self.spikes), dict(self.samples))


@dataclass(frozen=True)
class Recorded:
    """A manifest and its chunks, which can be iterated over repeatedly, with one chunk in memory at a time.

    summary : metadata from the end of the run; None if the run did not reach its end.
    ignored : number of bytes at the end of the log that are left out because they are damaged or incomplete.
    reason : why these bytes are left out.
    writer : the process that is writing the log; "" if none is.
    start : how to start the run again (`lifsim.checkpoint.first_step`); None if the log does not contain it.
    until : the step at which the run was to end; None if the log does not contain it.
    changes : number of changes by `Simulation.set` before the last call of `Simulation.run` began.
    callback : the interval between the calls of a function by that run ("every") and the step from which it is counted ("first"), in
        steps; None if it called none.
    """

    manifest: Manifest
    chunks: Iterable[Chunk]
    totals: Totals
    summary: dict[str, Any] | None = None
    ignored: int = 0
    path: Path | None = None
    reason: str = ""
    writer: str = ""
    start: dict[str, Any] | None = None
    until: int | None = None
    changes: int = 0
    callback: dict[str, int] | None = None


@dataclass(frozen=True)
class LoggedChunks:
    """The chunks in the first `end` bytes of a log."""

    path: Path
    end: int

    def __reduce__(self) -> Any:
        return LoggedChunks, (self.path.absolute(), self.end)  # another process may have another working directory

    def __iter__(self) -> Iterator[Chunk]:
        for frame in frames(self.path, self.end):
            if frame.kind == CHUNK:
                yield decoded(self.path, frame.payload)


def decoded(path: Path, payload: bytes) -> Chunk:
    """The chunk in the `payload` of a frame; `path` is its file, for the DataError if it cannot be read."""
    try:
        return Chunk.from_bytes(payload)
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise DataError(str(path), f"holds recorded data that cannot be read ({error})") from None


def read_log(path: Path, until: int | None = None) -> tuple[Recorded, int]:
    """Read a log, up to step `until` if given.

    Returns
    -------
    The recorded data, and the number of valid bytes of the log.

    Raises
    ------
    DataError : the file is not a log, or ends before its manifest.
    """
    known: dict[int, Any] = {}  # the last frame of each kind with a JSON payload
    totals, end = Totals(), 0
    size = path.stat().st_size if path.exists() else 0  # a run in progress may append more
    for frame in frames(path, size):
        if frame.kind in (MANIFEST, START, RUN, SUMMARY):
            known[frame.kind] = frame.payload
        elif frame.kind == CHUNK:
            chunk = decoded(path, frame.payload)
            if until is not None and chunk.stop > until:
                break
            totals.add(chunk)
            known.pop(SUMMARY, None)  # the run continued after its summary
        end = frame.end
    reason = why_ended(path, end or HEADER_SIZE, size)
    if MANIFEST not in known:
        if reason.startswith("damaged"):
            raise DataError(str(path), f"is {reason}", "the data after this byte cannot be read")
        raise DataError(str(path), "is empty: the run was stopped before its first step")
    writer = owner(path) if is_written(path) else ""
    if writer and reason == CUT_SHORT:  # the frame is still being written
        size, reason = end, ""
    start, run, summary = (json.loads(known[kind]) if kind in known else None for kind in (START, RUN, SUMMARY))
    recorded = Recorded(
        Manifest.from_json(known[MANIFEST].decode()),
        LoggedChunks(path, end),
        totals,
        summary,
        ignored=size - end,
        path=path,
        reason=reason,
        writer=writer,
        start=start,
        until=(run or start or {}).get("until"),
        changes=(run or {}).get("changes", 0),
        callback=(run or {}).get("callback"),
    )
    return recorded, end
