"""The state of plastic synapses as arrays: weights, traces, and the spikes of their targets that they have not seen yet.

Synapses are in order of model, source, projection, delay, then target. All synapses of one source, projection and delay have
seen the same presynaptic spikes, also in different blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lifsim.engine.plasticity.pairs import forget
from lifsim.engine.plasticity.plastic_delivery import Plastic
from lifsim.engine.plasticity.plastic_layout import needed_since
from lifsim.engine.plasticity.postsynaptic_spikes import (
    AFTER,
    BEFORE,
    FAST,
    LINKS,
    LONG_AGO,
    NONE,
    PLACE,
    SLOW,
    STEP,
    WORDS,
    entries_after,
    memory,
)
from lifsim.engine.plasticity.store import Store
from lifsim.engine.snapshot_arrays import Pieces, State, put, taken

ROWS = 1 << 18  # approximate number of synapses that are processed at a time


def plastic_state(engine: Any) -> State:
    """The state of the plastic synapses of an engine."""
    plastic, first, ids = engine.machine.plastic, engine.machine.blocks.first, engine.placement.id
    out: State = {}
    for k, g in enumerate(plastic.groups):
        rows, slots = np.indices(g.y.last.shape[1:])
        holder = (np.diff(g.y.begin) > 0).argmax(axis=0)  # a block with synapses of this segment; any block if there is none
        out |= {
            f"plastic/{k}/weight": _in_order(g.y, g.y.weight, first, ids),
            f"plastic/{k}/own": _in_order(g.y, g.y.own, first, ids),
            f"plastic/{k}/last": g.y.last[holder, rows, slots],
            f"plastic/{k}/state": g.y.state[holder, rows, slots],
        }
    return out | _spikes_of(plastic, ids, needed_since(plastic, engine.step))


def restore_plastic(engine: Any, state: State) -> Plastic:
    """Restore the plastic synapses of an engine from a state, and return them."""
    plastic, first, ids = engine.machine.plastic, engine.machine.blocks.first, engine.placement.id
    for k, g in enumerate(plastic.groups):
        y, n = g.y, 0
        weight = taken(state, f"plastic/{k}/weight", y.weight.dtype, (number_of(y),))
        own = taken(state, f"plastic/{k}/own", y.own.dtype, y.own.shape)
        for at in ordered(y, first, ids):
            y.weight[at], y.own[:, at] = weight[n : n + len(at)], own[:, n : n + len(at)]
            n += len(at)
        for name in ("last", "state"):
            for block in getattr(y, name):
                put(block, f"plastic/{k}/{name}", state)
    forget(plastic.work)
    return plastic._replace(trains=_with_spikes(engine, plastic.trains, state))


def _in_order(y: Store, values: np.ndarray, first: np.ndarray, ids: np.ndarray) -> Pieces:
    """`values`, one per synapse along the last axis, in the order of snapshots."""
    return Pieces((*values.shape[:-1], number_of(y)), values.dtype, lambda: (values[..., at] for at in ordered(y, first, ids)))


def number_of(y: Store) -> int:
    """The number of synapses."""
    return int(y.begin[:, :, -1].sum() - y.begin[:, :, 0].sum())


def ordered(y: Store, first: np.ndarray, ids: np.ndarray) -> Iterator[np.ndarray]:
    """The indices of all synapses in the order of snapshots, a few rows at a time; ``ids[q]`` is the neuron at place q."""
    blocks, rows = y.begin.shape[:2]
    size = (y.begin[:, :, -1] - y.begin[:, :, 0]).sum(axis=0)
    piece = np.cumsum(size) // ROWS
    for a, z in zip(*_runs(piece), strict=True) if rows else ():
        begin = y.begin[:, a:z, :-1].transpose(1, 2, 0).ravel()
        number = np.diff(y.begin[:, a:z]).transpose(1, 2, 0).ravel()
        at = np.repeat(begin - np.cumsum(number) + number, number) + np.arange(number.sum())
        block = np.repeat(np.tile(np.arange(blocks), len(number) // blocks), number)
        segment = np.repeat(np.arange(len(number)) // blocks, number)
        target = ids[first[block] + y.target[at]]
        if np.any((np.diff(target) < 0) & (np.diff(segment) == 0)):  # the network lists targets in another order than that of their ids
            at = at[np.lexsort((target, segment))]
        yield at


def _runs(label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The beginnings and ends of runs of equal labels."""
    edges = np.flatnonzero(np.diff(label)) + 1
    return np.append(0, edges), np.append(edges, len(label))


# -- spikes of the targets -------------------------------------------------------------------------


def _spikes_of(plastic: Plastic, ids: np.ndarray, since: int) -> State:
    """The spikes of neurons that synapses may still need, sorted by step, then neuron, with the traces just after each."""
    trains, found = plastic.trains, []
    for b in range(len(trains.used)):
        entries, _ = entries_after(trains, b, since)
        entries = entries[1:]  # the first entry stands for no spike
        link = entries.view(np.int32)
        found.append((link[:, STEP].astype(np.int64), ids[link[:, PLACE]], entries[:, FAST], entries[:, SLOW]))
    step, who, fast, slow = (np.concatenate(x) for x in zip(*found, strict=True))
    order = np.lexsort((who, step))
    columns = {"step": step, "id": who, "fast": fast, "slow": slow}
    return {f"plastic/spikes/{name}": x[order] for name, x in columns.items()}


def _with_spikes(engine: Any, trains: Any, state: State) -> Any:
    """`trains` with the spikes of a state instead of its own."""
    first, n = engine.machine.blocks.first, engine.plan.n_neurons
    step = taken(state, "plastic/spikes/step", np.int64)
    who, fast, slow = (taken(state, f"plastic/spikes/{x}", t, step.shape) for x, t in (("id", np.int64), ("fast", float), ("slow", float)))
    if not np.all((who >= 0) & (who < n) & (step > LONG_AGO) & (step <= engine.step)):
        raise ValueError(f"plastic/spikes: a step or an id is not possible for {n} neurons and steps up to {engine.step}")
    place = engine.placement.place[who]
    block = np.searchsorted(first, place, "right") - 1
    used = np.bincount(block, minlength=len(trains.used)) + 1
    link, trace = memory(len(used), int(used.max()))
    newest = np.full(n, NONE, np.int32)
    for b in range(len(used)):
        own = np.flatnonzero(block == b)
        own = own[np.argsort(step[own], kind="stable")]
        entries = trace[b, : used[b] * WORDS].reshape(-1, WORDS)
        words = entries.view(np.int32)
        entries[:] = 0.0
        words[NONE, STEP] = LONG_AGO
        words[1:, STEP], words[1:, PLACE], entries[1:, FAST], entries[1:, SLOW] = step[own], place[own], fast[own], slow[own]
        at = (np.arange(len(own)) + 1) * LINKS
        by_neuron = np.lexsort((at, place[own]))
        same = np.flatnonzero(np.diff(place[own][by_neuron]) == 0)
        before, after = by_neuron[same], by_neuron[same + 1]
        words[after + 1, BEFORE], words[before + 1, AFTER] = at[before], at[after]
        newest[place[own]] = at  # for each neuron, the last assignment is its newest spike
    return trains._replace(link=link, trace=trace, used=used * LINKS, newest=newest)
