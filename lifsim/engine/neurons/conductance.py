"""A membrane with conductance-based synapses: C_m dv/dt = -(g_L + Σ g) v + Σ g e + I, where v = V_m - E_L and e = E - E_L.

Within a step all g are known functions of time, so the equation is linear with time-dependent coefficients,
dv/ds = b(s) - a(s) v, s from 0 to 1, a = h/C_m (g_L + Σ g), b = h/C_m (Σ g e + I). The classical Runge-Kutta method of
fourth order needs a and b at the beginning, in the middle and at the end of the step. Its error in a step, relative to the
distance from v to b/a, is a⁵/120 for constant a. The change of g adds, as in Simpson's rule, at most 1/2880 of the fourth
derivative: with r = h/tau, a r⁴/2880 where g decays, and a 4e r⁴/2880 where g rises as an alpha function with the peak a.
So V_m converges as dt⁴. If a exceeds `STIFF`, or r exceeds `QUICK` while a conductance is present, the step is divided into
parts in which they are at most `PART` and `QUICK_PART`. So the solution is stable for any conductance, and the error of a
step never exceeds 3·10⁻⁴ of the distance (it is 10⁻⁷ at a = 1/10, a typical value).

As in NEST, the derivative is evaluated at min(v, theta); the course of v above threshold does not affect spikes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.intrinsics import fma
from lifsim.engine.compiler.jit import inlined, kernel, merged
from lifsim.engine.compiler.overloads import is_none, overload
from lifsim.engine.neurons.spiking import reset_at_threshold
from lifsim.engine.neurons.state import THETA, at, constant, like

STIFF = 0.5  # largest a of an undivided step; a is the step in units of the momentary membrane time constant
PART = 0.125  # largest a in the parts of a divided step
QUICK = 0.5 + 1e-9  # largest r of an undivided step; r is the step in units of the shortest time constant
QUICK_PART = 0.25  # largest r in the parts of a divided step
LITTLE = 1e-6  # a/2 due to conductances that are too small for their error to matter
LEAK, LIMIT, QUICKEST = range(1, 4)  # indices of the membrane's constants after the threshold
FIRST, EACH = 4, 5  # index of the first conductance's first constant; number of constants of each conductance
SCALE, HALF, FULL, LIFT, E = range(EACH)  # indices within the constants of a conductance
SYNAPTIC = (("tau_syn_ex", "E_ex", 1.0), ("tau_syn_in", "E_in", -1.0))  # names of time constant and reversal potential, and the sign
MOST_PARTS = 1 << 16  # reached with conductances of some mS, with which v reaches b/a long before the end of the step


class Membrane(NamedTuple):
    """Constants of the membrane, each one number for all neurons or an array.

    theta : threshold, mV above E_L. leak : h g_L/C_m. limit : the value of a/2 above which a step is divided. quickest : h divided by the
    shortest time constant of a conductance.
    """

    theta: Any
    leak: Any
    limit: Any
    quickest: Any


class Conductance(NamedTuple):
    """A conductance of each neuron, g(s) = (g + s·lift·rise) full^s, s from 0 to 1 in a step.

    g : nS, shape (n,), negative where `scale` is. rise : the variable that drives g up, shape (n,); None if g only decays. scale : h/C_m
    times the sign of g, 1/nS. half, full : the factors by which g decays in half a step and in a step. lift : the rise of g in a step,
    without decay, per unit of `rise`. e : reversal potential, mV above E_L.
    """

    g: np.ndarray
    rise: np.ndarray | None
    scale: Any
    half: Any
    full: Any
    lift: Any
    e: Any


def membrane_constants(p: dict[str, Any], taus: Sequence[str], dt: float) -> tuple[Any, ...]:
    """The constants of `Membrane` from parameters in the user's units; `taus` are the names of the time constants of all conductances."""
    leak = dt * np.asarray(p["g_L"]) / np.asarray(p["C_m"])
    quickest = reduce(np.maximum, (dt / np.asarray(p[tau]) for tau in taus))
    limit = np.where(quickest > QUICK, np.minimum(leak / 2 + LITTLE, STIFF / 2), STIFF / 2)
    return p["V_th"] - np.asarray(p["E_L"]), leak, limit, quickest


def conductance_constants(p: dict[str, Any], tau: str, e: str, sign: float, dt: float) -> tuple[Any, ...]:
    """`scale`, `half`, `full`, `lift` (for `rise` in units of e/tau) and `e` of a conductance with the parameters named `tau` and `e`."""
    rate = dt / np.asarray(p[tau])
    return sign * dt / np.asarray(p["C_m"]), np.exp(-rate / 2), np.exp(-rate), rate * np.e, p[e] - np.asarray(p["E_L"])


def constants_of(p: dict[str, Any], conductances: Sequence[tuple[str, str, float]], dt: float) -> tuple[Any, ...]:
    """The constants of the membrane, then those of each of the `conductances` (time constant, reversal potential, sign)."""
    each = [x for tau, e, sign in conductances for x in conductance_constants(p, tau, e, sign, dt)]
    return (*membrane_constants(p, [tau for tau, _, _ in conductances], dt), *each)


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The constants of a model with the two synaptic conductances, from parameters in the user's units."""
    return constants_of(p, SYNAPTIC, dt)


def drive(p: dict[str, Any], dt: float) -> np.ndarray:
    """h/C_m: the increment of v in a step due to 1 pA without a leak, mV/pA."""
    return dt / np.asarray(p["C_m"])


# -- constants and state of a range of neurons ---------------------------------------------------------


@inlined
def membrane(c, w):
    """The constants of the membrane for the neurons of `w`."""
    lo, hi = w.lo, w.hi
    return Membrane(constant(c, THETA, lo, hi), constant(c, LEAK, lo, hi), constant(c, LIMIT, lo, hi), constant(c, QUICKEST, lo, hi))


@inlined
def conductance(c, x, w, k, row, rise):
    """Conductance number `k`, stored in row `row` of the state; `rise` is the variable that drives it up, or None."""
    lo, hi, j = w.lo, w.hi, FIRST + EACH * k
    scale, half, full = constant(c, j + SCALE, lo, hi), constant(c, j + HALF, lo, hi), constant(c, j + FULL, lo, hi)
    return Conductance(x.state[row, lo:hi], rise, scale, half, full, constant(c, j + LIFT, lo, hi), constant(c, j + E, lo, hi))


# -- all conductances of neuron i --------------------------------------------------------------------


def risen(q: Any, i: int) -> Any:
    """g (nS) at the beginning, in the middle and at the end of the step, with its rise but without its decay."""


@overload(risen, jit_options={"forceinline": True})
def _risen(q, i):
    if is_none(q.types[1]):
        return lambda q, i: (q.g[i], q.g[i], q.g[i])

    def code(q, i):
        g, up = q.g[i], at(q.lift, i) * q.rise[i]
        return g, fma(up, like(g, 0.5), g), g + up

    return code


def halves(m: Any, qs: Any, drive: Any, zero: Any, i: int) -> Any:
    """a/2 and b/2 of neuron i at the beginning, in the middle and at the end of the step, for potentials relative to `zero`.

    `zero` is the reversal potential of the last conductance, which therefore adds nothing to b.
    """


@overload(halves, jit_options={"forceinline": True})
def _halves(m, qs, drive, zero, i):
    if len(qs) == 1:

        def last(m, qs, drive, zero, i):
            leak = like(drive, 0.5) * at(m.leak, i)
            b = fma(drive, like(drive, 0.5), -(leak * zero))
            g, scale = risen(qs[0], i), factors(qs[0], i)
            return (fma(g[0], scale[0], leak), fma(g[1], scale[1], leak), fma(g[2], scale[2], leak)), (b, b, b)

        return last

    def code(m, qs, drive, zero, i):
        a, b = halves(m, qs[1:], drive, zero, i)
        g, scale, e = risen(qs[0], i), factors(qs[0], i), at(qs[0].e, i) - zero
        return (
            (fma(g[0], scale[0], a[0]), fma(g[1], scale[1], a[1]), fma(g[2], scale[2], a[2])),
            (fma(g[0], scale[0] * e, b[0]), fma(g[1], scale[1] * e, b[1]), fma(g[2], scale[2] * e, b[2])),
        )

    return code


@inlined
def factors(q, i):
    """The factors of g in a/2 at the three times: products of constants if these are the same for all neurons."""
    scale = at(q.scale, i) * like(at(q.scale, i), 0.5)
    return scale, scale * at(q.half, i), scale * at(q.full, i)


def within(m: Any, qs: Any, drive: float, i: int, s: float) -> Any:
    """a and b of neuron i at time `s` (0 to 1) in the step over which its conductances have just been propagated."""


@overload(within)
def _within(m, qs, drive, i, s):
    if len(qs) == 0:
        return lambda m, qs, drive, i, s: (np.float64(at(m.leak, i)), drive)

    def code(m, qs, drive, i, s):
        q = qs[0]
        a, b = within(m, qs[1:], drive, i, s)
        left, up = remaining(q, i), gained(q, i)  # factor of decay in the step; rise in the step
        g = at(q.scale, i) * ((q.g[i] / left - up * (1 - s)) * left**s)
        return g + a, g * at(q.e, i) + b

    return code


def gained(q: Any, i: int) -> Any:
    """The rise of g in the step just made, without its decay (nS)."""


@overload(gained)
def _gained(q, i):
    if is_none(q.types[1]):
        return lambda q, i: 0.0
    return lambda q, i: at(q.lift, i) * q.rise[i] / remaining(q, i)


@inlined
def remaining(q, i):
    """`full`, but at least 1e-300, so that a conductance that has decayed to 0 does not give 0/0."""
    return max(np.float64(at(q.full, i)), 1e-300)


def settle(qs: Any, i: int) -> None:
    """Propagate all conductances by one step."""


@overload(settle, jit_options={"forceinline": True})
def _settle(qs, i):
    if len(qs) == 0:
        return lambda qs, i: None

    def code(qs, i):
        q = qs[0]
        q.g[i] = risen(q, i)[2] * at(q.full, i)
        fall(q, i)
        settle(qs[1:], i)

    return code


def fall(q: Any, i: int) -> None:
    """Propagate the variable `rise` of conductance `q` of neuron `i` by one step; do nothing if `q` only decays."""


@overload(fall)
def _fall(q, i):
    if is_none(q.types[1]):
        return lambda q, i: None

    def code(q, i):
        q.rise[i] = at(q.full, i) * q.rise[i]

    return code


# -- a step ------------------------------------------------------------------------------------------


@inlined
def runge_kutta(v, theta, a, b):
    """Three times the change of v in a step of dv/ds = b(s) - a(s) min(v, theta); `a` and `b` are a/2 and b/2 at three times.

    With half slopes, additions replace multiplications, of which a processor does fewer at a time.
    """
    k1 = fma(-a[0], min(v, theta), b[0])
    k2 = fma(-a[1], min(v + k1, theta), b[1])
    k3 = fma(-a[1], min(v + k2, theta), b[1])
    k4 = fma(-a[2], min((v + k3) + k3, theta), b[2])
    middle = k2 + k3
    return ((k1 + k4) + middle) + middle


@kernel
def integrate(m, qs, v, drive, until, step, stiff):
    """Propagate by one step all conductances `qs`, and v of the neurons that are not refractory (``until[i] <= step``).

    `drive` is h/C_m times the constant input (mV). `stiff` is work space: it marks the neurons with a conductance that is too large or
    changes too quickly for an undivided step. Arrays have shape (n,).
    """
    for i in range(len(v)):
        before = v[i]
        zero = at(qs[-1].e, i)
        a, b = halves(m, qs, drive[i], zero, i)
        change = runge_kutta(before - zero, at(m.theta, i) - zero, a, b)
        large = largest(qs, a) > at(m.limit, i)
        change = like(before, 0) if until[i] > step else change  # two separate conditions: a combined one costs more
        change = like(before, 0) if large else change
        stiff[i] = large
        v[i] = fma(change, like(before, 1 / 3), before)
        settle(qs, i)
    if any_of(stiff):
        for i in range(len(v)):
            if stiff[i] and until[i] <= step:
                v[i] = in_parts(m, qs, v[i], drive[i], i)


def largest(qs: Any, a: Any) -> Any:
    """The larger of a/2 at the beginning and at the end of the step: that at the beginning if no conductance has a rise time."""


@overload(largest, jit_options={"forceinline": True})
def _largest(qs, a):
    if all(is_none(q.types[1]) for q in qs):
        return lambda qs, a: a[0]
    return lambda qs, a: max(a[0], a[2])


@kernel
def any_of(marks):
    """Whether any mark is set."""
    found = False
    for i in range(len(marks)):
        found |= marks[i]
    return found


@kernel
def in_parts(m, qs, v, drive, i):
    """v of neuron i after a step divided into equal parts, in double precision; its conductances are already those after the step."""
    begin, last = within(m, qs, np.float64(drive), i, 0.0), within(m, qs, np.float64(drive), i, 1.0)
    parts = math.ceil(min(max(begin[0] / PART, last[0] / PART, at(m.quickest, i) / QUICK_PART), MOST_PARTS))
    x, theta, size, half = np.float64(v), np.float64(at(m.theta, i)), 1.0 / parts, 0.5 / parts
    for part in range(parts):
        middle = within(m, qs, np.float64(drive), i, (part + 0.5) * size)
        end = within(m, qs, np.float64(drive), i, (part + 1.0) * size)
        a = half * begin[0], half * middle[0], half * end[0]
        b = half * begin[1], half * middle[1], half * end[1]
        x += runge_kutta(x, theta, a, b) / 3
        begin = end
    return x


@merged
def spike(row, c, x, w, key, out):
    """Reset the neurons at threshold; `integrate` does not change v of refractory neurons."""
    return reset_at_threshold(row, c, x, w, out)
