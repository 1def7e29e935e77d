"""Runs a network: builds it, drives the engine slice by slice, hands what it records to a sink."""

from __future__ import annotations

import math
import os
import platform
import shlex
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

import numpy as np

from lifsim import __version__
from lifsim.errors import DataError, LifsimError, ModelError, Problem, RunError, did_you_mean
from lifsim.forecast import PRECISIONS, STORAGES, check_compiler, check_room, coarse_weights, estimate, stored
from lifsim.grid import nearest_on_grid, not_on_grid, on_grid, steps, time_of, times
from lifsim.keeping import NO_CHECKPOINT, Keeper, Source
from lifsim.method import check_precision, method_of, storage_for
from lifsim.network import Network, Nodes
from lifsim.notices import notices
from lifsim.outputs import check_output, expanded, make_folder
from lifsim.populations import normalise, relations
from lifsim.printable import shown
from lifsim.schedule import Schedule, schedule_of, seconds
from lifsim.stopping import Stopped, StopRequest, deferred
from lifsim.text import storable
from lifsim.turn import Turn, alone, reading
from lifsim.values import Distribution, number

if TYPE_CHECKING:
    from lifsim.checkpoint import About, Checkpoint
    from lifsim.collect import WeightSamples
    from lifsim.netimage import NetworkImage
    from lifsim.results import Result
    from lifsim.sinks import FileSink

Progress = Callable[..., None]

CHECKPOINT_WALL = 600.0  # seconds of wall time between checkpoints of a run that writes to a file
SLICE_SECONDS = 0.1  # wall time of a slice: short enough to stop promptly, long enough to cost nothing
MOST_STEPS = 2**30  # the engine counts steps in 32 bits; at dt 0.1 ms this is 30 hours


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
        raise LifsimError("duration", not_on_grid(ms, net.dt), nearest_on_grid(ms, net.dt))
    if steps(ms, net.dt) > MOST_STEPS:
        raise LifsimError("duration", f"{ms:g} ms", f"at most {MOST_STEPS * net.dt:g} ms (2³⁰ steps)")
    return ms


class Place(NamedTuple):
    """A new file of results, and whether it may replace an old one."""

    path: str | Path
    overwrite: bool = False


class Simulation:
    """A built network that can be run in pieces, read and changed between them.

    Parameters are those of `lifsim.run`; `duration` is what `run` takes by default. Use it as a context manager, or call `close`.

    One call at a time works on it: a call from another thread, or from the progress function of `run`, while one goes on is a
    `LifsimError`, but for those that only read (`get`, `matrix`, `fan_out`, …), which the progress function may call. It cannot be
    pickled or copied (`save` and `restore` do that).

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
        checkpoint_every: float | str | None = None,
        checkpoint_wall: float | str | None = CHECKPOINT_WALL,
    ) -> None:
        check_network(net)
        seed = _check_seed(net.seed if seed is None else seed)
        self._duration = None if duration is None else check_duration(net, duration)
        schedule = schedule_of(net.dt, checkpoint_every, checkpoint_wall)
        self._set_up(net, seed, {"threads": threads, "precision": precision, "weights": weights, "method": method}, progress)
        self._open(None if out is None else Place(out, overwrite), schedule, None)

    def _set_up(self, net: Network, seed: int, settings: dict[str, Any], progress: Progress | None) -> None:
        """Check what is asked for, and say what the run is."""
        self._closed, self._turn = False, Turn("simulation")
        self.net, self.seed = net.snapshot(), seed
        precision, weights = settings["precision"], settings["weights"]
        _check_choice("precision", precision, PRECISIONS)
        _check_choice("weights", weights, (None, *STORAGES))
        self.method = method_of(net, settings["method"])
        check_precision(self.method, precision)
        weights = weights or storage_for(self.method)
        needed = estimate(net, precision, settings["threads"], weights)
        check_room(needed)
        self.timings: dict[str, float] = {"build": 0.0, "compile": 0.0, "simulate": 0.0, "record": 0.0}
        self._before = 0.0  # seconds of those that worked on this run before
        self._until: int | None = None
        self._changes = 0  # how often `set` was called
        self._progress = progress or notices
        self._wall = time.perf_counter()
        for text in coarse_weights(net, weights):
            self._progress("warning", text=text)
        self._needed = needed
        self._settings = {"threads": needed["threads"], "precision": precision, "weights": weights, "method": self.method}
        from lifsim.collect import manifest

        self._manifest = manifest(net, seed, self._settings, versions(), host(), storable(shlex.join(sys.argv)))

    def _open(self, out: Path | Place | FileSink | None, schedule: Schedule, saved: Checkpoint | None) -> None:
        """Open the sink, build the network and load the state that was `saved`."""
        from lifsim.collect import Collector
        from lifsim.netimage import NetworkImage

        image = NetworkImage(self.net)
        self._sink = self._sink_for(out, image, schedule, saved)  # before anything that takes long
        self._keeper = Keeper(image, self._sink, schedule)
        try:
            self._check_checkpoints(schedule)
            self._collector = Collector(self.net, self.seed)
            self._engine = self._build(self._settings["threads"], self._settings["precision"], self._settings["weights"])
            if saved is not None:
                self._take_up(saved)
                self._keeper.changes = saved.about.changes if self._sink.holds_past else NO_CHECKPOINT
            self._weights = self._weight_samples()
        except BaseException:
            self._sink.close()
            raise

    def _sink_for(self, out: Path | Place | FileSink | None, image: NetworkImage, schedule: Schedule, saved: Checkpoint | None) -> Any:
        """Where the simulation records: memory, a new file, or a log that goes on from a checkpoint."""
        from lifsim.beginning import Beginning
        from lifsim.netimage import check_not_an_input
        from lifsim.recording import decoded
        from lifsim.sinks import FileSink, MemorySink

        if out is None:
            return MemorySink(self._manifest, [decoded(saved.path, x) for x in saved.chunks] if saved else [])
        if isinstance(out, Place):
            path = check_output(out.path, out.overwrite)
            check_not_an_input(path, self.net)
            self._manifest = replace(self._manifest, network_sha256=image.sha256())
            until = None if self._duration is None else steps(self._duration, self.net.dt)
            beginning = Beginning(until=until, every=schedule.every_ms, wall=schedule.wall)
            if saved is not None:
                return FileSink(self._manifest, path, out.overwrite, beginning=replace(beginning, reason="it began at a checkpoint"))
            return FileSink(self._manifest, path, out.overwrite, image=image, beginning=beginning)
        if isinstance(out, FileSink):
            sink = out
        else:
            about = cast("Checkpoint", saved).about
            sink = FileSink.resume(out, about.step, about.run)
        self._manifest = sink.manifest
        return sink

    def _check_checkpoints(self, schedule: Schedule) -> None:
        """Say at the start that a network which no file can describe has no checkpoints (ModelError if they were asked for)."""
        reason = self._sink.indescribable
        if reason and schedule.every_ms is not None:
            raise ModelError("checkpoint_every", f"no file can describe the network ({reason})", "a network that Network.save can write")
        if reason:
            text = f"there will be no checkpoints, and the run cannot be resumed, as no file can describe the network ({reason})"
            self._progress("warning", text=text)

    def _build(self, team: int, precision: str, weights: str | None) -> Any:
        start = time.perf_counter()
        self._progress("prepare", synapses=self._needed["synapses"])
        from lifsim.build import build_plan
        from lifsim.engine import can_keep_code, compiling, engine_for

        def begin() -> None:
            check_compiler()
            self._progress("compile", kept=can_keep_code())

        with compiling(begin) as compiler:
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
        return time_of(self.step, self.net.dt)

    @property
    def done(self) -> bool:
        """Whether the last `run` came to its end."""
        return self._until is None or self.step >= self._until

    @property
    def path(self) -> Path | None:
        """The file of results, None if they are in memory."""
        return self._sink.path if self._sink.path is None else Path(self._sink.path)

    @alone
    def run(self, duration: float | str | None = None, max_wall: float | str | None = None) -> None:
        """Run for `duration` ms (default: that of the simulation, or the network's), on from where the last run ended.

        Parameters
        ----------
        max_wall : seconds (or a text such as "1 h") since this simulation was made, after which the run stops where it is:
            `time` says where.

        Raises
        ------
        Stopped : a signal such as that of Ctrl-C came (a KeyboardInterrupt). The slice was ended first: what was recorded is
            consistent, a checkpoint is beside the file of results, and the simulation can go on.
        """
        self._check_open()
        deadline = math.inf if max_wall is None else self._wall + seconds(max_wall, "max_wall")
        total = steps(check_duration(self.net, self._duration if duration is None else duration), self.net.dt)
        if self.step + total > MOST_STEPS:
            raise LifsimError("duration", f"{duration} ms more", f"at most {MOST_STEPS * self.net.dt:g} ms altogether")
        self._until = self.step + total
        self._keeper.check_room(self.step, self._until)
        self._keeper.begin(self._source(), self._until)
        recorded_before, began = self.timings["record"], time.perf_counter()
        try:
            with deferred() as asked:
                self._advance(self.step, self._until, deadline, asked)
                if asked.number is not None:
                    raise Stopped(asked.number, self._keeper.keep(self._source()))
        except Stopped as stopped:  # if a second signal would not wait for the checkpoint, there is the one before
            stopped.saved = stopped.saved or self._keeper.advice
            raise
        finally:
            self.timings["simulate"] += time.perf_counter() - began - (self.timings["record"] - recorded_before)
        if self.step < self._until:
            self._keeper.keep(self._source())

    def _advance(self, first: int, until: int, deadline: float, asked: StopRequest) -> None:
        """Slice by slice to step `until`, unless somebody asks to stop or time is up."""
        began, n = time.perf_counter(), self._first_slice(deadline)
        while self.step < until:
            start = time.perf_counter()
            marks = [self._keeper.schedule.next(self.step), *(w.next(self.step) for w in self._weights)]
            n = min(n, self._engine.longest_slice(), until - self.step, *(mark - self.step for mark in marks))
            self._record(self._engine.advance(n), n)
            self._check_numbers()
            took = time.perf_counter() - start
            done, total = time_of(self.step - first, self.net.dt), time_of(until - first, self.net.dt)
            self._progress("step", done_ms=done, total_ms=total, wall_s=time.perf_counter() - began)
            n = max(1, min(4 * n, int(n * SLICE_SECONDS / max(took, 1e-6))))
            if self._keeper.schedule.due(self.step):
                self._keeper.keep(self._source())
            self._keeper.check_rest(self._source(), self.time)
            if asked.number is not None or time.perf_counter() >= deadline:
                break

    def _first_slice(self, deadline: float) -> int:
        """Steps that take a quarter of a slice's time on a slow computer, if every synapse transmits in each; a single one where the
        events of the run are followed, or that time may be too long.
        """
        if self.method != "grid" or self._progress is not notices or deadline - time.perf_counter() < SLICE_SECONDS:
            return 1
        a_step = 2e-6 + 50e-9 * self._needed["neurons"] + 1e-9 * self._needed["synapses"]  # seconds
        return max(1, int(SLICE_SECONDS / 4 / a_step))

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

    @alone
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
        done = self.time
        timings = {**self.timings, "record": self.timings["record"] + finishing, "total": self._total()}
        return {
            "steps": self.step,
            "duration": done,
            "neurons": self._engine.plan.n_neurons,
            "synapses": self._engine.plan.n_synapses,
            "threads": self._engine.threads,
            "timings": timings,
            "real_time_factor": (timings["simulate"] + timings["record"]) * 1000.0 / done if done else None,
            "complete": self.done,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _total(self) -> float:
        """Wall time of the run, s; the time between an interruption and `resume` does not count."""
        return self._before + time.perf_counter() - self._wall

    # -- checkpoints -------------------------------------------------------------------------------

    @alone
    def save(self, path: str | Path) -> Path:
        """Write a checkpoint: all that is needed to go on, on this computer or another; the path. What is there is replaced.

        What was recorded in memory is in it. What went to a file stays in that file's log.

        Raises
        ------
        OutputError : the place cannot be used. RunError : the disk is full.
        """
        self._check_open()
        path = check_output(path, overwrite=True)
        make_folder(path)
        self._sink.sync()
        self._keeper.write(self._source(), path)
        return path

    @classmethod
    def restore(
        cls,
        path: str | Path,
        *,
        net: Network | None = None,
        threads: int | str | None = None,
        out: str | Path | None = None,
        overwrite: bool = False,
        progress: Progress | None = None,
        checkpoint_every: float | str | None = None,
        checkpoint_wall: float | str | None = CHECKPOINT_WALL,
    ) -> Simulation:
        """A simulation that goes on from a checkpoint, bit for bit as the one that was saved would have.

        Parameters
        ----------
        path : of a file that `save` made, or a run with checkpoints (OUT.h5.ckpt).
        net : must be the network that was simulated, if it is given; else it is taken from the checkpoint.
        threads : as the saved one, unless given.
        out : None: records are continued where they were, in memory or in the log of the interrupted run, which is cut off
            at the time of the checkpoint. A path: a new file, which begins at that time.

        Raises
        ------
        DataError : no checkpoint, a damaged one, or files that the network reads have changed.
        ModelError : `net` is another network; says in what.
        """
        from lifsim import checkpoint

        saved = checkpoint.read(expanded(path, "checkpoint", DataError))
        schedule = schedule_of(saved.about.dt, checkpoint_every, checkpoint_wall)
        if out is None:
            return cls.taken_up(saved, net=net, threads=threads, out=log_owner(saved), schedule=schedule, progress=progress)
        new = Place(out, overwrite)
        return cls.taken_up(saved, net=net, threads=threads, out=new, schedule=schedule, progress=progress)

    @classmethod
    def taken_up(
        cls,
        saved: Checkpoint,
        *,
        net: Network | None = None,
        threads: int | str | None = None,
        out: Path | Place | FileSink | None = None,
        schedule: Schedule,
        progress: Progress | None = None,
    ) -> Simulation:
        """`restore` from a checkpoint in memory. `out`: None in memory, a path whose log goes on (or its sink), or a new place."""
        own = saved.network()
        check_unchanged(own, saved)
        if net is not None:
            from lifsim.netimage import refuse_another

            refuse_another(own, net, str(saved.path))
        simulation = cls.__new__(cls)
        settings = {key: saved.about.settings.get(key) for key in ("precision", "weights", "method", "threads")}
        settings["threads"] = threads or settings["threads"]
        try:
            simulation._set_up(net or own, saved.about.seed, settings, progress)
        except TypeError as error:
            raise DataError(str(saved.path), f"has settings that are none ({error})") from None
        simulation._duration = None
        simulation._open(out, schedule, saved)
        return simulation

    def _take_up(self, saved: Checkpoint) -> None:
        """Load the saved state."""
        from lifsim.checkpoint import COLLECTED, STATE

        about = saved.about
        if about.versions != versions():
            known = ", ".join(f"{name} {x}" for name, x in about.versions.items() if versions().get(name) != x)
            self._progress("warning", text=f"{saved.path} was made with {known}: the last digits of what follows may differ from then")
        try:
            if saved.arrays or about.step:
                self._engine.restore(about.step, saved.part(STATE))
                self._collector.restore(saved.part(COLLECTED))
        except (ValueError, IndexError, KeyError) as error:
            raise DataError(str(saved.path), f"does not fit its network ({error})") from None
        self._until, self._before, self._changes = about.until, about.timings.get("total", 0.0), about.changes
        for part in self.timings:
            self.timings[part] += about.timings.get(part, 0.0)

    def _source(self) -> Source:
        """What checkpoints are made of."""
        return Source(self._about, self._state, self._is_initial)

    def _is_initial(self) -> bool:
        """Whether the state is still the one that follows from the seed."""
        return self.step == 0 and not self._changes

    def _state(self) -> dict[str, Any]:
        """All arrays of a checkpoint."""
        from lifsim.checkpoint import COLLECTED, STATE

        arrays = {f"{STATE}{key}": x for key, x in self._engine.saved().items()}
        return arrays | {f"{COLLECTED}{key}": x for key, x in self._collector.saved().items()}

    def _about(self) -> About:
        """What a checkpoint says of itself."""
        from lifsim.checkpoint import About

        return About(
            step=self.step,
            seed=self.seed,
            dt=self.net.dt,
            run=self._manifest.run,
            settings=self._settings,
            until=self._until,
            out=str(self._sink.path.absolute()) if self._sink.path else None,
            every=self._keeper.schedule.every_ms,
            wall=self._keeper.schedule.wall,
            changes=self._changes,
            timings={**self.timings, "total": self._total()},
            versions=versions(),
        )

    # -- state -------------------------------------------------------------------------------------

    @reading
    def get(self, nodes: Nodes, name: str) -> np.ndarray:
        """State variable or parameter `name` of `nodes` (population, slice or name), shape (n,)."""
        view = self.net.view(nodes)
        model = view.population.model
        known = model.readable
        if model.role != "neuron" or name not in known:
            raise ModelError(view.name, f"{model.name} has no variable {name!r} to read", did_you_mean(name, known))
        return self._engine.get(view.name, name)[view.ids]

    @alone
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
        self._changes += 1

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

    @reading
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
        data = weight if what == "weight" else times(delay, self.net.dt)
        pointers = np.concatenate([[0], np.cumsum(np.bincount(s, minlength=views[0].population.n))])
        whole = csc_array((data, t, pointers), shape=(views[1].population.n, views[0].population.n))
        return whole if views[0].whole and views[1].whole else whole[:, views[0].ids][views[1].ids, :]

    def positions(self, nodes: Nodes) -> np.ndarray:
        """Where `nodes` lie in this run: (n, dimensions), mm."""
        return self.net.positions(nodes, self.seed)

    @reading
    def save_weights(self, path: str | Path, source: Nodes, target: Nodes, name: str | None = None) -> None:
        """Store the weights of now, and delays, in the `lifsim.weights.WeightStore` at `path`, which is made if need be.

        They are called `name`: "SOURCE_to_TARGET" unless given.
        """
        from lifsim.weights import WeightStore

        own, onto = self.net.view(source), self.net.view(target)
        weight, delay = (self.matrix(own, onto, what) for what in ("weight", "delay"))
        with WeightStore(path, "a") as store:
            store.put(name or f"{own.name}_to_{onto.name}", weight, delay=delay, units=onto.population.model.weight_unit)

    @reading
    def fan_out(self) -> dict[str, np.ndarray]:
        """How many built synapses start at each neuron (or node that sends given spikes), by population."""
        from lifsim.build import numbering

        number = self._engine.fan_out()
        return {name: number[first : first + self.net.populations[name].n] for name, first in numbering(self.net).items()}

    # -- where the time goes -----------------------------------------------------------------------

    @alone
    def measure(self) -> None:
        """From now on, take the time of each part of the work (see `spent`)."""
        self._engine.measure()

    @reading
    def spent(self) -> dict[str, float]:
        """Seconds spent since `measure` on "update", "random numbers" and "delivery", and "waiting"; the mean of the threads."""
        return dict(self._engine.spent())

    def _first(self, name: str) -> int:
        from lifsim.build import numbering

        return numbering(self.net)[name]

    # -- life --------------------------------------------------------------------------------------

    @alone
    def close(self) -> None:
        """Release threads and files. What was saved stays."""
        self._closed = True
        if hasattr(self, "_engine"):
            self._engine.close()
        self._sink.close()

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        """Threads, compiled code and an open log are nothing that could be copied."""
        raise LifsimError("simulation", "cannot be pickled or copied", "save() writes a checkpoint, from which Simulation.restore goes on")

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def log_owner(saved: Checkpoint) -> Path | None:
    """The file of results whose log a checkpoint goes with: where it was, or beside the checkpoint; None if it had none."""
    from lifsim.runlog import log_path

    if saved.about.out is None:
        return None
    own = Path(saved.about.out)
    here = saved.path.absolute().parent / own.name
    return own if log_path(own).exists() or not log_path(here).exists() else here


def check_unchanged(net: Network, saved: Checkpoint) -> None:
    """Refuse a checkpoint whose network means something else by now (DataError, with the places)."""
    from lifsim.compatibility import changed_rules

    changed = changed_rules(net, saved.about.format)
    if changed:
        got = f"was made by lifsim {saved.about.versions.get('lifsim', '?')}, for which its network meant something else: "
        raise DataError(str(saved.path), got + "; ".join(f"{p.where}: {p.got}" for p in changed[:5]), changed[0].allowed)


def check_network(net: Any) -> None:
    """Refuse what is no network."""
    if not isinstance(net, Network):
        raise LifsimError("network", f"{net!r}", "a Network, such as lifsim.load gives")


def _check_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**64:
        raise LifsimError("seed", shown(seed), "a whole number from 0 to 2^64 - 1")
    return int(seed)


def _check_choice(name: str, given: Any, allowed: tuple[Any, ...]) -> None:
    if not isinstance(given, (str, type(None))) or given not in allowed:
        raise LifsimError(name, shown(given), "one of: " + ", ".join(str(a) for a in allowed))


@lru_cache(1)
def versions() -> dict[str, str]:
    """Versions of lifsim and what it runs on."""
    packages = ("numpy", "numba", "llvmlite", "scipy", "h5py")
    return {"lifsim": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}


@lru_cache(1)
def host() -> str:
    """Facts of this computer that matter for a run."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
