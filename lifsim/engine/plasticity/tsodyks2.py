"""tsodyks2_synapse: short-term plasticity (Tsodyks and Markram 1997; Maass and Markram 2002).

A fraction x of the resources is available, of which a spike releases the fraction u; the weight transmitted is w u x. From one
spike to the next, h later,

    x ← 1 + (x - x u - 1) exp(-h/tau_rec)      (with the old u)
    u ← U + u (1 - U) exp(-h/tau_fac)

At the first spike, u and x have their initial values.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.plasticity.store import Store, value

PARAMETERS = ("u", "x", "U", "tau_rec", "tau_fac")
TAUS = ()
STATES = ("u", "x")
TRACES = ()  # of the state of a segment


class Tsodyks2Synapses(NamedTuple):
    """The synapses; the type identifies the model."""

    y: Store


class Tsodyks2Rule(NamedTuple):
    """The parameters of a synapse."""

    U: float
    tau_rec: float
    tau_fac: float


Synapses, Rule = Tsodyks2Synapses, Tsodyks2Rule


def initial(constant: Any) -> tuple[float, float, float]:
    """u and x of a segment before any spike."""
    return constant[0], constant[1], 0.0


@inlined
def rule(y, p, i):
    """The parameters of synapse `i` (its index in the store), which belongs to projection `p`."""
    return Tsodyks2Rule(value(y, p, 2, i), value(y, p, 3, i), value(y, p, 4, i))


@inlined
def state(y, p, i):
    """u and x of synapse `i`, of projection `p`, if each synapse has its own."""
    return y.own[y.column[p, 0], i], y.own[y.column[p, 1], i], 0.0


@inlined
def keep(y, p, i, s):
    """Set u and x of synapse `i`, of projection `p`, to `s`."""
    y.own[y.column[p, 0], i], y.own[y.column[p, 1], i] = s[0], s[1]


@inlined
def released(r, s, h, first):
    """The state after a spike `h` ms after the previous one, and the fraction of the weight that is transmitted."""
    u, x = s[0], s[1]
    if not first:
        x = 1.0 + (x - x * u - 1.0) * math.exp(-h / r.tau_rec)
        u = r.U + u * (1.0 - r.U) * (math.exp(-h / r.tau_fac) if r.tau_fac > 0.0 else 0.0)
    return (u, x, 0.0), u * x
