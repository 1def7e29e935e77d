"""Constant current: rheobase, interval between spikes, firing rate (f-I curve) of leaky integrate-and-fire neurons.

Between spikes V relaxes to V_inf = E_L + I tau_m / C_m. From V_reset it reaches V_th after

    T = tau_m ln((V_inf - V_reset) / (V_inf - V_th)),

if V_inf > V_th, and a spike is followed by t_ref during which V stays at V_reset (Lapicque 1907; Gerstner et al. 2014, Neuronal
Dynamics, eq. 5.7). Without a leak (tau_m = inf), T = C_m (V_th - V_reset) / I. Conductance-based neurons without synaptic input have
tau_m = C_m / g_L.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.theory.arguments import checked, unknown


@checked()
def rheobase(*, tau_m: Any, C_m: Any, E_L: Any, V_th: Any) -> np.ndarray:
    """The constant current above which a neuron fires: C_m (V_th - E_L) / tau_m.

    At the rheobase itself the potential only approaches the threshold.

    Parameters
    ----------
    tau_m : ms; inf: no leak, with rheobase 0. C_m : pF. `E_L`, `V_th` : mV.

    Returns
    -------
    Currents in pA; negative for neurons whose resting potential is above threshold.

    Raises
    ------
    DataError : `tau_m` or `C_m` is not above 0.
    """
    return np.asarray(C_m * (V_th - E_L) / tau_m)


@checked()
def spike_interval(I_e: Any, *, tau_m: Any, C_m: Any, E_L: Any, V_th: Any, V_reset: Any, t_ref: Any, dt: float | None = None) -> np.ndarray:
    """The time between two spikes at a constant current: t_ref + tau_m ln((V_inf - V_reset) / (V_inf - V_th)), V_inf = E_L + I tau_m / C_m.

    Parameters
    ----------
    I_e : constant current, pA. tau_m : ms; inf: no leak. C_m : pF. `E_L`, `V_th`, `V_reset` : mV. t_ref : refractory period, ms.
    dt : None (default): exact spike times, as those of the ``*_ps`` models. Else the time step (ms) of a simulation on a grid, in which
        both parts are rounded up to whole steps: dt (ceil(t_ref / dt) + ceil(T / dt)).

    Returns
    -------
    Intervals in ms, in the common shape of the arguments; inf where the neuron does not fire, nan where an argument is nan.

    Raises
    ------
    DataError : `tau_m`, `C_m` or `dt` is not above 0, `t_ref` is negative, or `V_reset` is not below `V_th`.
    """
    leak = ~np.isinf(tau_m)
    tau = np.where(leak, tau_m, 1.0)
    beyond = np.where(leak, E_L + I_e * tau / C_m - V_th, I_e)  # > 0: fires
    fires = beyond > 0
    safe, gap = np.where(fires, beyond, 1.0), V_th - V_reset
    with np.errstate(over="ignore"):
        time = np.where(leak, tau * np.log1p(gap / safe), C_m * gap / safe)
    if dt is not None:
        # a grid holds t_ref and T with rounding errors of a part in 10^12
        time, t_ref = (dt * np.ceil(np.asarray(x) / dt * (1 - 1e-12)) for x in (time, t_ref))
    known = ~unknown(I_e, tau_m, C_m, E_L, V_th, V_reset, t_ref)
    return np.where(known, np.where(fires, t_ref + time, np.inf), np.nan)


@checked()
def fi_curve(I_e: Any, *, tau_m: Any, C_m: Any, E_L: Any, V_th: Any, V_reset: Any, t_ref: Any, dt: float | None = None) -> np.ndarray:
    """Firing rate at a constant current, the reciprocal of `spike_interval`.

    Parameters
    ----------
    I_e, tau_m, C_m, E_L, V_th, V_reset, t_ref, dt : as for `spike_interval`.

    Returns
    -------
    Rates in spikes/s; 0 at and below the rheobase, nan where an argument is nan.

    Raises
    ------
    DataError : as for `spike_interval`.
    """
    return 1000.0 / spike_interval(I_e, tau_m=tau_m, C_m=C_m, E_L=E_L, V_th=V_th, V_reset=V_reset, t_ref=t_ref, dt=dt)
