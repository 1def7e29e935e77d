"""Recognition of files by their first bytes."""

from __future__ import annotations

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
MAGIC, VERSION = b"LIFSLOG\n", 2  # of the log of a run


def is_result(start: bytes) -> bool:
    """Whether the first bytes of a file are those of an HDF5 file or of the log of a run."""
    return start in (HDF5_MAGIC, MAGIC)
