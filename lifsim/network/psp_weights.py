"""Weights given as the peak of the postsynaptic potential: ``"0.15 mV PSP"``, turned into the unit of the target's weights.

The factor depends on tau_m, C_m and the synaptic time constant of the target, and with it on the sign of the weight, which selects the
excitatory or the inhibitory one (`lifsim.common.psp`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common import units
from lifsim.common.printable import shown
from lifsim.common.psp import PEAKS
from lifsim.common.values import Distribution
from lifsim.network.population import Population, View

# The shape of the postsynaptic current of each model with linear synapses. A weight of the delta models is the peak itself.
SYNAPSES = {
    **dict.fromkeys(("iaf_psc_delta", "iaf_psc_delta_ps", "if_psc_delta", "if_psc_delta_hard", "lif_psc_delta"), "delta"),
    **dict.fromkeys(("iaf_psc_exp", "iaf_psc_exp_ps", "iaf_psc_exp_ps_lossless", "iaf_psc_exp_multisynapse"), "exp"),
    **dict.fromkeys(("lif_psc_exp", "mat2_psc_exp"), "exp"),
    **dict.fromkeys(("iaf_psc_alpha", "iaf_psc_alpha_ps"), "alpha"),
}
_DEEPEST = 8  # levels of lists
_PSP = re.compile(r"(.*\S)\s*\bPSP\s*", re.DOTALL)


def names_psp(raw: Any, depth: int = 0) -> bool:
    """Whether a weight, or a value inside it, is given as the peak of a potential."""
    if isinstance(raw, str):
        return bool(_PSP.fullmatch(raw))
    inner = raw.values() if isinstance(raw, Mapping) else raw if isinstance(raw, (list, tuple)) else ()
    return depth < _DEEPEST and any(names_psp(x, depth + 1) for x in inner)


def psp_hint(raw: Any, unit: str, target: View) -> str:
    """What to write in place of the weight `raw`, a voltage where a current is expected; else nothing."""
    if unit != "pA" or target.population.model.name not in SYNAPSES or not isinstance(raw, str):
        return ""
    try:
        number, symbol = units.split(raw)
    except ValueError:
        return ""
    return f'write "{number:g} {symbol} PSP" for the current whose PSP has this peak' if units.coherent(symbol) == "mV" else ""


def from_psp(raw: Any, source: View, target: View, receptor: Any) -> Any:
    """`raw` with every peak of a potential replaced by the weight that causes it, in the unit of the target.

    Raises
    ------
    ValueError : such a weight has no meaning for this target. The message has no place; the caller adds it.
    """
    model = target.population.model
    if source.population.model.role == "current":
        raise ValueError(f"{shown(raw)} for a {source.population.model.name}; its weight is a factor, a number without a unit")
    if model.name not in SYNAPSES:
        advice = "write the peak conductance in nS" if model.weight_unit == "nS" else "only models with linear synaptic currents have it"
        raise ValueError(f"{shown(raw)} onto {target.name} ({model.name}), whose PSP is not proportional to the weight; {advice}")
    return _Converter(target.population, receptor).of(raw)


class _Converter:
    def __init__(self, target: Population, receptor: Any) -> None:
        self.target, self.receptor = target, receptor

    def of(self, raw: Any, depth: int = 0) -> Any:
        if isinstance(raw, str):
            if not names_psp(raw):
                return raw  # a quantity in another unit
            peak = self.peak(raw)
            return peak * self.factor(peak)
        if depth == _DEEPEST:
            raise ValueError("lists are nested too deeply")
        if isinstance(raw, Mapping):
            return {key: self.entry(key, x, depth + 1) for key, x in raw.items()}
        return [self.of(x, depth + 1) for x in raw] if isinstance(raw, (list, tuple)) else raw

    def entry(self, key: str, raw: Any, depth: int) -> Any:
        """An entry of a distribution or of a function of distance, whose numbers form one value: all of them get the same factor."""
        if not isinstance(raw, (list, tuple)) or not names_psp(raw):
            return self.of(raw, depth)
        if key == "lognormal":
            raise ValueError('lognormal takes the mean and SD of a logarithm, which have no unit; write {normal = ["0.15 mV PSP", …]}')
        if not all(map(names_psp, raw)):
            raise ValueError(f"{key} mixes peaks of potentials with other values: {shown(list(raw))}")
        peaks = [self.peak(x) for x in raw]
        factors = {self.factor(x) for x in (peaks[:1] if key == "normal" else peaks)}
        if len(factors) > 1:
            raise ValueError(f"{shown(list(raw))} has both signs, for which {self.target.name} has different tau_syn; give weights in pA")
        return [x * next(iter(factors)) for x in peaks]

    def peak(self, raw: Any) -> float:
        """The number in mV of a text such as "0.15 mV PSP"."""
        match = _PSP.fullmatch(raw)
        return units.parse(match[1] if match else raw, "mV")

    def factor(self, peak: float) -> float:
        """Weight per mV of the peak."""
        kind = SYNAPSES[self.target.model.name]
        if kind == "delta":
            return 1.0
        if any(p.name == "tau_syn" for p in self.target.model.parameters):
            series = np.atleast_1d(self.target.get("tau_syn"))
            k = max(int(self.receptor) if isinstance(self.receptor, (int, np.integer)) else 0, 1) - 1
            tau_syn = float(series[min(k, len(series) - 1)])  # a wrong receptor is reported by its own check
        else:
            tau_syn = self.single("tau_syn_ex" if peak >= 0 else "tau_syn_in")
        return 1.0 / float(PEAKS[kind](self.single("tau_m"), self.single("C_m"), tau_syn))

    def single(self, name: str) -> float:
        """A parameter that is the same in all neurons."""
        x = self.target.get(name)
        if isinstance(x, Distribution) or (isinstance(x, np.ndarray) and np.ptp(x) > 0):
            raise ValueError(f"{name} differs between the neurons of {self.target.name}, and with it the weight of a PSP; write it in pA")
        return float(np.atleast_1d(x)[0])
