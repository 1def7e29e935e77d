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
    """Open results: an HDF5 file of lifsim, SONATA spikes of another tool, or an unfinished run.

    `path` is OUT.h5, or OUT.h5.log; asked for OUT.h5 while only the log exists, the log is opened. A population of another tool's
    file that cannot be read is left out with a warning; asking for it raises what is wrong with it.

    Parameters
    ----------
    n_nodes : how many neurons another tool's spikes are of (a number for all populations, or {population: number}), which such
        files seldom say; else as many as the largest id asks for, and a warning if the ids do not begin with 0.

    Raises
    ------
    DataError : the file is missing, damaged, of another kind, of a newer format, or would read from
        other files; `n_nodes` does not fit it.
    """
    result = opened(path, n_nodes)
    if result.file is not None and result.file.survey is not None:
        for text in warnings_of(result.file.survey, path):
            warnings.warn(text, stacklevel=2)
    return result


def opened(path: str | Path, n_nodes: NodeCount = None) -> Result:
    """The results that `open` opens, without warnings."""
    path = expanded(path, "file of results", DataError)
    try:
        path = existing_file(path)
    except (OSError, ValueError) as error:  # a name that cannot be
        said = getattr(error, "strerror", None) or str(error)
        raise DataError(shortened(str(path)), f"cannot be read ({said})") from None
    if path.suffix.lower() == ".toml":
        raise DataError(str(path), "is a model, not a result", f"run it first: lifsim run {path}")
    if path.suffix == ".log":
        refuse_counts(path, n_nodes)
        return Result.of(read_log(path)[0])
    file = ResultFile(path, n_nodes)
    return Result(file, path, _newer_run(path, file.info))


def _newer_run(path: Path, info: Mapping[str, Any]) -> str:
    """What to say of an unfinished run that will replace the result at `path`, or go on from it; "" if there is none."""
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
    """The file that holds the results asked for: `path`, or the log of an unfinished run."""
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
