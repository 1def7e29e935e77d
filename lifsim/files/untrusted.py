"""What may be read of files that strangers made: only data that are in the file, and not more of them than it holds."""

from __future__ import annotations

import errno
import math
import os
import stat
import zipfile
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py

SPARE, RATIO = 1 << 24, 100  # bytes that a dataset may claim beyond so many times what is stored: compression, chunks never written


class NotOrdinary(OSError):
    """A path leads to something else than an ordinary file; reading it could wait for ever, or never end."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is no ordinary file but {kind}", str(path))


def kind_of(mode: int) -> str:
    """What a file of this mode is, if it is no ordinary one; else ""."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "")


_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe (FIFO)"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_ordinary(path: str | Path) -> None:
    """Refuse to read a pipe, socket, device or folder (OSError, as for a file that cannot be opened)."""
    kind = kind_of(os.stat(path).st_mode)
    if kind:
        raise NotOrdinary(Path(path), kind)


def reading(path: str | Path) -> BufferedReader:
    """An ordinary file, opened to read its bytes; never waits (OSError if it is none or cannot be opened)."""
    check_ordinary(path)  # before it is opened: some devices do something then
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    kind = kind_of(os.fstat(fd).st_mode)
    if kind:
        os.close(fd)
        raise NotOrdinary(Path(path), kind)
    return open(fd, "rb")


def read_text(path: str | Path) -> str:
    """The text of an ordinary file, without the byte-order mark that some editors put first (OSError, UnicodeDecodeError)."""
    with reading(path) as file:
        return file.read().decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def unreadable(data: h5py.Dataset) -> str:
    """Why a dataset of an HDF5 file must not be read, as far as that is known without reading it; "" if nothing speaks against it."""
    if data.shape is None:
        return "holds nothing"
    if data.is_virtual or data.external:
        return "keeps its data in another file"
    return _too_much(math.prod(data.shape) * data.dtype.itemsize, data.id.get_storage_size())


def unpacks_too_much(path: Path) -> str:
    """Why a zip archive, such as NPZ, must not be unpacked; "" if nothing speaks against it."""
    with zipfile.ZipFile(path) as archive:
        return next(filter(None, (_too_much(x.file_size, x.compress_size) for x in archive.infolist())), "")


def _too_much(claimed: int, held: int) -> str:
    return f"claims {claimed:,} bytes but holds {held:,}" if claimed > SPARE + RATIO * held else ""
