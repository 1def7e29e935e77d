"""Spikes and traces of a result as a data set of xarray."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.optional import optional
from lifsim.common.printable import shown


def dataset(result: Any, populations: str | Sequence[str] | None) -> Any:
    """The spikes and traces of `result` as an `xarray.Dataset`; see `Result.to_xarray`."""
    recorded = [name for name in result.populations if name in result.spikes or name in result.traces]
    names = recorded if populations is None else [populations] if isinstance(populations, str) else list(populations)
    for name in names:
        if name not in recorded:
            raise DataError("populations", f"nothing of {shown(name)} was recorded", did_you_mean(str(name), recorded))
    made = _Parts(result, len(names) > 1)
    for name in names:
        made.add(name)
    about = {"name": result.name, "seed": str(result.seed), "dt": result.dt, "t_start": result.t_start, "t_stop": result.t_stop}
    return optional("xarray", "to_xarray").Dataset(made.variables, made.coordinates, about)


class _Parts:
    """Collects variables and coordinates. Names have the population in front if there are `several`."""

    def __init__(self, result: Any, several: bool) -> None:
        self.result, self.several = result, several
        self.variables: dict[str, Any] = {}
        self.coordinates: dict[str, Any] = {}

    def add(self, population: str) -> None:
        """Add what was recorded of a population."""
        front = f"{population}_" if self.several else ""
        if population in self.result.traces:
            for variable in self.result.traces[population]:
                self._trace(population, variable, front)
        if population in self.result.spikes:
            spikes, along = self.result.spikes[population], f"{front}spike"
            self.variables[f"{front}spike_time"] = (along, spikes.times, {"units": "ms"})
            self.variables[f"{front}spike_neuron"] = (along, spikes.ids)

    def _trace(self, population: str, variable: str, front: str) -> None:
        of = self.result.traces[population]
        values, ids, sources = of[variable], of.ids_of(variable), of.sources_of(variable)
        time = self._dimension("time", f"time_{front}{variable}", of.times_of(variable), {"units": "ms"})
        unit = {"units": of.unit_of(variable)}
        if not len(ids):  # a rate of the whole population
            self.variables[f"{front}{variable}"] = (time, values[:, 0], unit)
            return
        if len(sources):
            along = f"synapse_{front}{variable}"
            self.coordinates |= {f"source_{front}{variable}": (along, sources), f"target_{front}{variable}": (along, ids)}
        else:
            along = self._dimension(f"{front}neuron", f"neuron_{front}{variable}", ids, {})
        self.variables[f"{front}{variable}"] = ((time, along), values, unit)

    def _dimension(self, name: str, other: str, values: np.ndarray, attributes: dict[str, str]) -> str:
        """The dimension with these coordinates: `name`, or `other` if `name` has different ones already."""
        for each in (name, other):
            known = self.coordinates.get(each)
            if known is None:
                self.coordinates[each] = (each, values, attributes)
                return each
            if np.array_equal(known[1], values):
                return each
        return other
