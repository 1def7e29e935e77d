"""A built network: an engine holds it in memory, and its variables and synapses can be accessed by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.building import build_plan, groups_of, numbering
from lifsim.building.needs import stored
from lifsim.building.stimuli import Stimuli
from lifsim.common.errors import ModelError
from lifsim.common.overview import Overview, Overviewed
from lifsim.common.printable import shown
from lifsim.common.timegrid import time_of
from lifsim.network import Network, View
from lifsim.network.model import Model
from lifsim.network.parameter_synonyms import parameter_hint
from lifsim.network.recordings import Nodes, Recording
from lifsim.plan import Plan
from lifsim.simulation.build_reports import BuildReports
from lifsim.simulation.changes import Changes
from lifsim.simulation.draws import Draws
from lifsim.simulation.generator_signals import GeneratorSignal
from lifsim.simulation.options import Progress
from lifsim.simulation.other_values import taken_over
from lifsim.simulation.recorder import Recorder
from lifsim.simulation.room import check_compiler
from lifsim.simulation.run_overview import overview_of
from lifsim.simulation.setting import generator_values, neuron_values, trains_by_node
from lifsim.simulation.settings import Settings
from lifsim.simulation.synapse_access import SynapseAccess
from lifsim.simulation.turn import Turn, alone, reading

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine


def plan_of(net: Network, seed: int, method: str = "grid") -> Plan:
    """The plan of `net` with `seed`, for an engine of this `method`; the engine draws the synapses that the plan depends on.

    Raises
    ------
    ModelError : a drawn value violates a constraint, or there is nothing to simulate.
    """
    return _planned(net, seed, method)[0]


def _planned(net: Network, seed: int, method: str, begun: Callable[[int], None] | None = None) -> tuple[Plan, Stimuli]:
    from lifsim.engine import expand

    return build_plan(net, seed, method, expand, begun)


class BuiltNetwork(Overviewed):
    """A network built in memory, ready to run. Its variables, parameters and synapses can be read and changed.

    Parameters
    ----------
    net, settings : the network, and the settings of the run.
    progress : called with the events "prepare", "making", "build" and "compile".
    """

    def __init__(self, net: Network, settings: Settings, progress: Progress) -> None:
        from lifsim.engine import can_keep_code, compiling, engine_for

        def begin() -> None:
            check_compiler()
            progress("compile", kept=can_keep_code())

        start = time.perf_counter()
        progress("prepare", synapses=settings.needs["synapses"])
        self.net, self.seed, self.method = net, settings.seed, settings.method
        self._built_seed = settings.seed  # determines synapses and positions; `reset` may change `seed`
        self._turn = Turn("simulation")
        self._changes = Changes()
        reports = BuildReports(progress, settings.needs["synapses"], len(net.projections))
        with compiling(begin) as compiler:
            plan, self._stimuli = _planned(net, settings.seed, settings.method, reports.projection)
            reports.synapses = plan.n_synapses
            self._built_groups = [replace(g, params=dict(g.params)) for g in plan.groups]  # `set` changes those of the plan
            weights = stored(settings.weights)
            precision, threads = settings.precision, settings.threads
            self._engine: RunningEngine = engine_for(settings.method, plan, threads, precision, weights, reports.made)
            built = time.perf_counter() - start - compiler.seconds
            progress("build", synapses=plan.n_synapses, seconds=built)
            self._recorder, self._first = Recorder(net, settings.seed), numbering(net)
            self._synapses = SynapseAccess(net, self._engine, self._stimuli, self._first, settings.seed)
            self._recorder.chunk(0, 0, self._engine.advance(0), plan.events)  # loads or compiles all code that a run needs
        compiled = time.perf_counter() - start - built
        self.timings: dict[str, float] = {"build": built, "compile": compiled, "simulate": 0.0, "record": 0.0}

    def _overview(self) -> Overview:
        return overview_of(self)

    # -- state -------------------------------------------------------------------------------------

    @reading
    def get(self, nodes: Nodes, name: str) -> Any:
        """The current values of a state variable of neurons, or of a parameter of neurons or generators.

        Parameters
        ----------
        nodes : a population, a slice of one, or its name.
        name : of the state variable or parameter, such as "V_m", "tau_m", "rate"; or "I_syn" (total synaptic current, pA), "I_stim"
            (current from all generators in the last step, pA), "t_ref_remaining" (time left in refractoriness, ms), "post_trace" and
            "post_trace_triplet" (postsynaptic traces of plastic synapses); of generators also "I" (current that is sent now, pA) and
            "momentary_rate" (Hz).

        Returns
        -------
        Array of shape (n,), float64, in the unit of the variable. Parameters that all nodes of a population share are returned as they
        are, such as "amplitude_times" and "tau_syn" as an array; "spike_times" as a list of arrays, one for each node.

        Raises
        ------
        ModelError : there are no such nodes, or the model has no such variable.
        """
        view = self.net.view(nodes)
        model = view.population.model
        if model.role != "neuron":
            return self._generator_value(view, name)
        if name in model.settable and model.parameter(name).shape != "value":
            shared = self._engine.plan.group(view.name).params[name]
            return shared.copy() if isinstance(shared, np.ndarray) else shared
        known = self._readable(model)
        if name not in known:
            hint = parameter_hint(str(name), model, known)
            raise ModelError(view.name, f"{model.name} has no variable {shown(name)} to read", hint)
        found = self._engine.get(view.name, name) if name in model.readable else self._engine.derived_now(view.name, name)
        return found if view.whole else found[view.ids]

    def _readable(self, model: Model) -> list[str]:
        """The names of the variables of neurons that `get` reads."""
        plastic = any(w.plasticity for w in self._engine.plan.wirings)
        return [*model.readable, *(p.name for p in model.derived), *(("post_trace", "post_trace_triplet") if plastic else ())]

    def _generator_value(self, view: View, name: str) -> Any:
        model, values = view.population.model, self._stimuli.histories[view.name].now
        if name in [p.name for p in model.derived]:
            recording = Recording(view, name, self.net.dt)
            return GeneratorSignal(recording, values, self.net.dt).now(self._engine.step)
        if name not in model.settable:
            raise ModelError(view.name, f"{model.name} has no parameter {shown(name)} to read", parameter_hint(str(name), model))
        if name == "spike_times":
            trains = trains_by_node(values, view.population.n)
            return [trains[node].copy() for node in view.ids]
        if model.parameter(name).shape == "value":
            return np.broadcast_to(np.asarray(values[name], np.float64), view.population.n)[view.ids]
        return values[name].copy() if isinstance(values[name], np.ndarray) else values[name]

    @alone
    def set(self, nodes: Nodes, params: Mapping[str, Any] | None = None, **values: Any) -> None:
        """Set parameters and state variables of neurons, or parameters of generators.

        What a generator sends from now on follows the new values: it arrives after the delay, until which the old ones act. Spikes of a
        spike_generator that are not later than now are not sent. The noise of a generator goes on with new random numbers if `start`
        or the period is changed.

        Parameters
        ----------
        nodes : a population, a slice of one, or its name.
        params : values by name as a dictionary, as in NEST; values may also be given as arguments.
        values : by name, in the unit of the variable: numbers, arrays of shape (n,), or distributions such as
            ``{"normal": [-60.0, 5.0]}``; for generators also those with other forms, such as `rate_times` and `spike_times`, as in
            `Network.add`.

        Raises
        ------
        ModelError : a name or value is not allowed; lists all of them, and nothing is set.
        DataError : a file of spikes or samples cannot be read.
        """
        self._check_open()
        view = self.net.view(nodes)
        if params is not None and not isinstance(params, Mapping):
            raise ModelError(f"{view}", shown(params), "values by name, such as V_m=-65.0")
        values = {**(params or {}), **values}
        draw = Draws(self.seed, self._engine.step).of_nodes(view)
        if view.population.model.role == "neuron":
            params = self._engine.plan.group(view.name).params
            new = neuron_values(view, values, lambda key: self._engine.get(view.name, key), params, draw)
            self._engine.set(view.name, new)
        else:
            now = self._stimuli.histories[view.name].now
            new = generator_values(view, values, now, (self.method, self.net.dt), draw)
            self._change_generator(view.name, new)
        self._note(str(view), values)

    def _note(self, of: str, values: Mapping[str, Any]) -> None:
        """Note that these values of the nodes or synapses `of` were set."""
        self._changes.number += 1
        for key, x in values.items():
            self._changes.note(of, key, x, time_of(self._engine.step, self.net.dt))

    def _check_open(self) -> None:
        """Check that the network can still be simulated (LifsimError)."""

    def _change_generator(self, name: str, values: dict[str, Any]) -> None:
        """Let a generator have these values from now on."""
        step = self._engine.step
        self._stimuli.change(name, values, step)
        self._recorder.change(name, self._stimuli.histories[name].now, step)
        if self.net.populations[name].model.role == "spikes":
            self._engine.restimulate(self._stimuli.with_events(self._engine.plan))

    def positions(self, nodes: Nodes) -> np.ndarray:
        """The positions of nodes in this run.

        Parameters
        ----------
        nodes : a population with positions, a slice of one, or its name.

        Returns
        -------
        Array of shape (n, dimensions), mm.

        Raises
        ------
        ModelError : there are no such nodes, or they have no positions.
        """
        return self.net.positions(nodes, self._built_seed)

    @reading
    def fan_out(self) -> dict[str, np.ndarray]:
        """The number of outgoing synapses of each neuron and each spike generator: arrays of shape (n,) by population."""
        number = self._engine.fan_out()
        return {name: number[first : first + self.net.populations[name].n] for name, first in self._first.items()}

    def _take_values(self, net: Network) -> None:
        """Let `_begin_again` start with the parameters and initial states that `net` gives; see `RecordedNetwork.take_values`."""
        changed = taken_over(self.net.populations, net.populations)
        self._built_groups = [g for g in self._built_groups if g.name not in changed]
        self._stimuli.forget(changed & self._stimuli.histories.keys())

    def _begin_again(self, seed: int, keep_weights: bool) -> None:
        """Return to the first step, with the random numbers of `seed` and the synapses that the network was built with."""
        groups, stimuli = groups_of(self.net, seed, self._built_groups), self._stimuli.initial(seed)  # first: a value may not be allowed
        self._synapses.as_built(keep_weights)
        kept = self._synapses.plastic_weights() if keep_weights else []
        plan = replace(self._engine.plan, groups=groups)
        self._engine.restart(self._stimuli.restart(plan, seed, stimuli, keep_weights), seed)
        for numbers, weights in kept:
            self._engine.set_plastic_weights(numbers, weights)
        self.seed, self._recorder = seed, Recorder(self.net, seed)

    # -- timings -----------------------------------------------------------------------------------

    @alone
    def measure(self) -> None:
        """Start to measure the time of each part of the simulation; `spent` returns it."""
        self._engine.measure()

    @reading
    def spent(self) -> dict[str, float]:
        """Seconds spent on "update", "random numbers", "delivery" and "waiting" since `measure` was called: means over the threads."""
        return dict(self._engine.spent())
