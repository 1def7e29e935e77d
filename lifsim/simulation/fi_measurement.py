"""Measures an f-I curve: the firing rate of a neuron at constant currents, all in one simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.errors import LifsimError, ModelError
from lifsim.common.values import Distribution
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.simulation.runs import run

_SAMPLE = 10_000  # draws whose mean stands for a random parameter
_NO_LEAK = 20.0  # ms from reset to threshold at the current that scales the curve of a model without a leak


def neuron_of(net: Network, name: str | None = None) -> Population:
    """The population `name` of a network, or its first population of neurons with a membrane.

    Raises
    ------
    LifsimError : there is none, it takes no constant current, or never fires.
    """
    names = (
        [net.view(name, "--population").name]
        if name is not None
        else [key for key, p in net.populations.items() if p.model.role == "neuron" and _takes_current(p)]
    )
    found = net.populations.get(names[0]) if names else None
    if found is None:
        raise LifsimError("fi", f"{net.name} has no neurons with a membrane", "a model with neurons")
    if not _takes_current(found):
        raise ModelError(f"populations.{found.name}", f"a {found.model.name} takes no constant current", "neurons with a membrane")
    if any(parameter.name == "V_th" for parameter in found.model.parameters) and not np.isfinite(_single(found, "V_th")):
        raise ModelError(f"populations.{found.name}.V_th", "inf: the neurons never fire", "a finite threshold")
    return found


def _takes_current(p: Population) -> bool:
    return p.model.role == "neuron" and any(parameter.name == "I_e" for parameter in p.model.parameters)


def current_range(p: Population) -> tuple[float, float]:
    """Currents (pA) from below the rheobase of the resting neuron to well above it, by which an f-I curve is seen.

    The scale is the current that holds the neuron a distance of V_th - V_reset above its resting potential.
    """
    known = {parameter.name for parameter in p.model.parameters}
    V_th = _single(p, "V_th" if "V_th" in known else "omega")
    reset = _single(p, "V_reset") if "V_reset" in known else _single(p, "E_L")
    if "E_L" not in known:
        scale = _single(p, "C_m") * (V_th - reset) / _NO_LEAK
        return -0.2 * scale, 2 * scale
    leak = _single(p, "g_L") if "g_L" in known else _single(p, "C_m") / _single(p, "tau_m")
    edge, scale = leak * (V_th - _single(p, "E_L")), leak * abs(V_th - reset)
    return edge - 0.2 * scale, edge + 2 * scale


def unequal_parameters(p: Population) -> list[str]:
    """Names of parameters that differ between the neurons of a population; their mean is used."""
    return [name for name, x in p.params.items() if name != "I_e" and _differs(x)]


def copies(net: Network, p: Population, currents: np.ndarray) -> Network:
    """A network of copies of a neuron without synapses, one for each constant current (pA), that starts from the reset potential.

    Where the neurons of `p` differ, the mean is used. dt, method and seed are those of `net`.
    """
    alone = Network(dt=net.dt, name=f"f-I curve of {p.name}", seed=net.seed, method=net.method)
    values = {name: _single(p, name) if _differs(x) else x for name, x in p.params.items()}
    reset = "V_reset" if any(parameter.name == "V_reset" for parameter in p.model.parameters) else "E_L"
    neurons = alone.add(p.name, len(currents), p.model.name, params={**values, "I_e": currents, "V_m": _single(p, reset)})
    alone.record(neurons, "spikes")
    return alone


def measured_rates(alone: Network, duration: float, **options: Any) -> np.ndarray:
    """The firing rates of `copies`.

    Parameters
    ----------
    alone : the network. duration : ms; the rate is that of the intervals in its second half, when adaptation is over.
    **options : of `lifsim.run`.

    Returns
    -------
    Rates in spikes/s, (n,).
    """
    (name,) = alone.populations
    spikes = run(alone, duration, **options).spikes[name].window(duration / 2, duration)
    out = np.zeros(alone.populations[name].n)
    for k in range(len(out)):
        times = spikes.times[spikes.ids == k]
        out[k] = 1000.0 * ((len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else len(times) / (duration / 2))
    return out


def _differs(x: Any) -> bool:
    return isinstance(x, Distribution) or (isinstance(x, np.ndarray) and x.ndim == 1 and bool(np.any(x != x[0])))


def _single(p: Population, name: str) -> float:
    """A parameter of a neuron; the mean where neurons differ."""
    x = p.get(name)
    return float(x.draw(_SAMPLE, np.random.default_rng(0)).mean() if isinstance(x, Distribution) else np.mean(x))
