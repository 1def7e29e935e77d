"""The log of a run: an append-only file of checksummed frames, readable after any interruption.

A kill or a full disk was measured to destroy or corrupt HDF5 files that are being written, so a run writes this log and converts it
to HDF5 only at its end (`lifsim.results.convert.convert`).

Layout (little-endian): a header ``magic[8] version[u32] crc32[u32]``, then frames
``magic[4] kind[u32] length[u64] crc32[u32] payload[length]``. The checksum covers kind, length and
payload. Reading stops at the first incomplete or damaged frame; all frames before it are valid. (Version 1 had a process id in place
of the first checksum.)
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from lifsim.common.errors import OutputError, RunError
from lifsim.files import disk
from lifsim.files.untrusted import kind_of
from lifsim.results.log_reading import FRAME, MARK, OWNER, PIECE, checksum, header_bytes, owner, payload_length

_SYNC_EVERY = 1.0  # wall time in s between syncs: at most so much is lost in a power failure


class LogWriter:
    """Appends frames to a log that this process has locked.

    Parameters
    ----------
    path : the log. existing : whether it exists already (see `reopen`), or is created now.

    Raises
    ------
    OutputError : the log exists already or cannot be created; or another process has locked it.
    """

    def __init__(self, path: Path, existing: bool = False) -> None:
        self.path = path
        self._fd = _open_locked(path, 0 if existing else os.O_CREAT | os.O_EXCL)
        self._executor = ThreadPoolExecutor(1)  # syncs to disk, so that the run does not wait for it
        self._syncing: Future[None] | None = None
        self._synced = time.monotonic()
        self._listed = False  # whether the log's entry in its folder is on the disk too
        self._cut = False
        self.end = os.fstat(self._fd).st_size
        if existing:
            return
        try:
            self._write(header_bytes())
            self._write_owner()
        except BaseException:
            self.close(remove=True)
            raise

    @classmethod
    def reopen(cls, path: Path) -> LogWriter:
        """Lock an existing log without changing it; `cut` sets where the next frame is written.

        Raises
        ------
        OutputError : another process has locked the log, or it cannot be opened.
        """
        return cls(path, existing=True)

    def cut(self, end: int) -> None:
        """Write the next frame after the first `end` bytes. Bytes after these are removed only then, so that they are not lost if the
        run cannot continue.
        """
        self.end, self._cut = end, True

    def _apply_cut(self) -> None:
        self._cut = False
        try:
            self._leave_other_names()
            os.ftruncate(self._fd, self.end)
        except OSError as error:
            disk.fail(self.path, error, KEPT)
        self._write_owner()

    def _leave_other_names(self) -> None:
        """If the log has other names (hard links, of a backup for example), continue with a copy, which leaves those files unchanged."""
        if os.name == "nt" or os.fstat(self._fd).st_nlink == 1:
            return
        import fcntl

        with disk.replacing(self.path, KEPT) as fd:
            for at in range(0, self.end, PIECE):
                disk.write(fd, os.pread(self._fd, min(PIECE, self.end - at), at))
            own = os.dup(fd)  # with the same lock
        fcntl.fcntl(own, fcntl.F_SETFL, fcntl.fcntl(own, fcntl.F_GETFL) | os.O_APPEND)
        os.close(self._fd)
        self._fd = own

    def _write_owner(self) -> None:
        self.append(OWNER, struct.pack("<I", os.getpid()))

    def publish(self, path: Path, replace: bool) -> None:
        """Rename the log to its final name. The caller must `sync` it first.

        Parameters
        ----------
        path : the final name, in the same folder.
        replace : replace an existing file of that name.

        Raises
        ------
        OutputError : the name is taken and `replace` is false, or the file system does not allow it.
        """
        if os.name == "nt":  # Windows cannot rename an open file
            os.close(self._fd)
        try:
            with nullcontext() if replace else _claimed(path):
                os.replace(self.path, path)
        except FileExistsError:
            raise OutputError(str(path), _IN_USE, _WAYS) from None
        except OSError as error:
            raise OutputError(str(path), f"cannot be written ({error.strerror})") from None
        finally:
            if os.name == "nt":
                self._fd = _open_locked(self.path if self.path.exists() else path, 0)
        self.path = path
        disk.sync_folder(path.parent)
        self._listed = True

    def append(self, kind: int, *payload: Any) -> None:
        """Append a frame, whose payload may be given in parts, in a single write. About once a second, the log is synced to the disk.

        Raises
        ------
        RunError : the disk is full or failing. The frames before this one stay readable.
        """
        if self._cut:
            self._apply_cut()
        if self._syncing is not None and self._syncing.done():
            self._wait()
        self._write(b"".join((FRAME.pack(MARK, kind, payload_length(payload), checksum(kind, *payload)), *payload)))
        if self._syncing is None and time.monotonic() - self._synced > _SYNC_EVERY:
            self._syncing, self._synced = self._executor.submit(self._to_disk), time.monotonic()

    def _write(self, frame: bytes) -> None:
        try:
            disk.write(self._fd, frame)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self.end)
            disk.fail(self.path, error, KEPT)
        self.end += len(frame)

    def sync(self) -> None:
        """Wait until all appended frames are on the disk, safe from a power failure."""
        self._wait()
        self._syncing = self._executor.submit(self._to_disk)
        self._wait()
        self._synced = time.monotonic()

    def _to_disk(self) -> None:
        disk.sync(self._fd)
        if not self._listed:
            disk.sync_folder(self.path.parent)
            self._listed = True

    def _wait(self) -> None:
        """Wait for the sync in progress, if there is one."""
        try:
            if self._syncing is not None:
                self._syncing.result()
        except OSError as error:
            disk.fail(self.path, error, KEPT)
        finally:
            self._syncing = None

    @property
    def closed(self) -> bool:
        """Whether the log is closed."""
        return self._fd < 0

    def __del__(self) -> None:
        with suppress(Exception):  # without `close`, a simulation that is no longer used would keep its file locked
            self.close()

    def close(self, remove: bool = False) -> None:
        """Close the log and release its lock; with `remove`, delete it."""
        if self._fd < 0:
            return
        self._executor.shutdown()
        if remove and os.name != "nt":  # while it is locked, so that no other run can have opened it
            self._remove()
        os.close(self._fd)
        self._fd = -1
        if remove and os.name == "nt":  # Windows cannot delete an open file
            self._remove()

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be removed ({error.strerror}); the results are in {self.path.with_suffix('')}") from None


KEPT = "the data recorded so far are in this file, which lifsim can read; with more free space, lifsim resume continues the run"


def _open_locked(path: Path, flags: int) -> int:
    """Open `path`, which must be an ordinary file and not a link, and lock it. Returns the file descriptor."""
    while True:
        try:
            fd = disk.open_file(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | flags)
        except FileExistsError:
            raise OutputError(str(path), _IN_USE, _WAYS) from None
        except OSError as error:
            if path.is_symlink():
                raise OutputError(
                    str(path), "is a link; a log is never written through a link", "remove the link, or choose another output"
                ) from None
            raise OutputError(str(path), f"cannot be written ({error.strerror})") from None
        kind = kind_of(os.fstat(fd).st_mode)
        if kind:
            os.close(fd)
            raise OutputError(str(path), f"is not an ordinary file but {kind}", "choose another output")
        if not _lock_with_patience(fd):
            os.close(fd)
            raise OutputError(str(path), *_who_writes(path))
        if disk.same_file(fd, path):
            return fd
        os.close(fd)  # its owner removed it after it was opened and before it was locked


def _who_writes(path: Path) -> tuple[str, str]:
    """What an error says of a log that is locked."""
    who = owner(path)
    if who == f"process {os.getpid()}":
        return "is being written by another simulation of this process", "close() that simulation first, or choose another output"
    return f"is being written by another run ({who})", "choose another output"


_IN_USE = "is the log of a run that is in progress or was interrupted"
_WAYS = "read it with `lifsim info`, continue it with `lifsim resume`, or start anew with --overwrite (overwrite=True)"


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Reserve an unused name by an empty, locked file: of two runs that start at once, only one gets it (FileExistsError).

    An empty file without a lock is free: a process that was killed here left it behind.
    """
    fd = disk.open_file(path, os.O_RDWR | os.O_CREAT)
    try:
        if disk.lock(fd) is False or os.fstat(fd).st_size or not disk.same_file(fd, path):
            raise FileExistsError
        if os.name == "nt":
            os.close(fd)
            fd = -1
        try:
            yield
        except BaseException:
            path.unlink()
            raise
    finally:
        if fd >= 0:
            os.close(fd)


def _lock_with_patience(fd: int) -> bool:
    """Try `disk.lock` for a tenth of a second, as a reader that calls `is_written` briefly holds the lock."""
    for _ in range(10):
        if disk.lock(fd) is not False:
            return True
        time.sleep(0.01)
    return False
