"""The input of each population of a network as a function of all rates, read from its description.

With the rates nu (spikes/s) of the n populations, mu = mean_0 + mean nu, sigma^2 = variance_0 + variance nu (`input_moments`). Synaptic
currents filter the input: weighted with tau_syn, the variances give one time constant for the correction of Fourcaud & Brunel (2002).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError, Problem
from lifsim.common.values import Distribution
from lifsim.network.network import Network
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection, expected_synapses
from lifsim.network.psp_weights import SYNAPSES
from lifsim.theory.input_statistics import jump_of, moments

_NOT_LIF = ("if_psc_delta", "if_psc_delta_hard", "mat2_psc_exp")
COVERED = [name for name in SYNAPSES if name not in _NOT_LIF]
_NEURON = ("tau_m", "C_m", "E_L", "V_th", "V_reset", "t_ref", "I_e")
_SHORT = 0.1  # tau_syn / tau_m up to which the correction for synaptic currents is good


@dataclass
class NetworkInputs:
    """The input of the populations `names`, for n of them.

    `neuron` holds tau_m (ms), V_th, V_reset (mV) and t_ref (ms), each (n,). `mean_0` (mV), `variance_0` (mV^2) and `filtered_0` (mV^2 ms:
    variance times tau_syn) are (n,), `mean`, `variance`, `filtered` the same per spikes/s of each source, (n, n). `notes` says where the
    theory is an approximation.
    """

    names: list[str]
    neuron: dict[str, np.ndarray]
    mean_0: np.ndarray
    mean: np.ndarray
    variance_0: np.ndarray
    variance: np.ndarray
    filtered_0: np.ndarray
    filtered: np.ndarray
    notes: list[str] = field(default_factory=list)

    def of(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(mu, sigma, tau_syn) of each population at these rates, (n,); or (n, k) for rates (n, k)."""
        rates = np.asarray(rates, float)
        first = (slice(None), *(None,) * (rates.ndim - 1))
        variance = self.variance_0[first] + self.variance @ rates
        filtered = self.filtered_0[first] + self.filtered @ rates
        tau_syn = np.divide(filtered, variance, out=np.zeros_like(variance), where=variance > 0)
        return self.mean_0[first] + self.mean @ rates, np.sqrt(variance), tau_syn


def network_inputs(net: Network) -> NetworkInputs:
    """The input of all populations of neurons of `net`.

    Raises
    ------
    ModelError : lists every part of the network that the theory does not cover.
    """
    targets = {name: p for name, p in net.populations.items() if p.model.role == "neuron"}
    problems = [problem for name, p in targets.items() for problem in _uncovered_neuron(name, p)]
    problems += [problem for k, p in enumerate(net.projections) for problem in _uncovered_projection(f"projections[{k}]", p)]
    if not targets:
        problems.append(Problem("populations", "no neurons", "a network with neurons"))
    if problems:
        raise ModelError.of(problems)
    notes = [note for name, p in targets.items() for note in _unequal(name, p)]
    params = {key: np.array([_mean(p.get(key)) for p in targets.values()]) for key in _NEURON}
    n, zeros = len(targets), np.zeros(len(targets))
    out = NetworkInputs(
        list(targets), params, zeros, np.zeros((n, n)), zeros.copy(), np.zeros((n, n)), zeros.copy(), np.zeros((n, n)), notes
    )
    out.mean_0 = params["E_L"] + params["I_e"] * params["tau_m"] / params["C_m"]
    for p in net.projections:
        _add(out, p)
    out.notes += _filters(out, targets)
    return out


def _uncovered_neuron(name: str, p: Population) -> Iterator[Problem]:
    place = f"populations.{name}"
    if p.model.name not in COVERED:
        advice = "effective_membrane gives their effective time constant" if p.model.weight_unit == "nS" else f"one of {', '.join(COVERED)}"
        yield Problem(place, f"mean-field theory does not cover {p.model.name}", advice)
        return
    for key, off in (("V_min", -math.inf), ("refractory_input", False), ("delta", 0.0)):
        if any(parameter.name == key for parameter in p.model.parameters) and not np.all(np.asarray(p.get(key)) == off):
            yield Problem(f"{place}.{key}", "mean-field theory does not cover it", f"the default, {off}")


def _uncovered_projection(place: str, p: Projection) -> Iterator[Problem]:
    source, name = p.source.population, p.source.population.model.name
    if p.target.population.model.name not in COVERED:
        return  # reported already
    if not p.target.whole:
        yield Problem(f"{place}.target", f"{p.target}, a part of a population", "whole populations, whose neurons have the same input")
    if p.synapse:
        yield Problem(f"{place}.synapse", f"mean-field theory does not cover {p.synapse.model.name}", "static synapses")
    if not isinstance(p.weight, (float, int, np.ndarray, Distribution)):
        yield Problem(f"{place}.weight", "a function of distance, which mean-field theory does not cover", "a number or a distribution")
    if source.model.role == "neuron":
        return
    if name not in _STIMULI:
        yield Problem(f"{place}.source", f"mean-field theory does not cover {name}", f"a constant stimulus: {', '.join(_STIMULI)}")
    elif not (np.all(np.asarray(source.get("start")) == 0) and np.all(np.asarray(source.get("stop")) == math.inf)):
        yield Problem(f"{place}.source", f"{source.name} begins or ends during a run", "input that is always on (start 0, stop inf)")
    elif any(np.any(np.asarray(source.params.get(key, 0.0)) != 0) for key in ("dead_time", "std_mod")):
        yield Problem(f"{place}.source", f"{source.name} has a dead time or a modulated variance", "stationary Poisson trains or noise")


def _unequal(name: str, p: Population) -> Iterable[str]:
    for key in _NEURON:
        x = p.get(key)
        if isinstance(x, Distribution) or np.any(x != np.ravel(x)[0]):
            yield f"{name}: {key} differs between neurons; its mean is used"


def _mean(value: Any) -> float:
    if isinstance(value, Distribution):
        return moments(value)[1]
    with np.errstate(invalid="ignore"):
        return float(np.mean(value))


def _add(out: NetworkInputs, p: Projection) -> None:
    """Add the input through one projection."""
    k, source = out.names.index(p.target.name), p.source.population
    tau_m, C_m = out.neuron["tau_m"][k], out.neuron["C_m"][k]
    indegree = expected_synapses(p) / len(p.target)
    if source.model.role == "current":
        _, weight, square = moments(p.weight)  # type: ignore[arg-type]
        level, power, tau = _current(p.source)
        out.mean_0[k] += indegree * weight * level * tau_m / C_m
        out.variance_0[k] += indegree * square * power * tau_m / C_m**2
        out.filtered_0[k] += indegree * square * power * tau_m / C_m**2 * tau
        return
    for part, tau_syn in _receptors(p):
        jump = float(jump_of(SYNAPSES[p.target.population.model.name], C_m=C_m, tau_syn=tau_syn))
        _, weight, square = moments(p.weight, *part)  # type: ignore[arg-type]
        events = tau_m * indegree / 1000.0  # per spikes/s of one source
        each = events * jump * weight, events * jump**2 * square
        rows: tuple[Any, ...] = (out.mean, out.variance, out.filtered)
        if source.model.role == "neuron":
            place: tuple[int, ...] = (k, out.names.index(source.name))
        else:
            rate = _of_view(p.source, "rate")
            rows, place, each = (out.mean_0, out.variance_0, out.filtered_0), (k,), (each[0] * rate, each[1] * rate)
        for row, x in zip(rows, (*each, each[1] * _filter(p.target.population, tau_syn)), strict=True):
            row[place] += x


def _receptors(p: Projection) -> list[tuple[tuple[float, float], float]]:
    """The range of weights that act by each time constant, and this time constant (ms)."""
    target, everything = p.target.population, (-math.inf, math.inf)
    if SYNAPSES[target.model.name] == "delta":
        return [(everything, 0.0)]
    if p.receptor_type:
        return [(everything, float(np.atleast_1d(target.get("tau_syn"))[p.receptor_type - 1]))]
    return [((-math.inf, 0.0), _mean(target.get("tau_syn_in"))), ((0.0, math.inf), _mean(target.get("tau_syn_ex")))]


def _filter(target: Population, tau_syn: float) -> float:
    """The time constant of the correction: none for alpha currents, for which it is not known."""
    return tau_syn if SYNAPSES[target.model.name] == "exp" else 0.0


_STIMULI = ("poisson_generator", "poisson_generator_ps", "dc_generator", "noise_generator", "ou_generator")


def _of_view(view: View, name: str) -> float:
    """The mean of a parameter over the nodes of a view."""
    x = view.population.get(name)
    return _mean(x[view.ids] if isinstance(x, np.ndarray) and x.ndim else x)


def _current(view: View) -> tuple[float, float, float]:
    """Mean (pA), integral of the autocovariance (pA^2 ms) and correlation time (ms) of a current.

    White noise that is drawn every dt with the standard deviation std has the integral std^2 dt, an Ornstein-Uhlenbeck current 2 std^2 tau.
    """
    name = view.population.model.name
    if name == "dc_generator":
        return _of_view(view, "amplitude"), 0.0, 0.0
    mean, std = _of_view(view, "mean"), _of_view(view, "std")
    if name == "noise_generator":
        return mean, std**2 * _of_view(view, "dt"), 0.0
    tau = _of_view(view, "tau")
    return mean, 2 * std**2 * tau, tau


def _filters(out: NetworkInputs, targets: dict[str, Population]) -> Iterator[str]:
    """Remarks on synaptic currents for which the theory is rough."""
    for k, (name, p) in enumerate(targets.items()):
        kind = SYNAPSES[p.model.name]
        if kind == "alpha":
            yield f"{name}: alpha currents are taken as white noise of the same charge, without a correction for their duration"
        if kind != "exp":
            continue
        several = any(parameter.name == "tau_syn" for parameter in p.model.parameters)
        taus = list(np.atleast_1d(p.get("tau_syn"))) if several else [_mean(p.get("tau_syn_ex")), _mean(p.get("tau_syn_in"))]
        longest = max(taus) / out.neuron["tau_m"][k]
        if longest > _SHORT * (1 + 1e-9):
            yield f"{name}: tau_syn / tau_m = {longest:.2g} is above {_SHORT:g}; the rate is a rough estimate"
        if min(taus) < max(taus):
            yield f"{name}: several tau_syn are taken as one, their mean weighted with the variances"
