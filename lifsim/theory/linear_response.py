"""Response of the firing rate to a small, slow or fast modulation of the input.

Let mu and sigma^2 oscillate as mu + m exp(i w t) and sigma^2 + v exp(i w t). To first order the rate is rate (1 + n exp(i w t)) with

    n = { (m / sigma) [U'(y_th) - U'(y_r)] / (1 + s) + (v / sigma^2) [U''(y_th) - U''(y_r)] / (2 (2 + s)) }
        / [U(y_th) - exp(-i w t_ref) U(y_r)],

s = i w tau_m, y = (V - mu) / sigma (Brunel & Hakim 1999, Neural Comput 11:1621; Brunel 2000, J Comput Neurosci 8:183, appendix; Lindner &
Schimansky-Geier 2001, Phys Rev Lett 86:2934). U is the solution of U''/2 - y U' - s U = 0 that grows slowest towards -inf, a confluent
hypergeometric function.

Only ratios of U are needed. W = U'/U obeys the Riccati equation W' = 2 s + 2 y W - W^2, whose solution from -inf attracts its
neighbours: it is integrated upwards from W = y + sqrt(y^2 + 2 s) some way below y_r, and log U along with it. No special function of a
complex parameter is needed, and nothing overflows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.theory.arguments import ABOVE_0, checked
from lifsim.theory.siegert import siegert_rate

_BELOW = 3.0  # start of the integration below min(y_r, 0), where an error shrinks by exp(-2 sqrt(y^2 + 2 s)) per unit of y
_STEP = 0.5  # longest step, in units of the shortest length of the equation


@checked(sigma=ABOVE_0)
def rate_response(frequency: Any, mu: Any, sigma: Any, *, tau_m: Any, V_th: Any, V_reset: Any, t_ref: Any) -> tuple[np.ndarray, np.ndarray]:
    """Linear response of the firing rate to modulations of the mean and of the variance of the input (formula: see the module).

    Parameters
    ----------
    frequency : of the modulation, Hz, above 0. `mu`, `sigma` : mV, as for `siegert_rate`. `tau_m`, `t_ref` : ms. `V_th`, `V_reset` : mV.

    Returns
    -------
    (by_mu, by_variance) : complex amplitude and phase of the rate in spikes/s per mV of mu, and per mV^2 of sigma^2, in the common shape
    of the arguments; nan where one of them is nan. Towards frequency 0 they are the derivatives of `siegert_rate`.

    Raises
    ------
    DataError : `frequency`, `sigma` or `tau_m` is not above 0, `t_ref` is negative, or `V_reset` is not below `V_th`.
    """
    frequency, mu, sigma = np.broadcast_arrays(frequency, mu, sigma)
    w = 2 * math.pi * frequency / 1000.0
    s = 1j * w * tau_m
    y_th, y_r = (V_th - mu) / sigma, (V_reset - mu) / sigma
    start = np.minimum(y_r, 0.0) - _BELOW
    at_r = _climb(start, y_r, start + np.sqrt(start**2 + 2 * s), s)[0]
    at_th, grown = _climb(y_r, y_th, at_r, s)
    ratio = np.exp(-grown)  # U(y_r) / U(y_th)
    below = 1 - np.exp(-1j * w * t_ref) * ratio
    rate = siegert_rate(mu, sigma, tau_m=tau_m, V_th=V_th, V_reset=V_reset, t_ref=t_ref)
    with np.errstate(invalid="ignore"):  # division of complex numbers that are nan
        first = (at_th - at_r * ratio) / (1 + s)
        second = (2 * y_th * at_th + 2 * s - (2 * y_r * at_r + 2 * s) * ratio) / (2 * (2 + s))
        return rate / sigma * first / below, rate / sigma**2 * second / below


def _climb(a: np.ndarray, b: np.ndarray, W: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integrate W' = 2 s + 2 y W - W^2 from `a` to `b` by the classical Runge-Kutta method; returns W(b) and the integral of W."""
    if not a.size:
        return W, W
    y_far = np.maximum(np.abs(a), np.abs(b))
    n = int(np.ceil(np.nanmax((b - a) * 2 * np.sqrt(y_far**2 + 2 * np.abs(s)), initial=0.0) / _STEP)) + 8
    h, total = (b - a) / n, np.zeros_like(W)

    def slope(y: np.ndarray, W: np.ndarray) -> np.ndarray:
        return 2 * s + (2 * y - W) * W

    for k in range(n):
        y = a + k * h
        k1 = slope(y, W)
        W2 = W + 0.5 * h * k1
        k2 = slope(y + 0.5 * h, W2)
        W3 = W + 0.5 * h * k2
        k3 = slope(y + 0.5 * h, W3)
        W4 = W + h * k3
        total = total + h / 6 * (W + 2 * W2 + 2 * W3 + W4)
        W = W + h / 6 * (k1 + 2 * k2 + 2 * k3 + slope(y + h, W4))
    return W, total
