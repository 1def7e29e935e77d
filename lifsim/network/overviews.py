"""Short descriptions of networks and their parts, as `repr` and in notebooks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lifsim.common.overview import Fact, counted
from lifsim.common.printable import shown
from lifsim.common.values import Distribution
from lifsim.network.distance import QUANTITIES, SCALES, Profile

_FEW = 6  # ids that are shown one by one


def value_text(x: Any, unit: str = "", quantity: str = "") -> str:
    """A value in short, with its unit: a number, the range of an array, a distribution, a function of distance (of this `quantity`)."""
    if isinstance(x, (list, tuple)):  # spike times of one node, or of each
        return counted(sum(map(np.size, x)), "value")
    if isinstance(x, np.ndarray) and x.ndim and x.dtype.kind in "fiu":
        if not x.size:
            return "no values"
        low, high = float(x.min()), float(x.max())
        return f"{f'{low:g} to ' if low < high else ''}{high:g} {unit}".rstrip() + f" ({counted(x.size, 'value')})"
    return f"{_bare(x, quantity)} {unit}".rstrip()


def _bare(x: Any, quantity: str) -> str:
    if isinstance(x, Distribution):
        ends = {"min": x.min, "max": x.max}
        cut = "".join(f", {name} {v:g}" for name, v in ends.items() if math.isfinite(v))
        return f"{x.kind}({x.a:g}, {x.b:g}{cut})"
    if isinstance(x, Profile):
        at_0 = QUANTITIES.get(quantity, ("value",))[0]
        return f"{x.kind}({at_0} {x.a:g}, {SCALES[x.kind]} {x.b:g})"
    if isinstance(x, (bool, str)):
        return str(x)
    try:
        return f"{float(x):g}"
    except (TypeError, ValueError):
        return shown(x, 30)


def parameter_facts(model: Any, given: Mapping[str, Any]) -> list[Fact]:
    """The given parameters of a population or a synapse model, and the initial values."""
    units = {p.name: p.unit for p in (*model.parameters, *getattr(model, "states", ()))}
    return [Fact(name, value_text(x, units.get(name, ""))) for name, x in given.items()]


def ids_text(index: range | np.ndarray) -> str:
    """Indices of nodes as in the brackets of a view; only the first of many."""
    if isinstance(index, range) and index.step == 1 and len(index) != 1:
        return f"{index.start}:{index.stop}"
    few = ",".join(str(int(i)) for i in index[:_FEW])
    return few if len(index) <= _FEW else f"{few},…"


def rule_text(rule: str, params: Mapping[str, Any]) -> str:
    """A rule with its parameters, such as "fixed_indegree(indegree 8)"."""
    texts = [f"{name} {value_text(x, quantity=name)}" for name, x in params.items() if name not in ("given", "matrix")]
    return f"{rule}({', '.join(texts)})" if texts else rule


def recorded_text(recordings: Iterable[Any]) -> str:
    """What is recorded, as in "spikes of exc, inh; V_m, I_syn_ex of exc[0:10]"."""
    of: dict[str, list[str]] = {}
    for r in recordings:
        of.setdefault(r.variable, []).append(r.view.name if r.view.whole else f"{r.view.name}[{ids_text(r.view.index)}]")
    together: dict[str, list[str]] = {}
    for variable, views in of.items():
        together.setdefault(", ".join(views), []).append(variable)
    return "; ".join(f"{', '.join(variables)} of {views}" for views, variables in together.items())
