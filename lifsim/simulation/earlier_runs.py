"""Earlier runs with the same results file: set aside while a new run is unfinished, and restored if the new run records nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lifsim.common.errors import DataError, OutputError
from lifsim.files.run_files import RunFiles, log_path
from lifsim.results import log_reading
from lifsim.results.log import LogWriter
from lifsim.results.log_reading import HEADER_SIZE
from lifsim.results.recording import read_log

if TYPE_CHECKING:
    from lifsim.checkpoint.checkpoint_file import Checkpoint


def log_owner(saved: Checkpoint) -> Path | None:
    """The results file of the run that wrote a checkpoint: at its old place, or next to the checkpoint; None if it had none."""
    if saved.about.out is None:
        return None
    own = Path(saved.about.out)
    here = saved.path.absolute().parent / own.name
    return own if log_path(own).exists() or not log_path(here).exists() else here


class EarlierRun(NamedTuple):
    """An unfinished run that a new run replaces.

    lock : its log, locked so that no other process resumes the run; None if there is no log. replaces : names of runs that it had set
    aside itself. worth_keeping : whether it recorded anything, or has a checkpoint.
    """

    lock: LogWriter | None
    replaces: list[str]
    worth_keeping: bool


def earlier_run(files: RunFiles) -> EarlierRun | None:
    """The unfinished run with the same results file, None if there is none (OutputError if it is in progress, or its log is no log)."""
    take_back(files)
    saved = any(p.exists() for p in files.checkpoints)
    if not files.log.exists():
        return EarlierRun(None, [], True) if saved else None
    lock = LogWriter.reopen(files.log)
    try:
        recorded, _ = read_log(files.log)
    except DataError as error:
        if lock.end >= HEADER_SIZE and not log_reading.is_log(files.log):
            lock.close()
            raise OutputError(str(files.log), "is not the log of a run", "choose another name for the results") from None
        return EarlierRun(lock, [], saved or "damaged" in str(error))
    return EarlierRun(lock, list((recorded.start or {}).get("replaces", ())), saved or recorded.totals.stop is not None)


def lock_log(path: str | Path) -> LogWriter:
    """Open and lock the log of the run with the results file `path`.

    Raises
    ------
    DataError : there is no log. OutputError : another process is writing it.
    """
    log = log_path(path)
    if not log.exists():
        raise DataError(str(log), "does not exist", "only a run that was interrupted can be resumed")
    return LogWriter.reopen(log)


def take_back(files: RunFiles) -> None:
    """Restore the run that was set aside last, if the run that replaced it was killed before it had a log.

    An empty log counts as none: its name was reserved, but nothing was written (see `lifsim.results.log`).
    """
    aside = files.last_aside()
    if aside is not None and not _has_log(files) and not log_reading.is_written(aside.log):
        aside.move_checkpoints(files)
        aside.move_log(files)


def _has_log(files: RunFiles) -> bool:
    """Whether there is a log, or a process that is about to write one."""
    try:
        return files.log.stat().st_size > 0 or log_reading.is_written(files.log)
    except FileNotFoundError:
        return False


def remove_run(files: RunFiles) -> None:
    """Remove the log and checkpoints of a run that was set aside, unless another process is resuming it."""
    try:
        lock = lock_log(files.out)
    except (DataError, OutputError):
        return
    files.drop_checkpoints()
    lock.close(remove=True)
