"""Opens results: an HDF5 file, the log of a run, spikes that another tool wrote, or spikes in memory."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.text import shortened
from lifsim.files.outputs import expanded
from lifsim.files.run_files import log_path
from lifsim.files.untrusted import kind_of
from lifsim.results.foreign import DERIVED, warnings_of
from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.held_spikes import result_of_spikes
from lifsim.results.neo_reading import is_neo, populations_in
from lifsim.results.recording import read_log
from lifsim.results.result import Result
from lifsim.results.spike_hints import OWN, Hints
from lifsim.results.spike_npz import read_npz
from lifsim.results.spike_tables import Columns, populations_of
from lifsim.results.spike_text import SUFFIXES, files_for, read_text
from lifsim.results.spikes import Spikes

if TYPE_CHECKING:
    from lifsim.results.spike_hints import NodeCount

Openable: TypeAlias = Result | Spikes | Mapping[str, Spikes] | str | Path | Sequence[str | Path]
"""What `open` takes, beside objects of neo."""


def open(path: Any, n_nodes: NodeCount = None, first_id: NodeCount = None, dt: Any = None) -> Result:
    """Open results: a file of lifsim, the log of an unfinished run, spikes of another tool, or spikes in memory.

    Files of spikes may be SONATA (HDF5) of any tool, text (CSV, and what NEST's spike_recorder writes) or NPZ. A population of another
    tool's file that cannot be read is left out with a warning; accessing it raises the error.

    Parameters
    ----------
    path : the file. If OUT.h5 does not exist, its log OUT.h5.log is opened. Of NEST's files, one for each thread, also a list of them,
        a pattern such as ``out/exc-7-*.dat``, their folder, or the beginning of their names, ``out/exc``. Instead of a file: `Spikes`,
        {population: `Spikes`}, a Block, Segment or list of SpikeTrain of neo; a `Result` is returned as it is.
    n_nodes : number of neurons in another tool's file (one number for all populations, or {population: number}), which such files
        seldom contain. Default: the number in the file, or else the largest id + 1, with a warning if the ids do not begin with 0.
    first_id : for text and NPZ files: the id of the first neuron, which becomes neuron 0 (one number, or {population: number}). Default: 0;
        for NEST's files the smallest id that spiked, with a warning.
    dt : time step of the simulation in ms, for files of other tools, which seldom contain it; needed for times in steps.

    Returns
    -------
    The result, which reads its data on access; text and NPZ files are read at once.

    Raises
    ------
    DataError : the file is missing, damaged, of another kind or of a newer format, refers to other files, or does not fit `n_nodes`,
        `first_id` or `dt`.
    """
    result, remarks = _opened(path, Hints(n_nodes, first_id, dt))
    for text in remarks:
        warnings.warn(text, stacklevel=2)
    return result


def opened(path: Any, n_nodes: NodeCount = None) -> Result:
    """Like `open`, with the same `path` and `n_nodes`, but without warnings."""
    return _opened(path, Hints(n_nodes))[0]


def _opened(given: Any, hints: Hints) -> tuple[Result, list[str]]:
    """The result, and warnings about it."""
    if not isinstance(given, (str, Path)):
        return _in_memory(given, hints)
    path = expanded(given, "file of results", DataError)
    try:
        several = files_for(path) if not log_path(path).exists() else []
        if several:
            return _read_text(several, hints, path)
        path = existing_file(path)
    except (OSError, ValueError) as error:  # an impossible name
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(shortened(str(path)), f"cannot be read ({reason})") from None
    if path.suffix.lower() == ".toml":
        raise DataError(str(path), "is a model, not a result", f"run it first: lifsim run {path}")
    if path.suffix == ".log":
        hints.refuse(str(path), OWN)
        return Result.of(read_log(path)[0]), []
    if path.suffix.lower() in SUFFIXES:
        return _read_text([path], hints, path)
    if path.suffix.lower() == ".npz":
        return _of_columns(read_npz(path), hints, path)
    file = ResultFile(path, hints)
    remarks = list(warnings_of(file.survey, path)) if file.survey is not None else []
    return Result(file, path, _newer_run(path, file.info)), remarks


def _in_memory(given: Any, hints: Hints) -> tuple[Result, list[str]]:
    if isinstance(given, (list, tuple)) and given and all(isinstance(each, (str, Path)) for each in given):
        paths = [existing_file(expanded(each, "files of results", DataError)) for each in given]
        for path in paths:
            if path.suffix.lower() not in SUFFIXES:
                raise DataError(str(path), "is one of several files", "text files: " + ", ".join(SUFFIXES))
        return _read_text(paths, hints, paths[0])
    hints.refuse("spikes", "spikes in memory, which say it themselves")
    if isinstance(given, Result):
        return given, []
    if is_neo(given):
        return result_of_spikes(populations_in(given)), []
    if not isinstance(given, (Spikes, Mapping)):
        expanded(given, "file of results", DataError)  # raises the error
    return result_of_spikes(given), []


def _read_text(paths: Sequence[Path], hints: Hints, path: Path) -> tuple[Result, list[str]]:
    read, remarks = read_text(paths, hints)
    result, more = _of_columns(read, hints, path)
    return result, [f"{path}: {text}" for text in remarks] + more


def _of_columns(read: Mapping[str, Columns], hints: Hints, path: Path) -> tuple[Result, list[str]]:
    spikes, remarks = populations_of(read, hints, str(path))
    derived = any(not {"n_nodes", "t_stop"} <= set(each.facts) for each in read.values())
    result = result_of_spikes(spikes, path, DERIVED if derived else "")
    return result, [f"{path}: {name}: {text}" for name, text in remarks.items()]


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
