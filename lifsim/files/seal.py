"""The seal of an HDF5 file: a checksum that shows whether the file is, byte for byte, as it was written.

Large datasets have their own checksums, which are compared when the datasets are read. The seal covers everything else: names,
shapes, attributes and the internal tables of HDF5. It is stored after the end of the HDF5 data, so that every HDF5 reader can read the
file. A program that changes the file drops the seal; then only the checksums of the datasets remain.

Layout (little-endian), at the end of the file: ``(offset[u64] length[u64]) × n``, the regions that the seal leaves out;
``n[u64] sha256[32] magic[8]``. The digest covers all bytes before it, except the regions.
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
    """The regions (offset and length in the file) of the data of contiguous `datasets`."""
    places = [(x.id.get_offset(), x.id.get_storage_size()) for x in datasets if x.chunks is None]
    return sorted((int(offset), int(length)) for offset, length in places if offset is not None and length)


def put(fd: int, regions: list[Region]) -> None:
    """Seal an HDF5 file, which HDF5 has closed; `fd` is its descriptor."""
    table = np.array(regions, "<u8").tobytes()
    size = os.lseek(fd, 0, os.SEEK_END)
    digest = _digest(fd, size, regions)
    tail = table + struct.pack("<Q", len(regions))
    digest.update(tail)
    os.lseek(fd, size, os.SEEK_SET)
    disk.write(fd, tail + digest.digest() + MAGIC)


def check(path: Path) -> bool:
    """Check the seal of a file; returns whether it has one.

    Raises
    ------
    DataError : the file does not match its seal.
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
    """Raise DataError if the file does not match its seal, or if its seal is damaged. A file without a seal is accepted."""
    if not check(path) and broken(path):
        raise DataError(str(path), *CHANGED)


def broken(path: Path) -> bool:
    """Whether a file without a valid seal has bytes after the end of the HDF5 data: then its seal is damaged."""
    with path.open("rb") as file:
        head = file.read(48)
        size = os.fstat(file.fileno()).st_size
    if head[:8] != HDF5_MAGIC:
        return False
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8], 40)  # offset of the end-of-file address in each version of the superblock
    return len(head) >= at + 8 and size > struct.unpack_from("<Q", head, at)[0]


def _ascend(regions: Sequence[tuple[int, ...]], size: int) -> bool:
    """Whether regions are ascending, do not overlap, and end within the file."""
    last = 0
    for offset, length in regions:
        if offset < last or length <= 0:
            return False
        last = offset + length
    return last <= size


def _digest(fd: int, size: int, regions: Sequence[tuple[int, ...]]) -> Any:
    """SHA-256 of the first `size` bytes, without those of `regions`."""
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
