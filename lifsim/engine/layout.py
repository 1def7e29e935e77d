"""Lays out a plan in memory: pieces, constants of neurons, tables of stimuli."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np

from lifsim.common.timegrid import ends
from lifsim.engine.compiler.parts import address_of
from lifsim.engine.loop import Blocks
from lifsim.engine.neurons import kind_of, module_of, states_of
from lifsim.engine.neurons.state import LINE, Held, Neurons
from lifsim.engine.parallel.placement import Placement
from lifsim.engine.piece import ModelGroup
from lifsim.engine.random import RECORDED, SHARED_TRAINS, TRAINS
from lifsim.engine.stimuli.currents import Currents, OwnInput
from lifsim.engine.stimuli.modulated_trains import ModulatedTrains, room
from lifsim.engine.stimuli.poisson import STEPS, PoissonDrives, laws_of
from lifsim.engine.stimuli.varying_currents import Changing, Onto
from lifsim.plan.stimuli import PoissonDrive

PIECE = 16384  # most neurons that are stepped at a time: their state fits into the caches of a core
CACHE_LINE = 64  # bytes


# -- blocks ----------------------------------------------------------------------------------------


def edges_of(blocks: Blocks) -> np.ndarray:
    """The first place of each piece, and the end of the last; pieces are contiguous. Shape (n_pieces + 1,)."""
    return np.append(blocks.lo, blocks.first[-1])


def blocks_of(plan: Any, seats: Placement, interval: int) -> Blocks:
    """The blocks, and the pieces of populations in them."""
    group = np.repeat(np.arange(len(plan.groups)), [g.n for g in plan.groups])[seats.id]
    gaps = np.flatnonzero((np.diff(seats.id) != 1) | (np.diff(group) != 0)) + 1
    edges = np.unique(np.concatenate([seats.first, gaps])).tolist()
    lo = np.array([q for a, z in itertools.pairwise(edges) for q in range(a, z, PIECE)], np.int64)
    hi = np.append(lo[1:], len(group))[: len(lo)]
    piece = np.searchsorted(lo, seats.first)
    return Blocks(seats.first, seats.thread, piece, lo, hi, seats.id[lo], group[lo], np.array([interval], np.int64))


# -- neurons ---------------------------------------------------------------------------------------


def groups_of(plan: Any, place: np.ndarray, dtype: Any) -> tuple[ModelGroup, ...]:
    """All populations. If a constant differs between neurons of one, all its constants are stored per neuron, which is slower."""
    constants = [module_of(g).constants(g.params, plan.dt) for g in plan.groups]
    uniform = [all(np.ndim(x) == 0 for x in c) for c in constants]
    most = max(map(len, constants))
    each = np.zeros((most, 0 if all(uniform) else plan.n_neurons), dtype)  # one table for all populations whose constants differ
    groups = []
    for g, c, same in zip(plan.groups, constants, uniform, strict=True):
        if not same:
            each[: len(c), places(g, place)] = [np.broadcast_to(x, g.n) for x in c]
        v = states_of(g).index("V_m") if "V_m" in states_of(g) else 0
        driven = getattr(module_of(g), "DRIVEN", False) or _driven(plan, g)
        groups.append(ModelGroup(kind_of(g), np.array(c, dtype) if same else each, v, bool(driven), g.name in plan.watched, int(g.burst)))
    return tuple(groups)


def _driven(plan: Any, group: Any) -> bool:
    """Whether any neuron of `group` has an input that is constant within a step: I_e, or a current drive."""
    own = bool(np.any(np.asarray(group.params.get("I_e", 0.0)) != 0))
    return own or any(np.any((d.targets >= group.first) & (d.targets < group.first + group.n)) for d in current_drives(plan))


def current_drives(plan: Any) -> list[Any]:
    """All current drives."""
    return [*plan.currents, *plan.noise, *plan.sines, *plan.waves, *plan.paths]


def changing(plan: Any) -> bool:
    """Whether any stimulus changes in every step; code for these is compiled only then."""
    return bool(plan.trains or plan.sines or plan.waves or plan.paths)


def refractory_steps(params: dict[str, Any], dt: float) -> np.ndarray:
    """Refractory periods in steps, ceil(t_ref / dt); at most 2³⁰ - 2, since steps have 32 bits (no run is longer)."""
    return np.minimum(ends(np.asarray(params.get("t_ref", 0.0)), dt), 2**30 - 2).astype(np.int64)


def places(group: Any, place: np.ndarray) -> np.ndarray:
    """The places of the neurons of `group`, in order of their ids."""
    return place[group.first : group.first + group.n]


def refresh_neurons(plan: Any, place: np.ndarray, x: Neurons, own: OwnInput) -> None:
    """Recompute everything in `x` and `own` that depends on parameters."""
    for g in plan.groups:
        at = places(g, place)
        p = g.params
        if "V_reset" in p:
            x.reset[at] = np.asarray(p["V_reset"]) - np.asarray(p.get("E_L", 0.0))
        x.refractory[at] = refractory_steps(p, plan.dt)
        own.gain[at] = module_of(g).drive(p, plan.dt)
        own.I_e[at] = p.get("I_e", 0.0)
    x.drive[:] = own.gain * own.I_e


def refresh_currents(group: Any, place: np.ndarray, x: Neurons, own: OwnInput) -> None:
    """Recompute in `x` and `own` what depends on the parameter I_e of `group`."""
    at = places(group, place)
    own.I_e[at] = group.params["I_e"]
    x.drive[at] = own.gain[at] * own.I_e[at]


def neurons_of(plan: Any, place: np.ndarray, dtype: Any, channels: int, pieces: int) -> tuple[Neurons, OwnInput]:
    """All neurons in their initial state."""
    n = plan.n_neurons
    rows = max(channels, *(len(states_of(g)) for g in plan.groups))
    marked = n if any(hasattr(module_of(g), "DRIVEN") for g in plan.groups) else 0
    x = Neurons(
        _lined_up((rows, -(-n // LINE) * LINE), dtype),
        _lined_up(n, np.int32),
        _lined_up(n, dtype),
        _lined_up(n, dtype),
        _lined_up(n, np.int32),
        Held(np.zeros(n, np.int64), np.zeros(n, np.int32), np.zeros(n, dtype), np.zeros(pieces, np.int64)),
        _lined_up(marked, np.bool_),
        channels,
    )
    own = OwnInput(np.zeros(n), np.zeros(n), np.zeros(n))
    refresh_neurons(plan, place, x, own)
    for g in plan.groups:
        for name in states_of(g):
            if name in g.state:
                write_state(x, place, g, name, g.state[name])
    return x, own


def _lined_up(shape: int | tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros that begin at a cache line (see `neurons.state.by_line`)."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    room = np.zeros(size + CACHE_LINE, np.uint8)
    begin = -address_of(room) % CACHE_LINE
    return room[begin : begin + size].view(dtype).reshape(shape)


def hold_refractory(plan: Any, x: Neurons, blocks: Blocks, step: int) -> None:
    """List the refractory neurons, whose v is held in the step after `step`, for each piece."""
    still = x.until > step + 1
    if not still.any():
        x.held.number[:] = 0
        return
    holds = np.array([getattr(module_of(g), "HOLDS", True) for g in plan.groups])[blocks.group]
    held = np.flatnonzero(still & np.repeat(holds, blocks.hi - blocks.lo))
    begin, end = np.searchsorted(held, blocks.lo), np.searchsorted(held, blocks.hi)
    x.held.number[:] = end - begin
    for lo, a, z in zip(blocks.lo, begin, end, strict=True):
        x.held.offset[lo : lo + z - a], x.held.until[lo : lo + z - a] = held[a:z] - lo, x.until[held[a:z]]


# -- synapses --------------------------------------------------------------------------------------


def sending(y: Any, seats: Placement, edges: np.ndarray) -> np.ndarray:
    """For each piece, whether any of its neurons has outgoing static synapses (otherwise its spikes never become pending).

    `edges` has the first place of each piece.
    """
    number = np.concatenate([[0], np.cumsum(np.diff(y.row_first)[seats.id] > 0)])
    return np.diff(number[edges]) > 0


def natural_weights(plan: Any, precision: str) -> str:
    """The dtype for stored weights: float32 if it holds every weight exactly or `precision` is float32, else float64."""
    return "float32" if precision == "float32" or all(w.weight.narrow for w in plan.wirings if w.plasticity is None) else "float64"


# -- state in the user's units ----------------------------------------------------------------------


def unit_and_zero(group: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Scale and offset that convert state variable `name` to the user's units (v = V_m - E_L); shape (n,) each."""
    module = module_of(group)
    units = module.units(group.params) if hasattr(module, "units") else {}
    zero = group.params.get("E_L", 0.0) if name in ("V_m", "V_th") else 0.0
    return np.broadcast_to(units.get(name, 1.0), group.n), np.broadcast_to(zero, group.n)


def shown(group: Any, name: str, values: np.ndarray, ids: Any = slice(None)) -> np.ndarray:
    """Convert values of state variable `name` of the neurons `ids` of `group` to the user's units; neurons are along the last axis."""
    unit, zero = unit_and_zero(group, name)
    out = values * unit[ids]
    out += zero[ids]  # in place: the array may be large
    return out


def read_state(x: Neurons, place: np.ndarray, group: Any, name: str) -> np.ndarray:
    """State variable `name` of `group` in the user's units, shape (n,), float64."""
    row = states_of(group).index(name)
    return shown(group, name, x.state[row, places(group, place)].astype(np.float64))


def write_state(x: Neurons, place: np.ndarray, group: Any, name: str, values: Any) -> None:
    """Set state variable `name` of `group` to values in the user's units."""
    unit, zero = unit_and_zero(group, name)
    x.state[states_of(group).index(name), places(group, place)] = (values - zero) / unit


# -- stimuli ---------------------------------------------------------------------------------------


def _uniform(d: Any) -> bool:
    """Whether a Poisson drive is uniform: contiguous targets, one weight and rate, counts that fit into a byte (up to 8 sigma)."""
    contiguous = len(d.targets) > 0 and d.targets[-1] - d.targets[0] == len(d.targets) - 1
    few = d.mean.max(initial=0.0) + 8 * math.sqrt(d.mean.max(initial=0.0)) + 30 < 255
    return bool(contiguous and few and np.ndim(d.weight) == 0 and (len(d.mean) == 1 or d.since is not None))


def seated(drive: Any, place: np.ndarray) -> Any:
    """`drive` with the places of its targets, ascending, instead of their ids."""
    at = place[drive.targets]
    order = np.argsort(at, kind="stable")
    own = {"targets": at[order], "weight": np.broadcast_to(drive.weight, len(at))[order]}
    if isinstance(drive, PoissonDrive) and drive.since is None and len(drive.mean) == len(at):  # a mean for each target
        own["mean"] = drive.mean[order]
    own |= {name: getattr(drive, name)[order] for name in ("who", "column", "node") if hasattr(drive, name)}
    return replace(drive, **own)


def channel_of(d: Any, channels: int) -> int:
    """The input sum (channel) to which a drive adds; all its weights have one sign."""
    return d.receptor - 1 if d.receptor else int(channels > 1 and float(np.min(d.weight)) < 0)


def poisson_of(plan: Any, seats: Placement, blocks: Blocks, channels: int) -> PoissonDrives:
    """Tables of all Poisson drives."""
    drives = [seated(d, seats.place) for d in plan.poisson]
    means = np.unique(_joined([d.mean for d in drives], np.float64))
    sizes = [len(d.targets) for d in drives]
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    law, weight = np.zeros(first[-1], np.int32), np.zeros(first[-1])
    uniform = [_uniform(d) for d in plan.poisson]
    change, since, law_since = [0], [], []
    for d, a, b, same in zip(drives, first[:-1], first[1:], uniform, strict=True):
        index = np.searchsorted(means, d.mean)
        weight[a:b] = d.weight
        shared = same or d.since is not None
        if shared:
            since.append([0] if d.since is None else d.since)
            law_since.append(index)
        else:
            law[a:b] = index
        change.append(change[-1] + shared * len(index))
    cuts = _cuts(drives, edges_of(blocks)).T
    begin, end = cuts[:-1], cuts[1:]
    piece, drive = np.nonzero(begin < end)  # sorted by piece, then by drive
    targets = _joined([d.targets for d in drives], np.int64)
    words = _lined_up((len(blocks.thread) - 1, STEPS, PIECE // 2 + 16), np.uint32)
    return PoissonDrives(
        targets,
        seats.id[targets],
        weight,
        law,
        np.array([channel_of(d, channels) for d in drives], np.int64),
        np.array([d.stream for d in drives], np.int64),
        np.array([d.start for d in drives], np.int64),
        np.array([d.stop for d in drives], np.int64),
        np.array(uniform, bool),
        np.array(change, np.int64),
        _joined(since, np.int64),
        _joined(law_since, np.int64),
        np.searchsorted(piece, np.arange(len(blocks.lo) + 1)),
        drive.copy(),  # a contiguous copy: parts do not take strided arrays
        begin[piece, drive],
        end[piece, drive],
        np.full(len(piece), -1, np.int64),
        np.zeros((STEPS, first[-1]), np.uint8),
        words,
        words.view(np.int16),
        _lined_up((len(words), PIECE), np.int16),
        laws_of(means),
    )


def trains_of(drives: list[Any], place: np.ndarray, edges: np.ndarray, channels: int, threads: int) -> ModulatedTrains:
    """Tables of all drives with random trains."""
    drives = [seated(d, place) for d in drives]
    n = sum(len(d.targets) for d in drives)
    purpose = TRAINS, SHARED_TRAINS, RECORDED  # indexed by kind
    most = max((d.mean + abs(d.amplitude) for d in drives if d.order == 0), default=0.0)
    return ModulatedTrains(
        _cuts(drives, edges),
        _joined([d.targets for d in drives], np.int64),
        _joined([d.who for d in drives], np.int64),
        _joined([d.weight for d in drives], np.float64),
        np.array([channel_of(d, channels) for d in drives], np.int64),
        np.array([purpose[d.kind] | np.uint32(d.stream) for d in drives], np.int64),
        _rows([(d.mean, d.amplitude, d.omega, d.phase) for d in drives], np.float64, 4),
        np.array([d.order for d in drives], np.float64),
        _rows([(d.delay, d.start, d.stop) for d in drives], np.int64, 3),
        np.zeros(n),
        np.zeros(n, np.int64),
        np.zeros((threads, room(most))),
    )


def currents_of(plan: Any, seats: Placement, edges: np.ndarray) -> Currents:
    """Tables of all current and noise drives."""
    currents, noise = ([seated(d, seats.place) for d in drives] for drives in (plan.currents, plan.noise))
    noisy = _joined([d.targets for d in noise], np.int64)
    windows = [*plan.noise, *plan.sines, *plan.waves, *plan.paths]
    change = [d.since + 1 for d in currents] + [np.array([d.start, d.stop]) + 1 for d in windows]
    return Currents(
        _cuts(currents, edges),
        _joined([d.targets for d in currents], np.int64),
        _joined([d.weight for d in currents], np.float64),
        np.concatenate([[0], np.cumsum([len(d.since) for d in currents])]).astype(np.int64),
        _joined([d.since for d in currents], np.int64),
        _joined([d.amplitude for d in currents], np.float64),
        np.unique(_joined(change, np.int64)),
        _cuts(noise, edges),
        noisy,
        seats.id[noisy],
        _joined([d.weight for d in noise], np.float64),
        _rows([(d.mean, d.std, d.std_mod, d.omega, d.phase, d.stream) for d in noise], np.float64, 6),
        _rows([(d.period, d.start, d.stop, d.used) for d in noise], np.int64, 4),
        _changing_of(plan, seats, edges) if changing(plan) else None,
    )


def _changing_of(plan: Any, seats: Placement, edges: np.ndarray) -> Changing:
    """Tables of the currents that change in every step."""
    sines, waves, paths = ([seated(d, seats.place) for d in drives] for drives in (plan.sines, plan.waves, plan.paths))
    sheets = list({id(d.samples): d.samples for d in waves}.values())  # several drives may share their samples
    begin = dict(zip(map(id, sheets), np.cumsum([0, *(x.size for x in sheets)]), strict=False))
    onto = _onto(paths, edges)
    return Changing(
        _onto(sines, edges),
        _rows([(d.offset, d.amplitude, d.omega, d.phase) for d in sines], np.float64, 4),
        _rows([(d.start, d.stop) for d in sines], np.int64, 2),
        _onto(waves, edges),
        _rows([(d.start, d.stop, d.every, d.samples.shape[1], begin[id(d.samples)]) for d in waves], np.int64, 5),
        _joined([d.column for d in waves], np.int64),
        _joined([x.ravel() for x in sheets], np.float64),
        onto,
        _rows([(d.mean, d.std, d.decay, math.sqrt(1 - d.decay**2), d.stream) for d in paths], np.float64, 5),
        _rows([(d.start, d.stop, d.used) for d in paths], np.int64, 3),
        seats.id[onto.target],
        np.zeros(len(onto.target)),
    )


def _onto(drives: list[Any], edges: np.ndarray) -> Onto:
    return Onto(_cuts(drives, edges), _joined([d.targets for d in drives], np.int64), _joined([d.weight for d in drives], np.float64))


def _rows(rows: list[Any], dtype: Any, columns: int) -> np.ndarray:
    return np.array(rows, dtype).reshape(len(rows), columns)


def _cuts(drives: list[Any], edges: np.ndarray) -> np.ndarray:
    """The index, in the concatenated targets of all drives, of each drive's first target at or after each place in `edges`."""
    offset = np.concatenate([[0], np.cumsum([len(d.targets) for d in drives])])
    cuts = [a + np.searchsorted(d.targets, edges) for d, a in zip(drives, offset[:-1], strict=True)]
    return np.array(cuts, np.int64).reshape(len(drives), len(edges))


def _joined(arrays: list[Any], dtype: Any) -> np.ndarray:
    return np.concatenate([np.asarray(a) for a in arrays]).astype(dtype) if arrays else np.zeros(0, dtype)
