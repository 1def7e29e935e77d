"""lif_psc_delta: the leaky membrane and the jumps (mV) of iaf_psc_delta, the soft reset of if_psc_delta.

    dv/dt = -v/tau_m + I/C_m,   v ← v + w at arrivals
    v(t+h) = v(t) exp(-h/tau_m) + I tau_m/C_m (1 - exp(-h/tau_m)) + Σ w,   v ← v - (V_th - V_reset) at v >= theta

What exceeds the threshold stays and leaks on. A neuron fires once a step at most; input to a refractory one is lost.
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
    """The mark of the model."""


Kind = LifPscDelta
P33 = 2  # the number of the constant after those of if_psc_delta


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold, what a spike takes away, and what is left of v after a step."""
    return p["V_th"] - p["E_L"], taken_by_a_spike(p), leak(p, dt)


@merged
def advance(c, drive, x, w):
    """Move the neurons of `w` by a step."""
    v = x.state[V, w.lo : w.hi]
    decay(constant(c, P33, w.lo, w.hi), v)
    push(v, drive)
