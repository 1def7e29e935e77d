"""Neurons as things that happen to them: arrivals, crossings of threshold, ends of refractoriness.

The state of a neuron is that of its last event; what it will do by itself next, and when, is kept beside it. Events at
one moment: first what the neuron does by itself, then what arrives, all of it before a jump of v is compared with
threshold (so simultaneous weights act as one; NEST does the same).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.precise.event_dynamics import ALPHA, DELTA, State, after, earliest_crossing, foretell, reach
from lifsim.engine.precise.event_times import before, later, span
from lifsim.plan.spikes import NEVER

FREED, CROSSING, GRID, LOOK = range(4)  # what a neuron does by itself: it is free again, fires, is tested, looks when it will fire
FAR = 1e18  # steps: as good as never
EARLY = 1 - 1e-9  # of a time that must not be later than another for rounding

NEURON = np.dtype(
    [
        *((name, np.float64) for name in ("v", "ex", "inh", "dex", "dinh", "current", "kept", "offset", "due_offset")),
        *((name, np.int64) for name in ("step", "due", "does", "held", "kind")),
    ]
)
"""The state at (`step`, `offset`), with the constant input `current` (pA); what the neuron `does` at (`due`, `due_offset`);
whether it is `held` at reset, and how much of the input since then is `kept` (mV at the end of that); its row in the kinds."""


class EventNeurons(NamedTuple):
    """The neurons by place, their kinds, the step in which each must be looked at next, and dt in ms."""

    cell: np.ndarray
    kind: np.ndarray
    due: np.ndarray
    dt: float


class Sent(NamedTuple):
    """Spikes of the slice, of block b from ``first[b]`` on in any order: neuron (id), step, offset; how many. Place q has the
    neuron ``id[q]``.
    """

    neuron: np.ndarray
    step: np.ndarray
    offset: np.ndarray
    first: np.ndarray
    number: np.ndarray
    id: np.ndarray


@inlined
def state_of(n):
    """The state of a neuron as numbers of its own."""
    return State(n.v, n.ex, n.inh, n.dex, n.dinh)


@inlined
def put(n, y, step, offset):
    """Give a neuron the state `y` of the moment (`step`, `offset`)."""
    n.v, n.ex, n.inh, n.dex, n.dinh = y
    n.step, n.offset = step, offset


@inlined
def state_at(n, c, step, offset, dt):
    """The state of a neuron at a later moment, before which it does nothing."""
    y = state_of(n)
    t = span(n.step, n.offset, step, offset, dt)
    if t == 0:
        return y
    z = after(y, n.current, c, t)
    return State(n.v if n.held else max(z.v, c.floor), z.ex, z.inh, z.dex, z.dinh)


@inlined
def come(x, sent, b, i, step, offset):
    """Integrate neuron `i` to `offset` ms before the end of `step`; no internal event lies in between.

    Where threshold is tested, it may be found to have fired.
    """
    n = x.cell[i]
    c = x.kind[n.kind]
    y, since, since_offset = state_of(n), n.step, n.offset
    put(n, state_at(n, c, step, offset, x.dt), step, offset)
    if c.tested and not n.held and n.v >= c.theta and y.v < c.theta:
        t = reach(y, n.current, c, 0.0, span(since, since_offset, step, offset, x.dt))
        spike = later(since, since_offset, t, x.dt)
        fire(x, sent, b, i, spike[0], spike[1])


@kernel
def fire(x, sent, b, i, step, offset):
    """Neuron `i` fires: it is written down, reset and held."""
    n = x.cell[i]
    c = x.kind[n.kind]
    k = sent.first[b] + sent.number[b]
    sent.neuron[k], sent.step[k], sent.offset[k] = sent.id[i], step, offset
    sent.number[b] += 1
    n.v, n.held, n.kept = c.reset, 1, 0.0
    n.does, n.due, n.due_offset = FREED, step + c.refractory, offset


@kernel
def act(x, sent, b, i):
    """Neuron `i` does what is due."""
    n = x.cell[i]
    c = x.kind[n.kind]
    if n.does == LOOK:
        intend(x, n, c, CROSSING, foretell(state_of(n), n.current, c))
        return
    does, step, offset = n.does, n.due, n.due_offset
    come(x, sent, b, i, step, offset)
    if does == FREED:
        n.v, n.held = c.reset + n.kept, 0
    elif does == CROSSING:
        fire(x, sent, b, i, step, offset)
    plan(x, i)


@inlined
def plan(x, i):
    """Foresee what neuron `i` will do next if nothing arrives.

    When it will fire exactly is found out only once it might: mostly something arrives before.
    """
    n = x.cell[i]
    c = x.kind[n.kind]
    if not n.held:
        if n.v >= c.theta:
            intend(x, n, c, CROSSING, 0.0)
        elif c.model == DELTA:
            intend(x, n, c, CROSSING, earliest_crossing(state_of(n), n.current, c))
        else:
            intend(x, n, c, GRID if c.tested else LOOK, EARLY * earliest_crossing(state_of(n), n.current, c))


@inlined
def intend(x, n, c, does, t):
    """In `t` ms a neuron does something, a test being put off to the next point of the grid, unless it must stop at one before."""
    n.does, n.due, n.due_offset = does, NEVER, 0.0
    if t < FAR * x.dt:
        n.due, n.due_offset = later(n.step, n.offset, t, x.dt)
    grid = n.step + (n.offset == 0)
    if does == GRID:
        n.due, n.due_offset = max(n.due, grid), 0.0
    if c.gridded and before(grid, 0.0, n.due, n.due_offset):
        n.does, n.due, n.due_offset = GRID, grid, 0.0


@inlined
def acts_before(n, step, offset):
    """Whether a neuron does anything by itself before what arrives at this moment.

    A jump to threshold waits for all that arrives with it.
    """
    if before(n.due, n.due_offset, step, offset):
        return True
    return n.due == step and n.due_offset == offset and before(n.step, n.offset, step, offset)


@inlined
def receive(x, i, step, offset, w):
    """The weight `w` arrives at neuron `i`, which has come to this moment."""
    n = x.cell[i]
    c = x.kind[n.kind]
    if c.model == DELTA:
        if not n.held:
            n.v = max(n.v + w, c.floor)
        elif c.keeps:
            n.kept += w * math.exp(-span(step, offset, n.due, n.due_offset, x.dt) / c.tau_m)
    elif c.model == ALPHA:
        if w >= 0:
            n.dex += w * math.e / c.tau_ex
        else:
            n.dinh += w * math.e / c.tau_in
    elif w >= 0:
        n.ex += w
    else:
        n.inh += w
