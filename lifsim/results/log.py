"""The log of a run: an append-only file of checksummed frames, readable after any interruption.

HDF5 files that are being written were measured to be lost or corrupted by a kill or a full disk, so
a run writes this log and turns it into HDF5 only at its end (`lifsim.results.convert.convert`).

Layout (little-endian): a header ``magic[8] version[u32] crc32[u32]``, then frames
``magic[4] kind[u32] length[u64] crc32[u32] payload[length]``. The checksum covers kind, length and
payload. A frame that is torn or damaged ends the log: all before it is good. (Version 1 had a process number
in place of the first checksum.)
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

_SYNC_EVERY = 1.0  # seconds of wall time that a power failure may cost


class LogWriter:
    """Appends frames to a log that this process has locked.

    Parameters
    ----------
    path : the log to create.

    Raises
    ------
    OutputError : the log exists already or cannot be created.
    """

    def __init__(self, path: Path) -> None:
        self._take(path, os.O_CREAT | os.O_EXCL)
        self.end = 0
        try:
            self._write(header_bytes())
            self._write_owner()
        except BaseException:
            self.close(remove=True)
            raise

    @classmethod
    def reopen(cls, path: Path) -> LogWriter:
        """Lock an existing log and change nothing in it; `cut` says where the next frame goes.

        Raises
        ------
        OutputError : another process has locked the log, or it cannot be opened.
        """
        writer = cls.__new__(cls)
        writer._take(path, 0)
        writer.end = os.fstat(writer._fd).st_size
        return writer

    def _take(self, path: Path, flags: int) -> None:
        self.path = path
        self._fd = _open_locked(path, flags)
        self._aside = ThreadPoolExecutor(1)  # syncs, so that the run need not wait for them
        self._syncing: Future[None] | None = None
        self._synced = time.monotonic()
        self._listed = False  # whether the name of the log would survive a power failure too
        self._cut = False

    def cut(self, end: int) -> None:
        """Let the next frame follow the first `end` bytes. What comes after them is removed only then, so that it is
        still there if the run cannot go on.
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
        """Where the log has a second name (a hard link, of a backup say), go on with a copy: what that name holds stays as it is."""
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
        """Give the log, whose frames so far are on the disk, its final name.

        Parameters
        ----------
        path : the name, in the same folder.
        replace : take the place of what has that name.

        Raises
        ------
        OutputError : the name is taken and `replace` is false, or the file system refuses.
        """
        if os.name == "nt":  # Windows renames no open file
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
        """Append one frame, whose payload may come in parts, in one write; about once a second, see to it that it gets to the disk.

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
            self._syncing, self._synced = self._aside.submit(self._to_disk), time.monotonic()

    def _write(self, frame: bytes) -> None:
        try:
            disk.write(self._fd, frame)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self.end)
            disk.fail(self.path, error, KEPT)
        self.end += len(frame)

    def sync(self) -> None:
        """Return when all that was appended would survive a power failure."""
        self._wait()
        self._syncing = self._aside.submit(self._to_disk)
        self._wait()
        self._synced = time.monotonic()

    def _to_disk(self) -> None:
        disk.sync(self._fd)
        if not self._listed:
            disk.sync_folder(self.path.parent)
            self._listed = True

    def _wait(self) -> None:
        """Until what was under way to the disk is there."""
        try:
            if self._syncing is not None:
                self._syncing.result()
        except OSError as error:
            disk.fail(self.path, error, KEPT)
        finally:
            self._syncing = None

    @property
    def closed(self) -> bool:
        """Whether the log was closed."""
        return self._fd < 0

    def close(self, remove: bool = False) -> None:
        """Close the log and give up the lock; `remove` deletes it."""
        if self._fd < 0:
            return
        self._aside.shutdown()
        if remove and os.name != "nt":  # while still locked, so that no other run can have taken it
            self._remove()
        os.close(self._fd)
        self._fd = -1
        if remove and os.name == "nt":  # Windows deletes no open file
            self._remove()

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be removed ({error.strerror}); the results are in {self.path.with_suffix('')}") from None


KEPT = "what was recorded before is kept in it, and lifsim reads it; with more room, lifsim resume goes on"


def _open_locked(path: Path, flags: int) -> int:
    """A descriptor of `path`, an ordinary file and no link, that no other process holds."""
    while True:
        try:
            fd = disk.open_file(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_NONBLOCK", 0) | flags)
        except FileExistsError:
            raise OutputError(str(path), _IN_USE, _WAYS) from None
        except OSError as error:
            if path.is_symlink():
                raise OutputError(str(path), "is a link, through which no log is written", "remove it, or choose another output") from None
            raise OutputError(str(path), f"cannot be written ({error.strerror})") from None
        kind = kind_of(os.fstat(fd).st_mode)
        if kind:
            os.close(fd)
            raise OutputError(str(path), f"is no ordinary file but {kind}", "choose another output")
        if not _lock_with_patience(fd):
            os.close(fd)
            raise OutputError(str(path), f"is being written by another run ({owner(path)})", "choose another output")
        if disk.same_file(fd, path):
            return fd
        os.close(fd)  # removed by its owner between our opening and locking it


_IN_USE = "is the log of a run that goes on or was interrupted"
_WAYS = "read it with `lifsim info`, go on with `lifsim resume`, or start anew with --overwrite (overwrite=True)"


@contextmanager
def _claimed(path: Path) -> Iterator[None]:
    """Hold a free name, by an empty file that is locked: of two runs that begin at once, one gets it (FileExistsError).

    (An empty file that nobody has locked was left by a process that was killed here.)
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
    """`disk.lock`, tried for a tenth of a second: a reader that asks `is_written` has the lock for a moment."""
    for _ in range(10):
        if disk.lock(fd) is not False:
            return True
        time.sleep(0.01)
    return False
