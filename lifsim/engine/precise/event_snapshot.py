"""Snapshots of the engine for exact spike times, ordered by neuron ids (see `lifsim.engine.snapshot`).

A snapshot has the state of each neuron at its last event, its next internal event, the Poisson trains onto it, and the pending spikes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.precise.arrival_heap import go_on, set_out, with_room
from lifsim.engine.precise.event_neurons import NEURON
from lifsim.engine.snapshot import params_of, paths_of, set_params, set_paths
from lifsim.engine.snapshot_arrays import State, put, taken

FIELDS = tuple(name for name in NEURON.names or () if name != "kind")
OF_TRAIN = ("step", "offset", "drawn")


def state_of(engine: Any) -> State:
    """The state of a `lifsim.engine.PreciseEngine` after its last step."""
    m, place = engine.machine, engine.placement.place
    order = _trains_in_order(engine)
    step, offset, ids = spikes_underway(m.underway, m.synapses, engine.plan.n_neurons)
    return {
        **{f"neurons/{name}": m.neurons.cell[name][place] for name in FIELDS},
        "neurons/look": m.neurons.due[place],
        **{f"trains/{name}": m.trains.train[name][order] for name in OF_TRAIN},
        "spikes/step": step,
        "spikes/offset": offset,
        "spikes/id": ids,
        **params_of(engine.plan),
        **paths_of(engine),
    }


def restore(engine: Any, step: int, state: State) -> None:
    """Load a state, saved after `step`, into an engine that has just been built (ValueError if it does not fit the plan)."""
    set_params(engine, state)
    m, place, order = engine.machine, engine.placement.place, _trains_in_order(engine)
    for name in FIELDS:
        put(m.neurons.cell[name], f"neurons/{name}", state, place)
    put(m.neurons.due, "neurons/look", state, place)
    for name in OF_TRAIN:
        put(m.trains.train[name], f"trains/{name}", state, order)
    m.drive[:] = m.neurons.cell["current"]
    set_paths(engine, state)
    engine.step = step
    send_again(engine, state)


def send_again(engine: Any, state: State) -> None:
    """Make the spikes of a state pending, through the present synapses of an engine."""
    m, step = engine.machine, engine.step
    sent, offset, ids = _sent(engine, state)
    engine.machine = m = m._replace(underway=with_room(m.underway, (len(sent) + 1) * engine._rows()))
    if len(m.synapses.delay):
        engine.team.each(lambda b: set_out_again((m.underway, m.synapses, sent, offset, ids), b, step), range(len(m.blocks.first) - 1))


def _trains_in_order(engine: Any) -> np.ndarray:
    """Indices that sort the trains by id of the neuron, then by declaration."""
    t = engine.machine.trains
    return np.argsort(np.repeat(engine.placement.id, np.diff(t.first)), kind="stable")


def spikes_underway(u: Any, y: Any, n_neurons: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, offset and id of the neurons' spikes that are pending for any block, sorted by time, then id; shape (n,) each."""
    found = set()
    for b in range(len(u.number)):
        j = u.heap[b, : u.number[b]]
        source = np.searchsorted(y.row_first, u.row[b, j], "right") - 1
        sent = u.step[b, j] - (y.delay[u.slot[b, j]] if len(y.delay) else 0)
        own = source < n_neurons
        found |= set(zip(sent[own].tolist(), (-u.offset[b, j][own]).tolist(), source[own].tolist(), strict=True))
    step, later, ids = zip(*sorted(found), strict=True) if found else ((), (), ())
    return np.array(step, np.int64), -np.array(later, np.float64), np.array(ids, np.int64)


def _sent(engine: Any, state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Step, offset and id of all spikes that may be pending, sorted by time, then id: those of a state, and given spikes."""
    step = taken(state, "spikes/step", np.int64)
    offset, ids = taken(state, "spikes/offset", np.float64, step.shape), taken(state, "spikes/id", np.int64, step.shape)
    longest = int(engine.machine.synapses.delay.max(initial=0))
    if not np.all((step > engine.step - longest) & (step <= engine.step) & (ids >= 0) & (ids < engine.plan.n_neurons)):
        raise ValueError(
            f"spikes: a step or an id is not possible for {engine.plan.n_neurons} neurons and the last {longest} steps up to {engine.step}"
        )
    events = engine.plan.events
    given = events.window(engine.step - longest, engine.step)
    exact = events.offsets(engine.step - longest, engine.step)
    columns = (step, given[0]), (offset, np.zeros(len(given[0])) if exact is None else exact), (ids, given[1].astype(np.int64))
    step, offset, ids = (np.concatenate(pair) for pair in columns)
    order = np.lexsort((ids, -offset, step))
    return step[order], offset[order], ids[order]


@Part
def set_out_again(m, b, now):
    """Make spikes pending for block `b`, with their cursors where they are at the end of step `now`."""
    u, y, step, offset, ids = read(m)
    for i in range(len(ids)):
        set_out(u, y, b, ids[i], step[i], offset[i])
    while u.number[b] > 0 and u.step[b, u.heap[b, 0]] <= now:
        go_on(u, y, b)
