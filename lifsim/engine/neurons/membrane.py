"""What the leaky integrate-and-fire models share: exact propagators, threshold and reset.

All obey C_m dV/dt = -C_m/tau_m (V - E_L) + I_e + I_syn. Between grid points the solution is exact for
the synaptic currents of each model (Rotter & Diesmann 1999, Biol. Cybern. 81:381); spikes are bound to
the grid. The state variable is v = V_m - E_L.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.jit import kernel

# -- propagators (NumPy, once a run) ---------------------------------------------------------------


def leak(p: dict[str, Any], dt: float) -> np.ndarray:
    """exp(-h/tau_m): what is left of v after a step."""
    return np.exp(-dt / np.asarray(p["tau_m"]))


def current_to_v(p: dict[str, Any], dt: float) -> np.ndarray:
    """v after a step of 1 pA from rest: tau_m/C_m (1 - exp(-h/tau_m)), in mV/pA."""
    return -np.asarray(p["tau_m"]) / p["C_m"] * np.expm1(-dt / np.asarray(p["tau_m"]))


def decaying_to_v(p: dict[str, Any], tau_syn: Any, dt: float) -> np.ndarray:
    """v after a step from a current that starts at 1 pA and decays with tau_syn, in mV/pA.

    1/C ∫₀ʰ exp(-(h-s)a) exp(-sb) ds with a = 1/tau_m, b = 1/tau_syn equals
    h/C exp(-h·min(a, b)) φ(-h|a-b|), φ(x) = (eˣ-1)/x, which has no cancellation when a ≈ b.
    """
    a, b = 1 / np.asarray(p["tau_m"]), 1 / np.asarray(tau_syn)
    x = -dt * np.abs(a - b)
    safe = np.where(x == 0, 1.0, x)
    phi = np.where(x == 0, 1.0, np.expm1(safe) / safe)
    return dt / p["C_m"] * np.exp(-dt * np.minimum(a, b)) * phi


def rising_to_v(p: dict[str, Any], tau_syn: Any, dt: float) -> np.ndarray:
    """v after a step from a current s·exp(-s/tau_syn) pA/ms (the rising part of an alpha current).

    1/C ∫₀ʰ exp(-(h-s)a) s exp(-sb) ds = h²/C exp(-ha) ψ(x), x = h(a-b), ψ(x) = ∫₀¹ u exp(xu) du
    = Σ xᵏ / (k! (k+2)); the closed form (eˣ(x-1)+1)/x² cancels when x is small.
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


# -- state and constants of a group in kernels ----------------------------------------------------


class Held(NamedTuple):
    """The refractory neurons of piece p, which begins at lo: ``offset[lo:lo + number[p]]`` from lo, the first step in
    which each moves again, and the potential it is held at.
    """

    offset: np.ndarray
    until: np.ndarray
    v: np.ndarray
    number: np.ndarray


class Neurons(NamedTuple):
    """All neurons: state variables × neurons, the first step in which each moves again, constant input
    (mV a step), reset value of v, steps of refractoriness; who is held. Weights that arrive are added to
    the first `channels` state variables.
    """

    state: np.ndarray
    until: np.ndarray
    drive: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray
    held: Held
    channels: int


def constant(c: Any, j: int, lo: int, hi: int) -> Any:
    """Constant j: of all (from a vector) or of each of the neurons lo … hi - 1 (from a table)."""
    return c[j] if c.ndim == 1 else c[j, lo:hi]


@overload(constant)
def _constant(c, j, lo, hi):
    if c.ndim == 1:
        return lambda c, j, lo, hi: c[j]
    return lambda c, j, lo, hi: c[j, lo:hi]


# -- kernels ---------------------------------------------------------------------------------------


def at(x: Any, i: int) -> Any:
    """Entry i of an array, or the number that holds for all."""
    return x[i] if isinstance(x, np.ndarray) else x


@overload(at)
def _at(x, i):
    if isinstance(x, types.Array):
        return lambda x, i: x[i]
    return lambda x, i: x


def part(x: Any, a: int, b: int) -> Any:
    """Entries a … b - 1 of an array, or the number that holds for all."""
    return x[a:b] if isinstance(x, np.ndarray) else x


@overload(part)
def _part(x, a, b):
    if isinstance(x, types.Array):
        return lambda x, a, b: x[a:b]
    return lambda x, a, b: x


@kernel
def push(v, drive):
    """Add the constant input; there is none where `drive` is empty."""
    for i in range(len(drive)):
        v[i] += drive[i]


@kernel
def hold(held, p, lo, v, step):
    """Note the potentials of the neurons (of piece `p`, from `lo` on) that do not move in `step`, forget those that do."""
    n = lo
    for j in range(lo, lo + held.number[p]):
        if held.until[j] > step:
            held.offset[n], held.until[n], held.v[n] = held.offset[j], held.until[j], v[held.offset[j]]
            n += 1
    held.number[p] = n - lo


@kernel
def put_back(held, p, lo, v):
    """Give the refractory neurons the potentials that were noted."""
    for j in range(lo, lo + held.number[p]):
        v[held.offset[j]] = held.v[j]


@kernel
def count_above(v, theta):
    """How many v have reached theta."""
    hits = 0
    for i in range(len(v)):
        hits += 1 if v[i] >= at(theta, i) else 0
    return hits


@kernel
def fire(v, theta, reset, refractory, until, step, out):
    """Reset every neuron at threshold: v >= theta. Its index goes into `out`; returns how many.

    The neuron is held for `refractory` steps: the first step in which it moves again is `until`.
    """
    n = 0
    for a in range(0, len(v), 64):
        b = min(a + 64, len(v))
        hits, i = count_above(v[a:b], part(theta, a, b)), a
        while hits > 0:
            if v[i] >= at(theta, i):
                hits -= 1
                if until[i] <= step:
                    v[i] = reset[i]
                    until[i] = step + refractory[i] + 1
                    out[n] = i
                    n += 1
            i += 1
    return n


@kernel
def hold_too(held, p, lo, fired, until):
    """The neurons at the indices `fired` are held from now on, as `until` says."""
    n = lo + held.number[p]
    for j in range(len(fired)):
        held.offset[n + j], held.until[n + j] = fired[j], until[fired[j]]
    held.number[p] += len(fired)
