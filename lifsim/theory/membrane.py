"""Response of the membrane to one spike: the postsynaptic potential (PSP), and weights that give it a wanted peak.

Units: ms, mV, pF, pA. The membrane is linear, so that responses to several spikes add up until the neuron fires.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common import psp as shapes
from lifsim.theory.arguments import checked

KINDS = ("delta", "exp", "alpha")


@checked(*KINDS)
def psp(kind: str, t: Any, weight: Any, *, tau_m: Any, C_m: Any = 1.0, tau_syn: Any = None) -> np.ndarray:
    """Postsynaptic potential: deviation of the membrane potential after one spike that arrives at t = 0.

    delta: w exp(-t / tau_m). exp: (w / C_m) (exp(-t / tau_m) - exp(-t / tau_syn)) / a with a = 1 / tau_syn - 1 / tau_m.
    alpha: (w e / (C_m tau_syn)) (exp(-t / tau_m) - (1 + a t) exp(-t / tau_syn)) / a^2 (Rotter & Diesmann 1999, Biol Cybern 81:381).

    Parameters
    ----------
    kind : "delta" (the weight is a jump of the potential), "exp" or "alpha" (synaptic currents as in iaf_psc_exp and iaf_psc_alpha).
    t : times, ms; before 0 the potential is 0.
    weight : mV for delta, else the peak of the current in pA. For a conductance g0 (nS) that is small beside the leak, the weight is
        about g0 (E_syn - V), with C_m and the `tau_m` of the conductances that are open (`effective_membrane`).
    tau_m : membrane time constant, ms. C_m : membrane capacitance, pF; unused by delta.
    tau_syn : time constant of the synaptic current, ms; unused by delta. It may equal `tau_m`.

    Returns
    -------
    Potentials in mV, float64, in the common shape of the arguments.

    Raises
    ------
    DataError : there is no such kind, `tau_syn` is missing, or a time constant or `C_m` is not above 0.
    """
    later = np.maximum(t, 0.0)
    if kind == "delta":
        unit = np.exp(-later / tau_m)
    else:
        unit = (shapes.exp_psp if kind == "exp" else shapes.alpha_psp)(later, tau_m, C_m, tau_syn)
    return np.where(t < 0, 0.0, weight * unit)


@checked(*KINDS)
def psp_peak(kind: str, weight: Any, *, tau_m: Any, C_m: Any = 1.0, tau_syn: Any = None) -> np.ndarray:
    """The peak of a postsynaptic potential, as a deviation from rest.

    exp: (w tau_syn / C_m) r^(r / (1 - r)) with r = tau_syn / tau_m. alpha: the value of `psp` at `psp_time`.

    Parameters
    ----------
    kind, weight, tau_m, C_m, tau_syn : as for `psp`.

    Returns
    -------
    The peak in mV, with the sign of the weight.

    Raises
    ------
    DataError : there is no such kind, `tau_syn` is missing, or a time constant or `C_m` is not above 0.
    """
    return np.asarray(weight * _peak_of_one(kind, tau_m, C_m, tau_syn))


@checked(*KINDS)
def psp_time(kind: str, *, tau_m: Any, tau_syn: Any = None) -> np.ndarray:
    """The time from the arrival of a spike to the peak of its postsynaptic potential.

    exp: ln(tau_m / tau_syn) / (1 / tau_syn - 1 / tau_m). alpha: x / (1 / tau_syn - 1 / tau_m) with (exp(x) - 1) / x = tau_m / tau_syn.

    Parameters
    ----------
    kind, tau_m, tau_syn : as for `psp`.

    Returns
    -------
    Times in ms; 0 for delta.

    Raises
    ------
    DataError : there is no such kind, `tau_syn` is missing, or a time constant or `C_m` is not above 0.
    """
    if kind == "delta":
        return np.zeros(np.shape(tau_m))
    return np.asarray((shapes.exp_peak_time if kind == "exp" else shapes.alpha_peak_time)(tau_m, tau_syn))


@checked(*KINDS)
def psc_for_psp(kind: str, peak: Any, *, tau_m: Any, C_m: Any = 1.0, tau_syn: Any = None) -> np.ndarray:
    """The weight whose postsynaptic potential has a given peak; the inverse of `psp_peak`. Model files write ``"0.15 mV PSP"``.

    Parameters
    ----------
    kind, tau_m, C_m, tau_syn : as for `psp`. peak : the peak, mV.

    Returns
    -------
    Weights: in mV for delta (the peak itself), else in pA.

    Raises
    ------
    DataError : there is no such kind, `tau_syn` is missing, or a time constant or `C_m` is not above 0.
    """
    return np.asarray(peak / _peak_of_one(kind, tau_m, C_m, tau_syn))


def _peak_of_one(kind: str, tau_m: Any, C_m: Any, tau_syn: Any) -> Any:
    return 1.0 if kind == "delta" else shapes.PEAKS[kind](tau_m, C_m, tau_syn)
