"""Snapshots of the engine for spike times on the grid.

A snapshot is ordered by ids of neurons and synapses, so it does not depend on places in memory, blocks, threads or slices. It holds only
what does not follow from the plan: random numbers are functions of the step, and given spikes and cursors of pending spikes are
reconstructed.

Keys of a state: ``neurons/…``, ``spikes/…`` (the last spikes, which may be pending), ``trains/…``, ``paths``,
``params/<population>/<name>``, and those of `lifsim.engine.plasticity.plastic_snapshot`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.snapshot_arrays import State, put, taken
from lifsim.engine.synapses.pending import set_out_again


def state_of(engine: Any) -> State:
    """The state of an `lifsim.engine.Engine` after its last step."""
    m, place = engine.machine, engine.placement.place
    step, ids = recent_spikes(m.ring, engine.step)
    out = {
        "neurons/state": m.neurons.state[:, place],
        "neurons/until": m.neurons.until[place],
        "spikes/step": step,
        "spikes/id": ids,
        **params_of(engine.plan),
        **gamma_of(engine),
        **paths_of(engine),
    }
    if m.plastic is not None:
        from lifsim.engine.plasticity.plastic_snapshot import plastic_state

        out |= plastic_state(engine)
    return out


def restore(engine: Any, step: int, state: State) -> None:
    """Load a state, saved after `step`, into an engine that has just been built.

    Raises
    ------
    ValueError : the state does not fit the plan; the message names the difference.
    """
    set_params(engine, state)
    m, place = engine.machine, engine.placement.place
    put(m.neurons.state[:, : len(place)], "neurons/state", state, (slice(None), place))
    put(m.neurons.until, "neurons/until", state, place)
    set_gamma(engine, state)
    set_paths(engine, state)
    engine.step = step
    lay_spikes(engine, taken(state, "spikes/step", np.int64), taken(state, "spikes/id", np.int64))
    engine.machine = engine._with_given(0)
    engine.machine = m = engine.machine._replace(underway=engine._underway(0))
    if len(m.synapses.delay):
        engine.team.each(lambda b: set_out_again((m.synapses, m.ring, m.underway), b, step), range(len(m.blocks.first) - 1))
    if m.plastic is not None:
        from lifsim.engine.plasticity.plastic_snapshot import restore_plastic

        engine.machine = m._replace(plastic=restore_plastic(engine, state))


def params_of(plan: Any) -> State:
    """The parameters of all neurons, which `Simulation.set` may have changed."""
    return {f"params/{g.name}/{name}": np.asarray(v) for g in plan.groups for name, v in g.params.items() if not isinstance(v, str)}


def set_params(engine: Any, state: State) -> None:
    """Set the parameters of neurons that differ from those of a state."""
    for g in engine.plan.groups:
        changed = {}
        for name, value in g.params.items():
            if isinstance(value, str):
                continue
            saved = taken(state, f"params/{g.name}/{name}", np.asarray(value).dtype)
            if saved.shape not in ((), (g.n,), np.shape(value)):
                raise ValueError(f"params/{g.name}/{name} has shape {saved.shape}; expected () or ({g.n},)")
            if not (saved.shape == np.shape(value) and np.array_equal(saved, value, equal_nan=True)):
                changed[name] = saved if saved.ndim else saved.item()
        if changed:
            engine.set(g.name, changed)


def recent_spikes(ring: Any, now: int) -> tuple[np.ndarray, np.ndarray]:
    """Steps and ids of the neurons' spikes that the ring holds after step `now`, sorted by step, then id."""
    slots, ids, step = len(ring.number), [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for k in range(max(1, now - slots + 1), now + 1):
        for p in range(len(ring.room)):
            a, n = ring.begin[k % slots, p], ring.number[k % slots, p]
            ids.append(ring.ids[a : a + n].astype(np.int64))
            step.append(np.full(n, k))
    at, who = np.concatenate(step), np.concatenate(ids)
    order = np.lexsort((who, at))
    return at[order], who[order]


def lay_spikes(engine: Any, step: np.ndarray, ids: np.ndarray) -> None:
    """Put the spikes of the last steps into the ring (ValueError if a step or an id is impossible, or there is not enough room)."""
    m, ring = engine.machine, engine.machine.ring
    slots, n = len(ring.number), engine.plan.n_neurons
    inside = len(step) == len(ids) and bool(np.all((step > engine.step - slots) & (step <= engine.step) & (ids >= 0) & (ids < n)))
    if not inside:
        raise ValueError(f"spikes: a step or an id is not possible for {n} neurons and the last {slots} steps up to {engine.step}")
    piece = np.searchsorted(m.blocks.lo, engine.placement.place[ids], "right") - 1
    order = np.lexsort((ids, step, piece))
    step, ids, piece = step[order], ids[order], piece[order]
    each = np.bincount(piece, minlength=len(ring.room))
    if np.any(each > np.diff(ring.first)):
        raise ValueError("spikes: there are more spikes than the neurons can fire")
    before = np.append(0, np.cumsum(each))
    for p in range(len(ring.room)):
        own = slice(before[p], before[p + 1])
        ring.ids[ring.first[p] : ring.first[p] + each[p]] = ids[own]
        steps, begin, number = np.unique(step[own], return_index=True, return_counts=True)
        ring.begin[steps % slots, p], ring.number[steps % slots, p] = ring.first[p] + begin, number
        ring.room[p] = ring.first[p] + each[p]


def in_order(first: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Indices that sort the entries of drives, ``first[d, 0]`` … ``first[d, -1] - 1`` of drive d, by drive, then by id of the target."""
    drive = np.repeat(np.arange(len(first)), first[:, -1] - first[:, 0]) if len(first) else np.zeros(0, np.int64)
    return np.lexsort((ids, drive))


def gamma_of(engine: Any) -> State:
    """The state of gamma trains; see `ModulatedTrains`."""
    t = engine.machine.trains
    if t is None or not len(t.left):
        return {}
    order = in_order(t.first, engine.placement.id[t.target])
    return {"trains/left": t.left[order], "trains/drawn": t.drawn[order]}


def set_gamma(engine: Any, state: State) -> None:
    """Restore the state from `gamma_of`."""
    t = engine.machine.trains
    if t is not None and len(t.left):
        order = in_order(t.first, engine.placement.id[t.target])
        put(t.left, "trains/left", state, order)
        put(t.drawn, "trains/drawn", state, order)


def paths_of(engine: Any) -> State:
    """The current values of Ornstein-Uhlenbeck processes."""
    c = engine.machine.currents.changing
    return {} if c is None or not len(c.path_at) else {"paths": c.path_at[in_order(c.paths.first, c.path_id)]}


def set_paths(engine: Any, state: State) -> None:
    """Restore the values from `paths_of`."""
    c = engine.machine.currents.changing
    if c is not None and len(c.path_at):
        put(c.path_at, "paths", state, in_order(c.paths.first, c.path_id))
