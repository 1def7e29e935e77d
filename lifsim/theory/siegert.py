"""Rate and irregularity of a leaky integrate-and-fire neuron that receives a fluctuating input.

The diffusion approximation: tau_m dV/dt = -(V - mu) + sigma sqrt(tau_m) xi(t) with white noise xi. mu is the mean of the membrane
potential without threshold, and sigma / sqrt(2) its standard deviation. With y_th = (V_th - mu) / sigma and y_r likewise, the rate is

    1 / rate = t_ref + tau_m sqrt(pi) integral_{y_r}^{y_th} exp(u^2) (1 + erf u) du

(Siegert 1951, Phys Rev 81:617; Ricciardi 1977; Brunel 2000, J Comput Neurosci 8:183, eq. 21). Synaptic currents that decay with a short
tau_syn move both limits by (alpha / 2) sqrt(tau_syn / tau_m), alpha = sqrt(2) |zeta(1/2)| (Fourcaud & Brunel 2002, Neural Comput 14:2057),
correct to first order in sqrt(tau_syn / tau_m).

No term may overflow: the integrand is erfcx(-u), the integral over u > 0 is expressed by Dawson's function (Hahne et al. 2017, Front
Neuroinform 11:34) and exp(-y_th^2) is taken out of sums; the integral over u < 0 is done by Gauss-Legendre quadrature in s, u = -sinh s.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from lifsim.theory.arguments import FROM_0, checked, unknown

ALPHA = math.sqrt(2.0) * 1.4603545088095868  # |zeta(1/2)|
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_LARGEST = 1e100  # whose square is finite
_FAR = 38.0  # exp(-_FAR) is below the rounding error
_NEVER = 50.0  # distance below threshold at which the rate is below exp(-2500) / tau_m
_WEAK = 1e3  # distance from threshold, in units of sigma, beyond which noise is a small perturbation


@checked(tau_syn=FROM_0)
def siegert_rate(mu: Any, sigma: Any, *, tau_m: Any, V_th: Any, V_reset: Any, t_ref: Any, tau_syn: Any = 0.0) -> np.ndarray:
    """Firing rate for a Gaussian input, in the diffusion approximation (the formula of Siegert, see the module).

    Parameters
    ----------
    mu : mean of the membrane potential without threshold, E_L included, mV.
    sigma : strength of the fluctuations, mV, as in Brunel (2000): the potential without threshold has the standard deviation
        sigma / sqrt(2). 0: the noiseless neuron.
    tau_m : membrane time constant, ms. `V_th`, `V_reset` : mV. t_ref : refractory period, ms.
    tau_syn : time constant of exponential synaptic currents, ms; 0 (default): delta synapses. Above about 0.1 tau_m the correction is
        no longer small and the rate a rough estimate.

    Returns
    -------
    Rates in spikes/s, float64, in the common shape of the arguments; 0 where they are below the smallest number, nan where an argument
    is nan.

    Raises
    ------
    DataError : `tau_m` is not above 0, `t_ref`, `sigma` or `tau_syn` is negative, or `V_reset` is not below `V_th`.
    """
    y_th, y_r = _limits(mu, sigma, tau_m, V_th, V_reset, tau_syn)
    noisy = sigma > 0
    scaled, exponent = _integral(y_th, y_r)
    with np.errstate(under="ignore", divide="ignore"):  # an infinite input without refractoriness has an infinite rate
        rate = np.exp(-exponent) / (np.exp(-exponent) * t_ref + tau_m * math.sqrt(math.pi) * scaled)
    rate = np.where(noisy, rate, _noiseless(mu, tau_m, V_th, V_reset, t_ref))
    return 1000.0 * np.where(unknown(mu, sigma, tau_m, V_th, V_reset, t_ref, tau_syn), np.nan, rate)


def _limits(mu: Any, sigma: Any, tau_m: Any, V_th: Any, V_reset: Any, tau_syn: Any) -> tuple[np.ndarray, np.ndarray]:
    """y_th and y_r, with the correction for synaptic currents."""
    safe = np.where(sigma > 0, sigma, 1.0)
    shift = 0.5 * ALPHA * np.sqrt(tau_syn / tau_m)
    both = ((V - mu) / safe + shift for V in (V_th, V_reset))
    y_th, y_r = np.broadcast_arrays(*(np.clip(y, -_LARGEST, _LARGEST) for y in both))  # V_th may be inf
    return y_th, y_r


def _noiseless(mu: Any, tau_m: Any, V_th: Any, V_reset: Any, t_ref: Any) -> np.ndarray:
    """Rate (1/ms) without noise."""
    beyond = mu - V_th
    time = t_ref + tau_m * np.log1p((V_th - V_reset) / np.where(beyond > 0, beyond, 1.0))
    return np.where(beyond > 0, 1.0 / time, 0.0)


def _integral(y_th: np.ndarray, y_r: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(s, q) with s exp(q) the integral of erfcx(-u) = exp(u^2) (1 + erf u) from `y_r` to `y_th`."""
    from scipy.special import dawsn

    top, bottom = np.maximum(y_th, 0.0), np.maximum(y_r, 0.0)
    exponent = top**2
    with np.errstate(under="ignore"):
        small = np.exp(-exponent)
        above = 2 * (dawsn(top) - np.exp(bottom**2 - exponent) * dawsn(bottom)) - small * _erfcx_integral(bottom, top)
        below = small * _erfcx_integral(np.maximum(-y_th, 0.0), np.maximum(-y_r, 0.0))
    return above + below, exponent


def _erfcx_integral(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integral of erfcx from `a` to `b`, 0 <= a <= b. With x = sinh s, erfcx(x) cosh s goes smoothly from 1 to 1 / sqrt(pi)."""
    from scipy.special import erfcx

    low, high = np.arcsinh(a), np.arcsinh(b)
    half = 0.5 * (high - low)
    s = 0.5 * (high + low)[..., None] + half[..., None] * _NODES
    return half * ((erfcx(np.sinh(s)) * np.cosh(s)) @ _WEIGHTS)


@checked(tau_syn=FROM_0)
def siegert_cv(mu: Any, sigma: Any, *, tau_m: Any, V_th: Any, V_reset: Any, t_ref: Any, tau_syn: Any = 0.0) -> np.ndarray:
    """Coefficient of variation (CV) of the intervals between spikes for a Gaussian input.

        CV^2 = 2 pi (rate tau_m)^2 integral_{y_r}^{y_th} exp(x^2) dx integral_{-inf}^{x} exp(y^2) (1 + erf y)^2 dy

    (Brunel 2000, J Comput Neurosci 8:183, appendix A.1). The order of integration is exchanged: the integral over x is Dawson's function.

    Parameters
    ----------
    mu, sigma, tau_m, V_th, V_reset, t_ref, tau_syn : as for `siegert_rate`.

    Returns
    -------
    The CV in the common shape of the arguments: near 1 far below threshold, towards 0 far above it; 0 without noise if the neuron
    fires; nan if it does not fire, or if an argument is nan.

    Raises
    ------
    DataError : as for `siegert_rate`.
    """
    y_th, y_r = _limits(mu, sigma, tau_m, V_th, V_reset, tau_syn)
    scaled, exponent = _integral(y_th, y_r)
    with np.errstate(under="ignore"):
        mean = np.exp(-exponent) * t_ref / tau_m + math.sqrt(math.pi) * scaled  # interval / tau_m, times exp(-y_th^2)
    y_th, y_r, mean = np.broadcast_arrays(y_th, y_r, mean)
    noisy, fires = sigma > 0, mu > V_th
    out = [
        math.nan if math.isnan(a + b) else 1.0 if _rare(a, b) else math.sqrt(2 * math.pi * _double_integral(float(a), float(b))) / m
        for a, b, m in zip(y_th.ravel(), y_r.ravel(), mean.ravel(), strict=True)
    ]
    cv = np.where(noisy, np.reshape(out, y_th.shape), np.where(fires, 0.0, np.nan))
    return np.where(np.isinf(V_th) | unknown(mu, sigma, tau_m, V_th, V_reset, t_ref, tau_syn), np.nan, cv)


def _rare(y_th: float, y_r: float) -> bool:
    """Whether spikes are so rare, and the reset so far below threshold, that they form a Poisson process to the last digit."""
    return y_th > _NEVER and y_th * (y_th - y_r) > _FAR


def _double_integral(y_th: float, y_r: float) -> float:
    """The double integral of `siegert_cv`, times exp(-2 max(y_th, 0)^2).

    exp(y^2) (1 + erf y)^2 is erfcx(-y)^2 exp(-y^2), and the inner integral over x goes from m = max(y, y_r) to y_th. Differences of
    squares are written as products, and y below y_r as m - gap, so that no digits are lost far above threshold.
    """
    from scipy.integrate import quad
    from scipy.special import dawsn, erfc, erfcx

    if y_th < -_WEAK:  # noise adds (sigma^2 / tau_m) / (dV/dt)^3 dV to the variance of the time to V, with relative errors of 1 / y_th^2
        return (y_th**-2 - y_r**-2) / (4 * math.pi)
    q = 2 * max(y_th, 0.0) ** 2

    def integrand(m: float, gap: float) -> float:
        y = m - gap
        if y < 0:
            factor, ends = erfcx(-y) ** 2, ((y_th - y) * (y_th + y), gap * (m + y))
        else:
            factor, ends = erfc(-y) ** 2, (y_th**2 + y**2, m**2 + y**2)
        return float(factor * (_exp(ends[0] - q) * dawsn(y_th) - _exp(ends[1] - q) * dawsn(m)))

    def integral(function: Callable[[float], float], start: float, stop: float, points: Iterable[float]) -> float:
        ends = sorted({start, stop, *(x for x in points if start < x < stop)})
        return float(
            sum(quad(function, a, b, epsabs=1e-300, epsrel=1e-9, limit=200, full_output=1)[0] for a, b in itertools.pairwise(ends))
        )

    # the gap at which exp(min(y_r, 0)^2 - y^2) is below the rounding error
    longest = y_r + math.sqrt(_FAR) if y_r >= 0 else _FAR / (math.sqrt(y_r**2 + _FAR) - y_r)
    width = 2 / (1 + abs(y_r))
    below = integral(lambda gap: integrand(y_r, gap), 0.0, longest, (width, y_r))
    decades = [-(10.0**k) for k in range(math.ceil(math.log10(max(-y_r, 1.0))) + 1)]  # there the integrand falls as a power of y
    near = (y_r + width, y_th - 2 / (1 + abs(y_th)), 0.0)
    return max(0.0, below + integral(lambda y: integrand(y, 0.0), y_r, y_th, (*near, *decades)))


def _exp(x: float) -> float:
    return math.exp(x) if x > -700 else 0.0
