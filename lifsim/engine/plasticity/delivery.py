"""Delivery by way of plastic synapses, and the spikes of their targets noted down."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.delivery import sent_by
from lifsim.engine.jit import entry, kernel
from lifsim.engine.plasticity import deliver_plastic, pairs
from lifsim.engine.plasticity.pairs import Work, look_at_all, transmit_pairs
from lifsim.engine.plasticity.shortterm import transmit_scaled
from lifsim.engine.plasticity.trains import Trains, note


class Plastic(NamedTuple):
    """The spikes of the targets, work space and the synapses of each model."""

    trains: Trains
    work: Work
    groups: tuple[Any, ...]


@overload(deliver_plastic)
def _deliver_plastic(plastic, ring, blocks, b, total, step):
    if isinstance(plastic, types.NoneType):
        return None

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
            all_seen = prepare(synapses, trains, work, b, lo, total.shape[1], sent - y.delay[j], arriving(y, ring, b, j, sent))
            for origin in range(len(ring.order)):
                ids = sent_by(ring, ring.order[origin], sent % ring.number.shape[0])
                for i in range(len(ids)):
                    for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                        if y.begin[b, r, j] < y.begin[b, r, j + 1]:
                            transmit(synapses, trains, work, b, lo, r, j, sent, total, all_seen)


@kernel
def arriving(y, ring, b, j, sent):
    """How many synapses the spikes of step `sent` reach in block `b` after delay `j`."""
    n = 0
    for origin in range(len(ring.order)):
        ids = sent_by(ring, ring.order[origin], sent % ring.number.shape[0])
        for i in range(len(ids)):
            for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                n += y.begin[b, r, j + 1] - y.begin[b, r, j]
    return n


def prepare(synapses: Any, *where: Any) -> Any:
    """Before spikes arrive: what many synapses need alike; whether it is there now."""


@overload(prepare)
def _prepare(synapses, trains, work, b, lo, n, until, arriving):
    if synapses.instance_class in pairs.OF_SYNAPSES:
        return lambda synapses, trains, work, b, lo, n, until, arriving: look_at_all(synapses, trains, work, b, lo, n, until, arriving)
    return lambda synapses, trains, work, b, lo, n, until, arriving: False


def transmit(synapses: Any, *where: Any) -> None:
    """A spike arrives at segment (r, j) of block `b`."""


@overload(transmit)
def _transmit(synapses, trains, work, b, lo, r, j, sent, total, all_seen):
    if synapses.instance_class in pairs.OF_SYNAPSES:

        def pairs_of_spikes(synapses, trains, work, b, lo, r, j, sent, total, all_seen):
            transmit_pairs(synapses, trains, work, b, lo, r, j, sent, total, all_seen)

        return pairs_of_spikes
    return lambda synapses, trains, work, b, lo, r, j, sent, total, all_seen: transmit_scaled(synapses, b, r, j, sent, total)


@entry
def catch_up(groups, trains, work, ring, b, lo, total, step):
    """What spikes until `step` that are still under way will do to their synapses; `total` is of no use after it."""
    for k in range(step + 1, step + ring.number.shape[0] + 1):
        deliver_groups(groups, trains, work, ring, b, lo, total, k, step)
