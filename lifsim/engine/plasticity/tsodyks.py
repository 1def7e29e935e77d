"""tsodyks_synapse: short-term plasticity (Tsodyks, Uziel and Markram 2000).

A synapse has a fraction x of its resources available, y in use, and z = 1 - x - y recovering. A spike moves the fraction u x from
available to in use; u x is also the fraction of the weight that it transmits. Between spikes

    dx/dt = z/tau_rec,   dy/dt = -y/tau_psc,   du/dt = -u/tau_fac,

which is solved exactly. Then the spike first increases u: u ← u + U (1 - u). As in NEST, the initial values are those at time 0,
and change until the first spike.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("u", "x", "y", "U", "tau_rec", "tau_fac", "tau_psc")
TAUS = ()
STATES = ("u", "x", "y")
TRACES = ()  # of the state of a segment


class TsodyksSynapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class TsodyksRule(NamedTuple):
    """The parameters of a synapse."""

    U: float
    tau_rec: float
    tau_fac: float
    tau_psc: float


Synapses, Rule = TsodyksSynapses, TsodyksRule


def initial(constant: Any) -> tuple[float, float, float]:
    """u, x and y of a segment before any spike."""
    return constant[0], constant[1], constant[2]


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return TsodyksRule(value(y, p, 3, i), value(y, p, 4, i), value(y, p, 5, i), value(y, p, 6, i))


@inlined
def state(y, p, i):
    """u, x and y of synapse `i`, of projection `p`, if each synapse has its own."""
    return y.own[y.column[p, 0], i], y.own[y.column[p, 1], i], y.own[y.column[p, 2], i]


@inlined
def keep(y, p, i, s):
    """Set u, x and y of synapse `i`, of projection `p`, to `s`."""
    y.own[y.column[p, 0], i], y.own[y.column[p, 1], i], y.own[y.column[p, 2], i] = s


@inlined
def released(r, s, h, first):
    """The state after a spike `h` ms after the previous one, and the fraction of the weight that is transmitted."""
    u, x, y = s
    recovering, in_use = math.exp(-h / r.tau_rec), math.exp(-h / r.tau_psc)
    z = 1.0 - x - y
    x += y * ((recovering - 1.0) * r.tau_rec - (in_use - 1.0) * r.tau_psc) / (r.tau_psc - r.tau_rec) + z * (1.0 - recovering)
    y *= in_use
    u *= math.exp(-h / r.tau_fac) if r.tau_fac > 0.0 else 0.0
    u += r.U * (1.0 - u)
    return (u, x - u * x, y + u * x), u * x
