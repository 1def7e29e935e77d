"""Converts the log of a run to an HDF5 file of results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lifsim.common.jsonable import plain
from lifsim.files import disk
from lifsim.results.hdf5_writer import write
from lifsim.results.log import LogWriter
from lifsim.results.recording import read_log
from lifsim.results.result import Result


def convert(log: str | Path, path: str | Path | None = None, summary: Mapping[str, Any] | None = None) -> Result:
    """Convert the log of a run that ended or was interrupted to an HDF5 file, and remove the log.

    Parameters
    ----------
    log : the log, OUT.h5.log.
    path : the HDF5 file to write or replace; default: OUT.h5.
    summary : entries about the end of the run, in place of those in the log. Without either, the result is marked as not complete.

    Returns
    -------
    The result in the new file.

    Raises
    ------
    DataError : `log` is not a log. OutputError : the run is still in progress. RunError : the disk is full.
    """
    log = Path(log)
    path = Path(path) if path is not None else log.with_suffix("")
    read_log(log)  # raises an error if it is not a log
    lock = LogWriter.reopen(log)
    try:
        recorded, _ = read_log(log)
        disk.remove_abandoned(path)
        final = plain(summary) if summary is not None else recorded.summary
        made = write(replace(recorded, summary=final), path)
    except BaseException:
        lock.close()
        raise
    lock.close(remove=True)
    return Result(made, path)
