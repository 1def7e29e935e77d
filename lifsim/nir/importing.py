"""Converts a NIR file to a network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lifsim.common.errors import DataError, LifsimError, did_you_mean
from lifsim.common.timegrid import tidy
from lifsim.common.values import number
from lifsim.network.network import Network
from lifsim.nir import paths
from lifsim.nir.graph import Graph, in_order, read
from lifsim.nir.neurons import MS, RESETS, NeuronNodes, Reading, metadata, neurons

SPIKES = ("pulse", "step")
NOTHING = "none"  # `signal` in the metadata of an Input without signal, written for programs that need an Input
_KNOWN = ("Input", "Output", *paths.LINEAR, *paths.NEURONS)


def load(
    path: str | Path,
    dt: float | str | None = None,
    inputs: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    spikes: str | None = None,
    step: float | str | None = None,
    reset: str | Mapping[str, str] | None = None,
    reset_delay: bool | Mapping[str, bool] | None = None,
) -> Network:
    """Read a network from a NIR file (Pedersen et al. 2024, Nat. Commun. 15:8122). Spikes of all neurons are recorded.

    Parameters
    ----------
    path : the file.
    dt : time step, in ms or as text with a unit. Default: `step`, or the time step in the file, or else 0.1 ms.
    inputs : name of an Input node -> parameters of its stimulus: `spike_times` (ms, a list per channel: a spike_generator),
        `amplitude` (pA, one per channel: a dc_generator) or `waveform` (pA, a column per channel: a waveform_generator). Other
        Input nodes become silent spike_generators.
    spikes : meaning of a spike in the file: "pulse", a Dirac pulse, as in NIR's definition, or "step", a signal of height 1 for one
        `step`, as in files of snnTorch and Norse. Required unless the file says so itself, as files of lifsim do.
    step : for spikes = "step", the time step of the program that wrote the file, in ms or as text with a unit: 0.1 or "1e-4 s" for
        snnTorch. It becomes the time step of the network, whose potentials at the ends of steps then equal those of that program.
    reset : for neurons whose reset the file does not say: "v_reset", the default, as in NIR's definition, sets v to v_reset;
        "subtract" reduces v by v_threshold - v_reset. One value for all, or {node: value}.
    reset_delay : for spikes = "step", whether the reset occurs in the step after the spike (snnTorch's reset_delay). Default: true
        for "subtract", as in snnTorch, and false for "v_reset". One value for all, or {node: value}.

    Raises
    ------
    DataError : the file is not a NIR file, or has a feature that lifsim does not support. LifsimError : neither the file nor `spikes`
        says what a spike is, or an argument is wrong or contradicts the file.
    """
    graph = read(path)
    for name in graph.nodes:
        if graph.kind(name) not in _KNOWN:
            raise DataError(f"{path}:{name}", f"a node of type {graph.kind(name)}", "one of: " + ", ".join(_KNOWN))
    if not any(graph.kind(name) in paths.NEURONS for name in graph.nodes):
        allowed = "a network of neurons; lifsim.nir.load_weights reads weights alone, lifsim.ann.load a dense network that lifsim wrote"
        raise DataError(str(path), "holds no neurons", allowed)
    time = _time(graph, str(path), dt, spikes, step)
    resets, delays = (_by_node(x, graph, key) for x, key in ((reset, "reset"), (reset_delay, "reset_delay")))
    at_threshold, step_s = _at_threshold(graph, str(path)), time.dt * MS if time.steps else None
    how = {
        name: Reading(step_s, *_reset(resets.get(name), delays.get(name), time.steps), at_threshold)
        for name in graph.nodes
        if graph.kind(name) in paths.NEURONS
    }
    return _Import(graph, str(path), time, how, dict(inputs or {})).network()


# -- time step, spikes and resets -------------------------------------------------------------------


class TimeStep(NamedTuple):
    """The time step of the network (ms), and whether a spike is a step of that length (otherwise it is a pulse)."""

    dt: float
    steps: bool


def _time(graph: Graph, path: str, dt: Any, spikes: Any, step: Any) -> TimeStep:
    meta = graph.metadata
    meaning = meta.get("spikes", spikes)
    if spikes is not None and spikes not in SPIKES:
        raise LifsimError("spikes", f"{spikes!r}", " or ".join(map(repr, SPIKES)))
    if spikes not in (None, meaning):
        raise LifsimError("spikes", f"{spikes!r}, but {path} says {meaning!r}", f"{meaning!r}, or leave the argument out")
    if meaning is None:
        allowed = (
            'give spikes="step" (a spike has height 1 for a step, as in snnTorch and Norse) or '
            'spikes="pulse" (a spike is a Dirac pulse, as in the specification of NIR)'
        )
        raise LifsimError(path, "does not say what shape a spike has, on which the effect of all weights depends", allowed)
    if meaning not in SPIKES:
        raise DataError(f"{path}:metadata/spikes", f"{meaning!r}", " or ".join(map(repr, SPIKES)))
    own = {key: _milliseconds(x, key) for key, x in (("dt", dt), ("step", step)) if x is not None}
    for key in ("dt", "step"):
        if key in meta and key not in own:
            own[key] = _milliseconds(_metadata_time(meta[key], f"{path}:metadata/{key}"), f"{path}:metadata/{key}")
    if meaning == "pulse":
        if "step" in own:
            raise LifsimError("step", f"{tidy(own['step'])} ms for spikes that are pulses", 'leave it out: it is for spikes="step" only')
        return TimeStep(own.get("dt", 0.1), False)
    if not own:
        raise LifsimError("step", "not given", "the step of the program that wrote the file, in ms (snnTorch: 0.1)")
    times = sorted(own.values())
    if times[-1] - times[0] > 1e-9 * times[0]:
        raise LifsimError("step", f"{tidy(own['step'])} ms at dt = {tidy(own['dt'])} ms", "the same time for both, or only one of them")
    return TimeStep(times[0], True)


def _milliseconds(x: Any, place: str) -> float:
    try:
        ms = number(x, "ms")
    except ValueError as error:
        raise LifsimError(place, str(error), "a time in ms") from None
    if not 0 < ms < np.inf:
        raise LifsimError(place, f"{ms:g} ms", "a finite time above 0")
    return ms


def _metadata_time(x: Any, place: str) -> float:
    """A time in metadata (s), in ms."""
    seconds = np.asarray(x)
    if seconds.dtype.kind not in "iuf" or seconds.size != 1:
        raise DataError(place, f"{x!r}", "a time in s")
    return float(tidy(float(seconds.ravel()[0]) / MS))


def _by_node(x: Any, graph: Graph, place: str) -> dict[str, Any]:
    """The value of an argument for each neuron node, from a single value or a table by node."""
    known = [name for name in graph.nodes if graph.kind(name) in paths.NEURONS]
    if not isinstance(x, Mapping):
        return dict.fromkeys(known, x)
    for name in x:
        if name not in known:
            raise LifsimError(f"{place}[{name!r}]", "there is no such neuron node", did_you_mean(str(name), known))
    return dict(x)


def _reset(reset: Any, delay: Any, steps: bool) -> tuple[str | None, bool | None]:
    """Check the arguments `reset` and `reset_delay` (LifsimError)."""
    if reset is not None and reset not in RESETS:
        raise LifsimError("reset", f"{reset!r}", " or ".join(map(repr, RESETS)))
    if delay is not None and not isinstance(delay, (bool, np.bool_)):
        raise LifsimError("reset_delay", f"{delay!r}", "True or False")
    if delay and not steps:
        raise LifsimError("reset_delay", "True for spikes that are pulses", 'leave it out: it is for spikes="step" only')
    return reset, None if delay is None else bool(delay)


def _at_threshold(graph: Graph, path: str) -> bool:
    rule = graph.metadata.get("threshold", "exceeded")
    if rule not in ("exceeded", "reached"):
        raise DataError(f"{path}:metadata/threshold", f"{rule!r}", "'reached' or 'exceeded'")
    return bool(rule == "reached")


# -- the network -----------------------------------------------------------------------------------


class _Import:
    """Converts a graph to a network."""

    def __init__(self, graph: Graph, path: str, time: TimeStep, how: dict[str, Reading], inputs: dict[str, Mapping[str, Any]]) -> None:
        self.graph, self.path, self.time, self.how, self.inputs = graph, path, time, how, inputs
        sources = [name for name in graph.nodes if graph.kind(name) == "Input"]
        self.silent = [name for name in sources if metadata(graph.nodes[name], f"{path}:{name}").get("signal") == NOTHING]
        for name in inputs:
            if name not in sources or name in self.silent:
                known = [x for x in sources if x not in self.silent]
                raise LifsimError(
                    f"inputs[{name!r}]", "there is no such Input node", did_you_mean(str(name), known) or "the file has no Input nodes"
                )
        self.size = paths.sizes(graph, path)
        self.signals = paths.arriving(graph, self.size, path)
        self.names: dict[str, str] = {}  # node -> population
        self.made: dict[str, NeuronNodes] = {}
        self.rank: dict[str, int] = {}  # node -> position in the order of `in_order`

    def network(self) -> Network:
        """Make the network of the graph: neurons, generators, their connections, and recordings of the spikes of all neurons."""
        net = Network(dt=self.time.dt, name=Path(self.path).stem)
        for name in self.graph.nodes:
            kind = self.graph.kind(name)
            if kind == "Input" and name not in self.silent:
                self._add_input(net, name)
            elif kind in paths.NEURONS:
                self._add_neurons(net, name)
        begins = self._begins() if self.time.steps else {}
        for name, signal in self.signals.items():
            for path in signal.paths:
                if path.source not in self.silent:
                    self._connect(net, path, name, begins)
            if np.any(signal.constant):
                self._add_constant(net, name, np.broadcast_to(signal.constant, self.size[name]), begins)
        net.record([self.names[name] for name in self.made], "spikes") if self.made else None
        return net

    def _name(self, net: Network, name: str) -> str:
        """A valid and unused population name for a node."""
        plain = "".join(c if c.isalnum() or c in "_-+" else "_" for c in name) or "_"
        return next(x for x in (plain, *(f"{plain}_{k}" for k in range(2, len(net.populations) + 3))) if x not in net.populations)

    def _add_input(self, net: Network, name: str) -> None:
        params = dict(self.inputs.get(name, {}))
        model = "dc_generator" if "amplitude" in params else "waveform_generator" if "waveform" in params else "spike_generator"
        self.names[name] = self._name(net, name)
        net.add(self.names[name], self.size[name], model, **params)

    def _add_neurons(self, net: Network, name: str) -> None:
        place = f"{self.path}:{name}"
        own = neurons(self.graph.nodes[name], self.size[name], place, self.how[name])
        self.made[name] = own
        self.names[name] = self._name(net, name)
        net.add(self.names[name], self.size[name], own.model, **own.params)

    def _connect(self, net: Network, path: paths.Path, target: str, begins: Mapping[str, int]) -> None:
        own = self.made[target]
        current = net.populations[self.names[path.source]].model.role == "current"
        if current and own.synaptic and self.time.steps:
            got = f"the current of {path.source!r} passes through its synapses, step by step"
            raise DataError(f"{self.path}:{target}", got, "an input of spikes, or an LIF node: currents act at once in lifsim")
        scale = own.current if current else own.spike
        ends, delay = (self.names[path.source], self.names[target]), self._delay(net, path, target, begins)
        if path.weight.ndim == 1:
            net.connect(*ends, "one_to_one", weight=path.weight * scale, delay=delay)
        else:
            net.connect(*ends, path.weight * scale[:, None], delay=delay)

    def _delay(self, net: Network, path: paths.Path, target: str, begins: Mapping[str, int]) -> np.ndarray | float:
        """Synaptic delays of a path (ms): those in the file, but at least one time step.

        For spikes = "step", delays are longer where necessary, so that signals that the other program adds in one step arrive in the
        same step.
        """
        delay = np.asarray(path.delay) / MS / net.dt
        if not self.time.steps:
            delay = np.maximum(delay, 1.0)
        else:
            onwards = self.rank[path.source] < self.rank[target]
            delay = delay + (begins[target] - self._sends(path.source, begins) if onwards else 1) + self._starts_late(path.source)
        delay = np.round(delay, 6) * net.dt
        return np.broadcast_to(delay, path.weight.shape) if delay.ndim else float(delay)

    def _add_constant(self, net: Network, name: str, constant: np.ndarray, begins: Mapping[str, int]) -> None:
        """Add a constant input as a current or, for spikes = "step", as a spike in every step, as in the program that wrote the file."""
        own, ours, start = self.made[name], net.populations[self.names[name]], self._bias_start(name)
        if self.time.steps:
            self._add_clock(net, name, constant, begins[name] - 1)
        elif start:
            bias = self._name(net, f"{self.names[name]}_bias")
            net.add(bias, 1, "dc_generator", amplitude=1.0, start=start)
            net.connect(bias, ours, (constant * own.current)[:, None], delay=net.dt)
        else:
            ours.params["I_e"] = constant * own.current
            if own.synaptic:  # in NIR this current rises from 0 with tau_syn
                ours.initial["I_syn_ex"] = ours.initial.get("I_syn_ex", 0.0) - constant * own.current

    def _add_clock(self, net: Network, name: str, constant: np.ndarray, first: int) -> None:
        """Add a neuron that fires in every step from `first` on, with the constant as its weights."""
        clock = self._name(net, f"{self.names[name]}_bias")
        net.add(clock, 1, "if_psc_delta", C_m=net.dt, I_e=1.0, V_th=0.5, V_reset=-0.5, V_m=1.0 - first)
        net.connect(clock, self.names[name], (constant * self.made[name].spike)[:, None], delay=net.dt)

    def _bias_start(self, name: str) -> float:
        """Start of the constant input of a node (ms), which files of lifsim store as metadata of the Affine node."""
        starts = set()
        for a, b in self.graph.edges:
            meta = metadata(self.graph.nodes[a], f"{self.path}:{a}") if b == name else {}
            if "bias_start" in meta:
                starts.add(_metadata_time(meta["bias_start"], f"{self.path}:{a}/metadata/bias_start"))
        if len(starts) > 1:
            raise DataError(f"{self.path}:{name}", "biases begin at different times", "one bias_start")
        return starts.pop() if starts else 0.0

    # -- spikes = "step": when signals of the first step arrive ----------------------------------------

    def _links(self) -> Iterable[tuple[str, str]]:
        return ((p.source, name) for name, signal in self.signals.items() for p in signal.paths if p.source not in self.silent)

    def _begins(self) -> dict[str, int]:
        """For each neuron node, the time step (from 1) in which the signals of the other program's first step arrive."""
        links = list(dict.fromkeys(self._links()))
        before: dict[str, list[str]] = {}
        for a, b in links:
            before.setdefault(b, []).append(a)
        self.rank = {name: k for k, name in enumerate(in_order(self.names, links))}
        out: dict[str, int] = {}
        for name in self.rank:
            if name in self.made:
                own = [a for a in before.get(name, []) if self.rank[a] < self.rank[name]]
                out[name] = max((self._sends(a, out) for a in own), default=1) + 1
        return out

    def _sends(self, name: str, begins: Mapping[str, int]) -> int:
        """The time step in which a node sends its output of the other program's first step."""
        if name in self.made:
            return begins[name] + self.made[name].synaptic  # a current moves v in the next step
        return 2 if "amplitude" in self.inputs.get(name, {}) else 1

    def _starts_late(self, name: str) -> int:
        """Extra delay of an input in steps: 1 for a direct current, unless it starts at 0 ms, as it then begins at dt anyway; else 0."""
        given = self.inputs.get(name, {})
        return int("amplitude" in given and bool(np.any(np.asarray(given.get("start", 0.0)) != 0)))
