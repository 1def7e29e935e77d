"""lif_psc_delta: the leaky membrane and the increments of v (mV) of iaf_psc_delta, with the soft reset of if_psc_delta.

    dv/dt = -v/tau_m + I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) exp(-h/tau_m) + I tau_m/C_m (1 - exp(-h/tau_m)) + Σ w,   v ← v - (V_th - V_reset) at v >= theta

The reset keeps the excess over the threshold, which decays like v. A neuron fires at most once per step; input to a refractory neuron
is lost.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons.iaf_psc_delta import drive
from lifsim.engine.neurons.if_psc_delta import CHANNELS, STATES, V, receive, spike
from lifsim.engine.neurons.membrane import decay, leak, push
from lifsim.engine.neurons.spiking import taken_by_a_spike
from lifsim.engine.neurons.state import constant

__all__ = ["CHANNELS", "STATES", "Kind", "advance", "constants", "drive", "receive", "spike"]


class LifPscDelta(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = LifPscDelta
P33 = 2  # index of the constant after those of if_psc_delta


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, the amount that a spike subtracts from v (mV), and the factor by which v decays in a step."""
    return p["V_th"] - p["E_L"], taken_by_a_spike(p), leak(p, dt)


@merged
def advance(c, drive, x, w):
    """Propagate the neurons of `w` by one step."""
    v = x.state[V, w.lo : w.hi]
    decay(constant(c, P33, w.lo, w.hi), v)
    push(v, drive)
