"""Layout and reader of the HDF5 file of a result (writer: `lifsim.results.hdf5_writer`).

Spikes and reports are in SONATA's layout for other tools (AllenInstitute/sonata, developer guide, "Spike file" and "Report").
``/lifsim`` holds what SONATA cannot store: silent neurons, duration, float64 traces, and the origin of the data. Times are in ms.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import h5py
import numpy as np

from lifsim.common.errors import DataError
from lifsim.files import disk, seal
from lifsim.files.hdf5_reading import ALLOWED, attribute_of, check_digest, check_storage, dataset, member, pieces_of, read_values
from lifsim.results.foreign import survey
from lifsim.results.manifest import FORMAT_VERSION, Key, Manifest
from lifsim.results.run_info import DATA, info_sha256
from lifsim.results.spike_arrays import by_time
from lifsim.results.spike_columns import SpikeColumns
from lifsim.results.spike_hints import OWN, Hints

if TYPE_CHECKING:
    from lifsim.results.foreign import Survey


class ResultFile:
    """A result in an HDF5 file. The file is open only while data are read.

    Between two reads, another program can replace the file, on Windows too; the next read then raises an error that says so.

    Parameters
    ----------
    path : the file. hints : what a file of another tool may lack.
    written : for a file that this process has just written, its metadata and the names of the populations with positions, which need
        not be read then; None for other files.
    """

    def __init__(self, path: Path, hints: Hints | None = None, written: tuple[dict[str, Any], list[str]] | None = None) -> None:
        hints = hints or Hints()
        self._path = path
        self._stamp = self._stat()
        self.survey: Survey | None = None
        self._checked: set[str] = set()  # populations whose spikes agreed with their checksums; a file that changes is noticed by `_open`
        if written is not None:
            (self.info, self.located), self._native, self.sealed = written, True, True
            self.manifest = _manifest(self.info)
            return
        with self._open() as file:
            self._native = native = "lifsim" in file
            self.sealed = seal.check(path)
            if native:
                if not self.sealed and seal.broken(path):
                    raise DataError(str(path), *seal.CHANGED)
                self.info = _read_info(member(file, "lifsim", h5py.Group))
                hints.refuse(str(path), OWN)
            else:
                self.survey = survey(file, hints)
                self.info = self.survey.info
            self.manifest = _manifest(self.info)
            self.located = list(member(file["lifsim"], "positions", h5py.Group)) if native and "positions" in file["lifsim"] else []

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_path": self._path.absolute()}  # another process may have another working directory

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
            what = f"is damaged ({error})" if h5py.is_hdf5(self._path) else "is not an HDF5 file, or is incomplete or damaged"
            raise DataError(str(self._path), what, ALLOWED) from None

    def count(self, name: str) -> int:
        """Number of spikes of a population."""
        with self._open() as file:
            return len(self._place(name).columns(file)[1])

    def _place(self, name: str) -> SpikeColumns:
        return SpikeColumns(f"spikes/{name}/timestamps", f"spikes/{name}/node_ids") if self.survey is None else self.survey.places[name]

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""
        with self._open() as file:
            place = self._place(name)
            at, ids = map(read_values, place.columns(file))
            at, ids = place.ms(at), ids.astype(np.int64)
            if self._native and len(ids) and not (ids.min() >= 0 and ids.max() < self.manifest.populations[name]["n"]):
                self._refuse_ids(name)
        return (at, ids) if self._native else by_time(at, ids)

    def positions(self, name: str) -> np.ndarray:
        """Positions of the nodes of a population, (n, dimensions), mm."""
        with self._open() as file:
            return read_values(dataset(file, f"lifsim/positions/{name}", "f", 2))

    def rows(self, name: str, a: int, z: int) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of the spikes in rows a … z - 1 of a population, in the order of the file."""
        with self._open() as file:
            place = self._place(name)
            at, ids = place.columns(file)
            return place.ms(at[a:z]), ids[a:z].astype(np.int64)

    def spike_pieces(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Times (ms) and ids of a population's spikes in order of time, in pieces, only one of which is in memory.

        Files of other tools that are not in order of time are read as a whole. Checksums are compared when the last piece was read for
        the first time (DataError if they differ).
        """
        if not self._native and not self._by_time(name):
            yield self.spikes(name)
            return
        with self._open() as file:
            place = self._place(name)
            n = self.manifest.populations[name]["n"]
            for at, ids in pieces_of(*place.columns(file), check=name not in self._checked):
                if self._native and ids.max() >= n:
                    self._refuse_ids(name)
                yield place.ms(at), ids.astype(np.int64)
            self._checked.add(name)

    def _by_time(self, name: str) -> bool:
        """Whether the spikes of another tool's file are in the order that `spikes` gives them: by time, then neuron."""
        before = (-np.inf, -1)
        with self._open() as file:
            for at, ids in pieces_of(*self._place(name).columns(file)):
                at, ids = at.astype(np.float64), ids.astype(np.int64)
                later = (at[1:] > at[:-1]) | ((at[1:] == at[:-1]) & (ids[1:] >= ids[:-1]))
                if not later.all() or (at[0], ids[0]) < before:
                    return False
                before = (at[-1], ids[-1])
        return True

    def _refuse_ids(self, name: str) -> NoReturn:
        raise DataError(f"{self._path}/spikes/{name}/node_ids", "holds ids of neurons that the population does not have")

    def check_rows(self, name: str) -> None:
        """Compare a population's spikes piecewise with their checksums, if there are any (DataError if they differ)."""
        with self._open() as file:
            for data in self._place(name).columns(file):
                if "sha256" in data.attrs:
                    check_digest(data)

    def verify(self) -> int:
        """Compare the file with its seal and every dataset with its checksum (DataError if one differs).

        Returns the number of datasets that have a checksum. Memory use does not depend on the size of the file.
        """
        seal.check(self._path)
        with self._open() as file:
            hashed = _hashed(file)
            for data in hashed:
                check_digest(data)
        return len(hashed)

    def shape(self, key: Key) -> tuple[int, int]:
        """(n_samples, n_columns) of a trace."""
        with self._open() as file:
            n, m = dataset(file, f"lifsim/traces/{'/'.join(key)}", "f", 2).shape
        return n, m

    def trace(self, key: Key) -> np.ndarray:
        """A trace, (n_samples, n_columns)."""
        with self._open() as file:
            return read_values(dataset(file, f"lifsim/traces/{'/'.join(key)}", "f", 2))

    def save(self, path: Path) -> None:
        """Copy the file to `path`; nothing happens if `path` is the file itself."""
        if path.exists() and path.samefile(self._path):
            return
        with disk.replacing(path, f"{self._path} is unchanged") as fd, self._path.open("rb") as own:
            while piece := own.read(1 << 20):
                disk.write(fd, piece)


def _hashed(file: h5py.File) -> list[h5py.Dataset]:
    """The datasets that have a checksum."""
    found: list[h5py.Dataset] = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Dataset) and "sha256" in item.attrs else None)
    return found


def _read_info(group: h5py.Group) -> dict[str, Any]:
    version = attribute_of(group, "format_version") if "format_version" in group.attrs else "?"
    if str(version).split(".")[0] != FORMAT_VERSION.split(".")[0]:
        allowed = f"this version of lifsim reads format {FORMAT_VERSION}: update lifsim to read newer formats"
        raise DataError(f"{group.file.filename}/lifsim", f"has format version {version}", allowed)
    info = {name: attribute_of(group, name) for name in group.attrs}
    for name in group:
        if name in ("traces", "positions"):
            continue
        data = member(group, name, h5py.Dataset)
        where = f"{group.file.filename}{data.name}"
        check_storage(data, where)
        if data.shape != () or data.dtype.kind != "S":
            raise DataError(where, f"has shape {data.shape} and type {data.dtype}", "text of fixed length")
        text = data[()].decode()
        info[name] = json.loads(text) if attribute_of(data, "json") else text
    if info.pop("info_sha256", None) != info_sha256(info):
        raise DataError(f"{group.file.filename}/lifsim", *seal.CHANGED)
    return info


def _manifest(info: Mapping[str, Any]) -> Manifest:
    names = [f.name for f in fields(Manifest)]
    return Manifest(**{name: info[DATA.get(name, name)] for name in names if DATA.get(name, name) in info})
