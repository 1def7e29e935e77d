"""Where a run puts what it records: in memory, or in a log that becomes an HDF5 file at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lifsim import disk, runlog
from lifsim.errors import DataError, ModelError, OutputError
from lifsim.outputs import check_output, make_folder
from lifsim.recording import Chunk, LoggedChunks, Manifest, Recorded, Totals, plain, read_log
from lifsim.runfiles import RunFiles
from lifsim.runlog import CHUNK, HEADER_SIZE, MANIFEST, RUN, SUMMARY, LogWriter, log_path

if TYPE_CHECKING:
    from types import TracebackType

    from lifsim.beginning import Beginning
    from lifsim.netimage import NetworkImage
    from lifsim.results import Result

Summary = Mapping[str, Any] | Callable[[], Mapping[str, Any]]  # of a run, at its end


def said(summary: Summary) -> dict[str, Any]:
    """The summary as of now, ready for JSON. (A function is called again when all data are on the disk.)"""
    return dict(plain(summary() if callable(summary) else summary))


class Sink(Protocol):
    """Where a run writes what it records; `path` is the file of results, None if there is none."""

    path: Path | None
    indescribable: str  # why no file can describe the network, "" if one can
    holds_past: bool  # whether what a restored simulation recorded before is there too

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

    path = None
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

    An earlier result at `path` stays until `finish` replaces it; an earlier unfinished run is set aside until then
    (`lifsim.runfiles`).

    Parameters
    ----------
    manifest : what is going to be recorded.
    path : the HDF5 file to make. Its folder is created if only the last level is missing.
    overwrite : replace an existing file or an unfinished run.
    image, beginning : the network, and how the run begins, for the log; without them the run cannot be begun again.

    Raises
    ------
    OutputError : the place cannot be used.
    """

    def __init__(
        self,
        manifest: Manifest,
        path: str | Path,
        overwrite: bool = False,
        *,
        image: NetworkImage | None = None,
        beginning: Beginning | None = None,
    ) -> None:
        from lifsim import results  # noqa: F401 (loads HDF5 now, while nobody counts the seconds of the run)
        from lifsim.beginning import Beginning

        self.files = RunFiles(check_output(path, overwrite).absolute())
        self.manifest = manifest
        self._totals = Totals()
        self._finished = self.holds_past = False
        self._aside: RunFiles | None = None
        self.image_bytes, self.indescribable = 0, ""
        make_folder(self.path)
        earlier = _earlier(self.files)
        self._replaces = list(earlier.replaces) if earlier else []
        try:
            self._log = LogWriter(disk.temporary_name(self.files.log))
            try:
                self._begin(image, beginning or Beginning(reason="its log does not hold the network"), earlier)
            except BaseException:
                self.close()
                raise
        finally:
            if earlier and earlier.lock:
                earlier.lock.close()

    def _begin(self, image: NetworkImage | None, beginning: Beginning, earlier: _Earlier | None) -> None:
        """Write the beginning of the log, and let it take its place when all of that is on the disk."""
        aside = self.files.free_name() if earlier and earlier.worth_keeping else None
        if aside:
            self._replaces.append(aside.out.name)
        self._log.append(MANIFEST, self.manifest.to_json().encode())
        if image:
            beginning = self._with_image(image, beginning)
        replace(beginning, replaces=tuple(self._replaces)).write(self._log)
        self._log.sync()
        try:
            if aside:
                self._aside = aside
                self.files.move_log(aside)
            self._log.publish(self.files.log, replace=earlier is not None and aside is None)
            if aside:  # last: the new run does not take checkpoints of another run for its own
                self.files.move_checkpoints(aside)
        except OSError as error:
            raise OutputError(str(self.path), f"cannot be replaced ({error.strerror})") from None
        disk.remove_abandoned(self.path)

    def _with_image(self, image: NetworkImage, beginning: Beginning) -> Beginning:
        from lifsim.beginning import write_image

        try:
            self.image_bytes, sha256 = write_image(self._log, image, self.path)
        except ModelError as error:
            self.indescribable = str(error)
            return replace(beginning, reason=f"no file can describe its network ({error})")
        return replace(beginning, sha256=sha256)

    @classmethod
    def resume(cls, path: str | Path, step: int, run: str | None = None) -> FileSink:
        """Go on with the log of an interrupted run from `step`; what it holds after that is cut off with the first new chunk.

        Parameters
        ----------
        path : the file of results that the run makes. step : that of the checkpoint. run : the name of the run, if known.

        Raises
        ------
        DataError : there is no such log, it is of another run, or it does not reach `step`.
        OutputError : another process is writing it.
        """
        return cls.going_on(lock_log(path), step, run)

    @classmethod
    def going_on(cls, log: LogWriter, step: int, run: str | None = None) -> FileSink:
        """`resume` with a log that this process has locked already; it is closed if that fails."""
        sink = cls.__new__(cls)
        try:
            sink.files = RunFiles(log.path.with_suffix("").absolute())
            recorded, end = read_log(log.path, until=step)
            if run is not None and recorded.manifest.run != run:
                raise DataError(str(log.path), "is the log of another run", "the checkpoint and the log of one run")
            if recorded.totals.end != step:
                raise DataError(str(log.path), f"ends at step {recorded.totals.end}", f"needed: step {step}")
            log.cut(end)
        except BaseException:
            log.close()
            raise
        sink._log, sink._finished, sink.holds_past, sink._aside = log, False, True, None
        sink.manifest, sink._totals = recorded.manifest, recorded.totals
        start = recorded.start or {}
        sink.image_bytes, sink.indescribable = 0, ""
        sink._replaces = list(start.get("replaces", ()))
        disk.remove_abandoned(sink.path)
        return sink

    @property
    def path(self) -> Path:
        """The file of results, absolute."""
        return self.files.out

    def kept(self) -> list[bytes]:
        """Nothing: the log is there."""
        return []

    def free(self) -> int:
        """Bytes that are left on the disk."""
        return disk.free(self.path.parent)

    def describe(self, manifest: Manifest) -> None:
        """Add to what is known of the run: readers of the log take the last manifest in it."""
        self.manifest = manifest
        self._log.append(MANIFEST, manifest.to_json().encode())

    def begin_run(self, until: int, changes: int) -> None:
        """Note that a call of `Simulation.run` begins, which ends at step `until`; `changes`: how often values were changed before."""
        self._log.append(RUN, json.dumps({"until": until, "changes": changes}).encode())

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

    def note_finished(self) -> None:
        """Let `close` remove the log, checkpoints and set-aside runs: `path` holds everything already."""
        self._finished = True

    def close(self) -> None:
        """Close the log. If all is in `path`, the log, checkpoints and set-aside runs are removed; if nothing was recorded, the log
        is removed and set-aside runs get their names back; else everything stays, to be resumed.
        """
        if self._log.closed:
            return
        if self._finished:
            with suppress(OSError):  # they do no harm
                self.files.drop_checkpoints()
                for name in self._replaces:
                    _remove_run(RunFiles(self.path.with_name(name)))
        begun = self.holds_past or self._totals.stop is not None
        if begun or self._aside is None:
            self._log.close(remove=self._finished or not begun)
            return
        self._log.close(remove=self._log.path != self.files.log)
        with suppress(OSError):
            self._aside.move_checkpoints(self.files)
            self._aside.move_log(self.files)

    def __enter__(self) -> FileSink:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


# -- earlier runs ----------------------------------------------------------------------------------


class _Earlier(NamedTuple):
    """An unfinished run in whose place a new one comes: its log is locked, so that nobody resumes it meanwhile.

    replaces : names of runs that it had set aside itself. worth_keeping : whether it recorded anything.
    """

    lock: LogWriter | None
    replaces: list[str]
    worth_keeping: bool


def _earlier(files: RunFiles) -> _Earlier | None:
    """The unfinished run that makes the same file, None if there is none (OutputError if it goes on, or the log is something else)."""
    take_back(files)
    saved = any(p.exists() for p in files.checkpoints)
    if not files.log.exists():
        return _Earlier(None, [], True) if saved else None
    lock = LogWriter.reopen(files.log)
    try:
        recorded, _ = read_log(files.log)
    except DataError as error:
        if lock.end >= HEADER_SIZE and not runlog.is_log(files.log):
            lock.close()
            raise OutputError(str(files.log), "is not the log of a run", "another name for the results") from None
        return _Earlier(lock, [], saved or "damaged" in str(error))
    return _Earlier(lock, list((recorded.start or {}).get("replaces", ())), saved or recorded.totals.stop is not None)


def lock_log(path: str | Path) -> LogWriter:
    """The log of the run that makes `path`, locked.

    Raises
    ------
    DataError : there is none. OutputError : another process is writing it.
    """
    log = log_path(path)
    if not log.exists():
        raise DataError(str(log), "does not exist", "only a run that was interrupted can be resumed")
    return LogWriter.reopen(log)


def take_back(files: RunFiles) -> None:
    """Give the run that was set aside last its name back, if the run in whose place it was set aside was killed before it had a log.

    It may have had an empty one: its name was claimed, and nothing came to it (see `lifsim.runlog`).
    """
    aside = files.last_aside()
    if aside is not None and not _has_log(files) and not runlog.is_written(aside.log):
        aside.move_checkpoints(files)
        aside.move_log(files)


def _has_log(files: RunFiles) -> bool:
    """Whether there is a log, or a process that is about to put one there."""
    try:
        return files.log.stat().st_size > 0 or runlog.is_written(files.log)
    except FileNotFoundError:
        return False


def _remove_run(files: RunFiles) -> None:
    """Remove what a set-aside run left, unless somebody is going on with it."""
    try:
        lock = lock_log(files.out)
    except (DataError, OutputError):
        return
    files.drop_checkpoints()
    lock.close(remove=True)
