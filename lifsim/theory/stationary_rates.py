"""Mean-field theory of a network: stationary rates of its populations, from its description alone.

Each neuron sees the sum of many weak, independent, irregular trains as a Gaussian input (diffusion approximation). Its mean and variance
follow from the rates (`input_moments`), the rates from mean and variance (`siegert_rate`): stationary rates are the fixed points of both
(Amit & Brunel 1997, Cereb Cortex 7:237; Brunel 2000, J Comput Neurosci 8:183).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.overview import Fact, Overview, Overviewed
from lifsim.network.network import Network
from lifsim.theory.network_inputs import NetworkInputs, network_inputs
from lifsim.theory.siegert import siegert_cv, siegert_rate

_STEPS, _SHARE = 200, 0.3  # of the relaxation that looks for a start
_STARTS = (0.5, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)  # spikes/s, of all populations
_RUNAWAY = 1e7  # spikes/s, to which excitation without refractoriness drives neurons: no stationary state
_SAME = 1e-4  # relative distance below which two solutions are one


@dataclass(frozen=True, repr=False)
class FixedPoint(Overviewed):
    """A stationary state of a network.

    `populations` are the names of its n populations. `rates` (spikes/s), `mu` and `sigma` (mV, as for `siegert_rate`), `tau_syn` (ms,
    that of the correction; 0: none), `cv` (of the intervals; nan: does not fire) and `V_th` (mV) are float64 (n,), in this order. `stable`:
    whether rates that follow d nu / dt = -nu + siegert_rate(nu) return to it; an oscillation that delays bring about is not seen by this
    (for Brunel's network: `BrunelNetwork.oscillation`).
    """

    populations: tuple[str, ...]
    rates: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    tau_syn: np.ndarray
    cv: np.ndarray
    V_th: np.ndarray
    stable: bool

    def _overview(self) -> Overview:
        facts = [
            Fact(name, f"{rate:.3g} spikes/s", said=f"{name} {rate:.3g}/s") for name, rate in zip(self.populations, self.rates, strict=True)
        ]
        return Overview("FixedPoint", "stable" if self.stable else "unstable", facts)


@dataclass(frozen=True, repr=False)
class MeanField(FixedPoint):
    """The mean-field theory of a network: the state that it reaches from silence, with the fields of `FixedPoint` (`populations`, `rates`,
    `mu`, `sigma`, `tau_syn`, `cv`, `V_th`, `stable`).

    `fixed_points` holds all states that were found, sorted by their mean rate; there may be others. `notes` says where the theory is an
    approximation for this network.
    """

    fixed_points: tuple[FixedPoint, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def _overview(self) -> Overview:
        return Overview("MeanField", f"{len(self.fixed_points)} fixed points", FixedPoint._overview(self).facts)


def mean_field(net: Network) -> MeanField:
    """Predict the stationary rates of all populations of a network (equations: see the module).

    The input comes from expected numbers of synapses, mean and mean square of the weights, constant Poisson and current stimuli and I_e;
    recurrent input is included. The fixed points are found by SciPy's `root` from the end of a relaxation that starts from silence, and
    from uniform rates.

    Parameters
    ----------
    net : the network. Its neurons are leaky integrate-and-fire neurons with delta, exponential or alpha currents.

    Returns
    -------
    A `MeanField`.

    Raises
    ------
    ModelError : lists every part of the network that the theory does not cover: conductances, other neuron models, plastic synapses,
        stimuli that change in time, input to a part of a population, weights that depend on distance.
    """
    inputs = network_inputs(net)
    n = len(inputs.names)
    high = 0.9 * np.minimum(1000.0 / np.maximum(inputs.neuron["t_ref"], 1e-3), 1000.0)
    found: list[np.ndarray] = []
    for start in _starts(inputs, n, high):
        rates = _solved(inputs, start)
        if rates is not None and not any(_close(rates, other) for other in found):
            found.append(rates)
    if not found:
        raise _no_solution(inputs)
    points = {id(rates): _point(inputs, rates) for rates in found}
    chosen = points[id(found[0])]
    ranked = tuple(points[id(rates)] for rates in sorted(found, key=lambda rates: float(rates.mean())))
    fields = {key: getattr(chosen, key) for key in FixedPoint.__dataclass_fields__}
    return MeanField(**fields, fixed_points=ranked, notes=tuple(inputs.notes))


def _starts(inputs: NetworkInputs, n: int, high: np.ndarray) -> Iterator[np.ndarray]:
    yield _relaxed(inputs, np.zeros(n))
    yield from (np.minimum(rate, high) for rate in _STARTS)
    yield _relaxed(inputs, high)


def _no_solution(inputs: NetworkInputs) -> Exception:
    return ModelError("mean field", "the solver found no stationary rates", f"a network whose rates settle ({', '.join(inputs.names)})")


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.all(np.abs(a - b) <= _SAME * np.maximum(np.maximum(a, b), 1e-3)))


def _neuron(inputs: NetworkInputs) -> dict[str, np.ndarray]:
    return {key: inputs.neuron[key] for key in ("tau_m", "V_th", "V_reset", "t_ref")}


def _rates(inputs: NetworkInputs, rates: np.ndarray) -> np.ndarray:
    """The rates of neurons whose input comes from neurons with `rates`."""
    mu, sigma, tau_syn = inputs.of(np.clip(rates, 0.0, _RUNAWAY))
    return np.minimum(siegert_rate(mu, sigma, tau_syn=tau_syn, **_neuron(inputs)), _RUNAWAY)


def _relaxed(inputs: NetworkInputs, rates: np.ndarray) -> np.ndarray:
    """Where d nu / dt = -nu + F(nu) leads; the mean of the last steps, should it oscillate."""
    late = []
    for k in range(_STEPS):
        new = (1 - _SHARE) * rates + _SHARE * _rates(inputs, rates)
        if np.all(np.abs(new - rates) <= 1e-7 * (1e-3 + new)):
            return new
        rates = new
        late += [rates] if k >= _STEPS // 2 else []
    return np.asarray(np.mean(late, axis=0))


def _solved(inputs: NetworkInputs, start: np.ndarray) -> np.ndarray | None:
    """A fixed point near `start`, or None."""
    from scipy.optimize import root

    with np.errstate(over="ignore", invalid="ignore"):  # a search that runs away finds nothing
        solved = root(lambda x: _rates(inputs, x) - x, start, method="hybr", options={"xtol": 1e-12})
        rates = np.maximum(solved.x, 0.0)
        rest = np.abs(_rates(inputs, rates) - rates)
    settled = np.all(np.isfinite(rest)) and np.all(rates < _RUNAWAY / 2)
    return rates if settled and np.all(rest <= 1e-6 * (1e-3 + rates)) else None


def _point(inputs: NetworkInputs, rates: np.ndarray) -> FixedPoint:
    mu, sigma, tau_syn = inputs.of(rates)
    n, step = len(rates), 1e-4 * (1e-2 + rates)
    slopes = np.array(
        [
            (_rates(inputs, rates + h) - _rates(inputs, np.maximum(rates - h, 0.0))) / (h.sum() + min(h.sum(), rates[k]))
            for k, h in enumerate(np.diag(step))
        ]
    ).T
    stable = bool(np.linalg.eigvals(slopes - np.eye(n)).real.max() < 0)
    cv = siegert_cv(mu, sigma, tau_syn=tau_syn, **_neuron(inputs))
    return FixedPoint(tuple(inputs.names), rates, mu, sigma, tau_syn, np.where(rates > 0, cv, np.nan), inputs.neuron["V_th"], stable)
