"""Plastic synapses: made from a plan, prepared between slices, and read."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from lifsim.engine.compiler.intrinsics import FOUR
from lifsim.engine.plasticity import stdp, stdp_nn_symm, stdp_pl, stdp_triplet, tsodyks, tsodyks2, vogels_sprekeler
from lifsim.engine.plasticity.decay import decays
from lifsim.engine.plasticity.pairs import forget, work_for
from lifsim.engine.plasticity.plastic_delivery import Plastic, catch_up
from lifsim.engine.plasticity.postsynaptic_spikes import has_room, no_spikes, with_room
from lifsim.engine.plasticity.store import Store, StorePlace, pack

MODELS: dict[str, ModuleType] = {
    "stdp_synapse": stdp,
    "stdp_synapse_hom": stdp,
    "stdp_pl_synapse_hom": stdp_pl,
    "stdp_nn_symm_synapse": stdp_nn_symm,
    "stdp_triplet_synapse": stdp_triplet,
    "vogels_sprekeler_synapse": vogels_sprekeler,
    "tsodyks2_synapse": tsodyks2,
    "tsodyks_synapse": tsodyks,
}


def plastic_of(plan: Any, seats: np.ndarray, wirings: list[Any], place: StorePlace) -> Plastic | None:
    """The plastic synapses of `wirings`, whose targets are places; None if there are none. ``seats[i]`` is the place of neuron i."""
    plastic = [w for w in wirings if w.plasticity]
    if not plastic:
        return None
    groups, tau = [], []
    for module in dict.fromkeys(MODELS.values()):
        own = [w for w in plastic if MODELS[w.plasticity.model] is module]
        if own:
            tau.append(np.array([[w.plasticity.params[name].a for name in module.TAUS] + [1.0] * (2 - len(module.TAUS)) for w in own]))
            groups.append(module.Synapses(pack(own, module, np.zeros((len(own), 2), np.int64), plan.dt, place)))
    blocks = len(place.first) - 1
    trains = no_spikes(blocks, plan.n_neurons, np.zeros((2, plan.n_neurons), np.int64), decays(np.ones(1), plan.dt))
    return _numbered(Plastic(trains, work_for(blocks, plan.n_neurons), tuple(groups), (None,) * len(groups)), tau, plan, seats)


def refreshed(plastic: Plastic, plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with the current time constants of the neurons."""
    return _numbered(plastic, [plastic.trains.decays.tau[g.y.law] for g in plastic.groups], plan, seats)


def _numbered(plastic: Plastic, tau: list[np.ndarray], plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with tables of all time constants (ms): `tau`, shape (n_projections, 2) for each model, and those of the neurons."""
    of_neurons = np.zeros((2, plan.n_neurons))
    for g in plan.groups:
        for own, name in zip(of_neurons, ("tau_minus", "tau_minus_triplet"), strict=True):
            own[seats[g.first : g.first + g.n]] = g.params[name]
    every = np.unique(np.concatenate([x.ravel() for x in (of_neurons, *tau)]))
    groups = tuple(g._replace(y=g.y._replace(law=np.searchsorted(every, x))) for g, x in zip(plastic.groups, tau, strict=True))
    trains = plastic.trains._replace(law=np.searchsorted(every, of_neurons), decays=decays(every, plan.dt))
    return plastic._replace(trains=trains, groups=groups)


# -- between slices --------------------------------------------------------------------------------


def occurring(plastic: Plastic | None) -> np.ndarray:
    """The delays (steps) that occur in plastic synapses."""
    return np.concatenate([np.zeros(0, np.int64), *[g.y.delay for g in plastic.groups]]) if plastic else np.zeros(0, np.int64)


def prepared(plastic: Plastic, first: np.ndarray, step: int, spikes: np.ndarray) -> Plastic:
    """`plastic` with room for a slice that begins after `step` and in which block b fires at most ``spikes[b]`` spikes."""
    if has_room(plastic.trains, spikes):
        return plastic
    forget(plastic.work)
    return plastic._replace(trains=with_room(plastic.trains, first, spikes, needed_since(plastic, step)))


def needed_since(plastic: Plastic, step: int) -> int:
    """The step after which postsynaptic spikes are still needed, when the simulation has reached `step`."""
    needed = step - 2 * int(occurring(plastic).max(initial=0))
    for g in plastic.groups:
        y = g.y
        used = (y.begin[:, :, :-1] < y.begin[:, :, 1:]) & (y.state[..., 0] > 0)  # segments with a presynaptic trace
        needed = min(needed, int((y.last - y.delay).min(where=used, initial=needed)))
    return needed


# -- reading ---------------------------------------------------------------------------------------


def unpacked(
    plastic: Plastic, ring: Any, first: np.ndarray, dtype: np.dtype, step: int, b: int, sources: tuple[int, int]
) -> list[np.ndarray]:
    """Plastic synapses from the sources lo … hi - 1 onto block `b`: source (from lo), target (index in the block), weight, delay (steps).

    The weights are those after all spikes sent until `step`. Block b begins at place ``first[b]``; `dtype` is that of the input sums.
    """
    parts = [part_of(g.y, b, *sources) for g in plastic.groups]
    trains = plastic.trains._replace(**{key: getattr(plastic.trains, key)[b : b + 1] for key in ("link", "trace", "used")})
    for g, y in zip(plastic.groups, parts, strict=True):
        catch_up(type(g)(y), trains, ring, first[b : b + 2], dtype, step)
    return [np.concatenate(c) for c in zip(*(columns(y, *sources) for y in parts), strict=True)]


def indices(y: Store, b: int, lo: int, hi: int) -> np.ndarray:
    """The indices in the store of the synapses from the sources lo … hi - 1 onto block `b`, in the order of `unpacked`."""
    begin = y.begin[b, y.row_first[lo] : y.row_first[hi]]
    return np.arange(begin[0, 0], begin[-1, -1]) if begin.size else np.zeros(0, np.int64)


def columns(y: Store, lo: int, hi: int) -> list[np.ndarray]:
    """Source, target, weight and delay of the synapses in a store with one block and the sources lo … hi - 1."""
    number = np.diff(y.begin[0], axis=1)
    source = np.repeat(np.arange(hi - lo), np.diff(y.row_first[lo : hi + 1]))
    delay = np.repeat(np.tile(y.delay, len(source)), number.ravel())
    return [
        np.repeat(source, number.sum(axis=1)),
        y.target[: len(delay)].astype(np.int64),
        y.weight[: len(delay)].astype(np.float64),
        delay,
    ]


def part_of(y: Store, b: int, lo: int, hi: int) -> Store:
    """A copy of the rows of the sources lo … hi - 1 in block `b`, as a store with one block."""
    rows = slice(y.row_first[lo], y.row_first[hi])
    begin = y.begin[b : b + 1, rows]
    a, z = (int(begin[0, 0, 0]), int(begin[0, -1, -1])) if begin.size else (0, 0)
    return y._replace(
        target=y.target[a : z + FOUR].copy(),
        weight=y.weight[a : z + FOUR].copy(),
        own=y.own[:, a:z].copy(),
        row_first=np.clip(y.row_first, rows.start, rows.stop) - rows.start,  # for all nodes: any may have spikes in transit
        projection=y.projection[rows].copy(),
        begin=begin - a,
        last=y.last[b : b + 1, rows].copy(),
        state=y.state[b : b + 1, rows].copy(),
    )


def fan_out(plastic: Plastic) -> np.ndarray:
    """The number of plastic synapses from each node, shape (n_nodes,)."""
    out = []
    for g in plastic.groups:
        rows = np.diff(g.y.begin[:, :, [0, -1]], axis=2).sum(axis=(0, 2))
        out.append(np.diff(np.concatenate([[0], np.cumsum(rows)])[g.y.row_first]))
    return np.sum(out, axis=0)
