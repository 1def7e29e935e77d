"""What a result holds of one neuron: its potential, its currents, its spikes, and the parameters of its model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lifsim import analysis
from lifsim.common.errors import DataError, LifsimError, did_you_mean
from lifsim.modelfile.reader import loads
from lifsim.plot.selection import Look, looks_of
from lifsim.results.data import Traces
from lifsim.results.result import Result

_PARAMETERS = ("V_th", "V_reset", "E_L", "t_ref", "I_e", "C_m", "tau_m", "g_L")


class NeuronTrace(NamedTuple):
    """A recorded variable of a neuron: times of the samples in ms, values."""

    name: str
    at: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class OneNeuron:
    """A neuron with recorded V_m, in the window from `start` to `stop` (ms).

    parameters : those of `_PARAMETERS` that are known to be one number. spikes : their times in ms; None if they were not recorded.
    t_ref : the course of `t_ref_remaining`, if it was recorded.
    """

    population: str
    number: int
    look: Look
    start: float
    stop: float
    dt: float
    potential: NeuronTrace
    threshold: NeuronTrace | None
    t_ref: NeuronTrace | None
    currents: list[NeuronTrace]
    spikes: np.ndarray | None
    parameters: dict[str, float]
    label: str

    def refractory(self) -> list[tuple[float, float]]:
        """The refractory periods as (start, duration) in ms: as recorded, or else of t_ref after each spike."""
        if self.t_ref is not None:
            at, left = self.t_ref.at, self.t_ref.values
            every = at[1] - at[0] if len(at) > 1 else self.dt
            begins = np.flatnonzero(np.diff((left > 0).astype(int), prepend=0) == 1)
            ends = np.flatnonzero(np.diff((left > 0).astype(int), append=0) == -1)
            return [(at[a] - every, at[b] - at[a] + every) for a, b in zip(begins, ends, strict=True)]
        if self.spikes is None or not self.parameters.get("t_ref"):
            return []
        held = math.ceil(self.parameters["t_ref"] / self.dt - 1e-9) * self.dt if self.dt > 0 else self.parameters["t_ref"]
        return [(t, held) for t in self.spikes]


def one_neuron(
    result: Result, population: str | None, neuron: int | None, t_start: float | None, t_stop: float | None, net: Any
) -> OneNeuron:
    """The neuron (None: the first of which V_m was recorded) of a population (None: the first with V_m).

    net : the `Network` that was run; None: that of the model text in the result.
    """
    analysis.check_window(result, t_start, t_stop)
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    name = _population(result, population)
    traces = result.traces[name]
    known = sorted({int(i) for v in traces.named("V_m") for i in traces.ids_of(v)})
    number = known[0] if neuron is None else int(neuron)
    if number not in known:
        shown = ", ".join(map(str, known[:8])) + (", …" if len(known) > 8 else "")
        raise DataError("neuron", f"V_m of neuron {number} of {name} was not recorded", f"one of: {shown}")

    def course(variable: str) -> NeuronTrace | None:
        return next(_courses(traces, variable, number, start, stop), None)

    potential = course("V_m")
    assert potential is not None
    spikes = None
    if name in result.spikes and number in result.spikes[name].recorded_ids:
        window = result.spikes[name].window(start, stop)
        spikes = window.times[window.ids == number]
    currents = [c for v in traces if traces.unit_of(v) == "pA" and len(traces.ids_of(v)) for c in _courses(traces, v, number, start, stop)]
    currents = [c for c in currents if not c.name.startswith("weight_from_")]
    look = looks_of(result)[name]
    label = look.label if int(result.populations[name]["n"]) == 1 else f"{look.label}, neuron {number}"
    parameters = _parameters(result, name, number, net)
    recorded = potential, course("V_th"), course("t_ref_remaining"), currents, spikes
    return OneNeuron(name, number, look, start, stop, result.dt, *recorded, parameters, label)


def _population(result: Result, wanted: str | None) -> str:
    known = [p for p in result.traces if result.traces[p].named("V_m")]
    if not known:
        raise DataError("plot", "V_m was not recorded", 'record it in the model, such as net.record(exc[0], "V_m", interval=0.1)')
    if wanted is not None and wanted not in known:
        raise DataError("population", f"V_m of {wanted!r} was not recorded", did_you_mean(wanted, known) or f"one of: {', '.join(known)}")
    return wanted or known[0]


def _courses(traces: Traces, variable: str, number: int, start: float, stop: float) -> Iterator[NeuronTrace]:
    """The traces of a variable that contain the neuron, in the window."""
    for name in traces.named(variable):
        column = np.flatnonzero(traces.ids_of(name) == number)
        if len(column):
            at = traces.times_of(name)
            inside = (at > start + 1e-9) & (at <= stop + 1e-9)
            yield NeuronTrace(traces.variable_of(name), at[inside], traces[name][inside, column[0]])


def _parameters(result: Result, population: str, number: int, net: Any) -> dict[str, float]:
    if net is None:
        text = result.info.get("model_text")
        if not text:
            return {}
        with suppress(LifsimError, OSError):  # a model that needs files which are not here
            net = loads(text, **(result.info.get("parameters") or {}))
    of = None if net is None else net.populations.get(population)
    if of is None:
        return {}
    names = {p.name for p in of.model.parameters} & set(_PARAMETERS)
    return {name: x for name in names if (x := _number(of.get(name), number)) is not None}


def _number(value: Any, number: int) -> float | None:
    """The value of a parameter for a neuron; None if it is drawn at random."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and number < len(value):
        return float(value[number])
    return float(value) if isinstance(value, (int, float, np.floating, np.integer)) else None
