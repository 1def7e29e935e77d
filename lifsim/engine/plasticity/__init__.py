"""Plastic synapses: a store for each model in use, beside the static ones, and the spikes of their targets.

`Machine.plastic` is None where there are none: then nothing of this is compiled. Models are modules; the type of their
`Synapses` (the names of these types differ, by which Numba tells them apart) says which one a store is of, so that a network
is compiled for just the models in it. Targets receive
static weights first, then those of each model, in the order of `MODELS`, by (delay descending, source, projection,
synapse), whatever the blocks and threads.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.delivery import sent_by
from lifsim.engine.jit import entry, kernel
from lifsim.engine.plasticity import pairs, stdp, stdp_nn_symm, stdp_pl, stdp_triplet, tsodyks, tsodyks2, vogels_sprekeler
from lifsim.engine.plasticity.decay import decays
from lifsim.engine.plasticity.pairs import Work, transmit_pairs, work_for
from lifsim.engine.plasticity.shortterm import transmit_scaled
from lifsim.engine.plasticity.store import Place, Store, pack
from lifsim.engine.plasticity.trains import Trains, no_spikes, note, with_room

__all__ = ["MODELS", "Plastic", "deliver_plastic", "plastic_of"]

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


class Plastic(NamedTuple):
    """The spikes of the targets, work space and the synapses of each model."""

    trains: Trains
    work: Work
    groups: tuple[Any, ...]


# -- kernels ---------------------------------------------------------------------------------------


def deliver_plastic(plastic: Any, ring: Any, blocks: Any, b: int, total: Any, step: int) -> None:
    """Add to `total` (channels, n) of block `b` all plastic weights that arrive in `step`; none where `plastic` is None."""


@overload(deliver_plastic)
def _deliver_plastic(plastic, ring, blocks, b, total, step):
    if isinstance(plastic, types.NoneType):
        return lambda plastic, ring, blocks, b, total, step: None

    def code(plastic, ring, blocks, b, total, step):
        note_spikes(plastic.trains, ring, blocks, b, step - 1)
        deliver_groups(plastic.groups, plastic.trains, plastic.work, ring, b, blocks.first[b], total, step, step)

    return code


@kernel
def note_spikes(trains, ring, blocks, b, step):
    """The neurons of block `b` that fired in `step` have left a spike."""
    k = step % ring.number.shape[0]
    for p in range(blocks.piece[b], blocks.piece[b + 1]):
        ids = sent_by(ring, p, k)
        for i in range(len(ids)):
            note(trains, b, blocks.lo[p] + np.int64(ids[i]) - blocks.id[p], step)


def deliver_groups(groups: Any, trains: Any, work: Any, ring: Any, b: int, lo: int, total: Any, step: int, newest: int) -> None:
    """`deliver_group` for each of `groups`."""


@overload(deliver_groups)
def _deliver_groups(groups, trains, work, ring, b, lo, total, step, newest):
    if len(groups) == 0:
        return lambda groups, trains, work, ring, b, lo, total, step, newest: None

    def code(groups, trains, work, ring, b, lo, total, step, newest):
        deliver_group(groups[0], trains, work, ring, b, lo, total, step, newest)
        deliver_groups(groups[1:], trains, work, ring, b, lo, total, step, newest)

    return code


@kernel
def deliver_group(synapses, trains, work, ring, b, lo, total, step, newest):
    """Add the weights of one model; only of spikes until step `newest`."""
    y = synapses.y
    for j in range(len(y.delay) - 1, -1, -1):
        sent = step - y.delay[j]
        if 0 < sent <= newest:
            for origin in range(len(ring.order)):
                ids = sent_by(ring, ring.order[origin], sent % ring.number.shape[0])
                for i in range(len(ids)):
                    for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                        if y.begin[b, r, j] < y.begin[b, r, j + 1]:
                            transmit(synapses, trains, work, b, lo, r, j, sent, total)


def transmit(synapses: Any, trains: Any, work: Any, b: int, lo: int, r: int, j: int, sent: int, total: Any) -> None:
    """A spike arrives at segment (r, j) of block `b`."""


@overload(transmit)
def _transmit(synapses, trains, work, b, lo, r, j, sent, total):
    if synapses.instance_class in pairs.OF_SYNAPSES:
        return lambda synapses, trains, work, b, lo, r, j, sent, total: transmit_pairs(synapses, trains, work, b, lo, r, j, sent, total)
    return lambda synapses, trains, work, b, lo, r, j, sent, total: transmit_scaled(synapses, b, r, j, sent, total)


@entry
def catch_up(groups, trains, work, ring, b, lo, total, step):
    """What spikes until `step` that are still under way will do to their synapses; `total` is of no use after it."""
    for k in range(step + 1, step + ring.number.shape[0] + 1):
        deliver_groups(groups, trains, work, ring, b, lo, total, k, step)


# -- from the plan ---------------------------------------------------------------------------------


def plastic_of(plan: Any, seats: np.ndarray, wirings: list[Any], place: Place) -> Plastic | None:
    """The plastic ones of `wirings`, whose targets are places; ``seats[i]`` is the place of neuron i. None if there are none."""
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
    return _numbered(Plastic(trains, work_for(blocks), tuple(groups)), tau, plan, seats)


def refreshed(plastic: Plastic, plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with the time constants that the neurons have now."""
    return _numbered(plastic, [plastic.trains.decays.tau[g.y.law] for g in plastic.groups], plan, seats)


def _numbered(plastic: Plastic, tau: list[np.ndarray], plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with tables of all time constants: `tau` (projections, 2) of each group and those of the neurons."""
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
    """All delays (steps)."""
    return np.concatenate([np.zeros(0, np.int64), *[g.y.delay for g in plastic.groups]]) if plastic else np.zeros(0, np.int64)


def prepared(plastic: Plastic, first: np.ndarray, step: int, spikes: np.ndarray) -> Plastic:
    """`plastic` at the beginning of a slice after `step` in which each block can fire so many `spikes`."""
    needed = step - 2 * int(occurring(plastic).max(initial=0))
    for g in plastic.groups:
        y = g.y
        used = (y.begin[:, :, :-1] < y.begin[:, :, 1:]) & (y.state[..., 0] > 0)  # those that have a presynaptic trace
        needed = min(needed, int((y.last - y.delay).min(where=used, initial=needed)))
    return plastic._replace(trains=with_room(plastic.trains, first, spikes, needed))


# -- reading ---------------------------------------------------------------------------------------


def unpacked(plastic: Plastic, ring: Any, first: np.ndarray, step: int, b: int, sources: tuple[int, int]) -> list[np.ndarray]:
    """Plastic synapses from the sources lo … hi - 1 onto block `b`: source (from lo), target in the block, weight, delay in steps.

    The weights are those after all spikes sent until `step`.
    """
    columns: list[list[np.ndarray]] = [[np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)]]
    for g in plastic.groups:
        y = part_of(g.y, b, *sources)
        trains = plastic.trains
        trains = trains._replace(**{key: getattr(trains, key)[b : b + 1] for key in ("link", "trace", "used")})
        total = np.zeros((2, first[b + 1] - first[b]))
        catch_up((type(g)(y),), trains, work_for(1), ring, 0, first[b], total, step)
        source = np.repeat(np.arange(sources[1] - sources[0]), np.diff(y.row_first[sources[0] : sources[1] + 1]))
        number = np.diff(y.begin[0], axis=1)
        columns.append(
            [
                np.repeat(source, number.sum(axis=1)),
                y.target.astype(np.int64),
                y.weight.astype(np.float64),
                np.repeat(np.tile(y.delay, len(source)), number.ravel()),
            ]
        )
    return [np.concatenate(c) for c in zip(*columns, strict=True)]


def part_of(y: Store, b: int, lo: int, hi: int) -> Store:
    """A copy of the rows of the sources lo … hi - 1 in block `b`, as those of the only block."""
    rows = slice(y.row_first[lo], y.row_first[hi])
    begin = y.begin[b : b + 1, rows]
    a, z = (int(begin[0, 0, 0]), int(begin[0, -1, -1])) if begin.size else (0, 0)
    return y._replace(
        target=y.target[a:z].copy(),
        weight=y.weight[a:z].copy(),
        own=y.own[:, a:z].copy(),
        row_first=np.clip(y.row_first, rows.start, rows.stop) - rows.start,
        projection=y.projection[rows].copy(),
        begin=begin - a,
        last=y.last[b : b + 1, rows].copy(),
        state=y.state[b : b + 1, rows].copy(),
    )


def fan_out(plastic: Plastic) -> np.ndarray:
    """Number of plastic synapses from each node."""
    out = []
    for g in plastic.groups:
        rows = np.diff(g.y.begin[:, :, [0, -1]], axis=2).sum(axis=(0, 2))
        out.append(np.diff(np.concatenate([[0], np.cumsum(rows)])[g.y.row_first]))
    return np.sum(out, axis=0)
