"""The last spikes of a finished run, read from its file without the others."""

from __future__ import annotations

import numpy as np

from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.log_following import Glimpse
from lifsim.results.manifest import ids_of
from lifsim.results.result import Result
from lifsim.results.run_info import DATA, clip
from lifsim.results.spikes import Spikes, unchecked

_ROWS = 1 << 16  # spikes that are read at a time


def glimpse_of(result: Result, window: float) -> Glimpse:
    """What `lifsim.results.log_following` shows of a run, of its `result`; `window` in ms."""
    spikes = {name: _last(result, name, window) for name in result.spikes}
    totals = {name: len(result.spikes[name]) if result.file is None else result.file.count(name) for name in result.spikes}
    entries = result.info[DATA["spikes"]]
    windows = {name: clip(entries[name], result.t_start, result.t_stop) for name in spikes}
    recorded = {name: z - a for name, (a, z) in windows.items()}
    return Glimpse(result.name, result.t_stop, result.t_start, result.t_stop, spikes, totals, recorded)


def _last(result: Result, name: str, window: float) -> Spikes:
    since = result.t_stop - window
    file = result.file
    if file is None or file.survey is not None:  # in memory, or not known to be in order of time
        return result.spikes[name].window(since)
    entry, n = file.manifest.spikes[name], int(result.populations[name]["n"])
    at, ids = _rows_since(file, name, since)
    start, stop = clip(entry, result.t_start, result.t_stop)
    return unchecked(at, ids, n, start, stop, ids_of(entry["ids"], n), result.dt, name).window(since)


def _rows_since(file: ResultFile, name: str, since: float) -> tuple[np.ndarray, np.ndarray]:
    """The last rows of a population, which include all after `since` (ms)."""
    parts, last = [file.rows(name, 0, 0)], file.count(name)
    while last > 0:
        part = file.rows(name, max(0, last - _ROWS), last)
        parts.insert(1, part)
        last -= _ROWS
        if part[0][0] <= since:
            break
    return np.concatenate([at for at, _ in parts]), np.concatenate([ids for _, ids in parts])
