"""Constant current: rheobase, interval and rate in closed form. TEMPORARY until lifsim.theory is merged."""

from __future__ import annotations

from typing import Any

import numpy as np


def rheobase(*, tau_m: Any, C_m: Any, E_L: Any, V_th: Any) -> Any:
    """Current, pA."""
    return np.asarray(C_m * (np.asarray(V_th, float) - E_L) / tau_m)


def spike_interval(I_e: Any, *, tau_m: Any, C_m: Any, E_L: Any, V_th: Any, V_reset: Any, t_ref: Any, dt: float | None = None) -> Any:
    """Interval, ms."""
    I_e = np.asarray(I_e, float)
    end = E_L + I_e * tau_m / C_m
    with np.errstate(divide="ignore", invalid="ignore"):
        time = np.where(end > V_th, tau_m * np.log((end - V_reset) / (end - V_th)), np.inf)
    if dt is not None:
        return dt * (np.ceil(np.asarray(t_ref) / dt * (1 - 1e-12)) + np.ceil(time / dt * (1 - 1e-12)))
    return t_ref + time


def fi_curve(I_e: Any, **p: Any) -> Any:
    """Rate, spikes/s."""
    return 1000.0 / spike_interval(I_e, **p)
