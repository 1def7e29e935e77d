"""Sets the parameters, state variables and traces of plastic synapses between two slices of a run."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.engine.plasticity.plastic_delivery import Plastic
from lifsim.engine.plasticity.plastic_layout import MODEL_BITS, MODELS_OF, renumbered, stored_in
from lifsim.engine.plasticity.store import Store

OWN, SHARED, STATE = "own", "shared", "state"  # kinds of variables: see `kind_of`


def kind_of(plastic: Plastic, wirings: list[Any], index: int, name: str) -> str:
    """How the variable `name` of the synapses of projection number `index` is kept.

    OWN: each synapse has a value. SHARED: a parameter that all synapses of the projection share. STATE: a state variable or trace of the
    synapses of a segment, which have seen the same spikes.
    """
    module, p = stored_in(wirings, index)
    if name in module.PARAMETERS:
        if _store(plastic, module).column[p, module.PARAMETERS.index(name)] >= 0:
            return OWN
        return STATE if name in module.STATES else SHARED
    return SHARED if name in module.TAUS else STATE


def set_own(plastic: Plastic, wirings: list[Any], index: int, name: str, values: np.ndarray, numbers: np.ndarray) -> None:
    """Set a variable of kind OWN of the synapses with these numbers (see `plastic_layout.numbered`)."""
    module, p = stored_in(wirings, index)
    y = _store(plastic, module)
    y.own[y.column[p, module.PARAMETERS.index(name)], numbers & ((1 << MODEL_BITS) - 1)] = values


def with_value(plastic: Plastic, wirings: list[Any], index: int, name: str, value: float, plan: Any, seats: np.ndarray) -> Plastic:
    """`plastic` with one `value` of a variable of kind SHARED or STATE for all synapses of a projection.

    ``seats[i]`` is the place of neuron i.
    """
    module, p = stored_in(wirings, index)
    y = _store(plastic, module)
    if name in module.TAUS:
        tau = [plastic.trains.decays.tau[g.y.law] for g in plastic.groups]
        tau[[MODELS_OF[type(g)] for g in plastic.groups].index(module)][p, module.TAUS.index(name)] = value
        return renumbered(plastic, tau, plan, seats)
    if kind_of(plastic, wirings, index, name) == SHARED:
        y.constant[p, module.PARAMETERS.index(name)] = value
    else:
        y.state[:, y.projection == p, :, (module.STATES or module.TRACES).index(name)] = value
    return plastic


def _store(plastic: Plastic, module: Any) -> Store:
    return next(g.y for g in plastic.groups if type(g) is module.Synapses)
