"""A result of spikes that are in memory: arrays of a user, or what was read from a text file, NPZ or another library."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.results.manifest import Key, Manifest
from lifsim.results.result import Result
from lifsim.results.spike_populations import by_population
from lifsim.results.spike_writing import write_sonata
from lifsim.results.spikes import Spikes


class HeldSpikes:
    """The data source of a result of `spikes`, by population."""

    def __init__(self, spikes: Mapping[str, Spikes], note: str = "") -> None:
        self._spikes = dict(spikes)
        start = min((each.t_start for each in spikes.values()), default=0.0)
        stop = max((each.t_stop for each in spikes.values()), default=start)
        steps = {each.dt for each in spikes.values() if each.dt > 0}
        dt = steps.pop() if len(steps) == 1 else math.nan
        populations = {name: {"n": each.n_nodes, "model": "unknown"} for name, each in spikes.items()}
        recorded = {
            name: {"ids": each.recorded_ids, "start": each.t_start, "stop": each.t_stop, "dt": each.dt, "derived": each.derived}
            for name, each in spikes.items()
        }
        self.manifest = Manifest(dt=dt, populations=populations, spikes=recorded, name="network", seed=-1)
        said: dict[str, Any] = {"dt": dt, "seed": -1, "t_start": start, "t_stop": stop, "duration": stop - start, "complete": True}
        said |= {"note": note} if note else {}
        self.info: dict[str, Any] = {**said, "populations": populations, "recorded_spikes": recorded}
        self.located: list[str] = []

    def count(self, name: str) -> int:
        """Number of spikes of a population."""
        return len(self._spikes[name])

    def spikes(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Times (ms) and ids of a population's spikes."""
        return self._spikes[name].times, self._spikes[name].ids

    def spike_pieces(self, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Times (ms) and ids of a population's spikes, as one piece."""
        yield self.spikes(name)

    def positions(self, name: str) -> np.ndarray:
        """Never called: no population is in `located`."""
        raise KeyError(name)

    def shape(self, key: Key) -> tuple[int, int]:
        """Never called: the manifest has no traces."""
        raise KeyError(key)

    def trace(self, key: Key) -> np.ndarray:
        """Never called: the manifest has no traces."""
        raise KeyError(key)

    def save(self, path: Path) -> None:
        """Write the spikes to a SONATA file."""
        write_sonata(path, self._spikes)


def result_of_spikes(given: Spikes | Mapping[str, Spikes], path: Path | None = None, note: str = "") -> Result:
    """The result that has the `given` spikes, of one population or by population; `path` is the file that they were read from."""
    return Result(HeldSpikes(by_population(given), note), path)
