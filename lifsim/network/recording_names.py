"""The names of recordings: under which trace of a result each one is found, and which recordings are refused as duplicates.

The first recording of a variable of a population is called like the variable, ``V_m``. A further one is called after what sets it apart
from the first: its nodes, ``V_m[5:7]``, its interval in ms, ``V_m@0.1``, or both, ``V_m[5:7]@0.1``. Names that would be equal, those of
long lists of nodes for example, are numbered: ``V_m#2``. So a name does not depend on later recordings. A user may choose a name instead.
Spikes have no names: all recordings of the spikes of a population are united.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from lifsim.common.errors import ModelError, Problem
from lifsim.common.printable import printable, shown
from lifsim.network.population import View
from lifsim.network.recordings import Key, Recording

LONGEST_NAME = 100  # characters
SHORT = 40  # most characters of the nodes in a name; recordings of longer lists are numbered
RESERVED = (".", "..", "node_ids")  # members of the groups of an HDF5 file


class RecordingNames:
    """The recordings of a network by population and name, kept from one call to the next."""

    def __init__(self) -> None:
        self._recordings: list[Recording] = []
        self._last: list[Recording] = []
        self._known: dict[Key, Recording] = {}

    def named(self, place: str, recordings: list[Recording], made: Sequence[Recording]) -> list[Recording]:
        """The recordings `made`, with their names, as the next ones after `recordings`; they are not yet added to that list.

        Raises
        ------
        ModelError : lists the recordings that exist already, and the names that are taken.
        """
        known, problems = self._by_key(recordings), list[Problem]()
        new: dict[Key, Recording] = {}
        for r in made:
            problem, own = _named(place, ChainMap(new, known), r)
            if problem:
                problems.append(problem)
            else:
                new[own.key] = own
        if problems:
            raise ModelError.of(problems)
        return list(new.values())

    def add(self, recordings: list[Recording], made: Sequence[Recording]) -> None:
        """Append named recordings to the list `recordings` of the network."""
        known = self._by_key(recordings)
        recordings += made
        known |= {r.key: r for r in made}
        self._recordings, self._last, self._known = recordings, recordings[-1:], known

    def _by_key(self, recordings: list[Recording]) -> dict[Key, Recording]:
        """The recordings by key: those kept, unless `recordings` was changed other than by `add`."""
        same = self._recordings is recordings and len(self._known) == len(recordings) and recordings[-1:] == self._last
        return self._known if same else {r.key: r for r in recordings}


def _named(place: str, known: Mapping[Key, Recording], r: Recording) -> tuple[Problem | None, Recording]:
    """The recording `r` with its name, beside the `known` ones; and the problem with it, if there is one."""
    population, name = r.key
    if r.name:
        problem = name_problem(place, r.name)
        if problem is None and r.key in known:
            problem = Problem(f"{place}.name", f"{name!r} is the name of another recording of {population}", "a name that is not taken")
        return problem, r
    if r.key not in known:
        return None, r
    first = known[r.key]
    if r.variable == "spikes" and (r.start, r.stop) != (first.start, first.stop):
        allowed = "the same start and stop for all spikes of a population"
        return Problem(place, f"spikes of {population} are recorded from {first.start:g} to {first.stop:g} ms already", allowed), r
    if any(_same(r, x) for key, x in known.items() if key[0] == population):
        other = "a recording of other nodes" + ("" if r.variable == "spikes" else ", at another interval or with a name")
        return Problem(place, f"{r.variable} of {r.view} {'are' if r.variable == 'spikes' else 'is'} recorded already", other), r
    nodes = r.nodes if str(r.view) != str(first.view) and r.kind not in ("weights", "events") and len(r.nodes) <= SHORT else ""
    name = r.default_name + nodes + (f"@{r.interval:.12g}" if r.interval != first.interval else "")
    if (population, name) in known:
        name = next(f"{name}#{k}" for k in count(2) if (population, f"{name}#{k}") not in known)
    return None, replace(r, name=name)


def _same(a: Recording, b: Recording) -> bool:
    """Whether two recordings sample the same nodes (or synapses) at the same times."""
    if (a.variable, a.interval, a.start, a.stop) != (b.variable, b.interval, b.start, b.stop):
        return False
    return (str(a.view), str(a.source), a.projection) == (str(b.view), str(b.source), b.projection)


def name_problem(place: str, name: object) -> Problem | None:
    """The problem with a name that a user chose for a recording, None if there is none."""
    fits = isinstance(name, str) and 0 < len(name) <= LONGEST_NAME and name == name.strip() and printable(name) == name
    if not fits or not isinstance(name, str) or any(c in name for c in "/\n\t") or name in RESERVED or name.endswith("_sources"):
        allowed = f"a text of 1 to {LONGEST_NAME} printable characters without / and without spaces at its ends"
        allowed += f" (not {', '.join(RESERVED)}, and not ending with _sources)"
        return Problem(f"{place}.name", shown(name), allowed)
    return None


def united_spikes(recordings: Sequence[Recording]) -> list[Recording]:
    """The recordings of spikes, one for each population: of all nodes that any recording of its spikes names."""
    by_population: dict[str, list[Recording]] = {}
    for r in recordings:
        if r.variable == "spikes":
            by_population.setdefault(r.view.name, []).append(r)
    return [_united(own) for own in by_population.values()]


def _united(own: Sequence[Recording]) -> Recording:
    first = own[0]
    if len(own) == 1:
        return first
    population = first.view.population
    ids = np.unique(np.concatenate([r.view.ids for r in own]))
    return replace(first, view=population[:] if len(ids) == population.n else View(population, ids))
