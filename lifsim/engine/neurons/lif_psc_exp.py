"""lif_psc_exp: iaf_psc_exp with a soft reset.

    dv/dt = -v/tau_m + (i_ex + i_in + I)/C_m,   di/dt = -i/tau_syn,   v ← v - (V_th - V_reset) at v >= theta

The reset keeps the excess over the threshold, which decays like v. A spike does not change the synaptic currents. A neuron fires at most
once per step; during the refractory period v stays at its value after the reset.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.compiler.jit import merged
from lifsim.engine.neurons import iaf_psc_exp
from lifsim.engine.neurons.iaf_psc_exp import CHANNELS, STATES, advance, drive
from lifsim.engine.neurons.spiking import subtract_at_threshold, taken_by_a_spike
from lifsim.engine.neurons.state import constant

__all__ = ["CHANNELS", "STATES", "Kind", "advance", "constants", "drive", "spike"]


class LifPscExp(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = LifPscExp
TAKEN = 6  # index of the constant after those of iaf_psc_exp


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of iaf_psc_exp, then the amount that a spike subtracts from v (mV)."""
    return (*iaf_psc_exp.constants(p, dt), taken_by_a_spike(p))


@merged
def spike(row, c, x, w, key, out):
    """Apply the soft reset to the neurons at threshold."""
    return subtract_at_threshold(row, constant(c, TAKEN, w.lo, w.hi), c, x, w, out)
