"""Spikes in memory by population, as users give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.printable import shown
from lifsim.results.spike_arrays import ids_of_spikes
from lifsim.results.spikes import Spikes

UNNAMED = "spikes"  # the name of a population that has none


def by_population(given: Any, where: str = "spikes") -> dict[str, Spikes]:
    """The given spikes by population. A pair (times, ids) stands for `Spikes` of as many neurons as the largest id says.

    Raises
    ------
    DataError : something else is given, or a name that no file can hold.
    """
    if isinstance(given, Spikes):
        given = {given.name or UNNAMED: given}
    if not isinstance(given, Mapping):
        raise DataError(where, shown(given), "a dictionary {population: Spikes}, such as result.spikes, or Spikes")
    return {_name(name, where): _spikes(each, name, f"{where}[{name!r}]") for name, each in given.items()}


def _name(name: Any, where: str) -> str:
    if not isinstance(name, str) or not name.strip() or name in (".", "..") or "/" in name or not name.isprintable():
        raise DataError(where, f"a population called {shown(name)}", "a name of printable characters without /")
    return name


def _spikes(given: Any, name: str, where: str) -> Spikes:
    if isinstance(given, Spikes):
        return given
    if isinstance(given, (tuple, list)) and len(given) == 2 and np.ndim(given[0]) == 1:
        ids = ids_of_spikes(given[1], where)
        return Spikes(given[0], ids, int(ids.max(initial=-1)) + 1, name=name)
    raise DataError(where, shown(given), "a pair (times, ids), or Spikes")
