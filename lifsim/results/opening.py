"""Opens results: an HDF5 file, the log of a run, or a SONATA file that another tool wrote."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.text import shortened
from lifsim.files.outputs import expanded
from lifsim.files.run_files import log_path
from lifsim.files.untrusted import kind_of
from lifsim.results.foreign import warnings_of
from lifsim.results.hdf5_reader import ResultFile, refuse_counts
from lifsim.results.recording import read_log
from lifsim.results.result import Result

if TYPE_CHECKING:
    from lifsim.results.foreign import NodeCount


def open(path: str | Path, n_nodes: NodeCount = None) -> Result:
    """Open results: an HDF5 file of lifsim, a SONATA spike file of another tool, or the log of an unfinished run.

    A population of another tool's file that cannot be read is left out with a warning; accessing it raises the error.

    Parameters
    ----------
    path : the file, OUT.h5 or OUT.h5.log. If OUT.h5 does not exist, its log is opened.
    n_nodes : number of neurons in another tool's file (one number for all populations, or {population: number}), which such files
        seldom contain. Default: the number in the file, or else the largest id + 1, with a warning if the ids do not begin with 0.

    Returns
    -------
    The result, which reads its data on access.

    Raises
    ------
    DataError : the file is missing, damaged, of another kind or of a newer format, refers to other files, or does not fit `n_nodes`.
    """
    result = opened(path, n_nodes)
    if result.file is not None and result.file.survey is not None:
        for text in warnings_of(result.file.survey, path):
            warnings.warn(text, stacklevel=2)
    return result


def opened(path: str | Path, n_nodes: NodeCount = None) -> Result:
    """Like `open`, with the same `path` and `n_nodes`, but without warnings."""
    path = expanded(path, "file of results", DataError)
    try:
        path = existing_file(path)
    except (OSError, ValueError) as error:  # an impossible name
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(shortened(str(path)), f"cannot be read ({reason})") from None
    if path.suffix.lower() == ".toml":
        raise DataError(str(path), "is a model, not a result", f"run it first: lifsim run {path}")
    if path.suffix == ".log":
        refuse_counts(path, n_nodes)
        return Result.of(read_log(path)[0])
    file = ResultFile(path, n_nodes)
    return Result(file, path, _newer_run(path, file.info))


def _newer_run(path: Path, info: Mapping[str, Any]) -> str:
    """A note about an unfinished run that will replace or continue the result at `path`; "" if there is none."""
    log = log_path(path)
    if not log.exists():
        return ""
    try:
        recorded, _ = read_log(log)
    except DataError:
        return ""
    if recorded.manifest.run == info.get("run") and recorded.summary is not None:
        return ""
    state = f"is being written by {recorded.writer}" if recorded.writer else "is unfinished"
    done = f"{recorded.totals.end * recorded.manifest.dt:g} ms"
    return f"a newer run, of which {done} are done, {state}: lifsim info {log}"


def existing_file(path: Path) -> Path:
    """The file to open for `path`: `path` itself, or the log of an unfinished run (DataError if neither exists)."""
    if not path.exists() and log_path(path).exists():
        return log_path(path)
    if not path.exists():
        known = sorted(p.name for p in path.parent.glob("*.h5")) if path.parent.is_dir() else []
        hint = did_you_mean(path.name, known)
        raise DataError(str(path), "does not exist", hint if hint.startswith("did you mean") else "a file of results, such as x.h5")
    kind = kind_of(path.stat().st_mode)
    if kind:
        raise DataError(str(path), f"is {kind}", "a file of results")
    return path
