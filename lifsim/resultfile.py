"""The HDF5 file of a result: its layout, and how it is read (written: `lifsim.resultwriter`).

SONATA's layout for other tools (AllenInstitute/sonata, developer guide, "Spike file" and "Report"),
and under ``/lifsim`` all that SONATA does not know: silent neurons, duration, float64 traces, and
where the data come from. Times are in ms.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from lifsim import disk, seal, units
from lifsim.errors import DataError
from lifsim.grid import times
from lifsim.recording import FORMAT_VERSION, Key, Manifest, Recorded, ids_of, ms, plain
from lifsim.untrusted import unreadable

if TYPE_CHECKING:
    from lifsim.foreign import NodeCount, Survey

_ROWS = 1 << 20  # numbers that are read at a time where there may be more than memory holds
_DATA = {"spikes": "recorded_spikes", "traces": "recorded_traces"}  # /lifsim/traces is the data itself
MOST_NODES = 2**31  # of a population
_ALLOWED = "a result of lifsim or SONATA spikes"


# -- metadata of a run --------------------------------------------------------------------------


def entries(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run, by name: its manifest, its extent, and the summary that it wrote at its end."""
    return concluded(described(recorded), recorded.summary)


def described(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run without the summary that it writes at its end."""
    manifest, totals = recorded.manifest, recorded.totals
    start, stop, duration = (float(t) for t in times(np.array([totals.start, totals.end, totals.end - totals.start]), manifest.dt))
    said = {_DATA.get(key, key): plain(value) for key, value in vars(manifest).items() if key != "positions"}
    if recorded.ignored:
        said["ignored"] = f"{recorded.ignored:,} bytes at the end of the log: {recorded.reason}"
    return {**said, "t_start": start, "t_stop": stop, "duration": duration}


def concluded(described: Mapping[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same with what the run said at its end, if it came to it."""
    said = summary or {}
    return {**said, **described, "complete": bool(said.get("complete", summary is not None))}


def info_sha256(said: Mapping[str, Any]) -> str:
    """The digest of all that is said of a run."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def clip(entry: Mapping[str, Any], start: float, stop: float) -> tuple[float, float]:
    """The window (ms) of a recording's `entry` within a run from `start` to `stop`."""
    begin = min(max(start, ms(entry.get("start", 0.0))), stop)
    return begin, max(begin, min(stop, ms(entry.get("stop"))))


def trace_ids(manifest: Manifest, key: Key) -> np.ndarray:
    """The neuron of each column of a trace, int64; empty for "rate"."""
    if key[1] == "rate":
        return np.zeros(0, dtype=np.int64)
    return ids_of(manifest.trace(*key)["ids"], manifest.populations[key[0]]["n"])


# -- reading ----------------------------------------------------------------------------------------


class File:
    """A result in an HDF5 file, which is open only while something is read from it.

    (So it can be replaced meanwhile, on Windows too; reading then says that it was.)
    """

    def __init__(self, path: Path, n_nodes: NodeCount = None) -> None:
        self._path = path
        self._stamp = self._stat()
        self.survey: Survey | None = None
        with self._open() as file:
            native = "lifsim" in file
            self.sealed = seal.check(path)
            if native:
                if not self.sealed and seal.broken(path):
                    raise DataError(str(path), *seal.CHANGED)
                self.info = _read_info(member(file, "lifsim", h5py.Group))
                refuse_counts(path, n_nodes)
            else:
                from lifsim.foreign import survey

                self.survey = survey(file, n_nodes)
                self.info = self.survey.info
            self.manifest = _manifest(self.info)
            self._native = native
            self.located = list(member(file["lifsim"], "positions", h5py.Group)) if native and "positions" in file["lifsim"] else []

    @classmethod
    def made(cls, path: Path, info: dict[str, Any], located: list[str]) -> File:
        """The file that was just written, of which all this is known."""
        file = cls.__new__(cls)
        file._path, file._native, file.info, file.manifest, file.located = path, True, info, _manifest(info), located
        file._stamp, file.survey, file.sealed = file._stat(), None, True
        return file

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_path": self._path.absolute()}  # whoever gets it may be in another folder

    def _stat(self) -> tuple[int, int]:
        stat = self._path.stat()
        return stat.st_size, stat.st_mtime_ns

    @contextmanager
    def _open(self) -> Iterator[h5py.File]:
        try:
            if self._stat() != self._stamp:
                raise DataError(str(self._path), "was replaced after it was opened", "open it again")
            with h5py.File(self._path, "r", locking="best-effort") as file:
                yield file
        except FileNotFoundError:
            raise DataError(str(self._path), "was removed after it was opened") from None
        except PermissionError as error:
            raise DataError(str(self._path), f"cannot be read ({error.strerror})") from None
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            what = f"is damaged ({error})" if h5py.is_hdf5(self._path) else "is no HDF5 file, or was cut off or damaged"
            raise DataError(str(self._path), what, _ALLOWED) from None

    def count(self, name: str) -> int:
        """Number of spikes of a population."""
        with self._open() as file:
            return len(self._place(name).columns(file)[1])

    def _place(self, name: str) -> Place:
        return Place(f"spikes/{name}/timestamps", f"spikes/{name}/node_ids") if self.survey is None else self.survey.places[name]

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""
        with self._open() as file:
            place = self._place(name)
            at, ids = map(_read, place.columns(file))
            at, ids = place.ms(at), ids.astype(np.int64)
            if self._native and len(ids) and not (ids.min() >= 0 and ids.max() < self.manifest.populations[name]["n"]):
                raise DataError(f"{self._path}/spikes/{name}/node_ids", "names neurons that the population does not have")
        return (at, ids) if self._native else _by_time(at, ids)

    def positions(self, name: str) -> np.ndarray:
        """Where the nodes of a population lie, (n, dimensions), mm."""
        with self._open() as file:
            return _read(dataset(file, f"lifsim/positions/{name}", "f", 2))

    def rows(self, name: str, a: int, z: int) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of the spikes in the rows a … z - 1 of a population, as they lie in the file."""
        with self._open() as file:
            place = self._place(name)
            at, ids = place.columns(file)
            return place.ms(at[a:z]), ids[a:z].astype(np.int64)

    def check_rows(self, name: str) -> None:
        """Compare a population's spikes, piece by piece, with their checksums, if they have any (DataError if they differ)."""
        with self._open() as file:
            for data in self._place(name).columns(file):
                if "sha256" in data.attrs:
                    _check_digest(data)

    def verify(self) -> int:
        """Compare the whole file with its seal, and every dataset with its checksum (DataError if one differs); how many there are.

        The memory needed does not grow with the file.
        """
        seal.check(self._path)
        with self._open() as file:
            hashed = _hashed(file)
            for data in hashed:
                _check_digest(data)
        return len(hashed)

    def shape(self, key: Key) -> tuple[int, int]:
        """(n_samples, n_columns) of a trace."""
        with self._open() as file:
            n, m = dataset(file, f"lifsim/traces/{'/'.join(key)}", "f", 2).shape
        return n, m

    def trace(self, key: Key) -> np.ndarray:
        """A trace, (n_samples, n_columns)."""
        with self._open() as file:
            return _read(dataset(file, f"lifsim/traces/{'/'.join(key)}", "f", 2))

    def save(self, path: Path) -> None:
        """Copy the file."""
        if path.exists() and path.samefile(self._path):
            return
        with disk.replacing(path, f"{self._path} is as it was") as fd, self._path.open("rb") as own:
            while piece := own.read(1 << 20):
                disk.write(fd, piece)


@dataclass(frozen=True)
class Place:
    """Where the spikes of a population lie in a file, and what makes ms of its times."""

    times: str
    ids: str
    factor: float = 1.0

    def columns(self, file: h5py.File) -> tuple[h5py.Dataset, h5py.Dataset]:
        """Timestamps and node ids, equally many (DataError if not)."""
        at, ids = dataset(file, self.times, "fiu", 1), dataset(file, self.ids, "ui", 1)
        if len(at) != len(ids):
            raise DataError(f"{file.filename}/{self.times}", f"has {len(at)} timestamps, but {len(ids)} {self.ids.rpartition('/')[2]}")
        return at, ids

    def ms(self, at: np.ndarray) -> np.ndarray:
        """Times as they lie in the file, in ms: float64."""
        return np.asarray(units.scaled(at.astype(np.float64, copy=False), self.factor))


def refuse_counts(path: Path, n_nodes: NodeCount) -> None:
    """Refuse a number of neurons that is given for a file which says it itself (DataError)."""
    if n_nodes is not None:
        raise DataError(str(path), "n_nodes is given for a result of lifsim", "none: the file says how many neurons there are")


def _hashed(file: h5py.File) -> list[h5py.Dataset]:
    """The datasets that have a checksum of their own."""
    found: list[h5py.Dataset] = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) and "sha256" in item.attrs else None)
    return found


def _by_time(at: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    order = np.lexsort((ids, at))
    return at[order], ids[order]


def member(group: h5py.Group, name: str, kind: type) -> Any:
    """What is called `name` in `group`, if it lies in this file and is of the right kind.

    Links and datasets that point to other files would read whatever is there, so they are refused
    before they are followed.
    """
    where = f"{group.file.filename}{group.name.rstrip('/')}/{name}"
    link = group.get(name, getlink=True)
    if link is None:
        raise DataError(where, "is missing", _ALLOWED)
    if not isinstance(link, h5py.HardLink):
        raise DataError(where, "is a link to another place", "only data in the file itself")
    member = group[name]
    if not isinstance(member, kind):
        raise DataError(where, f"is a {type(member).__name__.lower()}", f"a {kind.__name__.lower()}")
    return member


def dataset(file: h5py.File, path: str, kinds: str, ndim: int | None) -> h5py.Dataset:
    """The dataset at `path` of `ndim` dimensions (None: any), checked before anything is read from it."""
    *groups, name = path.split("/")
    group: h5py.Group = file
    for part in groups:
        group = member(group, part, h5py.Group)
    data = member(group, name, h5py.Dataset)
    where = f"{file.filename}/{path}"
    _check_storage(data, where)
    if (ndim is not None and data.ndim != ndim) or data.dtype.kind not in kinds:
        allowed = "numbers" if ndim is None else f"{ndim} dimension(s) of numbers"
        raise DataError(where, f"has shape {data.shape} and type {data.dtype}", allowed)
    return data


def _check_storage(data: h5py.Dataset, where: str) -> None:
    """Refuse data that lie elsewhere, or that the file only claims to hold."""
    reason = unreadable(data)
    if reason:
        raise DataError(where, reason, "data that are in the file itself")


def _read(data: h5py.Dataset) -> np.ndarray:
    """All of a dataset, checked against its checksum if it has one."""
    values = data[()]
    if "sha256" in data.attrs and _attribute(data, "sha256") != hashlib.sha256(values).hexdigest():
        raise DataError(f"{data.file.filename}{data.name}", *seal.CHANGED)
    return values


def _check_digest(data: h5py.Dataset) -> None:
    """Compare a dataset, piece by piece, with its checksum (DataError if they differ)."""
    digest = hashlib.sha256()
    rows = max(1, _ROWS // max(1, math.prod(data.shape[1:])))
    for a in range(0, len(data), rows):
        digest.update(data[a : a + rows])
    if _attribute(data, "sha256") != digest.hexdigest():
        raise DataError(f"{data.file.filename}{data.name}", *seal.CHANGED)


def _attribute(item: h5py.HLObject, name: str) -> Any:
    """A number or text of fixed length; another type is not even read."""
    kind = item.attrs.get_id(name)
    if kind.dtype.kind not in "iufbS" or kind.shape != ():
        raise DataError(f"{item.file.filename}{item.name}", f"has an attribute {name} of type {kind.dtype}", "a number or text")
    value = item.attrs[name]
    return value.decode() if isinstance(value, bytes) else value.item() if isinstance(value, np.generic) else value


def _read_info(group: h5py.Group) -> dict[str, Any]:
    version = _attribute(group, "format_version") if "format_version" in group.attrs else "?"
    if str(version).split(".")[0] != FORMAT_VERSION.split(".")[0]:
        allowed = f"this lifsim reads {FORMAT_VERSION}: update lifsim to read newer ones"
        raise DataError(f"{group.file.filename}/lifsim", f"has format version {version}", allowed)
    info = {name: _attribute(group, name) for name in group.attrs}
    for name in group:
        if name in ("traces", "positions"):
            continue
        data = member(group, name, h5py.Dataset)
        where = f"{group.file.filename}{data.name}"
        _check_storage(data, where)
        if data.shape != () or data.dtype.kind != "S":
            raise DataError(where, f"has shape {data.shape} and type {data.dtype}", "text of fixed length")
        text = data[()].decode()
        info[name] = json.loads(text) if _attribute(data, "json") else text
    if info.pop("info_sha256", None) != info_sha256(info):
        raise DataError(f"{group.file.filename}/lifsim", *seal.CHANGED)
    return info


def _manifest(info: Mapping[str, Any]) -> Manifest:
    names = [f.name for f in fields(Manifest)]
    return Manifest(**{name: info[_DATA.get(name, name)] for name in names if _DATA.get(name, name) in info})
