"""Spikes of generators that are given: as times, or in files."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.building.by_node import of_node, steps_of
from lifsim.common.timegrid import spike_steps, times
from lifsim.network.population import Population
from lifsim.plan.spikes import Events, ListedSpikes, listed


def number_of(population: Population) -> int:
    """How many spikes are given in memory to a population that sends given spikes; 0 for those in a file."""
    trains = population.get("spike_times")
    shared = len(trains) == 1 and not len(population.get("spike_ids"))
    number = sum(map(len, trains)) * (population.n if shared else 1)
    many = population.get("spike_multiplicities")
    return int(number * max(float(np.mean(many)), 1.0)) if len(many) else number


def events(population: Population, values: dict[str, Any], first: int, dt: float, exact: bool = False) -> Events:
    """The given spikes of a spike generator whose nodes have the global ids from `first` on; on the grid, or `exact`."""
    if exact:
        return _exact_events(population, values, first, dt)

    def sent(times: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of those of these spikes that are in the generator's window."""
        step = spike_steps(times, dt)
        inside = _in_window(step, nodes, values, dt)
        return step[inside], (nodes[inside] + first).astype(np.uint32)

    if values["spike_file"]:
        from lifsim.building.spike_file import spikes_in  # h5py is needed for this alone

        return spikes_in(population, values, sent, dt)
    return listed(*sent(*_given_spikes(population, values)))


def _exact_events(population: Population, values: dict[str, Any], first: int, dt: float) -> ListedSpikes:
    """The same with times that may lie anywhere, unless they are to be on the grid; all in memory."""
    if values["spike_file"]:
        from lifsim.building.spike_file import all_spikes  # h5py is needed for this alone

        at, nodes = all_spikes(population, values, dt)
    else:
        at, nodes = _given_spikes(population, values)
    step, offset = (spike_steps(at, dt), np.zeros(len(at))) if values["allow_offgrid_times"] else moments(at, dt)
    inside = _in_window(step, nodes, values, dt)
    return listed(step[inside], (nodes[inside] + first).astype(np.uint32), offset[inside])


def _in_window(step: np.ndarray, nodes: np.ndarray, values: dict[str, Any], dt: float) -> np.ndarray:
    """Which spikes of these steps and nodes are sent."""
    start, stop = (steps_of(of_node(values[key], nodes), dt) for key in ("start", "stop"))
    return (step > start) & (step <= stop)


def moments(at: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The step in which each time lies, and how many ms before its end. Times on the grid, but for rounding, are at the end of a step."""
    nearest = np.round(at / dt)
    at_end = np.abs(nearest * dt - at) <= 4 * np.finfo(float).eps * np.abs(at)
    step = np.where(at_end, nearest, np.ceil(at / dt)).astype(np.int64)
    return step, np.where(at_end, 0.0, times(step, dt) - at)


def _given_spikes(population: Population, values: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Times and nodes of all spikes, a multiplicity being a repetition."""
    trains = values["spike_times"] or [np.zeros(0)]
    times = np.concatenate(trains)
    nodes = np.repeat(np.arange(len(trains)), [len(t) for t in trains])
    ids = np.asarray(values["spike_ids"])
    if len(ids):
        nodes = ids.astype(np.int64)
    elif population.n > 1 and len(trains) == 1:  # one list for several nodes: each sends all of it
        nodes = np.repeat(np.arange(population.n), len(times))
        times = np.tile(times, population.n)
    multiplicity = np.asarray(values["spike_multiplicities"])
    if len(multiplicity):
        copies = len(times) // len(multiplicity)  # of one list that several nodes send
        repeats = np.tile(multiplicity, copies).astype(np.int64)
        times, nodes = np.repeat(times, repeats), np.repeat(nodes, repeats)
    return times, nodes
