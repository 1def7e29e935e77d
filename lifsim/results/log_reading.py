"""Reads the log of a run: its frames, the process that writes it, and whether its end is damaged."""

from __future__ import annotations

import mmap
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lifsim.common.errors import DataError
from lifsim.files import disk
from lifsim.files.kinds import MAGIC, VERSION
from lifsim.files.untrusted import reading

MANIFEST, CHUNK, SUMMARY = 1, 2, 3  # kinds of frames
OWNER = 4  # the id of the process that writes the frames after this one
IMAGE, START = 5, 6  # a piece of the archive of the network; how to start the run again (`lifsim.checkpoint.first_step`)
RUN = 7  # a call of `Simulation.run`: the step at which it ends
_HEADER = struct.Struct("<8sII")
HEADER_SIZE = _HEADER.size
FRAME = struct.Struct("<4sIQI")
MARK = b"LIFf"
PIECE = 1 << 20  # bytes that are copied at a time


class Frame(NamedTuple):
    """A valid frame; `end` is the number of bytes of the log up to and including it."""

    kind: int
    payload: bytes
    end: int


def header_bytes() -> bytes:
    """The header of a log."""
    head = struct.pack("<8sI", MAGIC, VERSION)
    return head + struct.pack("<I", zlib.crc32(head))


def checksum(kind: int, *payload: Any) -> int:
    """The checksum of a frame."""
    crc = zlib.crc32(struct.pack("<IQ", kind, payload_length(payload)))
    for part in payload:
        crc = zlib.crc32(part, crc)
    return crc


def payload_length(payload: tuple[Any, ...]) -> int:
    """Total length in bytes of the parts of a payload."""
    return sum(memoryview(part).nbytes for part in payload)


def is_written(path: Path) -> bool:
    """Whether a process is writing the log, and so has locked it."""
    try:
        fd = disk.open_file(path, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        return disk.lock(fd) is False
    finally:
        os.close(fd)


def owner(path: Path) -> str:
    """The last process that wrote the log, as text for messages."""
    try:
        return f"process {struct.unpack('<I', [f.payload for f in frames(path) if f.kind == OWNER][-1])[0]}"
    except (DataError, OSError, IndexError, struct.error):
        return "just started"


def frames(path: Path, end: int | None = None, begin: int = 0) -> Iterator[Frame]:
    """Iterate over the valid frames of a log up to byte `end` (default: its current size), with one frame in memory at a time.

    Begins after the frame that ends at byte `begin`, or with the first one.

    Stops at the first incomplete or damaged frame.

    Raises
    ------
    DataError : the file is not a log of lifsim, or is of a newer version.
    """
    _header(path)
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size if end is None else end
        at = file.seek(max(begin, _HEADER.size))
        while at + FRAME.size <= size:
            mark, kind, length, crc = FRAME.unpack(file.read(FRAME.size))
            if mark != MARK or length > size - at - FRAME.size:
                return
            payload = file.read(length)
            if len(payload) != length or checksum(kind, payload) != crc:
                return
            at += FRAME.size + length
            yield Frame(kind, payload, at)


def why_ended(path: Path, end: int, size: int) -> str:
    """Why `frames` stopped at byte `end` of the first `size` bytes of a log: "" (at its end), `CUT_SHORT`, or where it is damaged.

    An interrupted write leaves the beginning of a frame with nothing after it.
    """
    with path.open("rb") as file:
        file.seek(end)
        head = file.read(min(FRAME.size, size - end))
    left = size - end - FRAME.size
    if not head:
        return ""
    cut = left < 0 and head[: len(MARK)] == MARK[: len(head)]
    if not cut and left >= 0:
        mark, _, length, _ = FRAME.unpack(head)
        cut = mark == MARK and length > left and not _has_valid_frame(path, end + 1)
    return CUT_SHORT if cut else f"damaged at byte {end:,} or soon after it"


CUT_SHORT = "the last write was cut short"


def _has_valid_frame(path: Path, at: int) -> bool:
    """Whether a valid frame begins at byte `at` or later."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as log:
        at = log.find(MARK, at)
        while 0 <= at <= len(log) - FRAME.size:
            _, kind, length, crc = FRAME.unpack_from(log, at)
            start = at + FRAME.size
            if length <= len(log) - start and checksum(kind, log[start : start + length]) == crc:
                return True
            at = log.find(MARK, at + 1)
    return False


def is_log(path: Path) -> bool:
    """Whether a file begins like a log."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def _header(path: Path) -> None:
    """Check the header of a log (DataError)."""
    try:
        with reading(path) as file:
            raw = file.read(_HEADER.size)
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror})") from None
    if len(raw) < _HEADER.size:
        raise DataError(str(path), "is empty: the run was stopped before its first step")
    magic, version, crc = _HEADER.unpack(raw)
    if magic != MAGIC:
        raise DataError(str(path), "is not the log of a run of lifsim")
    if version > 1 and crc != zlib.crc32(raw[:12]):
        raise DataError(str(path), "is damaged at its beginning")
    if version > VERSION:
        raise DataError(str(path), f"has log version {version}", f"this version of lifsim reads versions up to {VERSION}: update lifsim")
