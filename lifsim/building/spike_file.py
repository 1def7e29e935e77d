"""Spike trains from files: SONATA (``/spikes/<population>/{timestamps, node_ids}``), which may be larger than memory, NPZ and text.

A file of up to `FEW` spikes is read at once. The rows of a larger file must be sorted by time: a first pass checks all of them and
stores the first and last step of each block of `ROWS` rows; during the run, only the blocks around the current step are in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lifsim.building.by_node import of_node
from lifsim.common.errors import DataError, ModelError
from lifsim.common.timegrid import AT_ZERO, NEAR_SPIKE, WAYS, first_off_grid, nearest_on_grid, not_on_grid, spike_steps
from lifsim.network.population import Population
from lifsim.plan.spikes import NEVER, Events, listed
from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.opening import open as open_with_warnings
from lifsim.results.opening import opened
from lifsim.results.result import Result
from lifsim.results.spike_text import SUFFIXES, files_for

FEW = 1 << 20  # largest number of spikes that are read at once
ROWS = 1 << 18  # spikes (rows of the file) in a block: 4 MB
MOST_SORTED = 1 << 24  # largest number of unsorted spikes, which are sorted by time in memory

Spikes: TypeAlias = tuple[np.ndarray, np.ndarray]
Sent: TypeAlias = Callable[[np.ndarray, np.ndarray], Spikes]


def spikes_in(population: Population, values: dict[str, Any], sent: Sent, dt: float) -> Events:
    """Read the spikes of a spike generator from its file.

    Parameters
    ----------
    population : the generator. values : its parameters. dt : time step, ms.
    sent : takes the times (ms) and nodes of spikes in the file, and returns the steps and global ids of the spikes that are sent.

    Raises
    ------
    DataError : there is no such file or population, ids are out of range, times are not above 0, or more than `MOST_SORTED` spikes are
        not sorted by time.
    ModelError : a time is not on the grid.
    """
    place, path = f"populations.{population.name}", values["spike_file"]
    with _opened(path, place) as result:
        name = _population(result, values["spike_population"], path, place)
        file = result.file
        if file is None or file.count(name) <= FEW:
            spikes = result.spikes[name].times, result.spikes[name].ids
            _check(*spikes, population.n, values, dt, f"{place}.spike_file")
            return listed(*sent(*spikes))
    edges = []
    for times, nodes in _blocks(file, name):
        _check(times, nodes, population.n, values, dt, f"{place}.spike_file")
        edges += [times[0], times[-1]] if (np.diff(times) >= 0).all() else [np.inf, -np.inf]
    file.check_rows(name)
    if (np.diff(edges) >= 0).all():
        return Streamed(file, name, sent, spike_steps(np.array(edges), dt).reshape(-1, 2))
    if file.count(name) > MOST_SORTED:
        allowed = f"a file of more than {MOST_SORTED:,} spikes must be sorted by time"
        raise DataError(f"{place}.spike_file", f"{path} holds {file.count(name):,} spikes that are not sorted by time", allowed)
    return listed(*sent(*file.rows(name, 0, file.count(name))))


def all_spikes(population: Population, values: dict[str, Any], dt: float) -> Spikes:
    """Times (ms, on or off the grid) and nodes of all spikes in the file of a spike generator; raises the errors of `spikes_in`."""
    place, path = f"populations.{population.name}", values["spike_file"]
    with _opened(path, place) as result:
        name = _population(result, values["spike_population"], path, place)
        spikes = result.spikes[name].times, result.spikes[name].ids
    _check(*spikes, population.n, values, dt if values["allow_offgrid_times"] else None, f"{place}.spike_file")
    return spikes


class Streamed:
    """Given spikes that stay in their file (see `lifsim.plan.spikes.Events`); `edges` has the first and last step of each block: (n, 2)."""

    def __init__(self, file: ResultFile, name: str, sent: Sent, edges: np.ndarray) -> None:
        self._first, self._last = edges.T
        self._block = lru_cache(3)(lambda b: sent(*file.rows(name, b * ROWS, (b + 1) * ROWS)))

    def window(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of the spikes in the steps start < k <= stop, sorted by step, then id."""
        blocks = range(np.searchsorted(self._last, start, "right"), np.searchsorted(self._first, stop, "right"))
        none = np.zeros(0, np.int64), np.zeros(0, np.uint32)
        step, ids = (np.concatenate(x) for x in zip(none, *map(self._block, blocks), strict=True))
        inside = slice(*np.searchsorted(step, [start, stop], side="right"))
        order = np.lexsort((ids[inside], step[inside]))
        return step[inside][order], ids[inside][order]

    def offsets(self, start: int, stop: int) -> None:
        """None: all spike times are on the grid."""

    def reach(self, start: int) -> int:
        """The last step of a window from `start` for which about two blocks of the file are in memory; at least start + 1."""
        beyond = np.searchsorted(self._last, start, "right") + 2
        return max(start + 1, int(self._first[beyond]) - 1) if beyond < len(self._first) else NEVER


def _opened(path: str, place: str) -> Result:
    """The spikes in one file (DataError if `path` means several). Text files warn if ids are renumbered, or if files of NEST are missing.

    What other files warn of, the number of neurons, does not matter here.
    """
    several = files_for(Path(path).expanduser())
    if several:
        raise DataError(
            f"{place}.spike_file", f"{path} means {len(several)} files", "a single file; lifsim convert-spikes makes one of them"
        )
    return (open_with_warnings if Path(path).suffix.lower() in SUFFIXES else opened)(path)


def _population(result: Result, wanted: str, path: str, place: str) -> str:
    """The name of the population to read: `wanted`, or the only one in the file."""
    names = [*result.populations, *result.unreadable]
    name = wanted or (names[0] if len(names) == 1 else "")
    if name in result.unreadable:
        raise DataError(f"{place}.spike_population", str(result.unreadable[name]), "one of: " + ", ".join(result.populations))
    if name not in names:
        got = f"{path} holds no population {name!r}" if name else f"{path} holds several populations"
        raise DataError(f"{place}.spike_population", got, "one of: " + ", ".join(names))
    return name


def _blocks(file: ResultFile, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for a in range(0, file.count(name), ROWS):
        yield file.rows(name, a, a + ROWS)


def _check(times: np.ndarray, nodes: np.ndarray, n: int, values: dict[str, Any], dt: float | None, place: str) -> None:
    """Check that nodes exist and that times are finite, multiples of `dt` (None: any time), and above 0.

    Times may be off the grid if `allow_offgrid_times` is set, and not above 0 if a `start` above 0 excludes them.
    """
    path = values["spike_file"]
    if len(nodes) and (nodes.min() < 0 or nodes.max() >= n):
        wrong_id = nodes.min() if nodes.min() < 0 else nodes.max()
        raise DataError(place, f"{path} holds node id {wrong_id}", f"node ids must be from 0 to {n - 1} (n = {n})")
    if not np.isfinite(times).all():
        raise DataError(place, f"{path} holds a time that is not a finite number", "times in ms")
    wrong = None if dt is None or values["allow_offgrid_times"] else first_off_grid(times, dt, NEAR_SPIKE)
    if dt is not None and wrong is not None:
        raise ModelError(place, not_on_grid(wrong, dt), nearest_on_grid(wrong, dt) + WAYS)
    early = (times <= 0 if dt is None else spike_steps(times, dt) <= 0) & (of_node(values["start"], nodes) <= 0)
    if early.any():
        first = int(np.argmax(early))
        got = f"{path} holds {early.sum():,} spikes at or before 0 ms, such as that of node {nodes[first]} at {times[first]:g} ms"
        raise DataError(place, got, f"times above 0 ms, {AT_ZERO}; or a start above 0, which leaves out earlier spikes")
