"""Finds parts of a network description that earlier versions of lifsim interpreted differently.

A checkpoint does not contain synapses and spikes of generators that follow from network and seed. A checkpoint of an earlier version can
therefore be resumed only if this version generates them identically.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lifsim.common.errors import Problem
from lifsim.common.timegrid import half_up, spike_steps
from lifsim.common.values import Distribution
from lifsim.network.distance import Profile
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.network.positions import Positions
from lifsim.network.projection import Projection

GO_ON = "run it again from the start, or continue it with the version that made it"


def changed_rules(net: Network, version: int) -> list[Problem]:
    """The parts of `net` that this version interprets otherwise than the version that wrote a checkpoint of format `version`.

    Versions that wrote format 1 did not round times as NEST does, and did not compute positions on a grid exactly.
    """
    if version >= 2:
        return []
    found = [problem for p in net.populations.values() if p.model.role == "spikes" for problem in _spikes(p, net.dt)]
    for i, projection in enumerate(net.projections):
        found += _projection(f"projections[{i}]", projection, net.dt)
    return found


def _spikes(p: Population, dt: float) -> Iterator[Problem]:
    """Spikes off the time grid were moved to the nearest step, and are now moved to the end of their step."""
    if not p.get("allow_offgrid_times"):
        return
    trains = p.get("spike_times") or ()
    if p.get("spike_file") or any((np.round(train / dt) != spike_steps(train, dt)).any() for train in trains):
        place = f"populations.{p.name}.{'spike_file' if p.get('spike_file') else 'spike_times'}"
        yield Problem(place, "this version sends a spike off the time grid at the end of its step, not at the nearest step", GO_ON)


def _projection(place: str, p: Projection, dt: float) -> Iterator[Problem]:
    profiles = [x for x in (p.params.get("p"), p.weight, p.delay) if isinstance(x, Profile)]
    homes = [x for x in (p.source.population.positions, p.target.population.positions) if x is not None]
    placed = [x for x in homes if x.points is not None or x.grid]  # distances of randomly placed nodes never lie exactly on a boundary
    if profiles and any(_moved(x) for x in placed):
        yield Problem(
            place,
            "this version computes the positions of nodes on a grid exactly, so that distances differ from those in the checkpoint",
            GO_ON,
        )
    elif len(placed) == 2 and any(x.kind == "box" or x.max_distance < math.inf for x in profiles):
        yield Problem(place, "this version always connects nodes whose distance is exactly the radius or max_distance", GO_ON)
    elif (len(placed) == 2 and isinstance(p.delay, Profile)) or (isinstance(p.delay, Distribution) and _tied(p.delay, dt)):
        yield Problem(f"{place}.delay", "this version rounds delays halfway between two steps up", GO_ON)


def _moved(x: Positions) -> bool:
    """Whether the position of any node of a grid has changed."""
    axes = zip(x.grid, x.extent, x.center, strict=False)
    before = [c + e * ((np.arange(n) + 0.5) / n - 0.5) for n, e, c in axes]
    return bool(x.grid) and any(not np.isin(x.cells[:, k], axis).all() for k, axis in enumerate(before))


def _tied(d: Distribution, dt: float) -> bool:
    """Whether a distribution has a single value that lies halfway between two steps, up to rounding."""
    value, other = d.support
    return value == other and half_up(np.array(value), dt) != half_up(np.array(value * (1 - 1e-9)), dt)
