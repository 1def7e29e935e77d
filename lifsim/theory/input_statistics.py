"""Mean and variance of the input that a neuron gets from Poisson spike trains, as mu and sigma of the membrane potential.

A spike adds a charge. Divided by C_m it is a jump of the potential, `jump`: w for delta synapses, w tau_syn / C_m for exponential and
w e tau_syn / C_m for alpha currents. Trains with the total rate K nu then cause (Campbell's theorem; Brunel 2000, eqs. 4 to 6)

    mu = E_L + tau_m (I_e / C_m + sum K nu <jump>),    sigma^2 = tau_m sum K nu <jump^2>.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.common.values import Distribution, Value, acceptance
from lifsim.theory.arguments import checked, unknown

CHARGES = {"exp": 1.0, "alpha": math.e}  # charge of a current of peak 1 and time constant 1


@checked("delta", *CHARGES)
def jump_of(kind: str, *, C_m: Any = 1.0, tau_syn: Any = 1.0) -> np.ndarray:
    """The jump of the potential by which the charge of one spike acts, for a weight of 1.

    Parameters
    ----------
    kind : "delta", "exp" or "alpha", as for `psp`. C_m : pF. tau_syn : ms. Both are unused by delta.

    Returns
    -------
    1 for delta; mV per pA for currents: tau_syn / C_m (exp), e tau_syn / C_m (alpha).

    Raises
    ------
    DataError : there is no such kind, or a number is not possible (a time constant of 0, a negative rate).
    """
    charge = CHARGES.get(kind)  # a delta current has none: the weight is the jump
    return np.ones(()) if charge is None else np.asarray(charge * tau_syn / C_m)


@checked("delta", *CHARGES)
def input_moments(
    rate: Any, indegree: Any, weight: Any, kind: str = "delta", *, tau_m: Any, C_m: Any = 1.0, tau_syn: Any = 1.0, weight_sd: Any = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and strength of the fluctuations of the potential that Poisson trains cause: tau_m K nu J and sqrt(tau_m K nu (J^2 + SD^2)).

    The weights J are turned into jumps of the potential (`jump_of`). Contributions of several kinds of sources add up: their means, and
    the squares of sigma. E_L and the effect of constant currents (I tau_m / C_m) are to be added to the mean.

    Parameters
    ----------
    rate : of one source, spikes/s. indegree : number of sources. weight : mean weight, mV for delta synapses, else pA.
    kind : "delta", "exp" or "alpha". tau_m : ms. C_m : pF. tau_syn : ms. weight_sd : standard deviation of the weights.

    Returns
    -------
    (mu, sigma) in mV, in the convention of `siegert_rate`: the potential without threshold has the standard deviation sigma / sqrt(2) for
    delta synapses.

    Raises
    ------
    DataError : there is no such kind, or a number is not possible (a time constant of 0, a negative rate).
    """
    jump = jump_of(kind, C_m=C_m, tau_syn=tau_syn)
    events = tau_m * rate * indegree / 1000.0
    square = weight**2 + weight_sd**2
    return events * jump * weight, jump * np.sqrt(events * square)


def moments(value: Value, low: float = -math.inf, high: float = math.inf) -> tuple[float, float, float]:
    """Probability, mean and mean square of a random value between `low` and `high`.

    Parameters
    ----------
    value : a number, an array (each entry is equally likely), or a distribution, truncated or not.
    low, high : limits; low < x <= high counts.

    Returns
    -------
    (p, E[x; low < x <= high], E[x^2; low < x <= high]), not divided by p; nan if `value` holds nan, or a limit is nan.
    """
    if np.any(unknown(low, high)) or (not isinstance(value, Distribution) and np.any(unknown(value))):
        return math.nan, math.nan, math.nan
    if not isinstance(value, Distribution):
        x = np.atleast_1d(np.asarray(value, float)).ravel()
        x, n = x[(x > low) & (x <= high)], max(x.size, 1)
        return x.size / n, float(x.sum()) / n, float((x**2).sum()) / n
    a, b = max(low, value.min), min(high, value.max)
    if value.b == 0 or (value.kind == "uniform" and value.a == value.b):
        only = math.exp(value.a) if value.kind == "lognormal" else value.a
        return moments(only, a, b)
    whole = acceptance(value)
    if a >= b:
        return 0.0, 0.0, 0.0
    first, second, third = {"normal": _normal, "uniform": _uniform, "lognormal": _lognormal}[value.kind](value.a, value.b, a, b)
    return first / whole, second / whole, third / whole


def _below(z: float) -> float:
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2 * math.pi) if math.isfinite(z) else 0.0


def _normal(mean: float, sd: float, a: float, b: float) -> tuple[float, float, float]:
    z, y = (a - mean) / sd, (b - mean) / sd
    p, d = _below(y) - _below(z), _density(z) - _density(y)
    edge = (z * _density(z) if math.isfinite(z) else 0.0) - (y * _density(y) if math.isfinite(y) else 0.0)
    return p, mean * p + sd * d, (mean**2 + sd**2) * p + 2 * mean * sd * d + sd**2 * edge


def _uniform(low: float, high: float, a: float, b: float) -> tuple[float, float, float]:
    a, b = max(a, low), min(b, high)
    if a >= b:
        return 0.0, 0.0, 0.0
    return (b - a) / (high - low), (b**2 - a**2) / (2 * (high - low)), (b**3 - a**3) / (3 * (high - low))


def _lognormal(mu: float, sigma: float, a: float, b: float) -> tuple[float, float, float]:
    z, y = ((math.log(x) - mu) / sigma if x > 0 else -math.inf for x in (a, b))
    p, first, second = (math.exp(k * mu + 0.5 * (k * sigma) ** 2) * (_below(y - k * sigma) - _below(z - k * sigma)) for k in (0, 1, 2))
    return p, first, second
