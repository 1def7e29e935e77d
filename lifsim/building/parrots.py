"""The largest number of spikes that a neuron sends per step: one, except for parrot neurons, which repeat every spike they receive."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.network.model import PARROT
from lifsim.plan.plan import Group, Plan
from lifsim.plan.spikes import NEVER, Events
from lifsim.plan.synapses import CONSTANT, COUNT_SPIKES, NO_RECEPTOR, Expand, Values, Wiring

MOST = 1 << 20  # largest number of spikes of a parrot per step


def onto_parrots(wiring: Wiring, receptor: int) -> Wiring | None:
    """`wiring` onto parrots, where a spike counts once, whatever its weight; None if it has no effect: receptor 1 ignores spikes."""
    if wiring.plasticity:
        return replace(wiring, receptor=NO_RECEPTOR if receptor else COUNT_SPIKES)
    return None if receptor else replace(wiring, weight=Values(CONSTANT, 1.0), receptor=0)


def with_bursts(plan: Plan, expand: Expand) -> list[Group]:
    """The groups of `plan` with `burst` set: the largest number of spikes that a neuron sends per step.

    Raises
    ------
    ModelError : parrots project to each other in a loop, so that there is no bound.
    """
    parrots = [g for g in plan.groups if g.model == PARROT]
    if not parrots:
        return plan.groups
    own = np.concatenate([np.arange(g.first, g.first + g.n) for g in parrots])
    at_first = np.ones(plan.n_nodes, np.int64)
    _count_repetitions(plan.events, at_first)
    at_first[own] = _most_of_drives(plan)[own]
    synapses = [_ends(w, plan.seed, expand) for w in plan.wirings if w.receptor != NO_RECEPTOR and np.isin(w.targets, own).any()]
    burst = at_first
    for _ in range(len(own) + 1):
        before, burst = burst, at_first.copy()
        for source, target in synapses:
            np.add.at(burst, target, before[source])
        if (burst == before).all():
            return [replace(g, burst=max(1, int(burst[g.first : g.first + g.n].max()))) if g in parrots else g for g in plan.groups]
        if burst.max() > MOST:
            break
    names = ", ".join(g.name for g in parrots)
    raise ModelError(
        f"populations ({names})",
        f"a neuron could send more than {MOST} spikes in a step, because parrot neurons form a loop or receive too many spikes",
        f"at most {MOST} spikes of a neuron in a step, and no loops of parrot neurons",
    )


def _ends(wiring: Wiring, seed: int, expand: Expand) -> tuple[np.ndarray, np.ndarray]:
    """Source and target (global ids) of each synapse; shape (n_synapses,) each."""
    made = expand(wiring, seed)
    return wiring.sources[made.source], wiring.targets[made.target]


def _most_of_drives(plan: Plan) -> np.ndarray:
    """The most generator spikes that arrive at each neuron per step; more arrive with a probability below 10⁻¹⁰. Shape (n_neurons,)."""
    total = np.zeros(plan.n_neurons, np.int64)
    for d in plan.poisson:
        total[d.targets] += _most(float(np.max(d.mean, initial=0.0)), 1.0)
    for t in plan.trains:
        np.add.at(total, t.targets, _most(t.mean + abs(t.amplitude), min(t.order, 1.0) or 1.0))
    return total


def _most(mean: float, order: float) -> int:
    """The most spikes per step of a train with `mean` spikes per step and gamma intervals of this order (Poisson: 1)."""
    return math.ceil(mean + 7 * math.sqrt(mean / order) + 25 / order)


def _count_repetitions(events: Events, burst: np.ndarray) -> None:
    """Raise `burst` to the largest number of spikes that each spike generator node sends in one step."""
    start = 0
    while start < NEVER:
        stop = events.reach(start)
        step, ids = events.window(start, stop)
        if len(ids):
            (_, node), times = np.unique(np.stack([step, ids.astype(np.int64)]), axis=1, return_counts=True)
            np.maximum.at(burst, node, times)
        start = stop
