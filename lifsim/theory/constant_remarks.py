"""What theory says of neurons at constant currents, in sentences for `lifsim check` and `lifsim run`.

`run` says it at its start, so this module loads neither SciPy nor the theory of networks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from lifsim.common.values import Distribution
from lifsim.network.distance import Profile
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.theory.constant_current import fi_curve, rheobase
from lifsim.theory.population_membrane import membrane_of, number_of


def constant_input(net: Network) -> Iterator[str]:
    """One sentence for each population of neurons that only a constant current drives, and that cannot fire or whose rate is known.

    A current of 0 needs no remark. A population is driven by constant currents alone if its inputs are I_e, dc_generators that are
    always on, and neurons that are silent themselves; currents that change in steps are told if they never reach the rheobase. NumPy
    alone is needed, and no time.
    """
    levels = {name: _level(net, p) for name, p in net.populations.items() if p.model.role == "neuron"}
    silent = {name for name, level in levels.items() if level is not None and _below(net.populations[name], level)}
    while True:  # the largest set whose members hear only each other
        heard = {p.target.name for p in net.projections if p.source.population.model.role == "neuron" and p.source.name not in silent}
        if not silent & heard:
            break
        silent -= heard
    driven = {p.target.name for p in net.projections if p.source.population.model.role == "neuron"}
    for name, level in levels.items():
        sentence = ""
        if level is None and name not in driven:
            sentence = _of_steps(net, net.populations[name])
        elif level is not None and np.any(level != 0) and (name in silent or name not in driven):
            sentence = _sentence(net.populations[name], level, name in silent)
        if sentence:
            yield f"{name}: {sentence}"


def _level(net: Network, p: Population) -> Any:
    """The constant current into a population, pA, or None if it has other stimuli."""
    if all(parameter.name != "I_e" for parameter in p.model.parameters):
        return None
    sent = 0.0
    for projection in net.projections:
        source = projection.source.population
        if projection.target.population is not p or source.model.role == "neuron":
            continue
        number = {"all_to_all": len(projection.source), "one_to_one": 1}.get(projection.rule)
        on = source.model.name == "dc_generator" and not source.params.keys() & {"start", "stop"}
        factors = (projection.weight, source.get("amplitude")) if on else ()
        if not (on and number and projection.target.whole) or any(isinstance(x, (Distribution, Profile, np.ndarray)) for x in factors):
            return None
        sent += number * math.prod(factors)
    return number_of(p, "I_e") + sent


def _of_steps(net: Network, p: Population) -> str:
    """A sentence for a population whose currents change in steps and never pass the rheobase; given spikes are "further input"."""
    if all(parameter.name != "I_e" for parameter in p.model.parameters):
        return ""
    highest, steps = np.asarray(number_of(p, "I_e"), float), False
    for projection in net.projections:
        source = projection.source.population
        if projection.target.population is not p or source.model.role == "spikes":
            continue
        number = {"all_to_all": len(projection.source), "one_to_one": 1}.get(projection.rule)
        known = source.model.name == "step_current_generator" and number and isinstance(projection.weight, float)
        if not known:
            return ""
        highest, steps = highest + number * max(0.0, *(projection.weight * np.asarray(source.get("amplitude_values"), float))), True
    if not steps or not _below(p, highest) or not np.any(highest > 0):
        return ""
    return "currents of at most " + _no_spike(p, highest, "are")


def _below(p: Population, level: Any) -> bool:
    """Whether no neuron of a population fires: its current is not above the rheobase, and it starts below threshold."""
    membrane = membrane_of(p)
    if membrane is None:
        return False
    start = number_of(p, "V_m")
    limit = rheobase(**{key: membrane[key] for key in ("tau_m", "C_m", "E_L", "V_th")})
    return bool(np.all(level <= limit) and np.all(start < membrane["V_th"]))


def _sentence(p: Population, level: Any, silent: bool) -> str:
    membrane = membrane_of(p)
    if membrane is None or np.isinf(membrane["V_th"]).any():
        return ""
    what = "I_e" if np.all(level == number_of(p, "I_e")) else "constant current"  # of which generators are a part
    if silent:
        return f"{what} {_no_spike(p, level, 'is')}"
    current, edge, of_all = _nearest(p, level)
    rate = np.asarray(fi_curve(level, **membrane))
    if not np.isfinite(rate).all() or not np.any(rate > 0):
        return ""
    low, high = float(rate.min()), float(rate.max())
    rates = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
    return f"{what} {current:.4g} pA is above rheobase {edge:.4g} pA{of_all}: {rates} spikes/s" + (
        " at constant current" if what == "I_e" else ""
    )


def _no_spike(p: Population, level: Any, verb: str) -> str:
    """The end of a sentence about currents from which a population does not fire, which begins with their value."""
    current, edge, of_all = _nearest(p, level)
    relation = f"below rheobase {edge:.4g} pA" if current < edge else "the rheobase, at which V_m only approaches the threshold"
    return f"{current:.4g} pA {verb} {relation}{of_all}: no spike without further input"


def _nearest(p: Population, level: Any) -> tuple[float, float, str]:
    """Current and rheobase (pA) of the neuron that is nearest to firing, and the words for it, if it is one of several."""
    membrane = membrane_of(p)
    assert membrane is not None
    limit = rheobase(**{key: membrane[key] for key in ("tau_m", "C_m", "E_L", "V_th")})
    level, limit = np.broadcast_arrays(np.asarray(level, float), limit)
    k = int(np.argmin(limit - level))
    return float(level.flat[k]), float(limit.flat[k]), " (the neuron nearest to firing)" if level.size > 1 else ""
