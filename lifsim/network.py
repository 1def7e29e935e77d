"""What to simulate: populations, projections, recordings. Knows nothing of execution.

A `Network` is inert. It is checked while it is described, so that every mistake is reported where
it is made, and it can be built and run any number of times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lifsim.errors import ModelError, Problem, did_you_mean
from lifsim.grid import nearest_on_grid, not_on_grid, on_grid, snapped, steps
from lifsim.models import MODELS
from lifsim.multapses import shared_pairs
from lifsim.populations import Population, View, bad_intervals, bad_trains, index_of, normalise, off_grid, relations
from lifsim.positions import positions as as_positions
from lifsim.printable import shown
from lifsim.projections import Projection, projection
from lifsim.values import KINDS, is_whole, number

Nodes: TypeAlias = "str | Population | View"

METHODS = ("grid", "precise")
MOST_NODES = 2**31 - 2  # they are numbered in 32 bits


@dataclass(frozen=True, eq=False)
class Recording:
    """Record `variable` of `view`; sampled ones every `interval` ms, first at start + interval.

    With a `source`: the weights of the synapses from there onto `view`.
    """

    view: View
    variable: str
    interval: float
    start: float = 0.0
    stop: float = math.inf
    source: View | None = None


@dataclass(eq=False)
class Network:
    """The description of a network.

    Parameters
    ----------
    dt : time step in ms.
    name, description, reference : what it is and where it comes from (kept in every result).
    duration, seed, method : what a run takes unless told otherwise; duration in ms, method "grid" or "precise"
        (None: what the models need).
    text, parameters : the model file that it was read from and the values of its parameters
        (empty for a network described in Python).
    read_files : files of weights and lists of synapses that the model file refers to: a run must not replace them.

    Examples
    --------
    >>> net = Network(dt=0.1)
    >>> exc = net.add("exc", 100, "iaf_psc_delta", tau_m=20.0, V_m={"uniform": [-70.0, -60.0]})
    >>> _ = net.connect(exc, exc, "fixed_indegree", indegree=10, weight=0.1, delay=1.5)
    >>> net.record(exc, "spikes")
    """

    dt: float = 0.1
    name: str = "network"
    description: str = ""
    reference: str = ""
    duration: float | None = None
    seed: int = 1
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    text: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    method: str | None = None
    read_files: list[str] = field(default_factory=list)
    _counted: tuple[int, int] = field(default=(0, 0), init=False, repr=False)  # populations, and the nodes of all of them
    _seen: tuple[list[Recording], list[Recording], set[tuple[str, str]]] = field(
        default_factory=lambda: ([], [], set()), init=False, repr=False
    )

    def __post_init__(self) -> None:
        try:
            self.dt = number(float(str(self.dt)) if isinstance(self.dt, np.floating) else self.dt, "ms")  # 0.1 of float32 means 0.1
        except ValueError as error:
            raise ModelError("run.dt", str(error), "a time in ms") from None
        if not (0 < self.dt < math.inf):
            raise ModelError("run.dt", f"{self.dt:g}", "a finite time above 0 ms")
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or not 0 <= self.seed < 2**64:
            raise ModelError("run.seed", shown(self.seed), "a whole number from 0 to 2^64 - 1")
        if self.method is not None and (not isinstance(self.method, str) or self.method not in METHODS):
            raise ModelError("run.method", shown(self.method), "one of: " + ", ".join(METHODS))
        try:
            number(0.0 if self.duration is None else self.duration, "ms")
        except ValueError as error:
            raise ModelError("run.duration", str(error), "a time in ms") from None
        for key in ("name", "description", "reference"):
            if not isinstance(getattr(self, key), str):
                raise ModelError(key, shown(getattr(self, key)), "a text")

    def __setattr__(self, name: str, value: Any) -> None:
        """`dt` stays as it is once times have been compared with it."""
        if name == "dt" and getattr(self, "populations", None):
            raise ModelError("run.dt", "is set after populations were added", f"a new Network with dt = {value!r}")
        super().__setattr__(name, value)

    # -- populations ---------------------------------------------------------------------------

    def add(self, name: str, n: int, model: str, *, positions: Any = None, **params: Any) -> Population:
        """Add `n` nodes of `model` (a neuron or a stimulus) as a population called `name`.

        Keyword arguments are the model's parameters and initial values, in NEST's names and units
        (ms, mV, pF, pA, Hz); each a number, an array of n numbers, a distribution
        (``{"normal": [mean, sd]}``) or a string with a unit (``"20 ms"``).

        `positions` (mm) say where the nodes lie, in 1 to 3 dimensions: an array (n, dimensions), or a table
        ``{"grid": [columns, rows]}`` (nodes in the middle of cells, in NEST's order), ``{"random": True}`` (anywhere
        alike, drawn from the seed and the name) or ``{"points": array}``, with ``"extent"`` (the size of the space along
        each axis), ``"center"`` (0) and ``"periodic"`` (False: opposite sides touch).

        Raises
        ------
        ModelError : with every problem found.
        """
        place = f"populations.{name if isinstance(name, str) else shown(name)}"
        problems = list(self._check_population(place, name, n, model))
        if problems:
            raise ModelError.of(problems)
        kind = MODELS[model].of(params)
        given: dict[str, Any] = {}
        for key, raw in params.items():
            if key not in kind.settable:
                problems.append(Problem(f"{place}.{key}", f"{model} has no such parameter", did_you_mean(key, kind.settable)))
                continue
            try:
                given[key] = normalise(kind.parameter(key), raw, int(n))
            except ValueError as error:
                problems.append(Problem(f"{place}.{key}", str(error)))
        where = None
        if positions is not None:
            try:
                where = as_positions(f"{place}.positions", positions, int(n))
            except ModelError as error:
                problems += error.problems
        if not problems:
            problems += [
                *relations(place, kind, given),
                *off_grid(place, kind, given, self.dt),
                *bad_intervals(place, kind, given, self.dt),
            ]
            problems += bad_trains(place, given, int(n))
        if problems:
            raise ModelError.of(problems)
        states = {p.name for p in kind.states}
        population = Population(
            name,
            int(n),
            kind,
            {k: v for k, v in given.items() if k not in states},
            {k: v for k, v in given.items() if k in states},
            where,
        )
        nodes = self._nodes()
        self.populations[name] = population
        self._counted = len(self.populations), nodes + population.n
        return population

    def _nodes(self) -> int:
        """The nodes of all populations, counted anew where populations came or went in another way than by `add`."""
        if self._counted[0] != len(self.populations):
            self._counted = len(self.populations), sum(p.n for p in self.populations.values())
        return self._counted[1]

    def _check_population(self, place: str, name: str, n: Any, model: Any) -> Iterable[Problem]:
        if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_-+" for c in name):
            yield Problem(place, f"{shown(name)} is not a name", "letters, digits, _ - +")
        elif name in self.populations:
            yield Problem(place, "there is a population of this name already")
        if not is_whole(n) or n < 1:
            yield Problem(f"{place}.n", shown(n), "a whole number of nodes, at least 1")
        elif n > MOST_NODES:
            yield Problem(f"{place}.n", shown(n), f"at most {MOST_NODES} nodes")
        elif n + (others := self._nodes()) > MOST_NODES:
            yield Problem(f"{place}.n", f"{n} beside {others} nodes", f"at most {MOST_NODES} nodes in all populations together")
        if not isinstance(model, str) or model not in MODELS:
            yield Problem(
                f"{place}.model", f"there is no model {shown(model)}", did_you_mean(model if isinstance(model, str) else "", MODELS)
            )

    def view(self, nodes: Nodes, place: str = "population") -> View:
        """`nodes` (a name such as ``"exc"`` or ``"exc[:10]"``, a population or a view) as a view."""
        if isinstance(nodes, View):
            owner = nodes.population
            view = nodes
        elif isinstance(nodes, Population):
            owner, view = nodes, nodes[:]
        elif isinstance(nodes, str):
            name, bracket, index = nodes.partition("[")
            if name not in self.populations:
                raise ModelError(place, f"there is no population {shown(name)}", did_you_mean(name, self.populations))
            owner = self.populations[name]
            try:
                view = owner[index_of(index, place)] if bracket else owner[:]
            except ModelError as error:
                raise ModelError(place, f"{shown(nodes)}: {error.problems[0].got}", error.problems[0].allowed) from None
        else:
            raise ModelError(place, shown(nodes), "a population, a slice of one, or a name")
        if self.populations.get(owner.name) is not owner:
            raise ModelError(place, f"population {owner.name!r} belongs to another network")
        if len(view) == 0:
            raise ModelError(place, f"{nodes} holds no nodes", f"{owner.name} has {owner.n}")
        return view

    def positions(self, nodes: Nodes, seed: int | None = None) -> np.ndarray:
        """Where `nodes` lie: (n, dimensions), mm. Random positions are those of a run with `seed` (default: the network's).

        Raises
        ------
        ModelError : they have no positions.
        """
        view = self.view(nodes)
        if view.population.positions is None:
            raise ModelError(view.name, "has no positions", "add it with positions = …")
        return view.population.positions.of(view.name, self.seed if seed is None else seed)[view.ids]

    # -- projections ---------------------------------------------------------------------------

    def connect(
        self,
        source: Nodes | Sequence[Nodes],
        target: Nodes | Sequence[Nodes],
        rule: Any = "all_to_all",
        *,
        weight: Any = 1.0,
        delay: Any = 1.0,
        synapse: Any = "static_synapse",
        allow_autapses: bool = True,
        allow_multapses: bool = True,
        receptor_type: Any = 0,
        **params: Any,
    ) -> list[Projection]:
        """Connect `source` to `target`.

        Parameters
        ----------
        source, target : population, slice, name, or a list of these. With a list, every value may
            also be a nested list, one entry [target][source] for each pair of populations.
        rule : ``one_to_one``, ``all_to_all``, ``pairwise_bernoulli`` (p), ``fixed_indegree``
            (indegree), ``fixed_outdegree`` (outdegree), ``fixed_total_number`` (N), ``explicit``
            (sources, targets: index arrays; or file: a list in CSV or HDF5, of which the edges of a SONATA file may have
            edge_types: a CSV file, one beside it unless given, False for none), or a scipy.sparse matrix or
            a 2-D array of weights of shape (n_target, n_source), whose stored (non-zero) entries are the
            synapses. Between populations that have positions p may fall with distance, as in
            ``{"gaussian": {"p0": 0.8, "sigma": 0.2}}``, also ``exponential`` (p0, lambda) and ``box`` (p0,
            radius), with an optional ``"max_distance"``; then ``fixed_indegree`` and ``fixed_outdegree`` take
            it too, and choose partners in proportion to it.
        weight : mV for iaf_psc_delta, nS for conductances, pA for the others. A number, a distribution, or an array: see
            `delay` for the shapes. Or a function of distance: gaussian, exponential, box (w0) or linear
            (base, per_mm).
        delay : ms, at least dt. ``{"linear": {"base": 1.0, "per_mm": 0.5}}`` grows with distance, is
            rounded to the grid and at least dt. An array has one entry a synapse in the order of the rule: (n,) for
            one_to_one and explicit, (n_target, n_source) for all_to_all, pairwise_bernoulli and
            matrices, (n_target, indegree), (n_source, outdegree), (N,) sorted by target; for a
            scipy.sparse matrix also a matrix of the same pattern.
        synapse : the model of the synapses (`lifsim.synapses`): its name, or a table with ``model`` and
            its parameters, ``{"model": "stdp_synapse", "lambda": 0.02}``; those that may differ between
            synapses are given as weights are. Plastic ones come from neurons or spike_generators.
        allow_autapses : may a neuron connect to itself?
        allow_multapses : may a pair have several synapses? If not, lists in which nodes occur twice, so that two of the
            projections made here could join the same pair, are an error; other connections are not looked at.
        receptor_type : 1, 2, …: which receptor of targets that have several (``iaf_psc_exp_multisynapse``)
            the synapses go to; in all others the sign of a weight decides.

        Returns
        -------
        The projections made, one a pair of populations, targets outermost. None for a pair whose
        count (or p) is 0.

        Raises
        ------
        ModelError : with every problem found.
        """
        place = f"projections[{len(self.projections)}]"
        sources, targets = _as_list(source), _as_list(target)
        shape = (len(targets), len(sources)) if _is_list(source) or _is_list(target) else None
        if not isinstance(rule, str):
            params, rule = {**params, "matrix": rule}, "matrix"
        options = {
            "weight": weight,
            "delay": delay,
            "synapse": synapse,
            "allow_autapses": allow_autapses,
            "allow_multapses": allow_multapses,
            "receptor_type": receptor_type,
        }
        entries = {key: _entries(raw, shape) for key, raw in {**params, **options}.items()}
        made: dict[tuple[int, int], Projection] = {}
        problems: dict[Problem, None] = {}
        ends = [self._ends(f"{place}.{end}", nodes, problems) for end, nodes in (("source", sources), ("target", targets))]
        for i, t in enumerate(ends[1]):
            for j, s in enumerate(ends[0]):
                if s is None or t is None:
                    continue
                try:
                    made[i, j] = projection(place, self.dt, s, t, rule, {key: entry(i, j) for key, entry in entries.items()})
                except ModelError as error:
                    problems |= dict.fromkeys(error.problems)
        made = {cell: p for cell, p in made.items() if not p.nothing}
        if not problems:
            problems |= dict.fromkeys(shared_pairs(place, made))
        if problems:
            raise ModelError.of(problems)
        self.projections += made.values()
        return list(made.values())

    def _ends(self, place: str, nodes: Iterable[Nodes], problems: dict[Problem, None]) -> list[View | None]:
        """The views that `nodes` mean, None where they mean none, which is added to `problems`."""
        views: list[View | None] = []
        for each in nodes:
            try:
                views.append(self.view(each, place))
            except ModelError as error:
                problems |= dict.fromkeys(error.problems)
                views.append(None)
        return views

    # -- recordings ----------------------------------------------------------------------------

    def record(
        self,
        what: Nodes | Sequence[Nodes],
        variable: str | Sequence[str] = "spikes",
        *,
        interval: Any = None,
        start: Any = 0.0,
        stop: Any = math.inf,
    ) -> None:
        """Record `variable` of `what` (population, slice, name, or a list of these).

        `variable` is "spikes", "rate" (population rate in spikes/s per neuron), or a state variable
        such as "V_m", "I_syn_ex". Sampled variables are taken every `interval` ms (1 ms unless
        given), the first time at ``start + interval``; spikes count if start < t <= stop.

        Raises
        ------
        ModelError : with every problem found.
        """
        place = f"record[{len(self.recordings)}]"
        variables = list(variable) if isinstance(variable, Iterable) and not isinstance(variable, (str, np.ndarray)) else [variable]
        if not variables:
            raise ModelError(f"{place}.variable", "no variable to record", "at least one name")
        made: list[Recording] = []
        times, problems = _times(place, interval=interval, start=start, stop=stop)
        if not problems:
            sampled = any(not isinstance(name, str) or name != "spikes" for name in variables)
            problems += self._check_times(place, sampled, **times)
        for nodes in _as_list(what):
            try:
                view = self.view(nodes, f"{place}.populations")
            except ModelError as error:
                problems += error.problems
                continue
            for name in variables:
                known = view.population.model.recordables
                if not isinstance(name, str) or name not in known:
                    got = f"{view.population.model.name} ({view.name}) has no variable {shown(name)} to record"
                    problems.append(Problem(f"{place}.variable", got, did_you_mean(name if isinstance(name, str) else "", known)))
                elif not problems:
                    made.append(Recording(view, name, *self._snapped(**times)))
        if problems:
            raise ModelError.of(problems)
        self._add_recordings(place, made)

    def record_weights(self, source: Nodes, target: Nodes, *, interval: Any = None, start: Any = 0.0, stop: Any = math.inf) -> None:
        """Record the weights of all synapses from `source` to `target` (population, slice or name), every `interval` ms (1 ms
        unless given). They are in ``result.traces[target]["weight_from_SOURCE"]``, a column a synapse.

        Raises
        ------
        ModelError : with every problem found.
        """
        place = f"record[{len(self.recordings)}]"
        times, problems = _times(place, interval=interval, start=start, stop=stop)
        if not problems:
            problems += self._check_times(place, True, **times)
        views: list[View] = []
        for nodes, end in ((source, "source"), (target, "target")):
            try:
                views.append(self.view(nodes, f"{place}.{end}"))
            except ModelError as error:
                problems += error.problems
        if len(views) == 2:
            problems += self._check_synapses(place, *views)
        if problems:
            raise ModelError.of(problems)
        made = Recording(views[1], f"weight_from_{views[0].name}", *self._snapped(**times), views[0])
        self._add_recordings(place, [made])

    def _check_synapses(self, place: str, source: View, target: View) -> Iterable[Problem]:
        if not any(p.source.population is source.population and p.target.population is target.population for p in self.projections):
            yield Problem(place, f"there are no synapses from {source.name} to {target.name}", "connect them first")
        elif source.population.model.role not in ("neuron", "spikes"):
            yield Problem(f"{place}.source", f"a {source.population.model.name} has no stored synapses", "neurons or a spike_generator")

    def _snapped(self, interval: float | None, start: float, stop: float) -> tuple[float, float, float]:
        """Interval (1 ms unless given), start and stop of a recording, as the multiples of dt that they are meant to be."""
        return snapped(1.0 if interval is None else interval, self.dt), snapped(start, self.dt), snapped(stop, self.dt)

    def _check_times(self, place: str, sampled: bool, interval: float | None, start: float, stop: float) -> Iterable[Problem]:
        if interval is not None and not (0 < interval < math.inf):
            yield Problem(f"{place}.interval", f"{interval:g} ms", "a finite time above 0")
        elif interval is not None and not on_grid(interval, self.dt):
            yield Problem(f"{place}.interval", not_on_grid(interval, self.dt), nearest_on_grid(interval, self.dt))
        elif interval is not None and steps(interval, self.dt) < 1:
            yield Problem(f"{place}.interval", f"{interval:g} ms is less than a step", nearest_on_grid(interval, self.dt))
        if sampled and interval is None and not on_grid(1.0, self.dt):
            yield Problem(f"{place}.interval", "1 ms (the default) is not on the grid", nearest_on_grid(1.0, self.dt))
        for key, t in (("start", start), ("stop", stop)):
            if t < 0 or (math.isfinite(t) and not on_grid(t, self.dt)):
                yield Problem(f"{place}.{key}", f"{t:g} ms", f"must be a multiple of dt = {self.dt:g} ms, at least 0")
        if not sampled and interval is not None:
            yield Problem(f"{place}.interval", f"{interval:g} ms for spikes", "spikes have no interval: every one is recorded")
        if stop < start:
            yield Problem(f"{place}.stop", f"{stop:g} ms is before start {start:g} ms")

    def _add_recordings(self, place: str, made: Sequence[Recording]) -> None:
        """Add recordings; ModelError if there is one already of the same variable and population."""
        seen, new, problems = self._recorded(), set(), []
        for key in ((r.view.name, r.variable) for r in made):
            if key in seen or key in new:
                problems.append(Problem(place, f"{key[1]} of {key[0]} is recorded already", "one recording of a variable a population"))
            new.add(key)
        if problems:
            raise ModelError.of(problems)
        self.recordings += made
        seen |= new
        self._seen = self.recordings, self.recordings[-1:], seen

    def _recorded(self) -> set[tuple[str, str]]:
        """Population and variable of each recording, as remembered unless the list was changed from outside."""
        recordings, last, seen = self._seen
        same = recordings is self.recordings and len(seen) == len(recordings) and recordings[-1:] == last
        return seen if same else {(r.view.name, r.variable) for r in self.recordings}

    def snapshot(self) -> Network:
        """The network as it is now, of the same populations and projections: what is added later is not in it."""
        now = copy(self)
        now.populations, now.projections, now.recordings = dict(self.populations), list(self.projections), list(self.recordings)
        return now

    def save(self, path: str | Path) -> None:
        """Write a model file that `lifsim.load` turns back into the same network."""
        from lifsim.modelfile import save

        save(self, path)


def _times(place: str, **given: Any) -> tuple[dict[str, Any], list[Problem]]:
    """Times in ms, and what is wrong with them."""
    times, problems = {}, []
    for key, raw in given.items():
        try:
            times[key] = None if raw is None and key == "interval" else number(raw, "ms")
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error)))
    return times, problems


# -- lists of populations ------------------------------------------------------------------------


def _is_list(nodes: Any) -> bool:
    return isinstance(nodes, (list, tuple))


def _as_list(nodes: Any) -> list[Any]:
    return list(nodes) if _is_list(nodes) else [nodes]


def _entries(raw: Any, shape: tuple[int, int] | None) -> Callable[[int, int], Any]:
    """What gives the entry [i][j] of a nested list given for lists of populations, else `raw` itself."""
    if shape is None:
        return lambda i, j: raw
    if isinstance(raw, Mapping):
        kind = next((k for k in raw if k in KINDS), None)
        held = {k: [_entries(x, shape) for x in v] if k == kind and _is_list(v) else _entries(v, shape) for k, v in raw.items()}
        return lambda i, j: {k: [x(i, j) for x in v] if isinstance(v, list) else v(i, j) for k, v in held.items()}
    if _is_list(raw) and len(raw) == shape[0] and all(_is_list(row) and len(row) == shape[1] for row in raw):
        return lambda i, j: raw[i][j]
    return lambda i, j: raw
