"""The events of neurons: arrivals, threshold crossings, ends of refractory periods.

The stored state of a neuron is that at its last event, together with its next internal event and the time of it. Of simultaneous events,
internal ones come first, then arrivals; v is compared with the threshold after all of them (so simultaneous weights act as one, as in
NEST).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel
from lifsim.engine.precise.event_dynamics import ALPHA, DELTA, State, after, earliest_crossing, foretell, reach
from lifsim.engine.precise.event_times import before, later, span
from lifsim.plan.spikes import NEVER

FREED, CROSSING, GRID, LOOK = range(4)  # internal events: end of refractoriness, spike, test of threshold, search for the time of the spike
FAR = 1e18  # steps; later events are treated as never
EARLY = 1 - 1e-9  # factor that keeps a lower bound of a time a lower bound despite rounding

NEURON = np.dtype(
    [
        *((name, np.float64) for name in ("v", "ex", "inh", "dex", "dinh", "current", "kept", "offset", "due_offset")),
        *((name, np.int64) for name in ("step", "due", "does", "held", "kind")),
    ]
)
"""A neuron: its state at (`step`, `offset`) with the constant input `current` (pA); the internal event that it `does` at (`due`,
`due_offset`); whether v is `held` at reset, and the effect of input during refractoriness that is `kept` (mV, at its end); the index of
its `kind`."""


class EventNeurons(NamedTuple):
    """All neurons by place, shape (n_places,), their kinds, the step of the next event of each (`due`), and dt (ms)."""

    cell: np.ndarray
    kind: np.ndarray
    due: np.ndarray
    dt: float


class Sent(NamedTuple):
    """Spikes sent in the slice: block b has ``number[b]`` entries of `neuron` (id), `step` and `offset` from ``first[b]`` on, in any order.

    ``id[q]`` is the id of the neuron at place q.
    """

    neuron: np.ndarray
    step: np.ndarray
    offset: np.ndarray
    first: np.ndarray
    number: np.ndarray
    id: np.ndarray


@inlined
def state_of(n):
    """A copy of the state of neuron `n`."""
    return State(n.v, n.ex, n.inh, n.dex, n.dinh)


@inlined
def put(n, y, step, offset):
    """Set the state of neuron `n` at (`step`, `offset`) to `y`."""
    n.v, n.ex, n.inh, n.dex, n.dinh = y
    n.step, n.offset = step, offset


@inlined
def state_at(n, c, step, offset, dt):
    """The state of neuron `n` of kind `c` at a later time, up to which it has no event."""
    y = state_of(n)
    t = span(n.step, n.offset, step, offset, dt)
    if t == 0:
        return y
    z = after(y, n.current, c, t)
    return State(n.v if n.held else max(z.v, c.floor), z.ex, z.inh, z.dex, z.dinh)


@inlined
def come(x, sent, b, i, step, offset):
    """Integrate neuron `i` to `offset` ms before the end of `step`; there is no internal event in between.

    If the threshold is tested (not predicted), the neuron may turn out to have fired; then it fires.
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
    """Neuron `i` fires: the spike is recorded, v is reset and held."""
    n = x.cell[i]
    c = x.kind[n.kind]
    k = sent.first[b] + sent.number[b]
    sent.neuron[k], sent.step[k], sent.offset[k] = sent.id[i], step, offset
    sent.number[b] += 1
    n.v, n.held, n.kept = c.reset, 1, 0.0
    n.does, n.due, n.due_offset = FREED, step + c.refractory, offset


@kernel
def act(x, sent, b, i):
    """Process the internal event of neuron `i` that is due."""
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
    """Determine the next internal event of neuron `i` if nothing arrives.

    The exact spike time is computed only when its lower bound is reached, because mostly something arrives before.
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
    """Schedule event `does` of neuron `n` in `t` ms; tests are postponed to a grid point, and gridded neurons stop at the next one."""
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
    """Whether neuron `n` has an internal event before arrivals at (`step`, `offset`) are processed.

    A jump to the threshold is processed after all simultaneous arrivals.
    """
    if before(n.due, n.due_offset, step, offset):
        return True
    return n.due == step and n.due_offset == offset and before(n.step, n.offset, step, offset)


@inlined
def receive(x, i, step, offset, w):
    """Apply the weight `w`, arriving at (`step`, `offset`), to neuron `i`, whose state is that of this time."""
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
