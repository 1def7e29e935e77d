"""The seal of an HDF5 file: whether it is, byte for byte, what was written.

Large datasets have checksums of their own, which are compared when they are read. The seal covers everything else: names,
shapes, attributes, HDF5's own tables. It lies behind the end of what HDF5 knows of, so every reader of HDF5 still reads the
file, and one that changes it drops the seal: then only the datasets' own checksums are left.

Layout (little-endian), at the end of the file: ``(offset[u64] length[u64]) × n``, the regions that the seal leaves out;
``n[u64] sha256[32] magic[8]``. The digest is that of all bytes before it but those of the regions.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lifsim.common.errors import DataError
from lifsim.files import disk
from lifsim.files.kinds import HDF5_MAGIC

MAGIC = b"LIFSEAL\n"
_END = struct.Struct("<Q32s8s")
_PIECE = 1 << 20  # bytes read at a time

Region = tuple[int, int]


def regions_of(datasets: Iterable[h5py.Dataset]) -> list[Region]:
    """Where the data of contiguous `datasets` lie: offset and length in the file."""
    places = [(x.id.get_offset(), x.id.get_storage_size()) for x in datasets if x.chunks is None]
    return sorted((int(offset), int(length)) for offset, length in places if offset is not None and length)


def put(fd: int, regions: list[Region]) -> None:
    """Seal an HDF5 file that is closed but for this descriptor."""
    table = np.array(regions, "<u8").tobytes()
    size = os.lseek(fd, 0, os.SEEK_END)
    digest = _digest(fd, size, regions)
    tail = table + struct.pack("<Q", len(regions))
    digest.update(tail)
    os.lseek(fd, size, os.SEEK_SET)
    disk.write(fd, tail + digest.digest() + MAGIC)


def check(path: Path) -> bool:
    """Whether the file has a seal.

    Raises
    ------
    DataError : it has, and the file is not what was sealed.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(fd).st_size
        end = _read(fd, max(size - _END.size, 0), _END.size)
        n, digest, magic = _END.unpack(end) if len(end) == _END.size else (0, b"", b"")
        if magic != MAGIC:
            return False
        start = size - _END.size - 16 * n
        regions = [] if start < 0 else list(struct.iter_unpack("<QQ", _read(fd, start, 16 * n)))
        if start < 0 or not _ascend(regions, start):
            raise DataError(str(path), *CHANGED)
        found = _digest(fd, start, regions)
        found.update(_read(fd, start, size - start - _END.size + 8))
        if found.digest() != digest:
            raise DataError(str(path), *CHANGED)
        return True
    finally:
        os.close(fd)


CHANGED = ("does not match its checksum", "it was damaged or changed after it was written")


def examine(path: Path) -> None:
    """Refuse a file of ours that is not what was sealed, or whose seal is damaged (DataError); a file without a seal is accepted."""
    if not check(path) and broken(path):
        raise DataError(str(path), *CHANGED)


def broken(path: Path) -> bool:
    """Whether more follows than HDF5 knows of, in a file without a whole seal: it had one."""
    with path.open("rb") as file:
        head = file.read(48)
        size = os.fstat(file.fileno()).st_size
    if head[:8] != HDF5_MAGIC:
        return False
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8], 40)  # where versions of the superblock keep the end of the file
    return len(head) >= at + 8 and size > struct.unpack_from("<Q", head, at)[0]


def _ascend(regions: Sequence[tuple[int, ...]], size: int) -> bool:
    """Whether regions follow each other within the file."""
    last = 0
    for offset, length in regions:
        if offset < last or length <= 0:
            return False
        last = offset + length
    return last <= size


def _digest(fd: int, size: int, regions: Sequence[tuple[int, ...]]) -> Any:
    """SHA-256 of the first `size` bytes but those of `regions`."""
    out = hashlib.sha256()
    for a, z in _between(size, regions):
        for at in range(a, z, _PIECE):
            out.update(_read(fd, at, min(_PIECE, z - at)))
    return out


def _between(size: int, regions: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    last = 0
    for offset, length in regions:
        yield last, offset
        last = offset + length
    yield last, size


def _read(fd: int, offset: int, size: int) -> bytes:
    os.lseek(fd, offset, os.SEEK_SET)
    parts = []
    while size > 0 and (part := os.read(fd, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
