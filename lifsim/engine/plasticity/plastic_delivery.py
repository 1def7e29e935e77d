"""Delivery of spikes through plastic synapses, and recording of the spikes of their targets."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import merged
from lifsim.engine.compiler.overloads import overload
from lifsim.engine.compiler.parts import Calls, Known, Part, call, read
from lifsim.engine.loop import Blocks, Deliveries
from lifsim.engine.plasticity.pairs import Site, Work, look_at_all, transmit_pairs, work_for
from lifsim.engine.plasticity.postsynaptic_spikes import PostsynapticSpikes, note
from lifsim.engine.plasticity.rule_dispatch import OF_SYNAPSES
from lifsim.engine.plasticity.short_term import transmit_scaled
from lifsim.engine.plasticity.weight_log import WeightLog, log_weights
from lifsim.engine.synapses.delivery import Ring, sent_by
from lifsim.plan.spikes import NEVER


class Plastic(NamedTuple):
    """The spikes of the targets, work space, the synapses of each model, and the log of the weights of each model, or None."""

    trains: PostsynapticSpikes
    work: Work
    groups: tuple[Any, ...]
    logs: tuple[WeightLog | None, ...]


class Noted(NamedTuple):
    """The data of `note_spikes`: the stored postsynaptic spikes, the ring of recent spikes, and the blocks of neurons."""

    trains: PostsynapticSpikes
    ring: Ring
    blocks: Blocks


class PlasticDelivery(NamedTuple):
    """The data of `deliver_plastic`: the synapses of one model; `inputs` are the input sums, shape (n_channels, n_places); block b begins
    at place ``first[b]``; spikes sent after step `newest` are not delivered. `log` is the log of the weights, None if there is none.
    """

    synapses: Any
    trains: PostsynapticSpikes
    work: Work
    ring: Ring
    inputs: np.ndarray
    first: np.ndarray
    newest: int
    log: WeightLog | None


def deliveries(plastic: Plastic, ring: Ring, blocks: Blocks, inputs: np.ndarray) -> list[tuple[Part, Any]]:
    """The parts that deliver through `plastic`, in order, each with its data."""
    groups = [
        (deliver_plastic, PlasticDelivery(g, plastic.trains, plastic.work, ring, inputs, blocks.first, NEVER, log))
        for g, log in zip(plastic.groups, plastic.logs, strict=True)
    ]
    return [(note_spikes, Noted(plastic.trains, ring, blocks)), *groups]


@Part
def note_spikes(m, b, step):
    """Record the spikes that the neurons of block `b` fired in the step before `step`."""
    trains, ring, blocks = read(m)
    k = (step - 1) % ring.number.shape[0]
    for p in range(blocks.piece[b], blocks.piece[b + 1]):
        ids = sent_by(ring, p, k)
        for i in range(len(ids)):
            note(trains, b, blocks.lo[p] + np.int64(ids[i]) - blocks.id[p], step - 1)


@Part
def deliver_plastic(m, b, step):
    """Add all weights of plastic synapses that arrive in `step` to the input sums of block `b`."""
    synapses, trains, work, ring, inputs, first, newest, log = read(m)
    y, lo, total = synapses.y, first[b], inputs[:, first[b] : first[b + 1]]
    site = Site(trains, work, b, lo)
    for j in range(len(y.delay) - 1, -1, -1):
        sent = step - y.delay[j]
        if 0 < sent <= newest:
            all_seen = prepare(synapses, site, total.shape[1], sent - y.delay[j], arriving(y, ring, b, j, sent))
            for origin in range(len(ring.order)):
                ids = sent_by(ring, ring.order[origin], sent % ring.number.shape[0])
                for i in range(len(ids)):
                    for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                        if y.begin[b, r, j] < y.begin[b, r, j + 1]:
                            transmit(synapses, site, r, j, sent, total, all_seen)
                            log_weights(log, y, b, lo, r, j, ids[i], sent)


@merged
def arriving(y, ring, b, j, sent):
    """The number of synapses in block `b` that the spikes of step `sent` reach after delay number `j`."""
    n = 0
    for origin in range(len(ring.order)):
        ids = sent_by(ring, ring.order[origin], sent % ring.number.shape[0])
        for i in range(len(ids)):
            for r in range(y.row_first[ids[i]], y.row_first[ids[i] + 1]):
                n += y.begin[b, r, j + 1] - y.begin[b, r, j]
    return n


def prepare(synapses: Any, *where: Any) -> Any:
    """Compute the last spikes and traces of all targets before spikes arrive, if many synapses need them; returns whether it was done."""


@overload(prepare)
def _prepare(synapses, site, n, until, arriving):
    if synapses.instance_class in OF_SYNAPSES:
        return lambda synapses, site, n, until, arriving: look_at_all(synapses, site, n, until, arriving)
    return lambda synapses, site, n, until, arriving: False


def transmit(synapses: Any, *where: Any) -> None:
    """Process the arrival of a spike at segment (r, j): the synapses of row r that have delay number j."""


@overload(transmit)
def _transmit(synapses, site, r, j, sent, total, all_seen):
    if synapses.instance_class in OF_SYNAPSES:
        return lambda synapses, site, r, j, sent, total, all_seen: transmit_pairs(synapses, site, r, j, sent, total, all_seen)
    return lambda synapses, site, r, j, sent, total, all_seen: transmit_scaled(synapses, site.b, r, j, sent, total)


def catch_up(
    synapses: Any,
    trains: PostsynapticSpikes,
    ring: Ring,
    bounds: np.ndarray,
    dtype: np.dtype,
    step: int,
    log: WeightLog | None = None,
    work: Work | None = None,
) -> None:
    """Apply to `synapses`, of one model and one block, the spikes sent until `step` that have not arrived yet.

    The neurons of the block have the places ``bounds[0]`` … ``bounds[1] - 1``. `dtype` is that of the input sums, which are discarded.
    The weights that the spikes transmit go to the `log` if there is one. `work` is work space for one block, to which nothing is known.
    """
    n = len(trains.newest)
    data = PlasticDelivery(synapses, trains, work or work_for(1, n), ring, np.zeros((2, n), dtype), bounds, step, log)
    one = Calls([(deliver_plastic, data)], Known())
    deliver_steps(Deliveries(one.code, one.data), step + 1, step + len(ring.number))


@Part
def deliver_steps(m, first, last):
    """Deliver to the only block in the steps `first` … `last`."""
    for k in range(first, last + 1):
        call(m.code[0], m.data[0], (0, k))
