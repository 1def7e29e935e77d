"""Plastic synapses: made from a plan, prepared between slices, and read."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import FOUR
from lifsim.engine.plasticity import stdp, stdp_nn_symm, stdp_pl, stdp_triplet, tsodyks, tsodyks2, vogels_sprekeler
from lifsim.engine.plasticity.decay import decays
from lifsim.engine.plasticity.pairs import forget, work_for
from lifsim.engine.plasticity.plastic_delivery import Plastic, catch_up
from lifsim.engine.plasticity.postsynaptic_spikes import has_room, no_spikes, with_room
from lifsim.engine.plasticity.store import Store, StorePlace, fill_parameters, fill_weights, filling_of, pack

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
MODEL_BITS = 48  # the number of a synapse has the number of its model from this bit on
MODELS_OF = {module.Synapses: module for module in MODELS.values()}  # by the type of the synapses


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
    return renumbered(Plastic(trains, work_for(blocks, plan.n_neurons), tuple(groups), (None,) * len(groups)), tau, plan, seats)


def begun_again(plastic: Plastic, plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` without any spikes so far; weights stay."""
    for g in plastic.groups:
        g.y.last[:] = 0
        g.y.state[:] = np.array([MODELS_OF[type(g)].initial(c) for c in g.y.constant])[g.y.projection][:, None]
    forget(plastic.work)
    old = plastic.trains
    trains = no_spikes(len(old.used), len(old.newest), old.law, old.decays)
    return refreshed(plastic._replace(trains=trains), plan, seats)


def set_weights(plastic: Plastic, numbers: np.ndarray, weights: np.ndarray) -> None:
    """Set the weights of synapses by their numbers (see `numbered`)."""
    model = numbers >> MODEL_BITS
    for k, g in enumerate(plastic.groups):
        own = model == k
        g.y.weight[numbers[own] - (np.int64(k) << MODEL_BITS)] = weights[own]


def draw_again(plastic: Plastic, place: StorePlace, wirings: list[Any]) -> None:
    """Set all weights, and what else differs between synapses, to the values that the network was built with."""
    for w in (w for w in wirings if w.plasticity):
        y, module, own, p = _stored(plastic, wirings, w.index)
        filling = filling_of(y, own, p, place.nodes)
        for b in range(len(place.first) - 1):
            fill_weights(y, filling, place, b)
            fill_parameters(y, filling, module, w, place, b)


def _stored(plastic: Plastic, wirings: list[Any], index: int) -> tuple[Store, ModuleType, list[Any], int]:
    """The store with projection number `index`, its model, the wirings in it, and the place of this one among them."""
    module, p = stored_in(wirings, index)
    own = [w for w in wirings if w.plasticity and MODELS[w.plasticity.model] is module]
    return next(g.y for g in plastic.groups if type(g) is module.Synapses), module, own, p


def refreshed(plastic: Plastic, plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with the current time constants of the neurons."""
    return renumbered(plastic, [plastic.trains.decays.tau[g.y.law] for g in plastic.groups], plan, seats)


def renumbered(plastic: Plastic, tau: list[np.ndarray], plan: Any, seats: np.ndarray) -> Plastic:
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


class Seen(NamedTuple):
    """What plastic weights depend on: the spikes in `ring` sent until `step`. Block b begins at place ``first[b]``; `dtype` is that of the
    input sums.
    """

    ring: Any
    first: np.ndarray
    dtype: np.dtype
    step: int


class Only(NamedTuple):
    """One projection: its model, its number among those of this model, and the variable that is read in place of the weight."""

    module: ModuleType
    p: int
    variable: str = "weight"


def unpacked(plastic: Plastic, seen: Seen, b: int, sources: tuple[int, int], only: Only | None) -> list[np.ndarray]:
    """Plastic synapses from the sources lo … hi - 1 onto block `b`: source (from lo), target (index in the block), weight, delay (steps),
    and the number of each (see `numbered`).

    The weights are those after all spikes that were sent. With `only`, those of one projection.
    """
    groups = [g for g in plastic.groups if only is None or type(g) is only[0].Synapses]
    parts = [part_of(g.y, b, *sources) for g in groups]
    numbers = [numbered(k, indices(g.y, b, *sources)) for k, g in enumerate(plastic.groups) if only is None or type(g) is only[0].Synapses]
    trains = plastic.trains._replace(**{key: getattr(plastic.trains, key)[b : b + 1] for key in ("link", "trace", "used")})
    for g, y in zip(groups, parts, strict=True):
        catch_up(type(g)(y), trains, seen.ring, seen.first[b : b + 2], seen.dtype, seen.step)
    each = [[*columns(y, *sources), number] for y, number in zip(parts, numbers, strict=True)]
    found = [np.concatenate(c) for c in zip(*each, strict=True)]
    if only is None:
        return found
    (y,) = parts
    if only.variable != "weight":
        found[2] = variable_of(y, only, plastic.trains.decays.tau)
    keep = np.repeat(y.projection == only.p, np.diff(y.begin[0, :, [0, -1]], axis=0)[0])
    return [c[keep] for c in found]


def variables(module: ModuleType) -> tuple[str, ...]:
    """The names of what can be read of the synapses of a model beside their weights: parameters, state variables, presynaptic traces."""
    names: tuple[str, ...] = (*module.PARAMETERS, *module.TAUS, *module.TRACES)
    return names


def variable_of(y: Store, only: Only, tau: np.ndarray) -> np.ndarray:
    """A variable of all synapses of a store with one block, as those of one projection have it; `tau` are all time constants."""
    module, p, name = only
    number = np.diff(y.begin[0], axis=1)
    if name in module.PARAMETERS:
        q = module.PARAMETERS.index(name)
        if y.column[p, q] >= 0:
            return y.own[y.column[p, q]]
        if name not in module.STATES:
            return np.full(number.sum(), y.constant[p, q])
    if name in module.TAUS:
        return np.full(number.sum(), tau[y.law[p, module.TAUS.index(name)]])
    return np.repeat(y.state[0][:, :, (module.STATES or module.TRACES).index(name)].ravel(), number.ravel())


def stored_in(wirings: list[Any], index: int) -> tuple[ModuleType, int]:
    """The model of projection number `index`, which is plastic, and its number among those of this model."""
    module = next(MODELS[w.plasticity.model] for w in wirings if w.index == index)
    return module, [w.index for w in wirings if w.plasticity and MODELS[w.plasticity.model] is module].index(index)


def numbered(k: int, synapse: np.ndarray) -> np.ndarray:
    """A number for each plastic synapse that no other of the engine has, from the number of its model and its index in the store."""
    return synapse + (np.int64(k) << MODEL_BITS)


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
