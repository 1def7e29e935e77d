"""The membrane of a population, for formulas of a constant current."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lifsim.common.values import Distribution
from lifsim.network.population import Population


def membrane_of(p: Population) -> dict[str, Any] | None:
    """tau_m, C_m, E_L, V_th, V_reset, t_ref of a population whose answer to a constant current has a closed form, or None.

    Conductance-based neurons without synaptic input have tau_m = C_m / g_L, models without a leak tau_m = inf. Adaptation, a moving
    threshold and escape noise have no closed form.
    """
    known = {parameter.name for parameter in p.model.parameters}
    if not {"C_m", "V_th", "V_reset", "t_ref"} <= known or "q_sfa" in known or ("delta" in known and np.any(number_of(p, "delta") != 0)):
        return None
    out = {key: number_of(p, key) for key in ("C_m", "V_th", "V_reset", "t_ref")}
    out["E_L"] = number_of(p, "E_L") if "E_L" in known else 0.0
    out["tau_m"] = number_of(p, "tau_m") if "tau_m" in known else out["C_m"] / number_of(p, "g_L") if "g_L" in known else math.inf
    return out


def number_of(p: Population, name: str) -> Any:
    """A parameter as a number or an array; nan, which no comparison accepts, for a random one."""
    x = p.get(name)
    return math.nan if isinstance(x, Distribution) else x
