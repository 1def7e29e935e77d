"""The dynamics of the membrane potential between two events, and the times of threshold crossings.

All models are one linear system with v = V_m - E_L (mV) and a constant input I (pA):

    C_m v' = -C_m v/tau_m + I_ex + I_in + I,   I_x' = dI_x - I_x/tau_x,   dI_x' = -dI_x/tau_x.

A weight is added to v (delta), I_x (exp) or dI_x (alpha). After t ms, with z = t (1/tau_m - 1/tau_x),

    v(t) = v e^(-t/tau_m) + I tau_m/C_m (1 - e^(-t/tau_m)) + Σ_x (I_x P1 + dI_x P2),
    P1 = t/C_m  e^(-t/tau_m) ∫₀¹ e^(zu) du,    P2 = t²/C_m e^(-t/tau_m) ∫₀¹ u e^(zu) du,

which also holds for tau_x = tau_m (z = 0), and is computed without cancellation.

Threshold crossings can be predicted if there are no synaptic currents (delta), and if both currents decay with one time constant (exp,
lossless: Krishnan, Porta Mana, Helias, Diesmann & Di Napoli 2018, Front. Neuroinform. 11:75; they use inequalities, while here the single
extremum of v decides, see `extremum`). Other models are tested at every event, and at every grid point at which v may be above
threshold; a crossing since the last event is then located.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined, kernel

DELTA, EXP, ALPHA, LOSSLESS = range(4)
STATES = {"V_m": "v", "I_syn_ex": "ex", "I_syn_in": "inh", "dI_syn_ex": "dex", "dI_syn_in": "dinh"}
SERIES = 0.1  # for smaller |z|, a difference of exponentials would lose more than one digit
CLOSE = 4e-16  # relative change of a root that is only rounding

KIND = np.dtype(
    [
        *((name, np.float64) for name in ("tau_m", "tau_ex", "tau_in", "C_m", "R", "theta", "reset", "floor", "peak")),
        *((name, np.int64) for name in ("model", "refractory", "keeps", "tested", "gridded")),
    ]
)
"""The parameters of neurons of one kind: time constants (ms), capacitance `C_m` (pF), resistance `R` (GOhm); `theta` (V_th), `reset` and
`floor` (V_min) relative to E_L (mV); the `peak` of v (mV) in response to a synaptic current of 1 pA; refractory period (steps), and whether
input during it `keeps` its effect; whether the threshold is `tested` instead of predicted; whether the neuron must stop at each grid point
(`gridded`)."""


class State(NamedTuple):
    """v (mV), synaptic currents I_ex and I_in (pA), and dI_ex and dI_in (pA/ms)."""

    v: float
    ex: float
    inh: float
    dex: float
    dinh: float


@inlined
def after(y, current, c, t):
    """The state `t` ms after the state `y`, of a neuron of kind `c` that is not refractory, with the constant input `current` (pA)."""
    leak, rest = math.exp(-t / c.tau_m), current * c.R
    v, ex, inh, dex, dinh = rest + (y.v - rest) * leak, y.ex, y.inh, y.dex, y.dinh
    decay, one = 1.0, 0.0
    if ex != 0 or dex != 0 or inh != 0 or dinh != 0:
        decay, one = response(c.tau_m, c.tau_ex, c.C_m, t, leak)
    if ex != 0 or dex != 0:
        v += ex * one + (dex * growing(c.tau_m, c.tau_ex, c.C_m, t, leak, decay) if dex != 0 else 0.0)
        ex, dex = (ex + dex * t) * decay, dex * decay
    if inh != 0 or dinh != 0:
        if c.tau_in != c.tau_ex:
            decay, one = response(c.tau_m, c.tau_in, c.C_m, t, leak)
        v += inh * one + (dinh * growing(c.tau_m, c.tau_in, c.C_m, t, leak, decay) if dinh != 0 else 0.0)
        inh, dinh = (inh + dinh * t) * decay, dinh * decay
    return State(v, ex, inh, dex, dinh)


@inlined
def response(tau_m, tau, C_m, t, leak):
    """e^(-t/tau) and P1; `leak` is e^(-t/tau_m)."""
    z = t / tau_m - t / tau
    if abs(z) < SERIES:
        apart = math.expm1(z)
        return leak * (1 + apart), t / C_m * leak * (apart / z if z != 0 else 1.0)
    decay = math.exp(-t / tau)
    return decay, t / C_m * (decay - leak) / z


@inlined
def growing(tau_m, tau, C_m, t, leak, decay):
    """P2; `leak` is e^(-t/tau_m), `decay` is e^(-t/tau)."""
    z = t / tau_m - t / tau
    if abs(z) < 1:
        return t * t / C_m * leak * moment(z)
    return t * t / C_m * (decay * (z - 1) + leak) / (z * z)


@kernel
def moment(z):
    """∫₀¹ u e^(zu) du = Σ zᵏ / (k! (k + 2)), for |z| <= 1."""
    total, term = 0.5, 1.0
    for k in range(1, 19):
        term *= z / k
        total += term / (k + 2)
    return total


@inlined
def slope(y, current, c):
    """dv/dt (mV/ms) of a neuron that is not refractory."""
    return (y.ex + y.inh + current) / c.C_m - y.v / c.tau_m


@kernel
def reach(y, current, c, lo, hi):
    """The time (ms) at which v reaches the threshold, between `lo` (below) and `hi` (not below): Newton's method with bisection."""
    t = lo
    for _ in range(200):
        z = after(y, current, c, t)
        if z.v < c.theta:
            lo = t
        else:
            hi = t
        rate = slope(z, current, c)
        guess = t + (c.theta - z.v) / rate if rate > 0 else lo
        if not lo < guess < hi:
            guess = lo + 0.5 * (hi - lo)
        if abs(guess - t) <= CLOSE * guess:
            return guess
        t = guess
    return t


# -- prediction ------------------------------------------------------------------------------------


@inlined
def earliest_crossing(y, current, c):
    """The time (ms) at which v, now below threshold, reaches it if nothing arrives: exact (delta), else a lower bound.

    v(t) is below its value for depolarising currents that stay at their maximum: the current value (exp), or at most I + dI tau/e (alpha).
    With one synaptic time constant, v(t) is also below max(v, rest) plus the peak of the response to the synaptic current.
    """
    rest = current * c.R
    if c.tested:
        fed = max(y.dex, 0.0) * c.tau_ex + max(y.dinh, 0.0) * c.tau_in
        synaptic = max(y.ex, 0.0) + max(y.inh, 0.0) + fed / math.e
    else:
        synaptic = max(y.ex + y.inh, 0.0)
        if max(y.v, rest) + synaptic * c.peak < c.theta:
            return math.inf
    rest += synaptic * c.R
    return c.tau_m * math.log1p((c.theta - y.v) / (rest - c.theta)) if rest > c.theta else math.inf


@kernel
def foretell(y, current, c):
    """The time (ms) at which v reaches the threshold if nothing arrives; infinite if it never does."""
    rest = current * c.R
    turn = extremum(y.v - rest, y.ex + y.inh, c)
    if slope(y, current, c) > 0 and turn < math.inf:  # v rises to its maximum, then falls towards `rest`
        return reach(y, current, c, 0.0, turn) if after(y, current, c, turn).v >= c.theta else math.inf
    if rest <= c.theta:
        return math.inf
    lo = turn if turn < math.inf else 0.0  # v rises towards `rest`, after its minimum if it has one
    step = c.tau_m
    while after(y, current, c, lo + step).v < c.theta:
        lo, step = lo + step, 2 * step
        if step > 1e9 * c.tau_m:  # `rest` and threshold are equal up to rounding
            return math.inf
    return reach(y, current, c, lo, lo + step)


@kernel
def extremum(x, current, c):
    """The time t > 0 (ms) of the extremum of v, which is now `x` above its rest; infinite if there is none.

    With k = 1/tau_m - 1/tau, e^(t/tau_m) v'(t) = -x/tau_m + current/(C_m tau_m k) (1 - tau_m/tau e^(kt)), which is 0
    where e^(kt) = tau/tau_m (1 - x k C_m/current) and tau/tau_m = 1 + k tau.
    """
    if current == 0:
        return math.inf
    k, charge = 1 / c.tau_m - 1 / c.tau_ex, x * c.C_m / current
    if charge * k >= 1:
        return math.inf
    t = c.tau_ex * log_ratio(k * c.tau_ex) - charge * log_ratio(-k * charge)
    return t if t > 0 else math.inf


@inlined
def log_ratio(u):
    """log(1 + u) / u."""
    return math.log1p(u) / u if u != 0 else 1.0
