"""Spikes in objects of neo: blocks, segments, groups and lists of spike trains."""

from __future__ import annotations

from typing import Any

from lifsim.common.errors import DataError
from lifsim.results.spike_populations import UNNAMED
from lifsim.results.spikes import Spikes


def is_neo(given: Any) -> bool:
    """Whether `given` is an object of neo, or a list of spike trains."""
    first = given[0] if isinstance(given, (list, tuple)) and given else given
    return any(kind.__module__.partition(".")[0] == "neo" for kind in type(first).__mro__)


def populations_in(given: Any) -> dict[str, Spikes]:
    """The spikes in an object of neo, by population.

    The population of a train is its annotation `population`, or else the name of the group that it is in. Neurons are numbered in the
    order of the trains, or as their annotations `neuron` say.

    Raises
    ------
    DataError : there are no spike trains, or there are several segments.
    """
    segments = getattr(given, "segments", None)
    if segments is not None and len(segments) > 1:
        raise DataError("block", f"has {len(segments)} segments", "one of them, such as block.segments[0]")
    trains = list(given) if isinstance(given, (list, tuple)) else [given] if type(given).__name__ == "SpikeTrain" else _trains(given)
    if not trains or any(type(train).__name__ != "SpikeTrain" for train in trains):
        raise DataError(type(given).__name__, "has no spike trains", "a Block, Segment or list of SpikeTrain of neo")
    group_of = {id(train): group.name for group in getattr(given, "groups", ()) for train in group.spiketrains}
    parts: dict[str, list[Any]] = {}
    for train in trains:
        name = train.annotations.get("population") or group_of.get(id(train)) or UNNAMED
        parts.setdefault(str(name), []).append(train)
    dt = getattr(given, "annotations", {}).get("dt_ms")  # as `Result.to_neo` writes it
    return {name: Spikes.from_trains(own, dt=dt, name=name) for name, own in parts.items()}


def _trains(given: Any) -> list[Any]:
    holders = [given, *(getattr(given, "segments", None) or ())]
    return [train for each in holders for train in (getattr(each, "spiketrains", None) or ())] or _listed(given)


def _listed(given: Any) -> list[Any]:
    try:
        return list(given)  # a SpikeTrainList
    except TypeError:
        return []
