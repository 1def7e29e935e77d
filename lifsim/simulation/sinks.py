"""Sinks: where a run stores recorded data, in memory or in a log that becomes an HDF5 file at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from lifsim.common.jsonable import plain
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk, Recorded, Totals
from lifsim.results.result import Result

Summary = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # the summary of a run at its end, or a function that returns it


def summary_dict(summary: Summary) -> dict[str, Any]:
    """The current summary in a form for JSON. (A function is called again when all data are on the disk.)"""
    return dict(plain(summary() if callable(summary) else summary))


class Sink(Protocol):
    """The destination of the recorded data of a run."""

    manifest: Manifest
    indescribable: str  # why no file can describe the network, "" if one can
    holds_past: bool  # whether it includes the data that a restored simulation recorded before

    @property
    def path(self) -> Path | None:
        """The results file, None if there is none."""

    def begin_run(self, until: int, changes: int, callback: dict[str, int] | None = None) -> None:
        """Note the start of a call of `Simulation.run`."""

    def describe(self, manifest: Manifest) -> None:
        """Replace the manifest by a more complete one."""

    def write(self, chunk: Chunk) -> None:
        """Store a chunk, which begins where the last one ended."""

    def chunks_since(self, mark: int) -> tuple[list[Chunk], int]:
        """The chunks after the place `mark` (0: the beginning), and the place after the last one."""

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More chunks and another `finish` may follow."""

    def sync(self) -> None:
        """Flush all chunks to the disk, so that they survive a power failure (before a checkpoint)."""

    def kept(self) -> list[bytes]:
        """The recorded chunks that a checkpoint must include."""

    def close(self) -> None:
        """Release files and locks. Unfinished data are kept, so that the run can be resumed."""


class MemorySink:
    """Keeps the recorded data in memory."""

    path: Path | None = None
    indescribable = ""
    holds_past = True

    def __init__(self, manifest: Manifest, chunks: Iterable[Chunk] = ()) -> None:
        self.manifest = manifest
        self._chunks: list[Chunk] = []
        self._totals = Totals()
        for chunk in chunks:
            self.write(chunk)

    def describe(self, manifest: Manifest) -> None:
        """Replace the manifest by a more complete one."""
        self.manifest = manifest

    def begin_run(self, until: int, changes: int, callback: dict[str, int] | None = None) -> None:
        """Do nothing: a run in memory cannot be resumed."""

    def write(self, chunk: Chunk) -> None:
        """Store a chunk, which begins where the last one ended."""
        self._totals.add(chunk)
        self._chunks.append(chunk)

    def chunks_since(self, mark: int) -> tuple[list[Chunk], int]:
        """The chunks from number `mark` on, and the number of all chunks."""
        return self._chunks[mark:], len(self._chunks)

    def begin_again(self, manifest: Manifest) -> None:
        """Discard all chunks; `manifest` describes those that follow."""
        self.manifest, self._chunks, self._totals = manifest, [], Totals()

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More chunks and another `finish` may follow."""
        return Result.of(Recorded(self.manifest, tuple(self._chunks), self._totals.copy(), summary_dict(summary)))

    def sync(self) -> None:
        """Do nothing: there is no file."""

    def kept(self) -> list[bytes]:
        """All chunks, for a checkpoint."""
        return [chunk.to_bytes() for chunk in self._chunks]

    def close(self) -> None:
        """Do nothing: there is no file."""
