"""What may be read of files that strangers made: only data that are in the file, and not more of them than it holds."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py

SPARE, RATIO = 1 << 24, 100  # bytes that a dataset may claim beyond so many times what is stored: compression, chunks never written


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
