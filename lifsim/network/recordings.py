"""Recordings, and the nested lists that `Network.record` and `Network.connect` accept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from lifsim.common.errors import ModelError, Problem
from lifsim.common.indices import listed_text
from lifsim.common.printable import shown
from lifsim.common.timegrid import nearest_on_grid, not_on_grid, on_grid, snapped, steps
from lifsim.common.values import KINDS, number
from lifsim.network.parameter_synonyms import variable_hint
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection
from lifsim.network.projection_choice import Choice, between, chosen, label_of

Nodes: TypeAlias = "str | Population | View"
NO_SIGNAL = "record the current that the targets receive, since each has its own: record_currents(source, target)"
Key: TypeAlias = tuple[str, str]  # population and name of a recording


@dataclass(frozen=True, eq=False)
class Recording:
    """A recording of `variable` of `view`. Sampled variables are recorded every `interval` ms, first at start + interval.

    With a `source`, the recording is of the weights of the synapses from `source` to `view`, or of the current from the generators
    `source`. `name` is the name of the trace in results, "" until the network has chosen one.

    `kind` is what is recorded: "spikes", "rate", "weights" (samples), "events" (each transmitted weight), "generator" (a signal of
    generators) or "probe" (any other variable of neurons).
    """

    view: View
    variable: str
    interval: float
    start: float = 0.0
    stop: float = math.inf
    source: View | None = None
    name: str = ""
    events: bool = False  # whether each transmitted weight is recorded, and not samples
    projection: Projection | None = None  # whose weights; None: those of all projections from `source` to `view`
    projection_label: str = ""  # what this projection is called
    kind: str = field(init=False)

    @property
    def key(self) -> Key:
        """The population and the name of the trace in results."""
        return self.view.name, self.name or self.default_name

    @property
    def default_name(self) -> str:
        """The name of the trace unless it is taken: the variable, and the projection if one is chosen."""
        return self.variable + (f".{self.projection_label}" if self.projection else "")

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", self._kind())

    def _kind(self) -> str:
        if self.variable in ("spikes", "rate"):
            return self.variable
        if self.events:
            return "events"
        if self.source is not None:
            return "probe" if self.source.population.model.role == "current" else "weights"
        return "probe" if self.view.population.model.role == "neuron" else "generator"

    @property
    def nodes(self) -> str:
        """The recorded nodes as the index of a view: ``[0:2]``, ``[3,17]``, ``[:]`` for all."""
        return "[:]" if self.view.whole else listed_text(self.view.index)


def sampling_times(place: str, **given: Any) -> tuple[dict[str, Any], list[Problem]]:
    """Convert the times of a recording to ms; returns them by name, and a problem for each that cannot be converted."""
    times, problems = {}, []
    for key, raw in given.items():
        try:
            times[key] = None if raw is None and key == "interval" else number(raw, "ms")
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error)))
    return times, problems


def is_list(nodes: Any) -> bool:
    """Whether `nodes` is a list of populations."""
    return isinstance(nodes, (list, tuple))


def as_list(nodes: Any) -> list[Any]:
    """`nodes` as a list of populations."""
    return list(nodes) if is_list(nodes) else [nodes]


def listed_entries(raw: Any, shape: tuple[int, int] | None) -> Callable[[int, int], Any]:
    """A function that returns entry [i][j] of a nested list given for lists of populations, else `raw` itself."""
    if shape is None:
        return lambda i, j: raw
    if isinstance(raw, Mapping):
        kind = next((k for k in raw if k in KINDS), None)
        held = {k: [listed_entries(x, shape) for x in v] if k == kind and is_list(v) else listed_entries(v, shape) for k, v in raw.items()}
        return lambda i, j: {k: [x(i, j) for x in v] if isinstance(v, list) else v(i, j) for k, v in held.items()}
    if is_list(raw) and len(raw) == shape[0] and all(is_list(row) and len(row) == shape[1] for row in raw):
        return lambda i, j: raw[i][j]
    return lambda i, j: raw


def recordings_of(
    place: str, dt: float, view: Callable[[Nodes, str], View], what: Any, variable: Any, times: Mapping[str, Any], name: str = ""
) -> list[Recording]:
    """The recordings for a call of `Network.record`; `view` converts nodes to a `View`, `name` is "" if the user gave none.

    Raises
    ------
    ModelError : lists every problem found.
    """
    variables = list(variable) if isinstance(variable, Iterable) and not isinstance(variable, (str, np.ndarray)) else [variable]
    if not variables:
        raise ModelError(f"{place}.variable", "no variable to record", "at least one name")
    made: list[Recording] = []
    known_times, problems = sampling_times(place, **times)
    if not problems:
        sampled = any(not isinstance(name, str) or name != "spikes" for name in variables)
        problems += _check_times(place, dt, sampled, **known_times)
    if name and (len(variables) > 1 or variables[0] == "spikes"):
        what_for = "several variables" if len(variables) > 1 else "spikes, which are kept by population"
        problems.append(Problem(f"{place}.name", f"{shown(name)} for {what_for}", "a name for a single sampled variable"))
    for nodes in as_list(what):
        try:
            own = view(nodes, f"{place}.populations")
        except ModelError as error:
            problems += error.problems
            continue
        for each in variables:
            known = own.population.model.recordables
            if not isinstance(each, str) or each not in known:
                got = f"{own.population.model.name} ({own.name}) has no variable {shown(each)} to record"
                hint = variable_hint(each if isinstance(each, str) else "", own.population.model) or NO_SIGNAL
                problems.append(Problem(f"{place}.variable", got, hint))
            elif not problems:
                made.append(Recording(own, each, *_snapped(dt, **known_times), name=name))
    if problems:
        raise ModelError.of(problems)
    return made


def synapse_recording(
    place: str,
    dt: float,
    view: Callable[[Nodes, str], View],
    source: Nodes,
    target: Nodes,
    projections: Sequence[Projection],
    times: Mapping[str, Any],
    name: str = "",
    variable: str = "weight",
    events: bool = False,
    projection: Choice = None,
) -> Recording:
    """The recording of the weights, or of the current ("I"), from `source` to `target`; `name` is "" if the user gave none.

    With `events`, each transmitted weight is recorded. `projection` is one of several projections; None for all of them.

    Raises
    ------
    ModelError : lists every problem found.
    """
    known_times, problems = sampling_times(place, **times)
    if not problems:
        problems += _check_times(place, dt, True, **known_times)
    views: list[View] = []
    for nodes, end in ((source, "source"), (target, "target")):
        try:
            views.append(view(nodes, f"{place}.{end}"))
        except ModelError as error:
            problems += error.problems
    if len(views) == 2:
        problems += _check_synapses(place, projections, views[0], views[1], variable)
        own, wrong = _recorded(f"{place}.projection", projections, (views[0], views[1]), projection)
        problems += wrong
        problems += _check_events(place, own, known_times.get("interval")) if events is True else []
    if not isinstance(events, bool):
        problems.append(Problem(f"{place}.events", shown(events), "must be true or false"))
    if problems:
        raise ModelError.of(problems)
    what = f"{variable}{'_events' if events else ''}_from_{views[0].name}"
    one = None if projection is None else own[0]
    return Recording(views[1], what, *_snapped(dt, **known_times), views[0], name, events, one, label_of(projections, one))


def _recorded(
    place: str, projections: Sequence[Projection], ends: tuple[View, View], projection: Choice
) -> tuple[list[Projection], Sequence[Problem]]:
    """The projections between two views whose weights are recorded, and the problems with the one that is asked for."""
    if projection is None or not between(projections, *ends):
        return [projections[i] for i in between(projections, *ends)], []
    try:
        return [projections[chosen(place, projections, *ends, projection)]], []
    except ModelError as error:
        return [], error.problems


def _check_events(place: str, recorded: Sequence[Projection], interval: float | None) -> Iterable[Problem]:
    """Report problems with recording each weight that is transmitted by the projections `recorded`."""
    if recorded and not any(p.synapse and p.synapse.model.changes_weights for p in recorded):
        models = ", ".join(sorted({p.synapse.model.name if p.synapse else "static_synapse" for p in recorded}))
        yield Problem(f"{place}.events", f"the weights of {models} do not change", "synapses with long-term plasticity")
    if interval is not None:
        yield Problem(f"{place}.interval", f"{interval:g} ms with events", "no interval: every transmitted weight is recorded")


def _check_times(place: str, dt: float, sampled: bool, interval: float | None, start: float, stop: float) -> Iterable[Problem]:
    """Report problems with the times of a recording (ms); `sampled` is False for spikes, which have no interval."""
    if interval is not None and not (0 < interval < math.inf):
        yield Problem(f"{place}.interval", f"{interval:g} ms", "a finite time above 0")
    elif interval is not None and not on_grid(interval, dt):
        yield Problem(f"{place}.interval", not_on_grid(interval, dt), nearest_on_grid(interval, dt))
    elif interval is not None and steps(interval, dt) < 1:
        yield Problem(f"{place}.interval", f"{interval:g} ms is less than a step", nearest_on_grid(interval, dt))
    if sampled and interval is None and not on_grid(1.0, dt):
        yield Problem(f"{place}.interval", "1 ms (the default) is not on the grid", nearest_on_grid(1.0, dt))
    for key, t in (("start", start), ("stop", stop)):
        if t < 0 or (math.isfinite(t) and not on_grid(t, dt)):
            yield Problem(f"{place}.{key}", f"{t:g} ms", f"must be a multiple of dt = {dt:g} ms, at least 0")
    if not sampled and interval is not None:
        yield Problem(f"{place}.interval", f"{interval:g} ms for spikes", "spikes have no interval: every one is recorded")
    if stop < start:
        yield Problem(f"{place}.stop", f"{stop:g} ms is before start {start:g} ms")


def _snapped(dt: float, interval: float | None, start: float, stop: float) -> tuple[float, float, float]:
    """Interval (default 1 ms), start and stop of a recording, rounded to multiples of dt."""
    return snapped(1.0 if interval is None else interval, dt), snapped(start, dt), snapped(stop, dt)


def _check_synapses(place: str, projections: Sequence[Projection], source: View, target: View, variable: str) -> Iterable[Problem]:
    """Report problems with recording the weights of the synapses, or the current ("I"), from `source` to `target`."""
    if not between(projections, source, target):
        yield Problem(place, f"there are no synapses from {source.name} to {target.name}", "connect them first")
    elif variable == "I" and source.population.model.role != "current":
        yield Problem(f"{place}.source", f"a {source.population.model.name} sends no current", "a generator of currents")
    elif variable == "I" and not source.whole:
        yield Problem(f"{place}.source", f"{source}, a part of a population", "all its generators; their currents are added up")
    elif variable == "I":
        return
    elif source.population.model.role not in ("neuron", "spikes"):
        yield Problem(f"{place}.source", f"a {source.population.model.name} has no stored synapses", "neurons or a spike_generator")
