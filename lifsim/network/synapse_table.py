"""The columns of a list of synapses from a file, and their allowed values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lifsim.common import units
from lifsim.common.errors import ModelError
from lifsim.common.text import shortened
from lifsim.common.timegrid import LONGEST_DELAY, nearest_on_grid, no_delays
from lifsim.files.hdf5_reading import text_of
from lifsim.files.untrusted import unreadable

COLUMNS = ("source", "target", "weight", "delay")
LONGEST = 1 << 16  # bytes of the first line that are read


@dataclass(frozen=True, eq=False)
class SynapseColumns:
    """Synapses in the order of the file: indices (int32), weights and delays in ms (float64, or None if the column is missing)."""

    sources: np.ndarray
    targets: np.ndarray
    weight: np.ndarray | None
    delay: np.ndarray | None
    number: np.ndarray | None = None  # SONATA's nsyns, float64: factors of the connection's weight


@dataclass(frozen=True)
class WantedColumns:
    """How a connection reads a list.

    unit : unit of weights. types : file of SONATA edge types; None: the one next to the list, False: none.
    own : which of "weight" and "delay" the connection gives itself.
    """

    unit: str = ""
    types: Path | Literal[False] | None = None
    own: frozenset[str] = frozenset()

    def in_units(self, data: Any, values: np.ndarray, name: str, where: str, place: str) -> np.ndarray:
        """Convert the `values` of a dataset to ms or the unit of weights, if the dataset has an attribute with its unit."""
        unit = {"weight": self.unit, "delay": "ms"}.get(name, "")
        symbol = next((text_of(data, key) for key in ("units", "unit") if key in data.attrs), "")
        if not symbol or name not in ("weight", "delay"):
            return values
        factor = units.factor(symbol, unit)
        if factor is None:
            raise ModelError(place, f"{where} has units {shortened(repr(symbol))}", f"{unit or 'no unit'}, or another of its kind")
        return units.scaled(np.asarray(values, np.float64), factor)


@dataclass(frozen=True)
class Limits:
    """The allowed values of the columns of a list."""

    n_source: int
    n_target: int
    dt: float

    def wrong(self, column: str, x: np.ndarray) -> np.ndarray:
        """A mask of the numbers that are not allowed in a column."""
        if column in ("source", "target"):
            return ~((x >= 0) & (x < (self.n_source if column == "source" else self.n_target)) & (x == np.floor(x)))
        return no_delays(x, self.dt) if column == "delay" else ~np.isfinite(x)

    def allowed(self, column: str, x: float) -> str:
        """The allowed values of a column, for a message that refuses `x`."""
        if column in ("source", "target"):
            return f"a whole number from 0 to {(self.n_source if column == 'source' else self.n_target) - 1}"
        if column == "weight" or not np.isfinite(x):
            return "a finite number"
        if x > LONGEST_DELAY * self.dt:
            return f"at most {LONGEST_DELAY * self.dt:g} ms"
        return nearest_on_grid(x, self.dt) if x >= self.dt else f"at least one step of dt = {self.dt:g} ms"


def inside(group: Any, path: str, place: str) -> Any:
    """The object at `path` below `group`, in the same file; None if there is none (ModelError for a link to another place)."""
    import h5py

    for part in path.split("/"):
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ModelError(
                place, f"{group.file.filename}:{group.name.rstrip('/')}/{part} is a link to another place", "data in the file itself"
            )
        group = group[part]
    return group


def column_of(data: Any, where: str, place: str) -> np.ndarray:
    """The numbers of a dataset, whose data must be stored in the file itself (ModelError)."""
    import h5py

    if not isinstance(data, h5py.Dataset) or data.shape is None or data.ndim != 1 or data.dtype.kind not in "iuf":
        raise ModelError(place, f"{where} is not a list of numbers", "a dataset of one dimension")
    reason = unreadable(data)
    if reason:
        raise ModelError(place, f"{where} {reason}", "data that are in the file itself")
    return np.asarray(data[()])
