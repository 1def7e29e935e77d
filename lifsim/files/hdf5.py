"""Atomic replacement of HDF5 files: the new file is written next to the old one and renamed when it is complete."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from lifsim.common.errors import OutputError
from lifsim.files import disk, seal, unfailing


@contextmanager
def replacing(
    path: Path, kept: str, hashed: Callable[[h5py.File], Iterable[h5py.Dataset]] | None = None, lasting: bool = True
) -> Iterator[h5py.File]:
    """A new HDF5 file that replaces `path` when the block has ended and all of the file is on the disk.

    If the block or the disk fails, `path` is unchanged.

    Parameters
    ----------
    path : the file. kept : part of the message for a full disk: what is not lost.
    hashed : if given, the file is sealed; a function that returns the datasets with digests of their own, which the seal leaves out.
    lasting : False for a file in a scratch folder, which need not survive a power failure and is written in place.

    Raises
    ------
    OutputError : the folder does not exist, or `path` is not a file. RunError : the disk is full or failing.
    """
    if not path.parent.is_dir():
        raise OutputError(str(path.parent), "does not exist", "create it first")
    if path.exists() and not path.is_file():
        raise OutputError(str(path), "is not a file", "the name of a file")
    with disk.replacing(path, kept) if lasting else _in_place(path, kept) as fd:
        if path.exists() and hasattr(os, "fchmod"):
            os.fchmod(fd, stat.S_IMODE(path.stat().st_mode))  # the permissions of the old file
        below = unfailing.Unfailing(fd)
        with h5py.File(below, "w") as file:
            yield file
            regions = None if hashed is None else seal.regions_of(hashed(file))
        below.check()
        if regions is not None:
            seal.put(fd, regions)


@contextmanager
def _in_place(path: Path, kept: str) -> Iterator[int]:
    try:
        with path.open("w+b", buffering=0) as file:
            yield file.fileno()
    except OSError as error:
        disk.fail(path, error, kept)
