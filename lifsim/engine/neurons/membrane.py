"""Exact propagators of the leaky membrane, computed in NumPy once per run.

The membrane potential obeys C_m dV/dt = -C_m/tau_m (V - E_L) + I_e + I_syn. Between grid points the solution is exact for
the synaptic currents of each model (Rotter & Diesmann 1999, Biol. Cybern. 81:381); spike times are constrained to
the grid. The state variable is v = V_m - E_L; h = dt.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.compiler.jit import kernel
from lifsim.engine.neurons.state import at


def leak(p: dict[str, Any], dt: float) -> np.ndarray:
    """exp(-h/tau_m): the factor by which v decays in a step."""
    return np.exp(-dt / np.asarray(p["tau_m"]))


def current_to_v(p: dict[str, Any], dt: float) -> np.ndarray:
    """v after a step with a constant current of 1 pA, from rest: tau_m/C_m (1 - exp(-h/tau_m)), in mV/pA."""
    return -np.asarray(p["tau_m"]) / p["C_m"] * np.expm1(-dt / np.asarray(p["tau_m"]))


def decaying_to_v(p: dict[str, Any], tau_syn: Any, dt: float) -> np.ndarray:
    """v after a step with a current that starts at 1 pA and decays with tau_syn, in mV/pA.

    1/C ∫₀ʰ exp(-(h-s)a) exp(-sb) ds with a = 1/tau_m, b = 1/tau_syn equals
    h/C exp(-h·min(a, b)) φ(-h|a-b|), φ(x) = (eˣ-1)/x, which avoids cancellation for a ≈ b.
    """
    a, b = 1 / np.asarray(p["tau_m"]), 1 / np.asarray(tau_syn)
    x = -dt * np.abs(a - b)
    safe = np.where(x == 0, 1.0, x)
    phi = np.where(x == 0, 1.0, np.expm1(safe) / safe)
    return dt / p["C_m"] * np.exp(-dt * np.minimum(a, b)) * phi


def rising_to_v(p: dict[str, Any], tau_syn: Any, dt: float) -> np.ndarray:
    """v after a step with a current s·exp(-s/tau_syn) pA/ms (the rising part of an alpha current).

    1/C ∫₀ʰ exp(-(h-s)a) s exp(-sb) ds = h²/C exp(-ha) ψ(x), x = h(a-b), ψ(x) = ∫₀¹ u exp(xu) du
    = Σ xᵏ / (k! (k+2)); the closed form (eˣ(x-1)+1)/x² suffers from cancellation for small x.
    """
    a, b = 1 / np.asarray(p["tau_m"]), 1 / np.asarray(tau_syn)
    x = dt * (a - b)
    small = np.abs(x) < 1
    near = np.where(small, x, 0.0)
    term, series = np.ones_like(near), np.full_like(near, 0.5)
    for k in range(1, 24):
        term = term * near / k
        series = series + term / (k + 2)
    far = np.where(small, 1.0, x)
    # exp(-ha)(eˣ(x-1)+1) = exp(-hb)(x-1) + exp(-ha): no overflow for any x
    closed = (np.exp(-dt * b) * (far - 1) + np.exp(-dt * a)) / far**2
    return dt**2 / p["C_m"] * np.where(small, np.exp(-dt * a) * series, closed)


@kernel
def decay(P, x):
    """Multiply each entry of `x` by `P`, the decay factor of a step: one number or an array."""
    for i in range(len(x)):
        x[i] = at(P, i) * x[i]


@kernel
def push(v, drive):
    """Add the constant input `drive` (mV per step) to v; an empty array means no input."""
    for i in range(len(drive)):
        v[i] += drive[i]
