"""Stores the static synapses of an engine for spike times on the grid anew, with other weights or delays, in the middle of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine import plasticity
from lifsim.engine.snapshot import recent_spikes
from lifsim.engine.synapses import packing
from lifsim.engine.synapses.delivery import no_pending_spikes
from lifsim.engine.synapses.pending import set_out_again
from lifsim.engine.synapses.tally import Tally


def pack_again(engine: Any, wirings: list[Any]) -> None:
    """Pack `wirings`, whose targets are places, in place of the static synapses; no spikes are pending then."""
    m, dtypes = engine.machine, (engine.dtype, engine.weight_dtype)
    tally = Tally(engine.team)
    y = packing.Packing(wirings, engine.plan.n_nodes, m.blocks.first, engine.key, dtypes, m.neurons.channels, tally).fill()
    pending = no_pending_spikes(len(m.blocks.first) - 1, len(y.channel), len(m.ring.number))
    engine.machine = m._replace(synapses=y, underway=pending)


def send_again(engine: Any) -> None:
    """Make the spikes of the last steps pending through the present synapses."""
    m, step = engine.machine, engine.step
    if len(m.synapses.delay):
        engine.team.each(lambda b: set_out_again((m.synapses, m.ring, m.underway), b, step), range(len(m.blocks.first) - 1))


def any_underway(engine: Any, first: int, last: int) -> bool:
    """Whether any spike of the nodes `first` … `last` - 1 (global ids) is on its way."""
    delays = engine.machine.synapses.delay, plasticity.occurring(engine.machine.plastic)
    longest = int(np.concatenate(delays).max(initial=0))
    step, ids = recent_spikes(engine.machine.ring, engine.step)
    given = engine.plan.events.window(engine.step - longest, engine.step)[1]
    both = np.concatenate([ids[step > engine.step - longest], given.astype(np.int64)])
    return bool(((both >= first) & (both < last)).any())
