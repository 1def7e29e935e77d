"""Records a run to a log, from which the HDF5 results file is made at the end."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lifsim.checkpoint.first_step import Beginning, write_image
from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.common.errors import DataError, ModelError, OutputError
from lifsim.files import disk
from lifsim.files.outputs import check_output, make_folder
from lifsim.files.run_files import RunFiles
from lifsim.results import hdf5_writer
from lifsim.results.log import LogWriter
from lifsim.results.log_reading import CHUNK, MANIFEST, RUN, SUMMARY, frames
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk, LoggedChunks, Recorded, Totals, decoded, read_log
from lifsim.results.result import Result
from lifsim.simulation.earlier_runs import EarlierRun, earlier_run, lock_log, remove_run
from lifsim.simulation.sinks import Summary, summary_dict

if TYPE_CHECKING:
    from types import TracebackType


class LogSink:
    """Base class of the two sinks that write to a log: a new log, or that of an interrupted run.

    Parameters
    ----------
    log : the log, locked. files : the paths of the files of the run.
    manifest, totals : what the run records, and how much of it the log holds.
    replaces : names of earlier runs that are removed when the result is complete.
    holds_past : whether the log holds what was recorded before.
    """

    image_bytes = 0  # size of the network image in the log
    indescribable = ""  # why no file can describe the network, "" if one can

    def __init__(self, log: LogWriter, files: RunFiles, manifest: Manifest, totals: Totals, replaces: list[str], holds_past: bool) -> None:
        self._log, self.files, self.manifest, self._totals = log, files, manifest, totals
        self._replaces, self.holds_past = replaces, holds_past
        self._finished = False
        self._aside: RunFiles | None = None  # the files of the earlier run that was set aside

    @property
    def path(self) -> Path:
        """The absolute path of the results file."""
        return self.files.out

    def kept(self) -> list[bytes]:
        """Empty: the log holds the recorded data."""
        return []

    def free(self) -> int:
        """Free bytes on the disk."""
        return disk.free(self.path.parent)

    def describe(self, manifest: Manifest) -> None:
        """Append a new manifest to the log; readers use the last one."""
        self.manifest = manifest
        self._log.append(MANIFEST, manifest.to_json().encode())

    def begin_run(self, until: int, changes: int, callback: dict[str, int] | None = None) -> None:
        """Log the start of a call of `Simulation.run` that ends at step `until`, after `changes` calls of `Simulation.set`.

        `callback` as of `Callback.as_dict`.
        """
        called = {"callback": callback} if callback else {}
        self._log.append(RUN, json.dumps({"until": until, "changes": changes, **called}).encode())

    def chunks_since(self, mark: int) -> tuple[list[Chunk], int]:
        """The chunks after byte `mark` of the log, and the end of the log."""
        found = [decoded(self._log.path, frame.payload) for frame in frames(self._log.path, self._log.end, mark) if frame.kind == CHUNK]
        return found, self._log.end

    def write(self, chunk: Chunk) -> None:
        """Append a chunk, which begins where the last one ended.

        Raises
        ------
        RunError : the disk is full or failing. Earlier chunks are kept.
        """
        self._totals.add(chunk)
        self._log.append(CHUNK, *chunk.parts())
        self._finished = False

    def sync(self) -> None:
        """Flush all chunks to the disk, so that they survive a power failure (before a checkpoint)."""
        self._log.sync()

    def finish(self, summary: Summary) -> Result:
        """Write the results file from all chunks so far, and open it. More chunks and another `finish` may follow.

        Raises
        ------
        RunError : the disk is full or failing. The log keeps everything.
        """
        now = summary_dict(summary)
        self._log.append(SUMMARY, json.dumps(now).encode())
        chunks = LoggedChunks(self._log.path, self._log.end)
        made = hdf5_writer.write(Recorded(self.manifest, chunks, self._totals, now), self.path, lambda: summary_dict(summary))
        self._finished = bool(now.get("complete", True))  # else the log is kept, so that the run can be resumed
        return Result(made, self.path)

    def note_finished(self) -> None:
        """Mark the run as finished, since the results file is complete: `close` then removes log, checkpoints and set-aside runs."""
        self._finished = True

    def close(self) -> None:
        """Close the log, and remove or restore files.

        If the results file is complete, the log, the checkpoints and the files of the runs that it replaces are removed. If nothing was
        recorded, the log is removed, and the files of the runs that it would have replaced get their names back. Otherwise all files
        are kept, so that the run can be resumed.
        """
        if self._log.closed:
            return
        if self._finished:
            with suppress(OSError):  # files that remain are harmless
                self.files.drop_checkpoints()
                for name in self._replaces:
                    remove_run(RunFiles(self.path.with_name(name)))
        begun = self.holds_past or self._totals.stop is not None
        if begun or self._aside is None:
            self._log.close(remove=self._finished or not begun)
            return
        self._log.close(remove=self._log.path != self.files.log)
        with suppress(OSError):
            self._aside.move_checkpoints(self.files)
            self._aside.move_log(self.files)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class FileSink(LogSink):
    """Records a new run to the log `path`.log; `finish` makes the results file `path` from it, and `close` then removes the log.

    An existing result at `path` is kept until `finish` replaces it; an earlier unfinished run is set aside until then
    (`lifsim.files.run_files`).

    Parameters
    ----------
    manifest : what the run will record.
    path : the HDF5 file to write. Its folder is created if only the last level is missing.
    overwrite : replace an existing file or an unfinished run.
    image, beginning : the network and the initial settings, for the log; without them the run cannot be restarted from step 0.

    Raises
    ------
    OutputError : `path` cannot be written, or exists.
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
        files = RunFiles(check_output(path, overwrite).absolute())
        make_folder(files.out)
        earlier = earlier_run(files)
        try:
            log = LogWriter(disk.temporary_name(files.log))
            super().__init__(log, files, manifest, Totals(), list(earlier.replaces) if earlier else [], holds_past=False)
            try:
                self._begin(image, beginning or Beginning(reason="its log does not hold the network"), earlier)
            except BaseException:
                self.close()
                raise
        finally:
            if earlier and earlier.lock:
                earlier.lock.close()

    def _begin(self, image: NetworkImage | None, beginning: Beginning, earlier: EarlierRun | None) -> None:
        """Write the beginning of the log, and give the log its final name when this is on the disk."""
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
            if aside:  # last: the new run ignores checkpoints of another run
                self.files.move_checkpoints(aside)
        except OSError as error:
            raise OutputError(str(self.path), f"cannot be replaced ({error.strerror})") from None
        disk.remove_abandoned(self.path)

    def _with_image(self, image: NetworkImage, beginning: Beginning) -> Beginning:
        try:
            self.image_bytes, sha256 = write_image(self._log, image, self.path)
        except ModelError as error:
            self.indescribable = str(error)
            return replace(beginning, reason=f"no file can describe its network ({error})")
        return replace(beginning, sha256=sha256)


class ResumedSink(LogSink):
    """Continues the log of an interrupted run; data after `step` are removed from the log with the first new chunk.

    Parameters
    ----------
    log : the log, locked by this process; it is closed if there is an error.
    step : the step of the checkpoint. run : the name of the run, if known.

    Raises
    ------
    DataError : the log is of another run, or does not reach `step`.
    """

    def __init__(self, log: LogWriter, step: int, run: str | None = None) -> None:
        try:
            recorded, end = read_log(log.path, until=step)
            if run is not None and recorded.manifest.run != run:
                raise DataError(str(log.path), "is the log of another run", "the log must be of the run that wrote the checkpoint")
            if recorded.totals.end != step:
                raise DataError(str(log.path), f"ends at step {recorded.totals.end}", f"the checkpoint needs it up to step {step}")
            log.cut(end)
        except BaseException:
            log.close()
            raise
        replaces = list((recorded.start or {}).get("replaces", ()))
        files = RunFiles(log.path.with_suffix("").absolute())
        super().__init__(log, files, recorded.manifest, recorded.totals, replaces, holds_past=True)
        disk.remove_abandoned(self.path)

    @classmethod
    def of(cls, path: str | Path, step: int, run: str | None = None) -> ResumedSink:
        """Lock the log of the run with the results file `path`, and continue it.

        Raises
        ------
        DataError : there is no log, it is of another run, or it does not reach `step`.
        OutputError : another process is writing it.
        """
        return cls(lock_log(path), step, run)
