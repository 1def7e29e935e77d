"""What a user says about a file of spikes that the file itself does not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.overview import counted, id_span
from lifsim.results.spike_arrays import MOST_NODES, time_of

NodeCount: TypeAlias = int | Mapping[str, int] | None

OWN = "a result of lifsim"  # a kind of file that holds all facts
_SAID = {"n_nodes": "how many neurons there are", "first_id": "which neurons there are", "dt": "the time step"}
_SPARSE = 1 << 24  # from this id on, the largest id must be plausible as the number of neurons


@dataclass(frozen=True)
class Hints:
    """Facts about a file of spikes.

    n_nodes : number of neurons. first_id : the id of the first neuron, which becomes neuron 0. Both for all populations, or by population.
    dt : time step, ms.
    """

    n_nodes: NodeCount = None
    first_id: NodeCount = None
    dt: Any = None

    @property
    def given(self) -> dict[str, Any]:
        """The facts that were given, by name."""
        return {key: value for key, value in vars(self).items() if value is not None}

    def refuse(self, where: str, kind: str, *names: str) -> None:
        """Raise a DataError if one of the facts `names` (default: any) is given for a file of this `kind`, which holds them itself."""
        for name in names or self.given:
            if name in self.given:
                why = f": the file itself says {_SAID[name]}" if kind == OWN else ""
                raise DataError(where, f"{name} is given for {kind}", f"leave it out{why}")

    def check(self, names: list[str], where: str) -> None:
        """Check the facts for a file that holds the populations `names` (DataError)."""
        for key in ("n_nodes", "first_id"):
            value = getattr(self, key)
            for name, n in value.items() if isinstance(value, Mapping) else [("", value)] if value is not None else []:
                if name and name not in names:
                    known = "one of: " + ", ".join(names)
                    raise DataError(where, f"{key} is given for {name!r}, which is not a population of the file", known)
                if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= MOST_NODES:
                    raise DataError(where, f"{key} is {n!r}", f"a whole number from 0 to {MOST_NODES}")
        if self.step is not None and not self.step > 0:
            raise DataError(where, f"dt is {self.dt!r}", "a time step above 0 ms")

    @property
    def step(self) -> float | None:
        """The time step in ms, if given."""
        return None if self.dt is None else time_of(self.dt, "dt")

    def nodes(self, name: str) -> int | None:
        """The number of neurons of a population, if given."""
        return _of(self.n_nodes, name)

    def first(self, name: str) -> int | None:
        """The id of the first neuron of a population, if given."""
        return _of(self.first_id, name)


def _of(given: NodeCount, name: str) -> int | None:
    return given.get(name) if isinstance(given, Mapping) else given


def check_plausible(most: int, spikes: int, where: str) -> None:
    """Raise a DataError if the largest id cannot be taken for the number of neurons, since there are far fewer spikes."""
    if most >= max(_SPARSE, 100 * spikes):
        raise DataError(where, f"holds a spike of node {most}", "give n_nodes, the number of neurons")


def assumed_text(n: int, least: int, most: int) -> str:
    """The warning about a number of neurons that is derived from ids that do not begin with 0."""
    text = f"{counted(n, 'neuron')} with {id_span(0, most)} are assumed, since the spikes have {id_span(least, most)}"
    return f"{text}: if there are fewer neurons, give their number as n_nodes"


def filled_up(used: np.ndarray, n: int, where: str) -> np.ndarray:
    """The ids of `n` neurons, if they do not begin with 0: the ids `used` by spikes, ascending, and unused ids after the smallest."""
    if len(used) > n:
        raise DataError(where, f"holds spikes of {counted(len(used), 'neuron')} or more", f"at most the given n_nodes = {n:,}")
    follow = np.setdiff1d(np.arange(used[0], used[0] + n), used)[: n - len(used)]
    return np.sort(np.concatenate([used, follow]))
