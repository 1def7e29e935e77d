"""The simulation method: "grid" (spike times are multiples of dt) or "precise" (exact spike times)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from lifsim.common.errors import LifsimError, ModelError, Problem
from lifsim.common.printable import shown
from lifsim.common.timegrid import AT_ZERO, NEAR_SPIKE, PIECE, WAYS, first_off_grid, nearest_on_grid, not_on_grid, spike_steps
from lifsim.common.values import Distribution, Value
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.network.run_settings import METHODS


def method_of(net: Network, method: str | None = None) -> str:
    """The simulation method, "grid" or "precise": `method` if given, else that of `net`, else the one that its models need.

    Raises
    ------
    LifsimError : `method` is not known. ModelError : lists everything in `net` that the method does not support.
    """
    if method is not None and (not isinstance(method, str) or method not in METHODS):
        raise LifsimError("method", shown(method), "one of: " + ", ".join(METHODS))
    method = method or net.method or _needed(net)
    problems = [problem for p in net.populations.values() for problem in _problems(p, method, net.dt)]
    if method == "precise":
        for i, projection in enumerate(net.projections):
            if projection.synapse:
                got = f'{projection.synapse.model.name} cannot be run with method="precise"'
                problems.append(Problem(f"projections[{i}].synapse", got, 'static_synapse, or method="grid"'))
    if problems:
        raise ModelError.of(problems)
    return method


def check_precision(method: str, precision: str) -> None:
    """Check that exact spike times are simulated in float64.

    Raises
    ------
    LifsimError : `method` is "precise" and `precision` is not "float64".
    """
    if method == "precise" and precision != "float64":
        raise LifsimError("precision", f'{precision!r} with method="precise"', "float64")


def storage_for(method: str) -> str | None:
    """The default type in which weights are stored; None leaves the choice to the engine.

    With exact spike times an event costs a hundred times as much as reading a weight, so narrower weights gain nothing.
    """
    return "float64" if method == "precise" else None


def _needed(net: Network) -> str:
    return "grid" if all("grid" in p.model.methods for p in net.populations.values()) else "precise"


def _problems(p: Population, method: str, dt: float) -> Iterator[Problem]:
    place = f"populations.{p.name}"
    if method not in p.model.methods:
        allowed = f'method="{p.model.methods[0]}"'
        if method == "grid" and p.model.role == "neuron":
            allowed += f", or {p.model.name.removesuffix('_lossless').removesuffix('_ps')}"
        yield Problem(f"{place}.model", f'{p.model.name} cannot be run with method="{method}"', allowed)
    elif p.model.role == "spikes" and (method == "grid" or p.get("allow_offgrid_times")):
        yield from off_grid_spikes(place, p.params.get("spike_times", ()), bool(p.get("allow_offgrid_times")), dt)
    elif method == "grid":
        return
    elif _positive(p.params.get("delta", 0.0)):
        yield Problem(f"{place}.delta", 'escape noise with method="precise"', 'delta = 0, or method="grid"')
    elif p.model.role == "neuron" and not isinstance(p.get("t_ref"), Distribution) and np.any(np.asarray(p.get("t_ref")) == 0):
        yield Problem(f"{place}.t_ref", '0 ms with method="precise"', "above 0")


def _positive(v: Value) -> bool:
    """Whether any entry of an array, or any value drawn from a distribution, can be above 0."""
    return v.support[1] > 0 if isinstance(v, Distribution) else bool(np.any(np.asarray(v) > 0))


def off_grid_spikes(place: str, trains: Iterable[np.ndarray], rounded: bool, dt: float) -> Iterator[Problem]:
    """Report given spike times that are not multiples of dt (unless they may be `rounded`), and those rounded to time 0.

    Parameters
    ----------
    place : of the generators, for messages. trains : spike times (ms). rounded : whether times may be off the grid. dt : time step, ms.
    """
    for train in _suspicious(trains, rounded, dt):
        wrong = None if rounded else first_off_grid(train, dt, NEAR_SPIKE)
        if wrong is not None:
            yield Problem(f"{place}.spike_times", not_on_grid(wrong, dt), nearest_on_grid(wrong, dt) + WAYS)
            return
        early = spike_steps(train, dt) < 1
        if early.any():
            yield Problem(f"{place}.spike_times", f"{train[early][0]:g} ms is on the grid at 0 ms", f"times above 0 ms, {AT_ZERO}")
            return


def _suspicious(trains: Iterable[np.ndarray], rounded: bool, dt: float) -> Iterator[np.ndarray]:
    """The trains that may hold a wrong time: many short ones are looked at together, which takes far less time than each alone."""
    for some in _together(trains):
        times = np.concatenate(some) if len(some) > 1 else some[0]
        if (not rounded and first_off_grid(times, dt, NEAR_SPIKE) is not None) or (spike_steps(times, dt) < 1).any():
            yield from some


def _together(trains: Iterable[np.ndarray]) -> Iterator[list[np.ndarray]]:
    """Groups of trains, in their order: several only as long as they hold few times, for they are copied."""
    some: list[np.ndarray] = []
    held = 0
    for train in trains:
        if some and held + len(train) > PIECE:
            yield some
            some, held = [], 0
        some.append(train)
        held += len(train)
    if some:
        yield some
