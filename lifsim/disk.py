"""Writing that fails cleanly: all of a file or none of it, and one message when a disk is full.

Every write, sync and rename of results, logs, checkpoints and stores goes through here.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from lifsim.errors import RunError


def write(fd: int, data: Any) -> None:
    """Write all of `data` to an open file (OSError if the disk is full)."""
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(fd, left) :]


def sync(fd: int) -> None:
    """Return when all that was written to an open file would survive a power failure."""
    getattr(os, "fdatasync", os.fsync)(fd)


def begin_sync(fd: int, offset: int, size: int) -> None:
    """Let the disk begin with what was written there, where the system can (Linux), so that a later `sync` has less to wait for."""
    call = _sync_file_range()
    if call is not None:
        call(fd, offset, size, 2)  # SYNC_FILE_RANGE_WRITE: waits for nothing; errors are left to `sync`


@lru_cache(1)
def _sync_file_range() -> Any:
    """The system call of that name, which Python does not have; None where there is none."""
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint
    return call


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure, on systems whose folders can be opened (not Windows)."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def free(folder: Path) -> int:
    """Bytes that are left on the disk of `folder`."""
    return shutil.disk_usage(folder).free


def shown(path: str | Path) -> str:
    """A path as it is shown to the user: relative if it lies in the current folder."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the current folder is gone
        return str(path)


def fail(path: Path, error: OSError, kept: str) -> NoReturn:
    """Say that `path` cannot be written, how much room there is, and what is kept."""
    raise RunError(f"{path}: {error.strerror or error} ({free(path.parent):,} bytes free); {kept}") from error


@contextmanager
def replacing(path: Path, kept: str, previous: Path | None = None) -> Iterator[int]:
    """A descriptor of a new file that takes the place of `path` when all of it is on the disk; if anything fails, `path` stays.

    What was at `path` is kept as `previous`, if that is given.

    Raises
    ------
    RunError : the disk is full or failing; `kept` says what is not lost by it.
    """
    temporary = temporary_of(path)
    try:
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        fd = os.open(temporary, flags, 0o666)
        try:
            yield fd
            sync(fd)
        finally:
            os.close(fd)
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        fail(path, error, kept)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def reopened(path: Path) -> Iterator[int]:
    """Another descriptor, to write to, of the file that `replacing` makes, with a position of its own."""
    fd = os.open(temporary_of(path), os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        yield fd
    finally:
        os.close(fd)


def temporary_of(path: Path) -> Path:
    """Where this process writes what is going to be `path`."""
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed left while they wrote `path`; only for who owns it."""
    with suppress(OSError):
        for left in path.parent.iterdir():
            if left.name.startswith(f".{path.name}.") and left.name.endswith(".tmp"):
                left.unlink(missing_ok=True)


def scratch() -> TemporaryDirectory[str]:
    """A folder for what is only on its way, removed after use."""
    return TemporaryDirectory(prefix="lifsim-", ignore_cleanup_errors=True)


class Unfailing:
    """A file for HDF5 that never fails.

    HDF5 was measured to crash the process when it closes a file on a full disk. So errors are kept
    here, what follows one is dropped, and `check` raises it once HDF5 is done.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._error: OSError | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise the error met so far, if any."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write `data`, or drop it if writing has failed before."""
        try:
            if self._error is None:
                write(self._fd, data)
        except OSError as error:
            self._error = error
        return memoryview(data).nbytes

    def put(self, offset: int, data: Any) -> None:
        """Write `data` at `offset`, whichever thread asks for it, and let the disk begin with it."""
        with self._lock:
            self.seek(offset)
            self.write(data)
        begin_sync(self._fd, offset, memoryview(data).nbytes)

    def truncate(self, size: int) -> int:
        """Cut the file, or make it longer."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            self._error = self._error or error
        return size

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer`, with zeros beyond the end."""
        view = memoryview(buffer).cast("B")
        got = 0
        while got < len(view) and (data := os.read(self._fd, len(view) - got)):
            view[got : got + len(data)] = data
            got += len(data)
        view[got:] = bytes(len(view) - got)
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """So many bytes."""
        buffer = bytearray(size if size >= 0 else os.fstat(self._fd).st_size - self.tell())
        self.readinto(buffer)
        return bytes(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place in the file."""
        return os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        """Where it stands."""
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    def flush(self) -> None:
        """Nothing is buffered."""
