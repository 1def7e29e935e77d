"""Brunel's (2000) network, model A: stationary rates in the plane (g, eta), and where the asynchronous state loses its stability.

All neurons have the same statistics of input: C_E excitatory synapses of J mV, gamma C_E inhibitory ones of -g J, and external spikes at
eta times the rate nu_thr C_E = V_th / (J tau_m) that just reaches threshold:

    mu = eta V_th + tau_m C_E J (1 - gamma g) nu,    sigma^2 = J eta V_th + tau_m C_E J^2 (1 + gamma g^2) nu

(J Comput Neurosci 8:183, section 3, for E_L = 0). The rate nu is a fixed point of `siegert_rate`. A small modulation of nu returns
after the delay as one of mu and sigma^2, and by the linear response of the neurons (`rate_response`) as one of the rate. With the gain

    G(f) = exp(-2 pi i f delay) [ R_mu(f) dmu/dnu + R_var(f) dsigma^2/dnu ]

it grows if G encircles 1 (linear stability, appendix of the paper). On a line of stability G(f) = 1: at f > 0 an oscillation of this
frequency begins (Hopf bifurcation), fast where the delay sets f, slow where tau_m sets it, and near multiples of 1 / delay neurons begin
to fire in lockstep; at f = 0 two fixed points meet (saddle-node).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from lifsim.theory.arguments import ABOVE_0, FROM_0, checked_arguments
from lifsim.theory.linear_response import rate_response
from lifsim.theory.siegert import siegert_cv, siegert_rate

FAST, REGULAR = 0.1, 0.6  # frequency times delay above which an oscillation is called fast; near 1: each spike returns with the next
_FREQUENCIES = np.concatenate([np.geomspace(2.0, 200.0, 50), np.arange(214.0, 1500.0, 15.0)])  # Hz
_MOST_ETA = 50.0


class StabilityPoint(NamedTuple):
    """A point on a line of stability: `g`, `eta`, `rate` (spikes/s), `frequency` (Hz), `kind`.

    The kind is "saddle-node", "slow", "fast", or "regular": near 1 / delay or 2 / delay, where neurons begin to fire in lockstep.
    """

    g: float
    eta: float
    rate: float
    frequency: float
    kind: str


@dataclass(frozen=True)
class BrunelNetwork:
    """Model A of Brunel (2000).

    Parameters
    ----------
    C_E : excitatory synapses of a neuron. J : weight of an excitatory synapse, mV. gamma : inhibitory synapses relative to C_E.
    V_th, V_reset : mV above rest.
    tau_m, t_ref, delay : ms.

    The defaults are those of the shipped model "brunel" and of the simulations in the paper (figures 7 and 8).

    Raises
    ------
    DataError : a number is not above 0 (`gamma` and `delay` may be 0), or `V_reset` is not below `V_th`.
    """

    C_E: float = 1000.0
    J: float = 0.1
    gamma: float = 0.25
    tau_m: float = 20.0
    V_th: float = 20.0
    V_reset: float = 10.0
    t_ref: float = 2.0
    delay: float = 1.5

    def __post_init__(self) -> None:
        checked_arguments(vars(self), own={**dict.fromkeys(("C_E", "J", "t_ref"), ABOVE_0), "gamma": FROM_0, "delay": FROM_0})

    @cached_property
    def _neuron(self) -> dict[str, float]:
        return {"tau_m": self.tau_m, "V_th": self.V_th, "V_reset": self.V_reset, "t_ref": self.t_ref}

    def _by_rate(self, g: Any) -> tuple[Any, Any]:
        """(dmu/dnu, dsigma^2/dnu) in mV and mV^2 per spikes/s."""
        each = self.tau_m * self.C_E * self.J / 1000.0
        return each * (1 - self.gamma * g), each * self.J * (1 + self.gamma * g**2)

    def input(self, g: Any, eta: Any, rate: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and strength of the fluctuations of the input, for neurons that fire at a given rate (formula: see the module).

        Parameters
        ----------
        g : strength of inhibition. eta : external rate relative to threshold. rate : of the neurons, spikes/s.

        Returns
        -------
        (mu, sigma) in mV.
        """
        mean, variance = self._by_rate(np.asarray(g, float))
        external = np.asarray(eta, float) * self.V_th
        return external + mean * rate, np.sqrt(np.maximum(self.J * external + variance * rate, 0.0))

    def eta(self, g: Any, rate: Any) -> np.ndarray:
        """The external rate at which the neurons fire at a given rate: the curve of fixed points, whose inverse may have several branches.

        Parameters
        ----------
        g : strength of inhibition. rate : of the neurons, spikes/s, above 0 and below 1 / t_ref.

        Returns
        -------
        eta in the common shape; nan where no eta from 0 to 50 has this rate. Found by bisection: at a given recurrent rate the rate grows
        with eta.
        """
        g, rate = np.broadcast_arrays(np.asarray(g, float), np.asarray(rate, float))
        low, high = np.zeros(g.shape), np.full(g.shape, _MOST_ETA)
        for _ in range(55):
            middle = 0.5 * (low + high)
            above = siegert_rate(*self.input(g, middle, rate), **self._neuron) > rate
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        inside = (low > 1e-12) & (high < _MOST_ETA * (1 - 1e-12))
        return np.where(inside, 0.5 * (low + high), np.nan)

    def rates(self, g: float, eta: float) -> np.ndarray:
        """All rates at which the network is stationary, from low to high.

        Parameters
        ----------
        g : strength of inhibition. eta : external rate relative to threshold.

        Returns
        -------
        Rates in spikes/s, (n,): the roots of siegert_rate(nu) = nu, bracketed on a grid of rates and found by Brent's method; 0 if a
        silent network stays silent.
        """
        from scipy.optimize import brentq

        def excess(rate: Any) -> Any:
            return siegert_rate(*self.input(g, eta, rate), **self._neuron) - rate

        grid = np.concatenate([[0.0], self._grid()])
        sign = np.sign(excess(grid))
        between = [brentq(excess, grid[k], grid[k + 1], xtol=1e-10) for k in np.flatnonzero(sign[1:] * sign[:-1] < 0)]
        return np.sort([*grid[sign == 0], *between])  # a root on the grid: a silent network, whose rate is exactly 0

    def cv(self, g: float, eta: float, rate: float) -> float:
        """CV of the intervals of neurons in a stationary state (`siegert_cv`).

        Parameters
        ----------
        g : strength of inhibition. eta : external rate relative to threshold. rate : of the neurons, spikes/s.

        Returns
        -------
        The CV.
        """
        return float(siegert_cv(*self.input(g, eta, rate), **self._neuron))

    def loop_gain(self, frequency: Any, g: Any, eta: Any, rate: Any) -> np.ndarray:
        """Complex gain of the loop from the rate of the neurons through their synapses back to their rate (formula: see the module).

        Parameters
        ----------
        frequency : Hz, above 0. g : strength of inhibition. eta : external rate relative to threshold.
        rate : a stationary rate for them (`rates`), spikes/s.

        Returns
        -------
        Complex numbers in the common shape of the arguments. 1: a modulation of this frequency neither grows nor decays.
        """
        mean, variance = self._by_rate(np.asarray(g, float))
        by_mu, by_variance = rate_response(frequency, *self.input(g, eta, rate), **self._neuron)
        return np.exp(-2j * math.pi * np.asarray(frequency) * self.delay / 1000.0) * (by_mu * mean + by_variance * variance)

    def oscillation(self, g: float, eta: float, rate: float) -> tuple[float, float]:
        """The frequency at which a modulation returns in phase most strongly, and its gain.

        Parameters
        ----------
        g, eta, rate : as for `loop_gain`.

        Returns
        -------
        (frequency in Hz, gain): the gain is real there. Above 1 the stationary state is unstable and the network oscillates, close to the
        line of stability at about this frequency. (nan, 0) if no modulation from 2 to 1500 Hz returns in phase.
        """
        gain = self.loop_gain(_FREQUENCIES, g, eta, rate)
        found = [(f, r) for f, r in _in_phase(gain)]
        return max(found, key=lambda pair: pair[1]) if found else (math.nan, 0.0)

    def stability_lines(self, g: Any, most_eta: float = 4.0) -> list[StabilityPoint]:
        """The points at which the lines of stability cross given values of g (figure 2 of the paper).

        Parameters
        ----------
        g : values of g, a number or (n,). most_eta : points up to this eta are looked for, at most 50.

        Returns
        -------
        `StabilityPoint`, sorted by g, then eta. Each Hopf point is a root of G(f) - 1 with f up to 1500 Hz, found from crossings on a grid
        of rates; those at which the state is already unstable at another frequency are left out. Where a line is almost parallel to
        the axis of eta, as that of "regular" near g = 4, values of g that are close together find its course.
        """
        found = [point for one in np.atleast_1d(np.asarray(g, float)) for point in self._at(float(one), most_eta)]
        return sorted(found, key=lambda p: (p.g, p.eta))

    def _grid(self) -> np.ndarray:
        """Rates from almost 0 to almost 1 / t_ref, closer together at both ends."""
        most = 1000.0 / self.t_ref
        low = np.geomspace(1e-2, 0.5 * most, 60)
        return np.concatenate([low, most - np.geomspace(0.49 * most, 1e-2 * most, 25)])

    def _at(self, g: float, most_eta: float) -> Iterator[StabilityPoint]:
        rate = self._grid()
        eta = self.eta(g, rate)
        inside = eta <= most_eta
        inside[1:-1] |= inside[:-2] | inside[2:]  # and the first beyond
        inside &= np.isfinite(eta)
        rate, eta = rate[inside], eta[inside]
        if len(rate):
            yield from (p for p in (*self._folds(g, rate, eta), *self._hopf(g, rate, eta)) if p.eta <= most_eta)

    def _hopf(self, g: float, rate: np.ndarray, eta: np.ndarray) -> Iterator[StabilityPoint]:
        gains = self.loop_gain(_FREQUENCIES, g, eta[:, None], rate[:, None])
        here = [_in_phase(gain) for gain in gains]
        for k in range(len(rate) - 1):
            for f, gain in here[k]:
                near = min(here[k + 1], key=lambda pair: abs(math.log(pair[0] / f)), default=None)
                if near and (gain - 1) * (near[1] - 1) < 0 and abs(math.log(near[0] / f)) < 0.3:
                    share = (1 - gain) / (near[1] - gain)
                    yield from self._refined(g, rate[k] ** (1 - share) * rate[k + 1] ** share, f ** (1 - share) * near[0] ** share)

    def _refined(self, g: float, rate: float, frequency: float) -> Iterator[StabilityPoint]:
        from scipy.optimize import root

        def distance(x: np.ndarray) -> list[float]:
            nu, f = np.exp(x)
            near = abs(math.log(f / frequency)) < 1 and abs(math.log(nu / rate)) < 1 and nu < 1000.0 / self.t_ref
            eta = float(self.eta(g, nu)) if near else math.nan
            gain = complex(self.loop_gain(f, g, eta, nu)) - 1 if math.isfinite(eta) else 10 + 10j  # no such state, or a stray step
            return [gain.real, gain.imag]

        solved = root(distance, np.log([rate, frequency]), tol=1e-9)
        rate, frequency = map(float, np.exp(solved.x))
        eta = float(self.eta(g, rate)) if 0 < rate < 1000.0 / self.t_ref else math.nan
        if solved.success and math.isfinite(eta) and self._stable_otherwise(g, eta, rate, frequency):
            turns = frequency * self.delay / 1000.0
            yield StabilityPoint(g, eta, rate, frequency, "regular" if turns > REGULAR else "fast" if turns > FAST else "slow")

    def _stable_otherwise(self, g: float, eta: float, rate: float, frequency: float) -> bool:
        """Whether no modulation grows but that near `frequency`."""
        gain = self.loop_gain(_FREQUENCIES, g, eta, rate)
        others = [r for f, r in _in_phase(gain) if abs(math.log(f / frequency)) > 0.1]
        return max([*others, gain.real[0] if frequency > 2 * _FREQUENCIES[0] else 0.0]) < 1.0

    def _folds(self, g: float, rate: np.ndarray, eta: np.ndarray) -> Iterator[StabilityPoint]:
        """Where eta(rate) turns back: two fixed points meet."""
        from scipy.optimize import minimize_scalar

        rise = np.sign(np.diff(eta))
        for k in np.flatnonzero(rise[1:] * rise[:-1] < 0):
            best = minimize_scalar(
                lambda nu, sign=rise[k + 1]: sign * float(self.eta(g, nu)), bounds=(rate[k], rate[k + 2]), method="bounded"
            )
            fold = float(self.eta(g, best.x))
            if math.isfinite(fold):
                yield StabilityPoint(g, fold, float(best.x), 0.0, "saddle-node")


def _in_phase(gain: np.ndarray) -> list[tuple[float, float]]:
    """(frequency, gain) where a curve over `_FREQUENCIES` crosses the positive real axis, by linear interpolation."""
    out = []
    for k in np.flatnonzero(gain.imag[1:] * gain.imag[:-1] < 0):
        share = gain.imag[k] / (gain.imag[k] - gain.imag[k + 1])
        real = gain.real[k] + share * (gain.real[k + 1] - gain.real[k])
        if real > 0:
            out.append((float(_FREQUENCIES[k] ** (1 - share) * _FREQUENCIES[k + 1] ** share), float(real)))
    return out
