"""Lays out the probes of a plan in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lifsim.engine import layout
from lifsim.engine.derived import sampled
from lifsim.engine.neurons import states_of
from lifsim.engine.piece import Probes


def probed(plan: Any, probe: Any, place: np.ndarray) -> np.ndarray:
    """The places of the neurons of `probe`, in the order of its ids."""
    return layout.places(plan.group(probe.group), place)[probe.ids]


def state_number(group: Any, name: str) -> int:
    """The index of state variable `name` of `group`."""
    return states_of(group).index(name)


def probes_of(plan: Any, place: np.ndarray, edges: np.ndarray, number: Callable[[Any, str], int] = state_number) -> Probes:
    """Probes without their buffer (`out`), which is made for each slice; `number` gives the index of a state variable."""
    probes = sampled(plan)
    at = [np.sort(probed(plan, p, place)) for p in probes]
    first = np.concatenate([[0], np.cumsum([len(x) for x in at])]).astype(np.int64)
    variable = [number(plan.group(p.group), p.variable) for p in probes]
    cuts = [a + np.searchsorted(x, edges) for x, a in zip(at, first[:-1], strict=True)]
    n = len(at)
    return Probes(
        np.array(variable, np.int64),
        first,
        np.concatenate([np.zeros(0, np.int64), *at]),
        np.array(cuts, np.int64).reshape(n, len(edges)),
        np.array([p.interval for p in probes], np.int64),
        np.array([p.start for p in probes], np.int64),
        np.array([p.stop for p in probes], np.int64),
        np.zeros(n, np.int64),
        np.zeros(n, np.int64),
        np.zeros(0),
    )
