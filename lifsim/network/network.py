"""The description of a network, without any state of a simulation: populations, projections, recordings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lifsim.common import hooks
from lifsim.common.errors import ModelError, Problem
from lifsim.common.keywords import known_keywords
from lifsim.common.missing import NETWORK, no_attribute
from lifsim.common.printable import shown
from lifsim.network import neuron_models, stimulus_models  # noqa: F401 (they fill MODELS)
from lifsim.network.described import Described
from lifsim.network.model import MODELS
from lifsim.network.multapses import shared_pairs
from lifsim.network.nest_spelling import spelled_out
from lifsim.network.new_population import check_new, joined, new_population
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection, projection, taken_names
from lifsim.network.projection_choice import Choice
from lifsim.network.recording_names import RecordingNames
from lifsim.network.recordings import Nodes, Recording, as_list, is_list, listed_entries, recordings_of, synapse_recording
from lifsim.network.run_settings import check_settings, time_step
from lifsim.network.synonyms import network_hint, recording_hint
from lifsim.network.views import view_of, views_of


@dataclass(eq=False, repr=False)
class Network(Described):
    """The description of a network: populations, projections and recordings.

    Parameters
    ----------
    dt : time step in ms, default 0.1. It cannot be changed once the network has populations.
    name, description, reference : short name, explanation and source of the network; stored in every result.
    duration : default simulated time of a run in ms; None: each run must give one. seed : default random seed, a whole number from 0 on.
    method : "grid" (spike times are multiples of dt), "precise" (exact spike times) or None (default): chosen by the models.
    populations, projections, recordings : filled by `add`, `connect`, `record` and `record_weights`.
    text, parameters : text of the model file from which the network was read, and values of its parameters; else empty.
    read_files : weight files and synapse lists that the model file refers to; runs do not overwrite them.

    Raises
    ------
    ModelError : a value is not valid.

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
    _counted: tuple[int, int] = field(default=(0, 0), init=False, repr=False)  # number of populations, total number of their nodes
    _names: RecordingNames = field(default_factory=RecordingNames, init=False, repr=False)

    def __post_init__(self) -> None:
        self.dt = time_step(self.dt)
        check_settings(self.seed, self.method, self.duration, name=self.name, description=self.description, reference=self.reference)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; `dt` is fixed once there are populations, because their times were checked against it."""
        if name == "dt" and getattr(self, "populations", None):
            raise ModelError("run.dt", "is set after populations were added", f"a new Network with dt = {value!r}")
        super().__setattr__(name, value)

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an attribute that no network has; the message says what other tools' names of calls are here."""
            raise no_attribute(
                "'Network' object",
                name,
                NETWORK,
                ("add", "connect", "record", "record_weights", "record_currents", "positions", "save", "view"),
            )

    def add(
        self, name: str, n: int, model: str, params: Mapping[str, Any] | None = None, *, positions: Any = None, **values: Any
    ) -> Population:
        """Add a population of `n` neurons or stimuli.

        Parameters
        ----------
        name : unique name (letters, digits, ``_ - +``). n : number of nodes. model : a neuron or stimulus model, such as "iaf_psc_exp".
        positions : in mm, in 1 to 3 dimensions; default: none. An array (n, dimensions), or a table with ``{"grid": [columns, rows]}``
            (centres of grid cells, in NEST's order), ``{"random": True}`` (uniform, drawn from the seed and the name) or
            ``{"points": array}``, and with ``"extent"`` (size of the space along each axis; needed if random), ``"center"`` (default 0)
            and ``"periodic"`` (default False; if True, opposite sides are joined).
        **values : parameters and initial state of the model, with NEST's names and units (ms, mV, pF, pA, nS, Hz). Each is a number, an
            array of shape (n,), a distribution (``{"normal": [mean, sd]}``) or a string with a unit (``"20 ms"``).
        params : the same as one dictionary, as in NEST's ``Create``; default: none.

        Raises
        ------
        ModelError : lists every problem found.
        """
        place = f"populations.{name if isinstance(name, str) else shown(name)}"
        values, problems = joined(place, params, values)
        problems += check_new(place, name, n, model, self.populations, self._nodes(), values)
        if problems:
            raise ModelError.of(problems)
        population = new_population(place, name, int(n), MODELS[model].of(values), positions, values, self.dt)
        nodes = self._nodes()
        self.populations[name] = population
        self._counted = len(self.populations), nodes + population.n
        return population

    def _nodes(self) -> int:
        """The total number of nodes, counted again if `populations` was changed other than by `add`."""
        if self._counted[0] != len(self.populations):
            self._counted = len(self.populations), sum(p.n for p in self.populations.values())
        return self._counted[1]

    def view(self, nodes: Nodes, place: str = "population") -> View:
        """Convert `nodes` (population, view, or name such as "exc" or "exc[:10]") to a view. Error messages call the argument `place`.

        Raises
        ------
        ModelError : the network has no such nodes.
        """
        return view_of(self.populations, nodes, place)

    def positions(self, nodes: Nodes, seed: int | None = None) -> np.ndarray:
        """The positions of `nodes` in mm: (n, dimensions). Random positions are those of a run with `seed` (default: the network's seed).

        Raises
        ------
        ModelError : the population has no positions.
        """
        view = self.view(nodes)
        if view.population.positions is None:
            raise ModelError(view.name, "has no positions", "add it with positions = …")
        return view.population.positions.of(view.name, self.seed if seed is None else seed)[view.ids]

    def connect(
        self,
        source: Nodes | Sequence[Nodes],
        target: Nodes | Sequence[Nodes],
        rule: Any = "all_to_all",
        syn_spec: Any = None,
        *,
        conn_spec: Any = None,
        weight: Any = 1.0,
        delay: Any = 1.0,
        synapse: Any = "static_synapse",
        allow_autapses: bool = True,
        allow_multapses: bool = True,
        receptor_type: Any = 0,
        name: Any = "",
        **params: Any,
    ) -> list[Projection]:
        """Connect `source` to `target`.

        Parameters
        ----------
        source, target : population, slice or name, or a list of these. With a list, every other argument may be a nested list with one
            entry [target][source] for each pair of populations.
        rule : ``one_to_one``, ``all_to_all``, ``pairwise_bernoulli`` (p), ``fixed_indegree`` (indegree), ``fixed_outdegree`` (outdegree),
            ``fixed_total_number`` (N), ``explicit`` (sources, targets: index arrays; or file: a CSV or HDF5 file that lists the synapses;
            for SONATA edges also edge_types: a CSV file, default: the one next to the edges, False: none), or a scipy.sparse matrix or a
            2-D array of weights of shape (n_target, n_source), whose stored (non-zero) entries are the synapses. If both populations
            have positions, p may depend on distance: ``{"gaussian": {"p0": 0.8, "sigma": 0.2}}``, ``exponential`` (p0, lambda) or
            ``box`` (p0, radius), with an optional ``"max_distance"``, all lengths in mm. ``fixed_indegree`` and ``fixed_outdegree``
            accept such a p, too, and choose partners with probabilities proportional to it. As in NEST, the rule and its parameters may
            be given as one dictionary: ``{"rule": "fixed_indegree", "indegree": 10}``; ``conn_spec`` is NEST's name of this argument.
        syn_spec, conn_spec : NEST's dictionaries, in place of other arguments: ``{"synapse_model": "stdp_synapse", "weight": 1.0,
            "delay": 1.5, "alpha": 1.1}`` sets weight, delay, receptor_type and synapse; a name is a synapse model.
        weight : in mV for delta synapses, nS for conductances, pA for the other models; default 1. A number, a distribution, an array
            (shapes: see `delay`), or a function of distance: gaussian, exponential, box (w0) or linear (base, per_mm). ``"0.15 mV PSP"``
            is the weight whose postsynaptic potential has this peak, for linear synapses onto neurons with the same tau_m, C_m, tau_syn.
        delay : synaptic delay in ms, at least dt; default 1. ``{"linear": {"base": 1.0, "per_mm": 0.5}}`` grows with distance and is
            rounded to multiples of dt, at least dt. An array has one entry for each synapse in the order of the rule: (n,) for one_to_one
            and explicit, (n_target, n_source) for all_to_all, pairwise_bernoulli and matrices, (n_target, indegree),
            (n_source, outdegree), (N,) sorted by target; with a scipy.sparse matrix also a matrix of the same sparsity pattern.
        synapse : a synapse model (`lifsim.network.synapse_models`), or a table such as ``{"model": "stdp_synapse", "lambda": 0.02}``, whose
            parameters have the forms of `weight`. The sources of plastic synapses are neurons or spike generators.
        allow_autapses : whether a neuron may connect to itself.
        allow_multapses : whether a pair of nodes may have several synapses. If not, it is an error if views in a list share
            nodes, so that two projections of this call could connect the same pair; other calls are not considered.
        receptor_type : 1, 2, …: the receptor of a target with several receptors (``iaf_psc_exp_multisynapse``); 0 (default) for all
            other models, where the sign of the weight selects the receptor.
        name : tells the projection from others between the same populations (`Simulation.matrix`, `Simulation.set_weights`).
        **params : parameters of the rule, given in brackets above. A matrix has ``copies`` (blocks along the diagonal) and ``scale``.

        Returns
        -------
        The projections, one for each pair of populations, in the order of targets; none for a pair whose count or p is 0.

        Raises
        ------
        ModelError : lists every problem found.
        """
        place = f"projections[{len(self.projections)}]"
        sources, targets = as_list(source), as_list(target)
        shape = (len(targets), len(sources)) if is_list(source) or is_list(target) else None
        options = {
            "weight": weight,
            "delay": delay,
            "synapse": synapse,
            "allow_autapses": allow_autapses,
            "allow_multapses": allow_multapses,
            "receptor_type": receptor_type,
            "name": name,
        }
        rule, options, params = spelled_out(place, rule, conn_spec, syn_spec, options, params)
        if not isinstance(rule, str):
            params, rule = {**params, "matrix": rule}, "matrix"
        entries = {key: listed_entries(raw, shape) for key, raw in {**params, **options}.items()}
        made: dict[tuple[int, int], Projection] = {}
        problems: dict[Problem, None] = {}
        ends = [views_of(self.populations, nodes, f"{place}.{end}", problems) for end, nodes in (("source", sources), ("target", targets))]
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
            problems |= dict.fromkeys([*shared_pairs(place, made), *taken_names(place, made.values(), self.projections)])
        if problems:
            raise ModelError.of(problems)
        self.projections += made.values()
        return list(made.values())

    @known_keywords(recording_hint)
    def record(
        self,
        what: Nodes | Sequence[Nodes],
        variable: str | Sequence[str] = "spikes",
        *,
        interval: Any = None,
        start: Any = 0.0,
        stop: Any = math.inf,
        name: str = "",
    ) -> None:
        """Record variables of populations. Several recordings of one variable, of other nodes or at another interval, are kept apart.

        Parameters
        ----------
        what : population, slice, selection such as ``exc[[3, 17, 5]]`` or ``exc[mask]``, or name such as "exc[3,17,5]"; or a list of these.
        variable : "spikes" (default), "rate" (rate of the selected nodes in spikes/s per neuron), a state variable such as "V_m" or
            "I_syn_ex", "I_syn" (total synaptic current, pA), "t_ref_remaining" (time left in refractoriness, ms), "I_stim" (total
            current from generators, pA); of generators "I" (pA) or "momentary_rate" (spikes/s); or a list of these.
        interval : sampling interval in ms, default 1; not for spikes. The first sample is at ``start + interval``.
        start, stop : recording window start < t <= stop in ms; default: the whole run.
        name : name of the trace in ``result.traces[population]``. Default: the variable; where that is taken, followed by the nodes, the
            interval, or both: "V_m[5:7]", "V_m@0.1", "V_m[5:7]@0.1". Spikes are kept by population, those of all its recordings together.

        Raises
        ------
        ModelError : lists every problem found.
        """
        place, times = f"record[{len(self.recordings)}]", {"interval": interval, "start": start, "stop": stop}
        made = recordings_of(place, self.dt, self.view, what, variable, times, name)
        self._names.add(self.recordings, self._names.named(place, self.recordings, made))

    @known_keywords(recording_hint)
    def record_weights(
        self,
        source: Nodes,
        target: Nodes,
        *,
        interval: Any = None,
        start: Any = 0.0,
        stop: Any = math.inf,
        name: str = "",
        events: Any = False,
        projection: Choice = None,
    ) -> None:
        """Record the weights of all synapses from `source` to `target`, as ``result.traces[target]["weight_from_SOURCE"]``.

        Parameters
        ----------
        source, target : population, slice or name.
        interval, start, stop : sampling interval and recording window in ms, as in `record`.
        name : name of the trace; default: "weight_from_SOURCE", where that is taken followed by "@" and the interval, or by a number.
        events : True: record each weight that a spike transmits through synapses with long-term plasticity, as NEST's weight_recorder,
            as ``result.weight_events[target]["weight_events_from_SOURCE"]``; without an interval.
        projection : one of several projections from `source` to `target`: its name, its number in the network, or the `Projection`; the
            default name then ends with ".NAME" or ".NUMBER". Default: all of them.

        Raises
        ------
        ModelError : lists every problem found.
        """
        self._record_synapses(source, target, interval, start, stop, name, "weight", events, projection)

    @known_keywords(recording_hint)
    def record_currents(
        self, source: Nodes, target: Nodes, *, interval: Any = None, start: Any = 0.0, stop: Any = math.inf, name: str = ""
    ) -> None:
        """Record the current (pA) that neurons receive from generators, as ``result.traces[target]["I_from_SOURCE"]``.

        A sample at t is the sum of the currents that acted in the step from t - dt to t. That of all generators is "I_stim" of `record`.

        Parameters
        ----------
        source : population of current generators. target : population of neurons, selection or name.
        interval, start, stop, name : as in `record`; default name: "I_from_SOURCE".

        Raises
        ------
        ModelError : lists every problem found.
        """
        self._record_synapses(source, target, interval, start, stop, name, "I")

    def _record_synapses(self, source: Nodes, target: Nodes, interval: Any, start: Any, stop: Any, *rest: Any) -> None:
        place, times = f"record[{len(self.recordings)}]", {"interval": interval, "start": start, "stop": stop}
        made = synapse_recording(place, self.dt, self.view, source, target, self.projections, times, *rest)
        self._names.add(self.recordings, self._names.named(place, self.recordings, [made]))

    def snapshot(self) -> Network:
        """A copy of the network that shares its populations and projections; later additions do not change it."""
        now = copy(self)
        now.populations, now.projections, now.recordings = dict(self.populations), list(self.projections), list(self.recordings)
        return now

    def save(self, path: str | Path) -> None:
        """Write a model file from which `lifsim.load` restores the same network.

        Parameters
        ----------
        path : of the model file. Given matrices are stored next to it in ``<stem>.weights.h5``, synapses that came from a file in
            ``<stem>.synapses.h5``. Existing files of these names are replaced.

        Raises
        ------
        ModelError : no model file can describe the network. OutputError : `path` cannot be written. RunError : the disk is full.
        """
        hooks.save_network(self, path)


Network.__init__ = known_keywords(network_hint)(Network.__init__)  # type: ignore[method-assign]  # a dataclass writes it
