"""Where a run puts what it records: in memory, or in a log that becomes an HDF5 file at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from lifsim import disk
from lifsim.errors import DataError, OutputError
from lifsim.outputs import check_output, make_folder
from lifsim.recording import Chunk, LoggedChunks, Manifest, Recorded, Totals, plain, read_log
from lifsim.runlog import CHUNK, MANIFEST, SUMMARY, LogWriter, log_path

if TYPE_CHECKING:
    from types import TracebackType

    from lifsim.results import Result

Summary = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # what a run says at its end; called again when all else is on disk


def said(summary: Summary) -> dict[str, Any]:
    """What a run says at its end, as of now, ready for JSON."""
    return dict(plain(summary() if callable(summary) else summary))


def checkpoint_path(path: str | Path) -> Path:
    """Where the run that makes `path` keeps its last checkpoint."""
    return Path(f"{path}.ckpt")


def previous_path(path: str | Path) -> Path:
    """Where it keeps the one before."""
    return Path(f"{path}.ckpt.prev")


class Sink(Protocol):
    """Where a run writes what it records; `path` is the file of results, None if there is none."""

    path: Path | None

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

    path = None

    def __init__(self, manifest: Manifest, chunks: Iterable[Chunk] = ()) -> None:
        self.manifest = manifest
        self._chunks: list[Chunk] = []
        self._totals = Totals()
        for chunk in chunks:
            self.write(chunk)

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

    def sync(self) -> None:
        """Nothing is on its way."""

    def kept(self) -> list[bytes]:
        """What a checkpoint has to hold of what was recorded."""
        return [chunk.to_bytes() for chunk in self._chunks]

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
        try:
            self._clear()
            self._log.append(MANIFEST, manifest.to_json().encode())
            self._log.sync()
        except BaseException:
            self._log.close(remove=True)
            raise

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
        if recorded.totals.end != step:
            raise DataError(str(log), f"ends at step {recorded.totals.end}", f"needed: step {step}")
        sink.manifest, sink._totals = recorded.manifest, recorded.totals
        sink._log = LogWriter.reopen(log, end, own=True)
        disk.remove_abandoned(sink.path)
        return sink

    def _clear(self) -> None:
        """Remove what is left of another run: it must not be taken for this one's."""
        try:
            for old in (self.path, *self._checkpoints()):
                old.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(str(self.path), f"cannot be replaced ({error.strerror})") from None
        disk.remove_abandoned(self.path)

    def _checkpoints(self) -> tuple[Path, Path]:
        return checkpoint_path(self.path), previous_path(self.path)

    def kept(self) -> list[bytes]:
        """Nothing: the log is there."""
        return []

    def free(self) -> int:
        """Bytes that are left on the disk."""
        return disk.free(self.path.parent)

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
        self._log.append(CHUNK, *chunk.parts())
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
        from lifsim import results, resultwriter

        now = said(summary)
        self._log.append(SUMMARY, json.dumps(now).encode())
        chunks = LoggedChunks(self._log.path, self._log.end)
        made = resultwriter.write(Recorded(self.manifest, chunks, self._totals, now), self.path, lambda: said(summary))
        self._finished = True
        return results.Result(made, self.path)

    def close(self) -> None:
        """Close the log; drop it, and checkpoints, if nothing was recorded or all is in `path`, else leave it to be resumed."""
        with suppress(OSError):  # they do no harm
            for old in self._checkpoints() if self._finished else ():
                old.unlink(missing_ok=True)
        begun = self._totals.stop is not None or any(p.exists() for p in self._checkpoints())
        self._log.close(remove=self._finished or not begun)

    def __enter__(self) -> FileSink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
