"""Spike files of other tools: the populations that a SONATA file holds, and their metadata.

Layouts: ``/spikes/<population>/{timestamps, node_ids}`` (SONATA), and the older ``/spikes/{timestamps, gids}``, whose only population
has no name and is called "spikes" here. Times are in the `units` attribute of timestamps, ms by default. SONATA stores neither the
number of neurons nor the duration; a file may have them as attributes n_nodes, t_start, t_stop of the population, as lifsim's have.

A population that cannot be read does not prevent the others from being read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

from lifsim.common import units
from lifsim.common.errors import DataError
from lifsim.files.hdf5_reading import member, text_of
from lifsim.results.spike_columns import MOST_NODES, SpikeColumns

ROWS = 1 << 20  # numbers that are read at a time: a dataset may be larger than the memory
FLAT = "spikes"  # the name given to the population without a name
_IDS = ("node_ids", "gids")
_SPARSE = 1 << 24  # from this id on, the largest id must be plausible as the number of neurons

NodeCount = int | Mapping[str, int] | None


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


def survey(file: h5py.File, n_nodes: NodeCount = None) -> Survey:
    """Find the populations in a file and check all their times and ids.

    `n_nodes` is the number of neurons, for all populations or as {population: number}; None: taken from the file.

    Raises
    ------
    DataError : no population can be read, or `n_nodes` names one that is not in the file.
    """
    if file.get("spikes", getlink=True) is None:
        raise DataError(file.filename, "is neither a result of lifsim nor a SONATA spike file", "it has no group /spikes")
    found = Survey({})
    populations, recorded, start, stop = {}, {}, 0.0, 0.0
    spikes = member(file, "spikes", h5py.Group)
    names = _names(spikes)
    _check_given(n_nodes, names, file.filename)
    for name in names:
        given = n_nodes.get(name) if isinstance(n_nodes, Mapping) else n_nodes
        try:
            known = _Population(file, spikes, name, given)
        except DataError as error:
            found.unreadable[name] = error
            continue
        found.places[name] = known.place
        populations[name] = {"n": known.n, "model": "unknown"}
        recorded[name] = {"ids": known.ids, "start": 0.0, "stop": None}
        start, stop = min(start, known.start), max(stop, known.stop)
        if known.assumed:
            found.assumed[name] = known.assumed
    if names and not populations:
        raise next(iter(found.unreadable.values()))
    for entry in recorded.values():
        entry["start"] = start
    note = "from another tool: where n_nodes or t_stop is missing, it is derived from the largest id or the last spike"
    entries = {"dt": math.nan, "seed": -1, "t_start": start, "t_stop": stop, "duration": stop - start, "complete": True, "note": note}
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


def _check_given(n_nodes: NodeCount, names: list[str], place: str) -> None:
    for name, n in n_nodes.items() if isinstance(n_nodes, Mapping) else [("", n_nodes)] if n_nodes is not None else []:
        if name and name not in names:
            raise DataError(place, f"n_nodes is given for {name!r}, which is not a population of the file", "one of: " + ", ".join(names))
        if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= MOST_NODES:
            raise DataError(place, f"n_nodes is {n!r}", f"a whole number from 0 to {MOST_NODES}")


class _Population:
    """Metadata of a population: `place` of its datasets, number of neurons `n`, their `ids`, `start` and `stop` in ms."""

    def __init__(self, file: h5py.File, spikes: h5py.Group, name: str, given: int | None) -> None:
        group = spikes if name == FLAT and _flat(spikes) else member(spikes, name, h5py.Group)
        self._where = f"{file.filename}{group.name}"
        ids = next((key for key in _IDS if group.get(key, getlink=True) is not None), _IDS[0])
        path = group.name.strip("/")
        plain = SpikeColumns(f"{path}/timestamps", f"{path}/{ids}")
        at, node_ids = plain.columns(file)
        self.place = SpikeColumns(plain.times, plain.ids, self._factor(at))
        self._read_times(at, group)
        self._read_ids(node_ids, group, given)

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
        self.start = min(least, _number(group, "t_start", 0.0), 0.0)
        self.stop = max(most, _number(group, "t_stop", 0.0), 0.0)

    def _read_ids(self, node_ids: h5py.Dataset, group: h5py.Group, given: int | None) -> None:
        least, most = MOST_NODES, -1
        for _, piece in _pieces(node_ids):
            least, most = min(least, piece.min().item()), max(most, piece.max().item())
        if len(node_ids) and not 0 <= least <= most < MOST_NODES:
            self._refuse(least if least < 0 else most, f"0 to {MOST_NODES - 1}")
        known = _number(group, "n_nodes", -1.0) if given is None else given
        self.n, self.ids, self.assumed = int(known), "all", ""
        if known < 0:
            self.n = most + 1
            if most >= max(_SPARSE, 100 * len(node_ids)):
                self._refuse(most, "give n_nodes, the number of neurons")
            if least not in (0, MOST_NODES):
                text = f"{self.n:,} neurons with ids 0 to {most} are assumed, since the spikes have ids {least} to {most}"
                self.assumed = f"{text}: if there are fewer neurons, give their number as n_nodes"
        elif most >= self.n:
            self.ids = self._listed(node_ids)

    def _refuse(self, node: int, allowed: str) -> None:
        raise DataError(self._where, f"holds a spike of node {node}", allowed)

    def _listed(self, node_ids: h5py.Dataset) -> Any:
        """Ids of the `n` neurons, if they do not begin with 0: the ids of spikes, filled up with unused ids after the smallest."""
        used = np.zeros(0, np.int64)
        for _, piece in _pieces(node_ids):
            used = np.union1d(used, piece.astype(np.int64))
            if len(used) > self.n:
                raise DataError(self._where, f"holds spikes of {len(used):,} neurons or more", f"at most the given n_nodes = {self.n:,}")
        follow = np.setdiff1d(np.arange(used[0], used[0] + self.n), used)[: self.n - len(used)]
        return np.sort(np.concatenate([used, follow])).tolist()


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
