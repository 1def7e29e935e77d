"""Checks and completes the values that `Simulation.set` gives to neurons and generators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError, Problem
from lifsim.common.values import Distribution
from lifsim.network import View
from lifsim.network.method import off_grid_spikes
from lifsim.network.model import Model
from lifsim.network.parameter import Parameter
from lifsim.network.parameter_synonyms import parameter_hint
from lifsim.network.population import bad_intervals, bad_trains, normalise, off_grid, relations
from lifsim.simulation.draws import Draw

FIXED = ("individual_spike_trains",)  # determines which random numbers are drawn
# Parameters that take the place of others, which are emptied: a generator has its spikes or samples from one place.
_INSTEAD: dict[str, dict[str, Any]] = {
    "spike_times": {"spike_file": "", "spike_ids": np.zeros(0), "spike_multiplicities": np.zeros(0)},
    "spike_file": {"spike_times": [], "spike_ids": np.zeros(0), "spike_multiplicities": np.zeros(0)},
    "waveform": {"waveform_file": ""},
    "waveform_file": {"waveform": np.zeros(0)},
}


def neuron_values(view: View, given: Mapping[str, Any], now: Callable[[str], np.ndarray], params: Mapping[str, Any], draw: Draw) -> dict:
    """Values `given` for the neurons of `view`, as values for the whole population.

    Parameters
    ----------
    now : returns the present values of a variable, shape (n,). params : the present parameters of the population. draw : draws values.

    Raises
    ------
    ModelError : lists every problem found.
    """
    model, problems, full = view.population.model, [], {}
    for key, raw in given.items():
        try:
            if key not in model.settable:
                raise ValueError(f"{model.name} has no such variable to set; {parameter_hint(key, model, settable(model))}")
            parameter = model.parameter(key)
            v = _drawn(parameter, raw, len(view), draw)
            if parameter.shape == "value":
                full[key] = v if view.whole else _inserted(now(key), view, v)
            else:
                full[key] = _shared(parameter, view, v, params[key])
        except ValueError as error:
            problems.append(Problem(f"{view}.{key}", str(error)))
    if not problems and model.checks:
        problems += relations(f"{view}", model, {**params, **full})
    if problems:
        raise ModelError.of(problems)
    return full


def settable(model: Model) -> list[str]:
    """The names of the parameters and variables of a built population that can be set."""
    return [name for name in model.settable if name not in FIXED]


def generator_values(view: View, given: Mapping[str, Any], now: Mapping[str, Any], grid: tuple[str, float], draw: Draw) -> dict[str, Any]:
    """All values of the generators of a population, of which those `given` for the generators of `view` are new.

    Parameters
    ----------
    now : the present values of the population, by name. grid : the method of the run and the time step (ms). draw : draws values.

    Raises
    ------
    ModelError : lists every problem found.
    """
    population, model, problems = view.population, view.population.model, []
    full, (method, dt) = dict(now), grid
    for key, raw in given.items():
        try:
            if key in FIXED:
                raise ValueError(f"{key} cannot be changed once the network is built; make a new Simulation")
            if key not in model.settable:
                raise ValueError(f"{model.name} has no such parameter; {parameter_hint(key, model, settable(model))}")
            parameter = model.parameter(key)
            v = _drawn(parameter, raw, len(view), draw)
            full[key] = v if view.whole else _of_some(parameter, now, view, v)
            full |= {name: empty for name, empty in _INSTEAD.get(key, {}).items() if name not in given}
        except ValueError as error:
            problems.append(Problem(f"{view}.{key}", str(error)))
    if not problems:
        place = f"{view}"
        problems += [*relations(place, model, full), *off_grid(place, model, full, dt), *bad_intervals(place, model, full, dt)]
        if "spike_times" in full:
            problems += bad_trains(place, full, population.n)
            rounded = bool(full["allow_offgrid_times"])
            problems += off_grid_spikes(place, full["spike_times"], rounded, dt) if method == "grid" or rounded else ()
    if problems:
        raise ModelError.of(problems)
    return full


def _drawn(parameter: Parameter, raw: Any, n: int, draw: Draw) -> Any:
    v = normalise(parameter, raw, n)
    return draw(parameter.name, v, n) if isinstance(v, Distribution) else v


def _of_some(parameter: Parameter, now: Mapping[str, Any], view: View, v: Any) -> Any:
    """The value of `parameter` for a whole population, of which `view` has the new value `v` (ValueError if all nodes share one)."""
    population = view.population
    if parameter.shape == "value":
        return _inserted(np.broadcast_to(np.asarray(now[parameter.name], np.float64), population.n).copy(), view, v)
    if parameter.shape != "trains":
        raise ValueError(f"is the same for all nodes of {population.name}; set it for {population.name!r}")
    if len(now["spike_multiplicities"]) or now["spike_file"]:
        raise ValueError(f"{population.name} has its spikes from a file or with multiplicities; set those of all its nodes")
    trains = trains_by_node(now, population.n)
    for i, node in enumerate(view.ids.tolist()):
        trains[node] = v[i] if len(v) > 1 else v[0]
    return trains


def _shared(parameter: Parameter, view: View, v: Any, now: Any) -> Any:
    """A new value `v` of a parameter that all neurons of a population share (ValueError if it is not for all of them, or too long)."""
    if not view.whole:
        raise ValueError(f"is the same for all neurons of {view.name}; set it for {view.name!r}")
    if parameter.shape == "series" and len(v) != len(now):
        raise ValueError(f"has {len(v)} entries; must have {len(now)}, as many as when the network was built")
    return v


def trains_by_node(values: Mapping[str, Any], n: int) -> list[np.ndarray]:
    """The spike times of each node of a spike generator, ms."""
    trains, ids = values["spike_times"], np.asarray(values["spike_ids"])
    if len(ids):
        return [trains[0][ids == node] for node in range(n)]
    return list(trains) if len(trains) > 1 or (n == 1 and trains) else [trains[0] if trains else np.zeros(0)] * n


def _inserted(whole: np.ndarray, view: View, v: Any) -> np.ndarray:
    whole[view.ids] = v
    return whole
