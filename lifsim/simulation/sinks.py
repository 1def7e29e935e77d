"""Where a run puts what it records: in memory, or in a log that becomes an HDF5 file at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from lifsim.common.jsonable import plain
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk, Recorded, Totals
from lifsim.results.result import Result

Summary = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # of a run, at its end


def summary_dict(summary: Summary) -> dict[str, Any]:
    """The summary as of now, ready for JSON. (A function is called again when all data are on the disk.)"""
    return dict(plain(summary() if callable(summary) else summary))


class Sink(Protocol):
    """Where a run writes what it records."""

    manifest: Manifest
    indescribable: str  # why no file can describe the network, "" if one can
    holds_past: bool  # whether what a restored simulation recorded before is there too

    @property
    def path(self) -> Path | None:
        """The file of results, None if there is none."""

    def begin_run(self, until: int, changes: int) -> None:
        """Note that a call of `Simulation.run` begins."""

    def describe(self, manifest: Manifest) -> None:
        """Know more of the run than when it began."""

    def write(self, chunk: Chunk) -> None:
        """Take one more chunk; it begins where the last one ended."""

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More may follow, and then another `finish`."""

    def sync(self) -> None:
        """Return when all chunks so far would survive a power failure (before a checkpoint)."""

    def kept(self) -> list[bytes]:
        """What a checkpoint has to hold of what was recorded, as chunks."""

    def close(self) -> None:
        """Give up files and locks. What was not finished stays where it is, to be resumed."""


class MemorySink:
    """Keeps what is recorded in memory."""

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
        """Know more of the run than when it began."""
        self.manifest = manifest

    def begin_run(self, until: int, changes: int) -> None:
        """Nothing to note: what is in memory is not resumed."""

    def write(self, chunk: Chunk) -> None:
        """Take one more chunk; it begins where the last one ended."""
        self._totals.add(chunk)
        self._chunks.append(chunk)

    def finish(self, summary: Summary) -> Result:
        """The result of all chunks so far. More may follow, and then another `finish`."""
        return Result.of(Recorded(self.manifest, tuple(self._chunks), self._totals.copy(), summary_dict(summary)))

    def sync(self) -> None:
        """Nothing is on its way."""

    def kept(self) -> list[bytes]:
        """What a checkpoint has to hold of what was recorded."""
        return [chunk.to_bytes() for chunk in self._chunks]

    def close(self) -> None:
        """Nothing to give up."""
