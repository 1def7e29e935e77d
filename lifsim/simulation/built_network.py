"""A built network: an engine holds it in memory, and its variables and synapses can be accessed by name."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.building import build_plan, numbering
from lifsim.building.needs import stored
from lifsim.common.errors import LifsimError, ModelError, Problem, did_you_mean
from lifsim.common.overview import Overview, Overviewed
from lifsim.common.printable import shown
from lifsim.common.timegrid import times
from lifsim.common.values import Distribution
from lifsim.network import Network, View
from lifsim.network.population import normalise, relations
from lifsim.network.recordings import Nodes
from lifsim.plan import Plan
from lifsim.simulation.build_reports import BuildReports
from lifsim.simulation.options import Progress
from lifsim.simulation.recorder import Recorder
from lifsim.simulation.room import check_compiler
from lifsim.simulation.run_overview import overview_of
from lifsim.simulation.settings import Settings
from lifsim.simulation.turn import Turn, alone, reading
from lifsim.weights import WeightStore

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine


def plan_of(net: Network, seed: int, method: str = "grid", begun: Callable[[int], None] | None = None) -> Plan:
    """The plan of `net` with `seed`, for an engine of this `method`; the engine draws the synapses that the plan depends on. `begun` is as
    of `build_plan`.

    Raises
    ------
    ModelError : a drawn value violates a constraint, or there is nothing to simulate.
    """
    from lifsim.engine import expand

    return build_plan(net, seed, method, expand, begun)


class BuiltNetwork(Overviewed):
    """A network built in memory, ready to run. Its variables and synapses can be read, and the state of neurons can be changed.

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
        self._turn = Turn("simulation")
        self._changes = 0  # number of calls of `set`
        reports = BuildReports(progress, settings.needs["synapses"], len(net.projections))
        with compiling(begin) as compiler:
            plan = plan_of(net, settings.seed, settings.method, reports.projection)
            reports.synapses = plan.n_synapses
            weights = stored(settings.weights)
            precision, threads = settings.precision, settings.threads
            self._engine: RunningEngine = engine_for(settings.method, plan, threads, precision, weights, reports.made)
            built = time.perf_counter() - start - compiler.seconds
            progress("build", synapses=plan.n_synapses, seconds=built)
            self._recorder, self._first = Recorder(net, settings.seed), numbering(net)
            self._recorder.chunk(0, 0, self._engine.advance(0), plan.events)  # loads or compiles all code that a run needs
        compiled = time.perf_counter() - start - built
        self.timings: dict[str, float] = {"build": built, "compile": compiled, "simulate": 0.0, "record": 0.0}

    def _overview(self) -> Overview:
        return overview_of(self)

    # -- state -------------------------------------------------------------------------------------

    @reading
    def get(self, nodes: Nodes, name: str) -> np.ndarray:
        """The current values of a state variable or parameter of neurons.

        Parameters
        ----------
        nodes : a population of neurons, a slice of one, or its name.
        name : of the state variable or parameter, such as "V_m" or "tau_m".

        Returns
        -------
        Array of shape (n,), float64, in the unit of the variable.

        Raises
        ------
        ModelError : there are no such nodes, they are not neurons, or the model has no such variable.
        """
        view = self.net.view(nodes)
        model = view.population.model
        if model.role != "neuron" or name not in model.readable:
            raise ModelError(view.name, f"{model.name} has no variable {name!r} to read", did_you_mean(name, model.readable))
        return self._engine.get(view.name, name)[view.ids]

    @alone
    def set(self, nodes: Nodes, **values: Any) -> None:
        """Set parameters and state variables of neurons.

        Parameters
        ----------
        nodes : a population of neurons, a slice of one, or its name.
        values : by name, in the unit of the variable: numbers, arrays of shape (n,), or distributions such as
            ``{"normal": [-60.0, 5.0]}``.

        Raises
        ------
        ModelError : a name or value is not allowed; lists all of them, and nothing is set.
        """
        view = self.net.view(nodes)
        problems: list[Problem] = []
        full: dict[str, Any] = {}
        for key, raw in values.items():
            try:
                full[key] = self._settable(view, key, raw)
            except ValueError as error:
                problems.append(Problem(f"{view}.{key}", str(error)))
        if not problems:
            problems += relations(f"{view}", view.population.model, {**self._engine.plan.group(view.name).params, **full})
        if problems:
            raise ModelError.of(problems)
        self._engine.set(view.name, full)
        self._changes += 1

    def _settable(self, view: View, key: str, raw: Any) -> Any:
        """`raw` as a value for the whole population; nodes outside `view` keep their values."""
        model = view.population.model
        if model.role != "neuron":
            raise ValueError(f"a {model.name} cannot be changed once it is built; only neurons can")
        if key not in model.readable:
            raise ValueError(f"{model.name} has no such variable to set; {did_you_mean(key, model.readable)}")
        v = normalise(model.parameter(key), raw, len(view))
        if isinstance(v, Distribution):
            words = [self.seed, zlib.crc32(f"{view.name}/{key}/set".encode()), self._engine.step]
            v = v.draw(len(view), np.random.Generator(np.random.Philox(np.random.SeedSequence(words))))
        if view.whole:
            return v
        whole = self._engine.get(view.name, key)
        whole[view.ids] = v
        return whole

    @reading
    def matrix(self, source: Nodes, target: Nodes, what: str = "weight") -> Any:
        """The weights or delays of the synapses between two groups of nodes.

        Parameters
        ----------
        source, target : presynaptic and postsynaptic nodes: populations, slices of them, or their names.
        what : "weight", in the unit of the target's model (pA, mV or nS), or "delay", in ms. A plastic weight is the one after the last
            presynaptic spike, as in NEST, even if that spike has not arrived yet.

        Returns
        -------
        scipy.sparse.csc_array of shape (n_target, n_source). Multiple synapses of a pair (multapses) are separate entries.

        Raises
        ------
        ModelError : there are no such nodes, or they have no stored synapses. LifsimError : `what` is wrong.
        """
        from scipy.sparse import csc_array

        if what not in ("weight", "delay"):
            raise LifsimError("what", shown(what), "one of: weight, delay")
        views = [self.net.view(source), self.net.view(target)]
        for view in views:
            if view.population.model.role not in ("neuron", "spikes"):
                raise ModelError(view.name, f"a {view.population.model.name} has no stored synapses", "neurons or a spike_generator")
        ranges = [(self._first[v.name], self._first[v.name] + v.population.n) for v in views]
        s, t, weight, delay = self._engine.synapses(ranges[0], ranges[1])
        data = weight if what == "weight" else times(delay, self.net.dt)
        pointers = np.concatenate([[0], np.cumsum(np.bincount(s, minlength=views[0].population.n))])
        whole = csc_array((data, t, pointers), shape=(views[1].population.n, views[0].population.n))
        return whole if views[0].whole and views[1].whole else whole[:, views[0].ids][views[1].ids, :]

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
        return self.net.positions(nodes, self.seed)

    @reading
    def save_weights(self, path: str | Path, source: Nodes, target: Nodes, name: str | None = None) -> None:
        """Write the current weights, and the delays, to a `lifsim.weights.WeightStore`.

        Parameters
        ----------
        path : of the store, which is created if it does not exist.
        source, target : as of `matrix`.
        name : of the matrix in the store (default: "SOURCE_to_TARGET").

        Raises
        ------
        ModelError : as of `matrix`. DataError, OutputError : the store cannot be read or written.
        """
        own, onto = self.net.view(source), self.net.view(target)
        weight, delay = (self.matrix(own, onto, what) for what in ("weight", "delay"))
        with WeightStore(path, "a") as store:
            store.put(name or f"{own.name}_to_{onto.name}", weight, delay=delay, units=onto.population.model.weight_unit)

    @reading
    def fan_out(self) -> dict[str, np.ndarray]:
        """The number of outgoing synapses of each neuron and each spike generator: arrays of shape (n,) by population."""
        number = self._engine.fan_out()
        return {name: number[first : first + self.net.populations[name].n] for name, first in self._first.items()}

    # -- timings -----------------------------------------------------------------------------------

    @alone
    def measure(self) -> None:
        """Start to measure the time of each part of the simulation; `spent` returns it."""
        self._engine.measure()

    @reading
    def spent(self) -> dict[str, float]:
        """Seconds since `measure` for "update", "random numbers", "delivery" and "waiting", the mean over threads."""
        return dict(self._engine.spent())
