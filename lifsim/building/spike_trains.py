"""The spikes of spike generators, given as lists of times or in files."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.building.by_node import of_node, steps_of
from lifsim.common.timegrid import spike_steps, times
from lifsim.network.population import Population
from lifsim.plan.spikes import Events, ListedSpikes, listed


def number_of(population: Population) -> int:
    """The number of spikes that a spike generator population has in memory; 0 if they are in a file."""
    trains = population.get("spike_times")
    shared = len(trains) == 1 and not len(population.get("spike_ids"))
    number = sum(map(len, trains)) * (population.n if shared else 1)
    many = population.get("spike_multiplicities")
    return int(number * max(float(np.mean(many)), 1.0)) if len(many) else number


def events(population: Population, values: dict[str, Any], first: int, dt: float, exact: bool = False) -> Events:
    """The spikes of a spike generator whose nodes have the global ids from `first` on; times are on the grid, or `exact`."""
    if exact:
        return _exact_events(population, values, first, dt)

    def sent(times: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Steps and global ids of the spikes within the generator's start and stop."""
        step = spike_steps(times, dt)
        inside = _in_window(step, nodes, values, dt)
        return step[inside], (nodes[inside] + first).astype(np.uint32)

    if values["spike_file"]:
        from lifsim.building.spike_file import spikes_in  # imports h5py, needed only here

        return spikes_in(population, values, sent, dt)
    return listed(*sent(*_given_spikes(population, values)))


def _exact_events(population: Population, values: dict[str, Any], first: int, dt: float) -> ListedSpikes:
    """As `events`, with exact times, or times rounded to the grid if `allow_offgrid_times` is set; all in memory."""
    if values["spike_file"]:
        from lifsim.building.spike_file import all_spikes  # imports h5py, needed only here

        at, nodes = all_spikes(population, values, dt)
    else:
        at, nodes = _given_spikes(population, values)
    step, offset = (spike_steps(at, dt), np.zeros(len(at))) if values["allow_offgrid_times"] else moments(at, dt)
    inside = _in_window(step, nodes, values, dt)
    return listed(step[inside], (nodes[inside] + first).astype(np.uint32), offset[inside])


def _in_window(step: np.ndarray, nodes: np.ndarray, values: dict[str, Any], dt: float) -> np.ndarray:
    """A mask of the spikes (by step and node) that lie within start < step <= stop of their generator."""
    start, stop = (steps_of(of_node(values[key], nodes), dt) for key in ("start", "stop"))
    return (step > start) & (step <= stop)


def moments(at: np.ndarray, dt: float) -> tuple[np.ndarray, np.ndarray]:
    """The step in which each time (ms) lies, and how many ms before its end; times on the grid up to rounding get an offset of 0."""
    nearest = np.round(at / dt)
    at_end = np.abs(nearest * dt - at) <= 4 * np.finfo(float).eps * np.abs(at)
    step = np.where(at_end, nearest, np.ceil(at / dt)).astype(np.int64)
    return step, np.where(at_end, 0.0, times(step, dt) - at)


def _given_spikes(population: Population, values: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Times (ms) and nodes of all spikes; a spike with multiplicity m is repeated m times."""
    trains = values["spike_times"] or [np.zeros(0)]
    times = np.concatenate(trains)
    nodes = np.repeat(np.arange(len(trains)), [len(t) for t in trains])
    ids = np.asarray(values["spike_ids"])
    if len(ids):
        nodes = ids.astype(np.int64)
    elif population.n > 1 and len(trains) == 1:  # one list for several nodes: each node sends all of its spikes
        nodes = np.repeat(np.arange(population.n), len(times))
        times = np.tile(times, population.n)
    multiplicity = np.asarray(values["spike_multiplicities"])
    if len(multiplicity):
        copies = len(times) // len(multiplicity)  # number of nodes that send the same list
        repeats = np.tile(multiplicity, copies).astype(np.int64)
        times, nodes = np.repeat(times, repeats), np.repeat(nodes, repeats)
    return times, nodes
