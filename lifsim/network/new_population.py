"""Makes a population from the arguments of `Network.add`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lifsim.common.errors import ModelError, Problem
from lifsim.common.printable import shown
from lifsim.common.values import is_whole
from lifsim.network.model import MODELS, Model
from lifsim.network.parameter_synonyms import parameter_hint
from lifsim.network.population import (
    MOST_NODES,
    Population,
    bad_intervals,
    bad_trains,
    normalise,
    off_grid,
    relations,
    with_neurons,
)
from lifsim.network.positions import positions as as_positions
from lifsim.network.synonyms import model_hint, recorder_hint

_ORDER = 'write the name first, then the number and the model: net.add("exc", 100, "iaf_psc_exp", …)'


def joined(place: str, params: Any, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The dictionary `params` and the `values` given by name as one dictionary; problems."""
    if params is None:
        return dict(values), []
    if not isinstance(params, Mapping) or not all(isinstance(key, str) for key in params):
        return dict(values), [Problem(f"{place}.params", shown(params), 'a dictionary of parameters, such as {"tau_m": 20.0}')]
    twice = [key for key in params if key in values]
    return {**params, **values}, [Problem(f"{place}.{key}", "given twice", "once: in the dictionary or as an argument") for key in twice]


def check_new(
    place: str, name: Any, n: Any, model: Any, taken: Mapping[str, Population], others: int, params: Mapping[str, Any]
) -> Iterator[Problem]:
    """Report problems with the name, size and model of a new population. `taken` exist already, with `others` nodes in all."""
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_-+" for c in name):
        yield Problem(place, f"{shown(name)} is not a name", "letters, digits, _ - +")
    elif name in taken:
        yield Problem(place, "there is a population of this name already")
    if not is_whole(n) or n < 1:
        wanted = "a whole number of nodes, at least 1"
        yield Problem(f"{place}.n", shown(n), _ORDER if isinstance(n, str) and n in MODELS else wanted)
    elif n > MOST_NODES:
        yield Problem(f"{place}.n", shown(n), f"at most {MOST_NODES} nodes")
    elif n + others > MOST_NODES:
        yield Problem(f"{place}.n", f"{n} beside {others} nodes", f"at most {MOST_NODES} nodes in all populations together")
    if not isinstance(model, str) or model not in MODELS:
        word = model if isinstance(model, str) else ""
        first = not word and name in MODELS  # as in NEST's Create
        hint = _ORDER if first else recorder_hint(word, with_neurons(taken), params) or model_hint(word)
        yield Problem(f"{place}.model", f"there is no model {shown(model)}", hint)


def new_population(place: str, name: str, n: int, kind: Model, positions: Any, params: Mapping[str, Any], dt: float) -> Population:
    """Make a population called `name` of `n` nodes of the model `kind`, after checking its parameters.

    Parameters
    ----------
    place : the place that error messages name. positions, params : as given to `Network.add`. dt : time step, ms.

    Raises
    ------
    ModelError : lists every problem found.
    """
    given: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, raw in params.items():
        if key not in kind.settable:
            problems.append(Problem(f"{place}.{key}", f"{kind.name} has no such parameter", parameter_hint(key, kind)))
            continue
        try:
            given[key] = normalise(kind.parameter(key), raw, n)
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error)))
    where = None
    if positions is not None:
        try:
            where = as_positions(f"{place}.positions", positions, n)
        except ModelError as error:
            problems += error.problems
    if not problems:
        problems += [*relations(place, kind, given), *off_grid(place, kind, given, dt), *bad_intervals(place, kind, given, dt)]
        problems += bad_trains(place, given, n)
    if problems:
        raise ModelError.of(problems)
    states = {p.name for p in kind.states}
    params, initial = ({k: v for k, v in given.items() if (k in states) == kept} for kept in (False, True))
    return Population(name, n, kind, params, initial, where)
