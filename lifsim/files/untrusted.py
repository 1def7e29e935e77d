"""Safe reading of untrusted files: only ordinary files, and only data that are stored in the file and not larger than it can hold."""

from __future__ import annotations

import errno
import math
import os
import stat
import tokenize
import zipfile
import zlib
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py

# what NumPy, zipfile and zlib raise while they read an NPZ file with wrong bytes
NPZ_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, MemoryError, EOFError, NotImplementedError, SyntaxError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
SPARE, RATIO = 1 << 24, 100  # a dataset of n stored bytes may declare SPARE + RATIO · n bytes (compression, unwritten chunks)


class NotOrdinary(OSError):
    """A path does not lead to an ordinary file; reading it could block for ever or never end."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is not an ordinary file but {kind}", str(path))


def kind_of(mode: int) -> str:
    """The kind of a file with this mode ("a folder", "a device", …); "" for an ordinary file."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "")


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_ordinary(path: str | Path) -> None:
    """Raise OSError if `path` is a pipe, socket, device or folder, or cannot be accessed."""
    kind = kind_of(os.stat(path).st_mode)
    if kind:
        raise NotOrdinary(Path(path), kind)


def reading(path: str | Path) -> BufferedReader:
    """Open an ordinary file for reading bytes, without blocking (OSError if it is not ordinary or cannot be opened)."""
    check_ordinary(path)  # before it is opened: opening a device can have effects
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    kind = kind_of(os.fstat(fd).st_mode)
    if kind:
        os.close(fd)
        raise NotOrdinary(Path(path), kind)
    return open(fd, "rb")


def read_text(path: str | Path) -> str:
    """The text of an ordinary file, without the byte-order mark that some editors add (OSError, UnicodeDecodeError)."""
    with reading(path) as file:
        return file.read().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def unreadable(data: h5py.Dataset) -> str:
    """The reason why a dataset of an HDF5 file must not be read, found without reading it; "" if it may be read."""
    if data.shape is None:
        return "is empty"
    if data.is_virtual or data.external:
        return "keeps its data in another file"
    return _too_much(math.prod(data.shape) * data.dtype.itemsize, data.id.get_storage_size())


def unpacks_too_much(path: Path) -> str:
    """The reason why a zip archive, such as NPZ, must not be unpacked; "" if it may be unpacked."""
    with zipfile.ZipFile(path) as archive:
        return next(filter(None, (_too_much(x.file_size, x.compress_size) for x in archive.infolist())), "")


def _too_much(claimed: int, held: int) -> str:
    return f"declares {claimed:,} bytes of data but stores {held:,}" if claimed > SPARE + RATIO * held else ""
