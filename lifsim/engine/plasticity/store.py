"""The plastic synapses of one model in memory: their weights, parameters and state.

The synapses of a block are packed in rows. A row has the synapses of one source in one projection. A row is a sequence of segments,
one for each delay, ascending; a spike arrives at all synapses of a segment at the same time. A segment stores the step of the last
spike that it transmitted and the state just after this spike, because all its synapses have seen the same presynaptic spikes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import uint16

from lifsim.engine.compiler.intrinsics import FOUR
from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.compiler.parts import Part, read
from lifsim.engine.synapses.packing import occurring_delays, synapses_of_blocks
from lifsim.engine.synapses.sampling import DELAYS_TOO, WEIGHTS_TOO, Drawer, draw, draw_of, rule_of
from lifsim.engine.synapses.tally import Tally, portions
from lifsim.plan.synapses import CONSTANT

STATES = 3  # largest number of state variables of a segment


class Store(NamedTuple):
    """The plastic synapses of all blocks.

    Synapse i has the target ``target[i]`` (uint16, index in the block) and the weight ``weight[i]``. Both arrays have a few more entries,
    because the last entries are read in groups of four.

    Source s has the rows ``row_first[s]`` … ``row_first[s + 1] - 1``; row r belongs to projection ``projection[r]``. The segment of row r
    in block b for ``delay[j]`` (steps, ascending) has the synapses ``begin[b, r, j]`` … ``begin[b, r, j + 1] - 1``. The last spike that
    it transmitted was sent in step ``last[b, r, j]``; ``state[b, r, j]`` is its state just after that spike.

    Parameter q of synapse i of projection p is ``constant[p, q]``, or ``own[column[p, q], i]`` if ``column[p, q]`` is not negative
    (synapses differ). The weights of projection p act on receptor ``receptor[p]`` (see `plan.synapses.Wiring`); ``law[p]`` are the indices
    of its two presynaptic time constants in `PostsynapticSpikes.decays`. `dt` is the time step (ms).
    """

    target: np.ndarray
    weight: np.ndarray
    own: np.ndarray
    row_first: np.ndarray
    projection: np.ndarray
    delay: np.ndarray
    begin: np.ndarray
    last: np.ndarray
    state: np.ndarray
    receptor: np.ndarray
    constant: np.ndarray
    column: np.ndarray
    law: np.ndarray
    dt: float


@inlined
def value(y, p, q, i):
    """Parameter `q` of synapse `i`, of projection `p`."""
    return y.constant[p, q] if y.column[p, q] < 0 else y.own[y.column[p, q], i]


# -- packing ---------------------------------------------------------------------------------------


@Part
def count(m, lo, hi, begin, end):
    """Count the synapses whose targets are at the places lo … hi - 1: add 1 to ``number[row, slot]`` for each.

    A slot is the index of a delay. Only the targets with the numbers begin … end - 1 in the wiring are drawn.
    """
    d, row, slot, number = read(m)
    for t in range(begin, end):
        if lo <= d.targets[t] < hi:
            for k in range(draw(d, t, DELAYS_TOO)):
                number[row[d.source[k]], slot[d.delay[k]]] += 1


@Part
def fill(m, lo, hi, begin, end):
    """Store the synapses whose targets are at the places lo … hi - 1.

    ``at[row, slot]`` is the index of the next synapse of that row and slot. Only the targets with the numbers begin … end - 1 in the
    wiring are drawn.
    """
    d, row, slot, at, target, weight = read(m)
    for t in range(begin, end):
        if lo <= d.targets[t] < hi:
            for k in range(draw(d, t, DELAYS_TOO | WEIGHTS_TOO)):
                put(row[d.source[k]], slot[d.delay[k]], d.targets[t] - lo, d.weight[k], at, target, weight)


@kernel
def put(r, j, t, w, at, target, weight):
    """Store a synapse of row `r` and slot `j`."""
    i = at[r, j]
    target[i], weight[i] = uint16(t), w
    at[r, j] = i + 1


class StorePlace(NamedTuple):
    """The place and the form in which synapses are stored.

    nodes : number of nodes. first : bounds of the blocks, shape (n_blocks + 1,). key : Philox key of the seed. dtype : type of weights.
    tally : counts the synapses, and applies a function to every block, on all threads.
    """

    nodes: int
    first: np.ndarray
    key: tuple[np.uint64, np.uint64]
    dtype: np.dtype
    tally: Tally


def pack(wirings: list[Any], module: Any, law: np.ndarray, dt: float, place: StorePlace) -> Store:
    """The synapses of `wirings`, all of the model in `module`; `law` are the indices of their time constants, shape (n_wirings, 2)."""
    rules: list[Any] = [rule_of(w) for w in wirings]
    delay = occurring_delays(wirings, rules, place.key)
    slot = slots_of(delay)
    rows, row_first, projection = number_rows(wirings, place.nodes)
    constant, column = parameters(wirings, module)
    blocks, n = len(place.first) - 1, sum(w.n_synapses for w in wirings)
    segments = (blocks, len(projection), len(delay))
    y = Store(
        np.empty(n + FOUR, np.uint16),
        np.empty(n + FOUR, place.dtype),
        np.empty((int(column.max(initial=-1)) + 1, n)),
        row_first,
        projection,
        delay,
        np.zeros((*segments[:2], len(delay) + 1), np.int64),
        np.zeros(segments, np.int32),
        np.zeros((*segments, STATES)),
        np.array([w.receptor for w in wirings], np.int64),
        constant,
        column,
        law,
        dt,
    )
    y.state[:] = np.array([module.initial(c) for c in constant])[projection][:, None]
    counts = synapses_of_blocks(wirings, place.first)
    base = np.cumsum(np.append(0, counts.sum(axis=0)))
    passes = 1 + (column >= 0).sum(axis=1)  # over the synapses of a wiring, to fill in their weights and parameters

    def build(b: int) -> None:
        number = np.zeros(segments[1:], np.int64)
        for w, rule, row, n_own in zip(wirings, rules, rows, counts[:, b], strict=True):
            drawer = Drawer(rule, place.key)
            for begin, end, share in portions(w.ptr, blocks):
                drawer.run(count, (row, slot, number), place.first[b], place.first[b + 1], begin, end)
                place.tally.add(n_own * share / 2)
        end = base[b] + np.cumsum(number).reshape(number.shape)
        y.begin[b, :, 0], y.begin[b, :, 1:] = end[:, 0] - number[:, 0], end
        for p, (w, rule, row) in enumerate(zip(wirings, rules, rows, strict=True)):
            filling, counted = Filling(p, rule, row, slot), counts[p, b] / (2 * passes[p])
            fill_weights(y, filling, place, b, counted)
            fill_parameters(y, filling, module, w, place, b, counted)

    place.tally.each(build, range(blocks))
    return y


class Filling(NamedTuple):
    """How the synapses of projection `p` of a store are filled: its rule, the rows of its sources, and the slot of each delay."""

    p: int
    rule: Any
    row: np.ndarray
    slot: np.ndarray


def filling_of(y: Store, wirings: list[Any], p: int, nodes: int) -> Filling:
    """The `Filling` of projection `p`, of those of `wirings`, in a network with this number of nodes."""
    return Filling(p, rule_of(wirings[p]), number_rows(wirings, nodes)[0][p], slots_of(y.delay))


def fill_weights(y: Store, f: Filling, place: StorePlace, b: int, counted: float = 0.0) -> None:
    """Store the weights of a projection that its rule draws, in block `b`; the tally counts `counted` synapses for this."""
    _fill(y, f, place, b, y.weight, counted)


def fill_parameters(y: Store, f: Filling, module: Any, wiring: Any, place: StorePlace, b: int, counted: float = 0.0) -> None:
    """Store the parameters and state variables of the projection `wiring` that differ between its synapses, in block `b`.

    `counted` is the number of synapses that the tally counts for each of them.
    """
    for q, name in enumerate(module.PARAMETERS):
        if y.column[f.p, q] >= 0:
            rule = f.rule._replace(weight=draw_of(wiring.plasticity.params[name]))
            _fill(y, f._replace(rule=rule), place, b, y.own[y.column[f.p, q]], counted)


def _fill(y: Store, f: Filling, place: StorePlace, b: int, out: np.ndarray, counted: float) -> None:
    """Store the weights of a rule in `out`, for the synapses of block `b`."""
    at, drawer = y.begin[b, :, :-1].copy(), Drawer(f.rule, place.key)
    for begin, end, share in portions(f.rule.ptr, len(place.first) - 1):
        drawer.run(fill, (f.row, f.slot, at, y.target, out), place.first[b], place.first[b + 1], begin, end)
        place.tally.add(counted * share)


def slots_of(delay: np.ndarray) -> np.ndarray:
    """The index of each of the delays that occur, by delay."""
    slot = np.zeros(int(delay.max(initial=0)) + 1, np.int32)
    slot[delay] = np.arange(len(delay))
    return slot


def number_rows(wirings: list[Any], n_nodes: int) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Number rows by source, then projection: rows of the sources of each wiring, first row of each node, projection of each row."""
    used = np.zeros((n_nodes, len(wirings)), bool)
    for p, w in enumerate(wirings):
        used[w.sources, p] = True
    row = (np.cumsum(used).reshape(used.shape) - 1).astype(np.int32)
    row_first = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int64)
    return [row[w.sources, p].copy() for p, w in enumerate(wirings)], row_first, np.nonzero(used)[1].copy()


def parameters(wirings: list[Any], module: Any) -> tuple[np.ndarray, np.ndarray]:
    """`Store.constant` and `Store.column`. Where parameters differ between synapses, so do their state variables."""
    names = module.PARAMETERS
    constant, column = np.zeros((len(wirings), len(names))), np.full((len(wirings), len(names)), -1, np.int64)
    for p, w in enumerate(wirings):
        given = w.plasticity.params
        differ = {name for name in names if given[name].kind != CONSTANT}
        for q, name in enumerate(names):
            constant[p, q] = given[name].a
            column[p, q] = q if name in differ or (differ and name in module.STATES) else -1
    _, number = np.unique(column, return_inverse=True)  # number only the columns that occur
    return constant, (number.reshape(column.shape) + min(int(column.min(initial=0)), 0)).astype(np.int64)
