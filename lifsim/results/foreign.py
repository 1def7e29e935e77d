"""Spike files of other tools: the populations that a SONATA file holds, and their metadata.

Layouts: ``/spikes/<population>/{timestamps, node_ids}`` (SONATA), and the older ``/spikes/{timestamps, gids}``, whose only population
has no name and is called "spikes" here. Times are in the `units` attribute of timestamps, ms by default. SONATA stores neither the
number of neurons nor the duration; a file may have them as attributes n_nodes, t_start, t_stop of the population, as lifsim's have.

A population that cannot be read does not prevent the others from being read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lifsim.common import units
from lifsim.common.arrays import distinct
from lifsim.common.errors import DataError
from lifsim.files.hdf5_reading import dataset, member, read_values, text_of
from lifsim.results.spike_arrays import MOST_NODES
from lifsim.results.spike_columns import SpikeColumns
from lifsim.results.spike_hints import Hints, assumed_text, check_plausible, filled_up

ROWS = 1 << 20  # numbers that are read at a time: a dataset may be larger than the memory
FLAT = "spikes"  # the name given to the population without a name
DERIVED = "from another tool: where n_nodes or t_stop is missing, it is derived from the largest id or the last spike"
_IDS = ("node_ids", "gids")


@dataclass
class Survey:
    """Content of another tool's file.

    info : metadata, in the form of those of a run. places : population -> its datasets. unreadable : population -> why it cannot be read.
    assumed : population -> a warning about its number of neurons, which the file does not say.
    """

    info: dict[str, Any]
    places: dict[str, SpikeColumns] = field(default_factory=dict)
    unreadable: dict[str, DataError] = field(default_factory=dict)
    assumed: dict[str, str] = field(default_factory=dict)


def survey(file: h5py.File, hints: Hints) -> Survey:
    """Find the populations in a file and check all their times and ids.

    Raises
    ------
    DataError : no population can be read, or the `hints` name one that is not in the file.
    """
    if file.get("spikes", getlink=True) is None:
        raise DataError(file.filename, "is neither a result of lifsim nor a SONATA spike file", "it has no group /spikes")
    found, seen = Survey({}), dict[str, _Population]()
    spikes = member(file, "spikes", h5py.Group)
    names = _names(spikes)
    hints.refuse(file.filename, "an HDF5 file", "first_id")
    hints.check(names, file.filename)
    for name in names:
        try:
            seen[name] = _Population(file, spikes, name, hints)
        except DataError as error:
            found.unreadable[name] = error
    if names and not seen:
        raise next(iter(found.unreadable.values()))
    found.places = {name: known.place for name, known in seen.items()}
    found.assumed = {name: known.assumed for name, known in seen.items() if known.assumed}
    populations = {name: {"n": known.n, "model": "unknown"} for name, known in seen.items()}
    start, stop = min((known.start for known in seen.values()), default=0.0), max((known.stop for known in seen.values()), default=0.0)
    recorded = {
        name: {
            "ids": known.ids,
            "start": start if known.own_start is None else known.own_start,
            "stop": known.own_stop,
            "dt": known.dt,
            "derived": [limit for limit, own in (("t_start", known.own_start), ("t_stop", known.own_stop)) if own is None],
        }
        for name, known in seen.items()
    }  # populations that do not say when they were recorded have the window of all
    steps = {known.dt for known in seen.values()}
    dt = steps.pop() if len(steps) == 1 else math.nan
    entries: dict[str, Any] = {"dt": dt, "seed": -1, "t_start": start, "t_stop": stop, "duration": stop - start, "complete": True}
    entries |= {"note": DERIVED} if any(known.derived for known in seen.values()) else {}
    found.info = {**entries, "populations": populations, "recorded_spikes": recorded}
    if found.unreadable:
        found.info["unreadable"] = {name: str(error) for name, error in found.unreadable.items()}
    return found


def _flat(spikes: h5py.Group) -> bool:
    """Whether the group itself holds spikes, as in the older layout (a population may also be called "timestamps" or "gids")."""
    link = spikes.get("timestamps", getlink=True)
    if not isinstance(link, h5py.HardLink):  # links are not followed
        return link is not None
    return spikes.get("timestamps", getclass=True) is h5py.Dataset


def _names(spikes: h5py.Group) -> list[str]:
    """Names of the populations: the groups in /spikes, and `FLAT` for spikes in /spikes itself."""
    if not _flat(spikes):
        return list(spikes)
    return [FLAT, *(name for name in spikes if name not in (FLAT, "timestamps", *_IDS))]


class _Population:
    """Metadata of a population: `place` of its datasets, number of neurons `n`, their `ids`, `start` and `stop` in ms."""

    def __init__(self, file: h5py.File, spikes: h5py.Group, name: str, hints: Hints) -> None:
        group = spikes if name == FLAT and _flat(spikes) else member(spikes, name, h5py.Group)
        self._where = f"{file.filename}{group.name}"
        ids = next((key for key in _IDS if group.get(key, getlink=True) is not None), _IDS[0])
        path = group.name.strip("/")
        plain = SpikeColumns(f"{path}/timestamps", f"{path}/{ids}")
        at, node_ids = plain.columns(file)
        self.place = SpikeColumns(plain.times, plain.ids, self._factor(at))
        self._read_times(at, group)
        own = _number(group, "dt", math.nan)
        self.dt = own if own > 0 else math.nan if hints.step is None else hints.step
        self._read_ids(node_ids, group, hints.nodes(name))

    def _factor(self, at: h5py.Dataset) -> float:
        """The factor that converts the timestamps to ms."""
        symbol = text_of(at, "units") if "units" in at.attrs else "ms"
        factor = units.factor(symbol, "ms")
        if factor is None:
            raise DataError(f"{self._where}/timestamps", f"has units {symbol!r}", "one of ms, s and us")
        return factor

    def _read_times(self, at: h5py.Dataset, group: h5py.Group) -> None:
        least, most = math.inf, -math.inf
        for first, piece in _pieces(at):
            times = self.place.ms(piece)
            wrong = ~np.isfinite(times)
            if wrong.any():
                i = int(np.argmax(wrong))
                got = (
                    f"holds {np.count_nonzero(wrong):,} or more times that are not finite numbers, such as entry {first + i}: {times[i]:g}"
                )
                raise DataError(f"{self._where}/timestamps", got, "times in ms")
            least, most = min(least, times.min().item()), max(most, times.max().item())
        start, stop = (_number(group, key, math.nan) for key in ("t_start", "t_stop"))
        self.own_start = None if math.isnan(start) else min(start, least)
        self.own_stop = None if math.isnan(stop) else max(stop, most, self.own_start or -math.inf)
        self.start = min(least, 0.0) if self.own_start is None else self.own_start
        self.stop = max(most, 0.0) if self.own_stop is None else self.own_stop

    def _read_ids(self, node_ids: h5py.Dataset, group: h5py.Group, given: int | None) -> None:
        least, most = MOST_NODES, -1
        for _, piece in _pieces(node_ids):
            least, most = min(least, piece.min().item()), max(most, piece.max().item())
        if len(node_ids) and not 0 <= least <= most < MOST_NODES:
            self._refuse(least if least < 0 else most, f"0 to {MOST_NODES - 1}")
        known = _number(group, "n_nodes", -1.0) if given is None else given
        self.n, self.assumed = int(known), ""
        self.derived = known < 0 or self.own_stop is None
        self.ids: str | list[int] = "all"
        if given is None and group.get("recorded_ids", getlink=True) is not None:
            self.ids = self._recorded(group, node_ids)
        elif known < 0:
            self.n = most + 1
            check_plausible(most, len(node_ids), self._where)
            self.assumed = assumed_text(self.n, least, most) if least not in (0, MOST_NODES) else ""
        elif most >= self.n:
            self.ids = filled_up(self._used(node_ids, self.n), self.n, self._where).tolist()

    def _refuse(self, node: int, allowed: str) -> None:
        raise DataError(self._where, f"holds a spike of node {node}", allowed)

    def _recorded(self, group: h5py.Group, node_ids: h5py.Dataset) -> list[int]:
        """The recorded neurons that the file lists, as `lifsim.write_spikes` does."""
        listed = read_values(dataset(group.file, f"{group.name.strip('/')}/recorded_ids", "ui", 1)).astype(np.int64)
        lacking = np.setdiff1d(self._used(node_ids, len(listed)), listed)
        if len(lacking):
            self._refuse(int(lacking[0]), "a node of recorded_ids")
        if distinct(listed) < len(listed):
            raise DataError(f"{self._where}/recorded_ids", "holds a node twice", "distinct nodes")
        self.n = max(self.n, len(listed))
        return [int(k) for k in listed]

    def _used(self, node_ids: h5py.Dataset, most: int) -> np.ndarray:
        """The distinct ids of spikes, ascending; the search ends when there are more than `most`."""
        used = np.zeros(0, np.int64)
        for _, piece in _pieces(node_ids):
            used = np.union1d(used, piece.astype(np.int64))
            if len(used) > most:
                break
        return used


def _pieces(data: h5py.Dataset) -> Iterator[tuple[int, np.ndarray]]:
    """The numbers of a dataset, `ROWS` at a time: (index of the first, numbers)."""
    for first in range(0, len(data), ROWS):
        yield first, data[first : first + ROWS]


def _number(group: h5py.Group, name: str, default: float) -> float:
    """The attribute `name` if it is a single finite number, else `default`."""
    if name not in group.attrs:
        return default
    kind = group.attrs.get_id(name)
    if kind.dtype.kind not in "iuf" or kind.shape not in ((), (1,)):
        return default
    value = float(np.asarray(group.attrs[name]).ravel()[0])
    return value if math.isfinite(value) else default


def warnings_of(found: Survey, path: Any) -> Iterator[str]:
    """Warnings about a file of another tool: populations that cannot be read, assumed numbers of neurons."""
    for name, error in found.unreadable.items():
        yield f"{path}: {name} is left out: {error}"
    for name, text in found.assumed.items():
        yield f"{path}: {name}: {text}"
