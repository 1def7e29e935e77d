"""The datasets of a population's spikes in a file."""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from lifsim.common import units
from lifsim.common.errors import DataError
from lifsim.files.hdf5_reading import dataset

MOST_NODES = 2**31  # of a population


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
