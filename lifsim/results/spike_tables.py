"""Populations of spikes from columns that were read: ids from 0 on, numbers of neurons, windows, and warnings about what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.overview import id_span
from lifsim.results.spike_arrays import ids_of_spikes
from lifsim.results.spike_hints import Hints, assumed_text, check_plausible, filled_up
from lifsim.results.spikes import Spikes, with_derived


@dataclass
class Columns:
    """Times (ms) and ids of the spikes of a population, and the `facts` that its file holds: n_nodes, t_start, t_stop, recorded_ids, dt.

    from_nest : whether ids count all nodes of a network of NEST.
    """

    at: np.ndarray
    ids: np.ndarray
    facts: dict[str, Any] = field(default_factory=dict)
    from_nest: bool = False


def populations_of(read: Mapping[str, Columns], hints: Hints, where: str) -> tuple[dict[str, Spikes], dict[str, str]]:
    """The populations that were read from the file `where`, and the warnings about what is assumed of them.

    The id `hints.first_id` becomes neuron 0; without it 0 does, and in NEST's files the smallest id that spiked. Populations that do not
    say when they were recorded have the window of all.

    Raises
    ------
    DataError : the `hints` do not fit, or the data contradict each other.
    """
    hints.check(list(read), where)
    starts = [each.facts.get("t_start", min(0.0, float(each.at.min(initial=0.0)))) for each in read.values()]
    stops = [each.facts.get("t_stop", float(each.at.max(initial=0.0))) for each in read.values()]
    window = {"t_start": min(starts, default=0.0), "t_stop": max(stops, default=0.0), "dt": hints.step}
    found, remarks = {}, {}
    for name, each in read.items():
        place = f"{where}: {name}"
        first, said = _first(each, hints.first(name))
        ids = ids_of_spikes(each.ids, place)
        if first and len(ids) and int(ids.min()) < first:
            raise DataError(place, f"holds a spike of id {int(ids.min())}", f"numbers from first_id = {first} on")
        ids = ids - first if first else ids
        facts = {**window, **each.facts}
        facts["n_nodes"], facts["recorded_ids"], assumed = _neurons(ids, facts, hints.nodes(name), place, bool(first))
        try:
            made = Spikes(each.at, ids, name=name, **facts)
        except DataError as error:
            raise DataError(f"{where}: {error.problems[0].where}", error.problems[0].got, error.problems[0].allowed) from None
        found[name] = with_derived(made, [limit for limit in ("t_start", "t_stop") if limit not in each.facts])
        if said or assumed:
            remarks[name] = "; ".join(filter(None, (said, assumed)))
    return found, remarks


def _first(each: Columns, given: int | None) -> tuple[int, str]:
    """The id that becomes neuron 0, and the warning if it is assumed."""
    if given is not None or not each.from_nest or not len(each.ids):
        return given or 0, ""
    low, high = int(each.ids.min()), int(each.ids.max())
    text = f"NEST's {id_span(low, high)} become{'s 0' if low == high else f' 0 to {high - low}'}"
    return low, f"{text}: if the population has more neurons, give the id of its first one as first_id, and their number as n_nodes"


def _neurons(ids: np.ndarray, facts: Mapping[str, Any], given: int | None, where: str, shifted: bool) -> tuple[int, Any, str]:
    """Number of neurons, the recorded ones (None: all), and a warning about a number that is assumed."""
    if given is None and "n_nodes" in facts:
        return facts["n_nodes"], facts.get("recorded_ids"), ""
    least, most = (int(ids.min()), int(ids.max())) if len(ids) else (0, -1)
    if given is None:
        check_plausible(most, len(ids), where)
        return most + 1, None, assumed_text(most + 1, least, most) if least and not shifted else ""
    return given, filled_up(np.unique(ids), given, where) if most >= given else None, ""
