"""Atomic writing: a file is written completely or not at all, and a full disk gives one clear error.

Every write, sync and rename of a file that lifsim makes uses this module: results, logs, checkpoints, weight stores, model files,
figures, tables.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from lifsim.common.errors import OutputError, RunError


def write(fd: int, data: Any) -> None:
    """Write all of `data` to an open file (OSError, as if the disk is full)."""
    left = memoryview(data).cast("B")
    while left:
        left = left[os.write(fd, left) :]


def sync(fd: int) -> None:
    """Wait until all data written to an open file would survive a power failure."""
    getattr(os, "fdatasync", os.fsync)(fd)


def begin_sync(fd: int, offset: int, size: int) -> None:
    """Start writing a range of a file to the disk, if the system can (Linux), so that a later `sync` is shorter."""
    call = _sync_file_range()
    if call is not None:
        call(fd, offset, size, 2)  # SYNC_FILE_RANGE_WRITE: does not wait; `sync` reports errors


@lru_cache(1)
def _sync_file_range() -> Any:
    """The system call sync_file_range, which Python lacks; None if the system lacks it."""
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError, TypeError):
        return None
    call.argtypes = ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint
    return call


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power failure, on systems on which folders can be opened (not Windows)."""
    with suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def free(folder: Path) -> int:
    """The number of free bytes on the disk of `folder`."""
    return shutil.disk_usage(folder).free


def shown(path: str | Path) -> str:
    """A path as shown to the user: relative if it is in the current folder."""
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):  # elsewhere, or the current folder is gone
        return str(path)


def fail(path: Path, error: OSError, kept: str) -> NoReturn:
    """Raise an error that says that `path` cannot be written, how many bytes are free, and what is `kept`.

    Raises
    ------
    OutputError : `path` cannot be used at all. RunError : the disk is full or failing.
    """
    if error.errno in _UNUSABLE:
        raise OutputError(str(path), f"cannot be written ({error.strerror})", kept) from error
    room = ""
    with suppress(OSError):
        room = f" ({free(path.parent):,} bytes free)"
    raise RunError(f"{path}: {error.strerror or error}{room}; {kept}") from error


_UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
UNCHANGED = "an existing file is unchanged"


def open_file(path: Path, flags: int, mode: int = 0o666) -> int:
    """Open a file without following links. Its descriptor is not inherited and is never that of a standard stream.

    (If standard error is closed, its descriptor is free; a file that got it would receive the messages.)
    """
    extra = [getattr(os, name, 0) for name in ("O_BINARY", "O_CLOEXEC", "O_NOFOLLOW")]
    fd, low = os.open(path, flags | sum(extra), mode), []
    while fd <= 2:
        low.append(fd)
        fd = os.dup(fd)
    for number in low:
        os.close(number)
    return fd


def lock(fd: int, shared: bool = False) -> bool | None:
    """Try to lock an open file. Returns whether that succeeded, or None if the file system does not support locks.

    `shared`: several processes can hold a shared lock together, as readers of HDF5 files do.
    """
    try:
        if os.name == "nt":
            if shared:
                return True
            import msvcrt

            os.lseek(fd, 2**40, os.SEEK_SET)  # Windows locks prevent reading, so a byte beyond the data is locked
            try:
                msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
            finally:
                os.lseek(fd, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True


def same_file(fd: int, path: Path) -> bool:
    """Whether `path` itself (not a link) is the name of an open file or folder."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


@contextmanager
def replacing(path: Path, kept: str, previous: Path | None = None) -> Iterator[int]:
    """The descriptor of a new file that replaces `path` once all of it is on the disk; if anything fails, `path` is unchanged.

    The old file is kept as `previous`, if given. The new file has the permissions of the old one. If `path` is a link, the link is
    replaced and its target is unchanged.

    Raises
    ------
    OutputError : `path` cannot be used. RunError : the disk is full or failing; `kept` says in the message what is not lost.
    """
    path = Path(path)
    place, mode = path.absolute(), _mode(path)  # the working directory may change meanwhile
    previous = previous and previous.absolute()
    remove_abandoned(path)
    try:
        temporary, fd = _temporary(path, mode)
    except OSError as error:
        fail(path, error, kept)
    key = path, threading.get_ident()
    _under_way[key] = temporary
    try:
        try:
            yield fd
            _permit(fd, mode)
            sync(fd)
            if os.name == "nt":  # Windows cannot rename an open file; elsewhere the lock keeps others from removing it as abandoned
                fd = _closed(fd)
            if previous is not None and place.exists():
                os.replace(place, previous)
            os.replace(temporary, place)
        finally:
            _closed(fd)
        sync_folder(place.parent)
    except OSError as error:
        fail(path, error, kept)
    finally:
        del _under_way[key]
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


_under_way: dict[tuple[Path, int], Path] = {}  # (final path, thread) → temporary file


@contextmanager
def reopened(path: Path) -> Iterator[int]:
    """A second descriptor, for writing, of the file that `replacing` makes; it has its own position."""
    fd = open_file(_under_way[Path(path), threading.get_ident()], os.O_WRONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def put(path: Path, data: Any, kept: str = UNCHANGED) -> None:
    """Write a file of `data`, completely or not at all (errors as in `replacing`)."""
    with replacing(path, kept) as fd:
        write(fd, data)


def _closed(fd: int) -> int:
    if fd >= 0:
        os.close(fd)
    return -1


def _mode(path: Path) -> int | None:
    """The permissions of the file at `path`; None if there is no file."""
    with suppress(OSError):
        found = os.lstat(path)
        return stat.S_IMODE(found.st_mode) & 0o777 if stat.S_ISREG(found.st_mode) else None
    return None


def _permit(fd: int, mode: int | None) -> None:
    """Give a new file the permissions of the one that it replaces, on systems that support this."""
    if mode is not None and hasattr(os, "fchmod"):
        with suppress(OSError):
            os.fchmod(fd, mode)


_LONGEST = 255  # bytes of a file name, on all common file systems
_TEMPORARY = re.compile(r"\.(\d+|[0-9a-f]{16})\.tmp\Z")  # lifsim 0.1 used process numbers
_STALE = 86400.0  # seconds; on file systems without locks, older temporary files count as abandoned


def _prefix(path: Path) -> str:
    """The beginning of the names of temporary files for `path`: the name of `path`, cut if the whole would be too long."""
    name = path.name
    while len(os.fsencode(name)) > _LONGEST - 22:
        name = name[:-1]
    return f".{name}."


def temporary_name(path: Path) -> Path:
    """An unpredictable name for a temporary file in the folder of `path`."""
    return path.absolute().with_name(f"{_prefix(path)}{os.urandom(8).hex()}.tmp")


def _temporary(path: Path, mode: int | None) -> tuple[Path, int]:
    """Make a temporary file that is not readable by users who cannot read the file that it replaces; its name and a descriptor.

    The descriptor holds a lock, which shows other processes that the file is in use. It may still hold the lock when the file has its
    final name. As HDF5 takes a shared lock to read, this lock is shared, so that it does not lock out readers.
    """
    while True:
        name = temporary_name(path)
        fd = open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode | 0o600)
        if lock(fd, shared=os.name != "nt") is not False and same_file(fd, name):
            return name, fd
        os.close(fd)  # another process removed it as abandoned before it was locked


def remove_abandoned(path: Path) -> None:
    """Remove temporary files that killed processes left while they wrote `path`, its log or its checkpoints; files in use are kept."""
    with suppress(OSError):
        folder, prefix = path.absolute().parent, _prefix(path)
        for name in os.listdir(folder):
            if name.startswith(prefix) and _TEMPORARY.search(name):
                with suppress(OSError):
                    _remove_abandoned(folder / name)


def _remove_abandoned(left: Path) -> None:
    found = os.lstat(left)
    is_folder = stat.S_ISDIR(found.st_mode)
    if not is_folder and not stat.S_ISREG(found.st_mode):
        return
    if os.name == "nt":  # Windows: folders cannot be opened, and open files cannot be deleted
        held, fd = None if is_folder else True, -1
    else:
        fd = open_file(left, os.O_NONBLOCK | (os.O_RDONLY if is_folder else os.O_RDWR))
        held = lock(fd)
    try:
        if held or (held is None and time.time() - found.st_mtime > _STALE):
            shutil.rmtree(left, ignore_errors=True) if is_folder else left.unlink(missing_ok=True)
    finally:
        _closed(fd)


@contextmanager
def scratch(beside: Path) -> Iterator[Path]:
    """A private temporary folder next to the file `beside`, removed after use.

    If the folder of `beside` cannot be written (as when files are only read there), the temporary folder is in the system's folder
    for temporary files, which may have less room.
    """
    try:
        folder, fd = _scratch(Path(beside))
    except OSError:
        folder, fd = Path(tempfile.mkdtemp(prefix="lifsim-")), -1
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _closed(fd)


def _scratch(beside: Path) -> tuple[Path, int]:
    """Make a folder that only its owner may access; its path, and a descriptor that holds its lock (-1 if folders cannot be opened)."""
    while True:
        folder = temporary_name(beside)
        os.mkdir(folder, 0o700)
        if os.name == "nt":
            return folder, -1
        try:
            fd = open_file(folder, os.O_RDONLY)
        except OSError:
            os.rmdir(folder)
            raise
        if lock(fd) is not False and same_file(fd, folder):
            return folder, fd
        os.close(fd)
