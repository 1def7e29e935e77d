"""Converts what users name nodes by to views."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifsim.common.errors import ModelError, Problem, did_you_mean
from lifsim.common.printable import shown
from lifsim.network.population import Population, View, index_of, with_neurons
from lifsim.network.synonyms import recorder_hint


def view_of(populations: Mapping[str, Population], nodes: str | Population | View, place: str) -> View:
    """`nodes` (population, view, or name such as "exc" or "exc[:10]") as a view; error messages call the argument `place` (ModelError)."""
    if isinstance(nodes, View):
        owner = nodes.population
        view = nodes
    elif isinstance(nodes, Population):
        owner, view = nodes, nodes[:]
    elif isinstance(nodes, str):
        name, bracket, index = nodes.partition("[")
        if name not in populations:
            hint = recorder_hint(name, with_neurons(populations)) or did_you_mean(name, populations)
            raise ModelError(place, f"there is no population {shown(name)}", hint)
        owner = populations[name]
        try:
            view = owner[index_of(index, place)] if bracket else owner[:]
        except ModelError as error:
            raise ModelError(place, f"{shown(nodes)}: {error.problems[0].got}", error.problems[0].allowed) from None
    else:
        raise ModelError(place, shown(nodes), "a population, a slice of one, or a name")
    if populations.get(owner.name) is not owner:
        raise ModelError(place, f"population {owner.name!r} belongs to another network")
    if len(view) == 0:
        raise ModelError(place, f"{nodes} holds no nodes", f"{owner.name} has {owner.n}")
    return view


def views_of(populations: Mapping[str, Population], nodes: Iterable[Any], place: str, problems: dict[Problem, None]) -> list[View | None]:
    """`view_of` each of `nodes`; None if that fails, with the reason added to `problems`."""
    views: list[View | None] = []
    for each in nodes:
        try:
            views.append(view_of(populations, each, place))
        except ModelError as error:
            problems |= dict.fromkeys(error.problems)
            views.append(None)
    return views
