"""Locks of files: one process writes a log, or replaces a file, at a time."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lifsim.errors import OutputError


def try_lock(fd: int, shared: bool = False) -> bool:
    """Lock an open file if no other process, and no other descriptor, holds it. True also where the file system has no locks.

    shared : beside others that hold it shared, as readers of HDF5 files do.
    """
    try:
        if os.name != "nt":
            import fcntl

            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        elif not shared:
            import msvcrt

            os.lseek(fd, 2**40, os.SEEK_SET)  # Windows locks forbid reading: lock a byte that nobody reads
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return True
    return True


def is_at(fd: int, path: Path) -> bool:
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False


class WriterLock:
    """The lock of those who replace `path`, held until `close`: the file ``.NAME.lock`` beside it.

    It holds until the process ends, however it ends; an empty file that a killed process leaves locks nobody out.

    Raises
    ------
    OutputError : another writer holds it, another program has `path` open for writing, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name}.lock")
        self._pid = os.getpid()
        self._fd = self._taken(path)
        try:
            _refuse_written(path)
        except BaseException:
            self.close()
            raise

    def _taken(self, path: Path) -> int:
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        while True:
            try:
                fd = os.open(self._path, flags, 0o666)
            except OSError as error:
                raise OutputError(str(path), f"cannot be written ({error.strerror})", "a folder in which you may write") from None
            if not try_lock(fd):
                os.close(fd)
                raise OutputError(str(path), _WRITTEN, _LATER)
            if is_at(fd, self._path):
                return fd
            os.close(fd)  # removed by its owner between our opening and locking it

    def close(self) -> None:
        """Give up the lock (what a forked process inherited of it is left alone)."""
        if self._fd < 0 or self._pid != os.getpid():
            return
        if os.name != "nt":  # while still locked, so that no other writer can have taken it
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1
        if os.name == "nt":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


_WRITTEN, _LATER = "is open for writing elsewhere", "close it there first"


def _refuse_written(path: Path) -> None:
    """Refuse a file that another program, such as h5py, has open for writing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK if os.name != "nt" else os.O_RDONLY)
    except OSError:  # there is none, or none that can be read
        return
    try:
        if not try_lock(fd, shared=True):
            raise OutputError(str(path), _WRITTEN, _LATER)
    finally:
        os.close(fd)
