"""Writing that fails cleanly: all of a file or none of it, and one message when a disk is full.

Every write, sync and rename of a file that lifsim makes goes through here: results, logs, checkpoints, stores, model files,
pictures, tables.
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
    """Say that `path` cannot be written, how much room there is, and what is kept.

    Raises
    ------
    OutputError : the place cannot be used at all. RunError : the disk is full or failing.
    """
    if error.errno in _UNUSABLE:
        raise OutputError(str(path), f"cannot be written ({error.strerror})", kept) from error
    room = ""
    with suppress(OSError):
        room = f" ({free(path.parent):,} bytes free)"
    raise RunError(f"{path}: {error.strerror or error}{room}; {kept}") from error


_UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
UNCHANGED = "what was there before is as it was"


def open_file(path: Path, flags: int, mode: int = 0o666) -> int:
    """A descriptor of a file of ours: never through a link, never inherited, never that of a standard stream.

    (Where standard error is closed, its number is free; a file that got it would get the messages too.)
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
    """Try to lock an open file: whether it is ours now; None where the file system knows no locks.

    `shared`: beside others that hold it shared, as readers of HDF5 files do.
    """
    try:
        if os.name == "nt":
            if shared:
                return True
            import msvcrt

            os.lseek(fd, 2**40, os.SEEK_SET)  # Windows locks forbid reading: lock a byte that nobody reads
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
    """Whether `path` is, by itself and not as a link, the name of an open file or folder."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


@contextmanager
def replacing(path: Path, kept: str, previous: Path | None = None) -> Iterator[int]:
    """A descriptor of a new file that takes the place of `path` when all of it is on the disk; if anything fails, `path` stays.

    What was at `path` is kept as `previous`, if that is given. The new file has the permissions of the old one. A link at
    `path` is replaced itself; what it leads to stays.

    Raises
    ------
    OutputError : the place cannot be used. RunError : the disk is full or failing; `kept` says what is not lost by it.
    """
    path = Path(path)
    place, mode = path.absolute(), _mode(path)  # the working directory may be another at the end
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
            if os.name == "nt":  # Windows renames no open file; elsewhere it stays locked, so that nobody takes it for abandoned
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


_under_way: dict[tuple[Path, int], Path] = {}  # the temporary file by what it is going to be, and the thread that makes it


@contextmanager
def reopened(path: Path) -> Iterator[int]:
    """Another descriptor, to write to, of the file that `replacing` makes, with a position of its own."""
    fd = open_file(_under_way[Path(path), threading.get_ident()], os.O_WRONLY)
    try:
        yield fd
    finally:
        os.close(fd)


def put(path: Path, data: Any, kept: str = UNCHANGED) -> None:
    """Write a file of `data`, whole or not at all (errors as of `replacing`)."""
    with replacing(path, kept) as fd:
        write(fd, data)


def _closed(fd: int) -> int:
    if fd >= 0:
        os.close(fd)
    return -1


def _mode(path: Path) -> int | None:
    """The permissions of the file at `path`, None if there is none."""
    with suppress(OSError):
        found = os.lstat(path)
        return stat.S_IMODE(found.st_mode) & 0o777 if stat.S_ISREG(found.st_mode) else None
    return None


def _permit(fd: int, mode: int | None) -> None:
    """Give a new file the permissions of the one that it replaces, where there are such."""
    if mode is not None and hasattr(os, "fchmod"):
        with suppress(OSError):
            os.fchmod(fd, mode)


_LONGEST = 255  # bytes of a name, on all common file systems
_TEMPORARY = re.compile(r"\.(\d+|[0-9a-f]{16})\.tmp\Z")  # numbers of processes: lifsim 0.1
_STALE = 86400.0  # seconds after which what nobody touched is taken for abandoned, where there are no locks


def _prefix(path: Path) -> str:
    """How the names of temporary files for `path` begin: its own, cut where the whole would be too long."""
    name = path.name
    while len(os.fsencode(name)) > _LONGEST - 22:
        name = name[:-1]
    return f".{name}."


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody can foretell."""
    return path.absolute().with_name(f"{_prefix(path)}{os.urandom(8).hex()}.tmp")


def _temporary(path: Path, mode: int | None) -> tuple[Path, int]:
    """A new file, which nobody reads who may not read the one that it replaces; its name and a descriptor.

    The descriptor holds a lock, by which others see that the file is in use. Where it still does when the file has come to its place,
    those who read it there must not be locked out: HDF5 takes a shared lock to read, so it is a shared one.
    """
    while True:
        name = temporary_name(path)
        fd = open_file(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666 if mode is None else mode | 0o600)
        if lock(fd, shared=os.name != "nt") is not False and same_file(fd, name):
            return name, fd
        os.close(fd)  # taken for abandoned between our making and locking it


def remove_abandoned(path: Path) -> None:
    """Remove what processes that were killed left while they wrote `path`, its log or its checkpoints; not what is in use."""
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
    if os.name == "nt":  # where no folder can be opened, and what is open cannot be deleted
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
    """A private folder for what is only on its way, beside the file `beside`, removed after use.

    Only where that folder cannot be written - files may be read from there all the same - it is in the system's folder for
    temporary files, which may have less room.
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
    """A new folder that only its owner may enter, and a descriptor that holds its lock (-1 where folders cannot be opened)."""
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
