"""The datasets of a population's spikes in a file."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from lifsim.common import units
from lifsim.common.errors import DataError
from lifsim.files.hdf5_reading import dataset
from lifsim.results.column_writer import reserved

_MAGIC, _VERSION = 0x0A7A, (0, 1)
_SORTING = {"none": 0, "by_id": 1, "by_time": 2}


@dataclass(frozen=True)
class SpikeColumns:
    """Paths of the datasets of a population's times and ids in a file, and the factor that converts its times to ms."""

    times: str
    ids: str
    factor: float = 1.0

    def columns(self, file: h5py.File) -> tuple[h5py.Dataset, h5py.Dataset]:
        """The datasets of timestamps and node ids (DataError if their lengths differ)."""
        at, ids = dataset(file, self.times, "fiu", 1), dataset(file, self.ids, "ui", 1)
        if len(at) != len(ids):
            raise DataError(f"{file.filename}/{self.times}", f"has {len(at)} timestamps, but {len(ids)} {self.ids.rpartition('/')[2]}")
        return at, ids

    def ms(self, at: np.ndarray) -> np.ndarray:
        """Times from the file, converted to ms: float64."""
        return np.asarray(units.scaled(at.astype(np.float64, copy=False), self.factor))


def mark_as_sonata(file: h5py.File) -> None:
    """Write the attributes by which SONATA files are known."""
    file.attrs["magic"] = np.uint32(_MAGIC)
    file.attrs["version"] = np.array(_VERSION, dtype=np.uint32)


def new_columns(file: h5py.File, name: str, n: int, n_nodes: int, window: tuple[float, float]) -> tuple[h5py.Dataset, h5py.Dataset]:
    """Create ``/spikes/<name>`` for `n` spikes in order of time; returns its datasets timestamps and node_ids, to be filled.

    libsonata reads the order of spikes from an enum on the group, bmtk from a text on node_ids. `window` is (t_start, t_stop) in ms.
    """
    group = file.create_group(f"spikes/{name}")
    group.attrs.create("sorting", _SORTING["by_time"], dtype=h5py.enum_dtype(_SORTING, basetype="u1"))
    group.attrs["n_nodes"] = n_nodes
    group.attrs["t_start"], group.attrs["t_stop"] = window
    timestamps = reserved(group, "timestamps", (n,), "<f8")
    timestamps.attrs["units"] = "ms"
    node_ids = reserved(group, "node_ids", (n,), "<u8")
    node_ids.attrs["sorting"] = "by_time"
    return timestamps, node_ids
