"""Runs a network: builds it, drives the engine slice by slice, hands what it records to a sink."""

from __future__ import annotations

import math
import os
import platform
import shlex
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim import __version__, memory
from lifsim.errors import LifsimError, ModelError, Problem, RunError, did_you_mean
from lifsim.forecast import PRECISIONS, STORAGES, coarse_weights, estimate, stored
from lifsim.grid import nearest_on_grid, on_grid, steps
from lifsim.method import check_precision, method_of, storage_for
from lifsim.network import Network, Nodes
from lifsim.populations import normalise, relations
from lifsim.values import Distribution, number

if TYPE_CHECKING:
    from lifsim.collect import WeightSamples
    from lifsim.results import Result

Progress = Callable[..., None]

SLICE_SECONDS = 0.1  # wall time of a slice: short enough to stop promptly, long enough to cost nothing
MOST_STEPS = 2**30  # the engine counts steps in 32 bits; at dt 0.1 ms this is 30 hours


def run(
    net: Network,
    duration: float | str | None = None,
    *,
    seed: int | None = None,
    threads: int | str = "auto",
    precision: str = "float64",
    weights: str | None = None,
    method: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Result:
    """Simulate `net` for `duration` ms (default: the model file's) and return what was recorded.

    Parameters
    ----------
    seed : of all random numbers (default: the network's, 1). The same seed gives the same result,
        bit for bit, for any number of threads.
    threads : a number, or "auto" for one that suits the size of the network.
    precision : "float64" or "float32", of state and sums.
    weights : "float64", "float32" or "compact", of stored weights; None follows `precision`. Compact ones
        are whole numbers of 16 bits, in steps of 1/32767 of the largest weight of their sign.
    method : "grid": spike times are bound to the grid of dt; "precise": they are exact, as those of the models called
        ..._ps are. None: the network's, or "precise" if it holds such a model.
    out : path of the HDF5 file to write; None keeps the results in memory.
    overwrite : replace an existing file.
    progress : called as ``progress(event, **facts)`` with "warning", "build", "compile", "step", "write", "done".

    Raises
    ------
    LifsimError : a wrong argument or model. RunError : the run failed.
    """
    _check_network(net)
    check_duration(net, duration)
    with Simulation(
        net,
        seed=seed,
        threads=threads,
        precision=precision,
        weights=weights,
        method=method,
        out=out,
        overwrite=overwrite,
        progress=progress,
    ) as simulation:
        simulation.run(duration)
        return simulation.result()


def check_duration(net: Network, duration: float | str | None) -> float:
    """`duration` (default: the network's) in ms; must be a multiple of dt above 0."""
    if duration is None:
        duration = net.duration
    if duration is None:
        raise LifsimError("duration", "not given", "a time in ms, here or as run.duration in the model file")
    try:
        ms = number(duration, "ms")
    except ValueError as error:
        raise LifsimError("duration", str(error), "a time in ms") from None
    if not net.dt / 2 <= ms < math.inf:
        raise LifsimError("duration", f"{ms:g} ms", f"a finite time, at least one step (dt = {net.dt:g} ms)")
    if not on_grid(ms, net.dt):
        raise LifsimError("duration", f"{ms:g} ms is not on the grid", nearest_on_grid(ms, net.dt))
    if steps(ms, net.dt) > MOST_STEPS:
        raise LifsimError("duration", f"{ms:g} ms", f"at most {MOST_STEPS * net.dt:g} ms (2³⁰ steps)")
    return ms


class Simulation:
    """A built network that can be run in pieces, read and changed between them.

    Parameters are those of `run`. Use it as a context manager, or call `close`.

    Examples
    --------
    >>> import lifsim as ls
    >>> net = ls.Network()
    >>> exc = net.add("exc", 3, "iaf_psc_exp", I_e=400.0)
    >>> sim = ls.Simulation(net)
    >>> sim.run(10.0)
    >>> float(sim.get("exc", "V_m").round(6)[0])
    -59.886071
    """

    def __init__(
        self,
        net: Network,
        *,
        seed: int | None = None,
        threads: int | str = "auto",
        precision: str = "float64",
        weights: str | None = None,
        method: str | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> None:
        _check_network(net)
        self._closed = False
        self.net = net
        self.seed = _check_seed(net.seed if seed is None else seed)
        _check_choice("precision", precision, PRECISIONS)
        _check_choice("weights", weights, (None, *STORAGES))
        self.method = method_of(net, method)
        check_precision(self.method, precision)
        weights = weights or storage_for(self.method)
        needed = estimate(net, precision, threads, weights)
        team = needed["threads"]
        _check_memory(needed["bytes"] - needed["held"])
        self.timings: dict[str, float] = {"build": 0.0, "compile": 0.0, "simulate": 0.0, "record": 0.0}
        self._progress = progress or _silent
        self._wall = time.perf_counter()
        for text in coarse_weights(net, weights):
            self._progress("warning", text=text)
        settings = {"threads": team, "precision": precision, "weights": weights, "method": self.method}
        from lifsim.collect import Collector, manifest

        self._manifest = manifest(net, self.seed, settings, versions(), host(), shlex.join(sys.argv))
        self._sink = _sink(self._manifest, out, overwrite)  # before anything that takes long
        try:
            self._collector = Collector(net, self.seed)
            self._engine = self._build(team, precision, weights)
            self._weights = self._weight_samples()
        except BaseException:
            self._sink.close()
            raise

    def _build(self, team: int, precision: str, weights: str | None) -> Any:
        start = time.perf_counter()
        self._progress("prepare")
        from lifsim.build import build_plan
        from lifsim.engine import can_keep_code, compiling, engine_for

        with compiling(lambda: self._progress("compile", kept=can_keep_code())) as compiler:
            plan = build_plan(self.net, self.seed, self.method)
            engine = engine_for(self.method, plan, team, precision, stored(weights))
            self.timings["build"] = time.perf_counter() - start - compiler.seconds
            self._progress("build", synapses=engine.plan.n_synapses, seconds=self.timings["build"])
            self._collector.chunk(0, 0, engine.advance(0), engine.plan.events)  # loads all code that a run needs, or compiles it
        self.timings["compile"] = time.perf_counter() - start - self.timings["build"]
        return engine

    def _weight_samples(self) -> list[WeightSamples]:
        """What records weights; which synapses there are, the sink is told only now that they are built."""
        from lifsim.collect import WeightSamples

        recordings = [r for r in self.net.recordings if r.variable != "spikes"]  # in the order of the manifest's traces
        out = {i: WeightSamples(r, self.net.dt, self.matrix) for i, r in enumerate(recordings) if r.source}
        if out:
            traces = [entry | out[i].entry() if i in out else entry for i, entry in enumerate(self._manifest.traces)]
            self._sink.describe(replace(self._manifest, traces=traces))
        return list(out.values())

    # -- running -----------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Number of steps done."""
        return int(self._engine.step)

    @property
    def time(self) -> float:
        """Biological time reached, ms."""
        return self.step * self.net.dt

    def run(self, duration: float | str | None = None) -> None:
        """Run for `duration` ms (default: the network's), on from where the last run ended."""
        self._check_open()
        total = steps(check_duration(self.net, duration), self.net.dt)
        if self.step + total > MOST_STEPS:
            raise LifsimError("duration", f"{duration} ms more", f"at most {MOST_STEPS * self.net.dt:g} ms altogether")
        began, first, n = time.perf_counter(), self.step, 1
        recorded_before = self.timings["record"]
        while self.step < first + total:
            start = time.perf_counter()
            n = min(n, self._engine.longest_slice(), first + total - self.step, *(w.next(self.step) - self.step for w in self._weights))
            self._record(self._engine.advance(n), n)
            self._check_numbers()
            took = time.perf_counter() - start
            done = (self.step - first) * self.net.dt
            self._progress("step", done_ms=done, total_ms=total * self.net.dt, wall_s=time.perf_counter() - began)
            n = max(1, min(4 * n, int(n * SLICE_SECONDS / max(took, 1e-6))))
        self.timings["simulate"] += time.perf_counter() - began - (self.timings["record"] - recorded_before)

    def _record(self, recorded: Any, n: int) -> None:
        """Sort what the last `n` steps recorded and write it."""
        start = time.perf_counter()
        chunk = self._collector.chunk(self.step - n, n, recorded, self._engine.plan.events)
        weights = {w.key: w.now() for w in self._weights if w.next(self.step - 1) == self.step}
        self._sink.write(replace(chunk, traces={**chunk.traces, **weights}))
        self.timings["record"] += time.perf_counter() - start + recorded.seconds

    def _check_numbers(self) -> None:
        """Stop where a potential is no number any more (weights or currents beyond all measure)."""
        wrong = self._engine.first_not_finite()
        if wrong:
            population, neuron, name, found = wrong
            place = f"{population}[{neuron}].{name}"
            raise RunError(f"{place} is {found} at {self.time:g} ms or shortly before; weights or currents are too large for the precision")

    def _check_open(self) -> None:
        if self._closed:
            raise LifsimError("simulation", "is closed", "make a new one")

    def result(self) -> Result:
        """Everything recorded so far; with `out`, this makes the file. More runs, and another result, may follow."""
        self._check_open()
        self._progress("write")
        start = time.perf_counter()

        def summary() -> dict[str, Any]:
            return self._summary(time.perf_counter() - start)

        result = self._sink.finish(summary)
        self.timings["record"] += time.perf_counter() - start
        self._progress("done", **self._summary(0.0))
        return result

    def _summary(self, finishing: float) -> dict[str, Any]:
        """What is to be said of the run so far; `finishing` are seconds spent on the file that `timings` does not hold yet."""
        done = self.step * self.net.dt
        timings = {**self.timings, "record": self.timings["record"] + finishing, "total": time.perf_counter() - self._wall}
        return {
            "steps": self.step,
            "duration": done,
            "neurons": self._engine.plan.n_neurons,
            "synapses": self._engine.plan.n_synapses,
            "threads": self._engine.threads,
            "timings": timings,
            "real_time_factor": (timings["simulate"] + timings["record"]) * 1000.0 / done if done else None,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    # -- state -------------------------------------------------------------------------------------

    def get(self, nodes: Nodes, name: str) -> np.ndarray:
        """State variable or parameter `name` of `nodes` (population, slice or name), shape (n,)."""
        view = self.net.view(nodes)
        model = view.population.model
        known = model.readable
        if model.role != "neuron" or name not in known:
            raise ModelError(view.name, f"{model.name} has no variable {name!r} to read", did_you_mean(name, known))
        return self._engine.get(view.name, name)[view.ids]

    def set(self, nodes: Nodes, **values: Any) -> None:
        """Set parameters and state variables of `nodes`; numbers, arrays (one a node) or distributions."""
        view = self.net.view(nodes)
        population, place = view.population, f"{view}"
        problems: list[Problem] = []
        full: dict[str, Any] = {}
        for key, raw in values.items():
            try:
                full[key] = self._settable(view, key, raw)
            except ValueError as error:
                problems.append(Problem(f"{place}.{key}", str(error)))
        if not problems:
            group = self._engine.plan.group(view.name)
            problems += relations(place, population.model, {**group.params, **full})
        if problems:
            raise ModelError.of(problems)
        self._engine.set(view.name, full)

    def _settable(self, view: Any, key: str, raw: Any) -> Any:
        """`raw` as a value for the whole population, those outside `view` keeping theirs."""
        model = view.population.model
        known = model.readable
        if model.role != "neuron":
            raise ValueError(f"a {model.name} cannot be changed once it is built; only neurons can")
        if key not in known:
            raise ValueError(f"{model.name} has no such variable to set; {did_you_mean(key, known)}")
        v = normalise(model.parameter(key), raw, len(view))
        if isinstance(v, Distribution):
            words = [self.seed, zlib.crc32(f"{view.name}/{key}/set".encode()), self.step]
            v = v.draw(len(view), np.random.Generator(np.random.Philox(np.random.SeedSequence(words))))
        if view.whole:
            return v
        whole = self._engine.get(view.name, key)
        whole[view.ids] = v
        return whole

    def matrix(self, source: Nodes, target: Nodes, what: str = "weight") -> Any:
        """The built synapses as scipy.sparse.csc_array of shape (n_target, n_source).

        `what` is "weight" or "delay" (ms). Several synapses of a pair are separate entries. A plastic weight
        is that after the last presynaptic spike, as in NEST, whether that spike has arrived or not.
        """
        from scipy.sparse import csc_array

        _check_choice("what", what, ("weight", "delay"))
        views = [self.net.view(source), self.net.view(target)]
        for view in views:
            if view.population.model.role not in ("neuron", "spikes"):
                raise ModelError(view.name, f"a {view.population.model.name} has no stored synapses", "neurons or a spike_generator")
        first = [self._first(view.name) for view in views]
        ranges = [(f, f + v.population.n) for f, v in zip(first, views, strict=True)]
        s, t, weight, delay = self._engine.synapses(ranges[0], ranges[1])
        data = weight if what == "weight" else delay * self.net.dt
        pointers = np.concatenate([[0], np.cumsum(np.bincount(s, minlength=views[0].population.n))])
        whole = csc_array((data, t, pointers), shape=(views[1].population.n, views[0].population.n))
        return whole if views[0].whole and views[1].whole else whole[:, views[0].ids][views[1].ids, :]

    def positions(self, nodes: Nodes) -> np.ndarray:
        """Where `nodes` lie in this run: (n, dimensions), mm."""
        return self.net.positions(nodes, self.seed)

    def save_weights(self, path: str | Path, source: Nodes, target: Nodes, name: str | None = None) -> None:
        """Store the weights of now, and delays, in the `lifsim.weights.WeightStore` at `path`, which is made if need be.

        They are called `name`: "SOURCE_to_TARGET" unless given.
        """
        from lifsim.weights import WeightStore

        own, onto = self.net.view(source), self.net.view(target)
        weight, delay = (self.matrix(own, onto, what) for what in ("weight", "delay"))
        with WeightStore(path, "a") as store:
            store.put(name or f"{own.name}_to_{onto.name}", weight, delay=delay, units=onto.population.model.weight_unit)

    def fan_out(self) -> dict[str, np.ndarray]:
        """How many built synapses start at each neuron (or node that sends given spikes), by population."""
        from lifsim.build import numbering

        number = self._engine.fan_out()
        return {name: number[first : first + self.net.populations[name].n] for name, first in numbering(self.net).items()}

    # -- where the time goes -----------------------------------------------------------------------

    def measure(self) -> None:
        """From now on, take the time of each part of the work (see `spent`)."""
        self._engine.measure()

    def spent(self) -> dict[str, float]:
        """Seconds spent since `measure` on "update", "random numbers" and "delivery", and "waiting"; the mean of the threads."""
        return dict(self._engine.spent())

    def _first(self, name: str) -> int:
        from lifsim.build import numbering

        return numbering(self.net)[name]

    # -- life --------------------------------------------------------------------------------------

    def close(self) -> None:
        """Release threads and files. What was saved stays."""
        self._closed = True
        if hasattr(self, "_engine"):
            self._engine.close()
        self._sink.close()

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _silent(event: str, **facts: Any) -> None:
    """Shows nothing; a warning goes Python's way."""
    if event == "warning":
        warnings.warn(facts["text"], stacklevel=4)


def _sink(manifest: Any, out: str | Path | None, overwrite: bool) -> Any:
    from lifsim.recording import FileSink, MemorySink

    return MemorySink(manifest) if out is None else FileSink(manifest, out, overwrite=overwrite)


def _check_network(net: Any) -> None:
    if not isinstance(net, Network):
        raise LifsimError("network", f"{net!r}", "a Network, such as lifsim.load gives")


def _check_memory(needed: float) -> None:
    room = memory.available()
    if needed > room:
        allowed = f"{memory.said(room)} are free on this computer; fewer synapses, or float32, need less"
        raise LifsimError("memory", f"this network needs about {memory.said(needed)}", allowed)


def _check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise LifsimError("seed", f"{seed!r}", "a whole number from 0 to 2^64 - 1")
    return int(seed)


def _check_choice(name: str, given: Any, allowed: tuple[Any, ...]) -> None:
    if given not in allowed:
        raise LifsimError(name, f"{given!r}", "one of: " + ", ".join(str(a) for a in allowed))


def versions() -> dict[str, str]:
    """Versions of lifsim and what it runs on."""
    packages = ("numpy", "numba", "llvmlite", "scipy", "h5py")
    return {"lifsim": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}


def host() -> str:
    """Facts of this computer that matter for a run."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
