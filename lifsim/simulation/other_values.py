"""Networks of which only the values of parameters differ: one is simulated with the synapses that were built for the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import LifsimError
from lifsim.network.population import Population
from lifsim.simulation.setting import FIXED


def taken_over(own: Mapping[str, Population], others: Mapping[str, Population]) -> set[str]:
    """Give the populations `own` the parameters and initial states of `others`, of the same names; returns the names of those changed.

    Raises
    ------
    LifsimError : a built network cannot take these values; nothing is changed.
    """
    if list(own) != list(others):
        raise LifsimError("populations", ", ".join(others), f"the same as those of the simulation: {', '.join(own)}")
    changed = {name for name in own if not _same(_given(own[name]), _given(others[name]))}
    for name in own:
        if fixed(own[name]) != fixed(others[name]):
            raise LifsimError(f"populations.{name}", "differs in what determines the synapses", "a new Simulation of this network")
    for name in changed:
        for old, new in ((own[name].params, others[name].params), (own[name].initial, others[name].initial)):
            old.clear()
            old.update(new)
    return changed


def fixed(population: Population) -> list[Any]:
    """What a built network cannot change of a population: its size and model, the lengths of series (such as the time constants of
    receptors), and parameters on which random numbers depend.
    """
    series = [p.name for p in population.model.parameters if p.shape == "series" and population.model.role == "neuron"]
    lengths = [len(np.atleast_1d(population.get(name))) for name in series]
    known = {p.name for p in population.model.parameters}
    return [population.n, population.model.name, lengths, [bool(population.get(name)) for name in FIXED if name in known]]


def _given(population: Population) -> dict[str, Any]:
    return {**population.params, **population.initial}


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype == b.dtype and bool(np.array_equal(a, b))
    return type(a) is type(b) and bool(a == b)
