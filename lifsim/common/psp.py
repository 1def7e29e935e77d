"""Peak and time course of the postsynaptic potential (PSP) that a synaptic current causes in a leaky membrane, in closed form.

The membrane obeys C_m dV/dt = -(C_m / tau_m) V + I. An exponential current is I = w exp(-t / tau_syn), an alpha current
I = w (e t / tau_syn) exp(-t / tau_syn), so that w is the peak of both. With a = 1 / tau_syn - 1 / tau_m the potential is

    exponential:  V = (w / C_m) exp(-t / tau_m) (1 - exp(-a t)) / a
    alpha:        V = (w e / (C_m tau_syn)) exp(-t / tau_m) (1 - (1 + a t) exp(-a t)) / a^2

(Rotter & Diesmann 1999, Biol Cybern 81:381). Both are computed so that neither a = 0 nor large
times lose digits, with the slower of the two exponentials taken out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

SMALL = 0.5  # |x| below which series replace differences that cancel
_NEWTON = 100  # most steps; a few for usual ratios, more far from the root, where a step changes x by about 1


def _second(x: Any) -> Any:
    """(exp(-x) - 1 + x) / x^2 for x >= 0; for small x the series sum_k (-x)^k / (k + 2)!."""
    near, far = np.minimum(x, SMALL), np.maximum(x, SMALL)
    series = sum((-near) ** k / math.factorial(k + 2) for k in range(16))
    return np.where(x < SMALL, series, (np.expm1(-far) + far) / far**2)


def _third(x: Any) -> Any:
    """(1 - (1 + x) exp(-x)) / x^2 for x >= 0; for small x the series sum_k (-x)^k / (k! (k + 2))."""
    near, far = np.minimum(x, SMALL), np.maximum(x, SMALL)
    series = sum((-near) ** k / (math.factorial(k) * (k + 2)) for k in range(16))
    return np.where(x < SMALL, series, (1 - (1 + far) * np.exp(-far)) / far**2)


def exp_psp(t: Any, tau_m: Any, C_m: Any, tau_syn: Any) -> Any:
    """Potential (mV) at `t` (ms, from 0 on) after a current of 1 pA that decays with `tau_syn` (ms)."""
    t = np.asarray(t, float)
    x = t * np.abs(1 / tau_syn - 1 / np.asarray(tau_m, float))  # tau_m and tau_syn may be exchanged
    ratio = np.where(x == 0, 1.0, -np.expm1(-x) / np.where(x == 0, 1.0, x))
    return np.exp(-t / np.maximum(tau_m, tau_syn)) * t * ratio / C_m


def alpha_psp(t: Any, tau_m: Any, C_m: Any, tau_syn: Any) -> Any:
    """Potential (mV) at `t` (ms, from 0 on) after an alpha current with a peak of 1 pA at `tau_syn` (ms)."""
    t = np.asarray(t, float)
    x = t * (1 / tau_syn - 1 / np.asarray(tau_m, float))
    shape = np.where(x < 0, _second(np.abs(x)), _third(np.abs(x)))  # for x < 0 with exp(-t / tau_syn) taken out
    return math.e * np.exp(-t / np.maximum(tau_m, tau_syn)) * t**2 * shape / (C_m * tau_syn)


def exp_peak_time(tau_m: Any, tau_syn: Any) -> Any:
    """Time (ms) of the peak after an exponential current: ln(tau_m / tau_syn) / a, which is tau_m if tau_syn = tau_m."""
    x = np.asarray(tau_m, float) / tau_syn - 1.0
    return tau_m * np.where(x == 0, 1.0, np.log1p(x) / np.where(x == 0, 1.0, x))


def alpha_peak_time(tau_m: Any, tau_syn: Any) -> Any:
    """Time (ms) of the peak after an alpha current: x / a, where x solves (exp(x) - 1) / x = tau_m / tau_syn.

    The left side increases and is convex, and 2 ln(tau_m / tau_syn) is not below the root (sinh(y) / y >= 1), so that Newton's method
    converges from there without leaving the interval.
    """
    c = np.asarray(tau_m, float) / tau_syn
    equal = np.abs(c - 1) < 1e-6
    c_safe = np.where(equal, 2.0, c)
    x = 2 * np.log(c_safe)
    for _ in range(_NEWTON):
        f = np.expm1(x) / x
        change = (f - c_safe) / ((np.exp(x) - f) / x)
        x = x - change
        if np.all(np.abs(change) <= 1e-15 * np.abs(x)):
            break
    return np.where(equal, 2.0 * tau_m * (1 - 2 * (c - 1) / 3), tau_m * x / (c_safe - 1))


def exp_peak(tau_m: Any, C_m: Any, tau_syn: Any) -> Any:
    """Peak (mV) after an exponential current of 1 pA."""
    return exp_psp(exp_peak_time(tau_m, tau_syn), tau_m, C_m, tau_syn)


def alpha_peak(tau_m: Any, C_m: Any, tau_syn: Any) -> Any:
    """Peak (mV) after an alpha current with a peak of 1 pA."""
    return alpha_psp(alpha_peak_time(tau_m, tau_syn), tau_m, C_m, tau_syn)


PEAKS: dict[str, Callable[[Any, Any, Any], Any]] = {"exp": exp_peak, "alpha": alpha_peak}
