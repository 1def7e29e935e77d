"""Conductance-based neurons: how open synapses change the membrane.

C_m dV/dt = -g_L (V - E_L) - g_ex (V - E_ex) - g_in (V - E_in) + I_e. With constant mean conductances this is a leaky membrane of total
conductance g = g_L + g_ex + g_in, time constant C_m / g, that relaxes to (g_L E_L + g_ex E_ex + g_in E_in + I_e) / g (Kuhn, Aertsen &
Rotter 2004, J Neurosci 24:2345; Destexhe, Rudolph & Pare 2003, Nat Rev Neurosci 4:739).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.theory.arguments import checked
from lifsim.theory.input_statistics import CHARGES


class EffectiveMembrane(NamedTuple):
    """A membrane with open synapses.

    `tau` (ms) is its effective time constant, `E` (mV) the potential to which it relaxes, the effective reversal potential,
    `conductance` (nS) the total conductance.
    """

    tau: np.ndarray
    E: np.ndarray
    conductance: np.ndarray


@checked("exp", "alpha")
def mean_conductance(rate: Any, weight: Any, tau_syn: Any, kind: str = "exp") -> np.ndarray:
    """Mean conductance that Poisson spikes open: w tau_syn nu (exp), w e tau_syn nu (alpha).

    Parameters
    ----------
    rate : of all spikes that arrive, spikes/s. weight : peak conductance of one spike, nS. tau_syn : ms. kind : "exp" or "alpha".

    Returns
    -------
    Conductances in nS.

    Raises
    ------
    DataError : there is no such kind, or a number is not possible (a negative rate).
    """
    return np.asarray(CHARGES[kind] * weight * tau_syn * rate / 1000.0)


@checked()
def effective_membrane(
    g_ex: Any = 0.0, g_in: Any = 0.0, *, C_m: Any, g_L: Any, E_L: Any, E_ex: Any, E_in: Any, I_e: Any = 0.0
) -> EffectiveMembrane:
    """Effective time constant C_m / g and effective reversal potential (g_L E_L + g_ex E_ex + g_in E_in + I_e) / g, g = g_L + g_ex + g_in.

    Parameters
    ----------
    g_ex, g_in : mean synaptic conductances, nS (`mean_conductance`). C_m : pF. g_L : leak conductance, nS.
    E_L, E_ex, E_in : reversal potentials, mV. I_e : constant current, pA.

    Returns
    -------
    An `EffectiveMembrane`, each value in the common shape of the arguments. A small further conductance g0 acts on it as a current of
    about g0 (E_syn - E): ``psp("exp", t, g0 * (E_ex - m.E), tau_m=m.tau, C_m=C_m, tau_syn=…)``.
    """
    g = np.asarray(g_L + g_ex + g_in)
    return EffectiveMembrane(np.asarray(C_m / g), np.asarray((g_L * E_L + g_ex * E_ex + g_in * E_in + I_e) / g), g)
