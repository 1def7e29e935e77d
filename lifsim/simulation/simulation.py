"""A simulation: a network that is built, driven through the engine slice by slice, and recorded."""

from __future__ import annotations

import math
import shlex
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

from lifsim.checkpoint import checkpoint_file
from lifsim.checkpoint.checkpoint_file import About, Checkpoint
from lifsim.checkpoint.network_archive import NetworkImage, refuse_another
from lifsim.checkpoint.schedule import Schedule, schedule_of
from lifsim.common.errors import DataError, LifsimError, ModelError
from lifsim.common.notices import notices
from lifsim.common.text import storable
from lifsim.common.timegrid import steps, time_of
from lifsim.common.wall_time import seconds
from lifsim.files.outputs import check_output, expanded, make_folder
from lifsim.network import Network
from lifsim.results.result import Result
from lifsim.simulation import saved_state
from lifsim.simulation.built_network import BuiltNetwork
from lifsim.simulation.checkpointer import NO_CHECKPOINT, Checkpointer, StateSource
from lifsim.simulation.earlier_runs import log_owner
from lifsim.simulation.environment import host, versions
from lifsim.simulation.manifest import manifest
from lifsim.simulation.open_sink import Resumed, open_sink
from lifsim.simulation.options import RunOptions, takes_options
from lifsim.simulation.room import check_room
from lifsim.simulation.settings import MOST_STEPS, check_duration, check_network, settle
from lifsim.simulation.signals import Stopped, deferred
from lifsim.simulation.slices import SliceLoop
from lifsim.simulation.turn import alone
from lifsim.simulation.weight_samples import WeightSamples


class Simulation(BuiltNetwork):
    """A built network that can be run in pieces, and read and changed between them.

    Use it as a context manager, or call `close`. One call at a time works on it: a call from another thread, or from the progress
    function of `run`, while one goes on is a `LifsimError`, but for those that only read (`get`, `matrix`, `fan_out`, …), which the
    progress function may call. It cannot be pickled or copied (`save` and `restore` do that).

    Parameters
    ----------
    net : the network. What is added to it later is not simulated.
    duration : ms that a call of `run` takes by default (default: the network's).
    options

    Raises
    ------
    LifsimError : an option that is none, or not enough memory. ModelError : the network cannot be run so.
    OutputError : `out` cannot be written.

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

    @takes_options()
    def __init__(self, net: Network, duration: float | str | None = None, *, _resumed: Resumed | None = None, **options: Any) -> None:
        check_network(net)
        asked = RunOptions(**options)
        self._duration = None if duration is None else check_duration(net, duration)
        schedule = schedule_of(net.dt, asked.checkpoint_every, asked.checkpoint_wall)
        settings = settle(net, asked.seed, asked.threads, asked.precision, asked.weights, asked.method)
        check_room(settings.needs)
        self._settings, self._progress = settings, asked.progress or notices
        self._closed = False
        self._until: int | None = None  # the step at which the run ends
        self._wall, self._before = time.perf_counter(), 0.0  # when this began; seconds that processes before this one spent on the run
        for text in settings.warnings:
            self._progress("warning", text=text)
        self._open(net.snapshot(), asked, schedule, _resumed)

    def _open(self, net: Network, asked: RunOptions, schedule: Schedule, resumed: Resumed | None) -> None:
        """Open the sink, build the network and load the state of the checkpoint, if the simulation goes on from one."""
        settings = self._settings
        made = manifest(net, settings.seed, settings.as_dict(), versions(), host(), storable(shlex.join(sys.argv)))
        until, image = None if self._duration is None else steps(self._duration, net.dt), NetworkImage(net)
        self._sink = open_sink(made, image, asked.out, asked.overwrite, schedule, until, resumed)  # before anything that takes long
        self._checkpointer = Checkpointer(image, self._sink, schedule)
        try:
            self._check_checkpoints(schedule)
            super().__init__(net, settings, self._progress)
            if resumed is not None:
                self._load(resumed.saved)
            sinks = self._recorder, self._weight_samples(), self._sink, self._checkpointer
            self._loop = SliceLoop(self._engine, settings, *sinks, self._progress)
        except BaseException:
            self._sink.close()
            raise

    def _check_checkpoints(self, schedule: Schedule) -> None:
        """Say at the start that a network which no file can describe has no checkpoints (ModelError if they were asked for)."""
        reason = self._sink.indescribable
        if reason and schedule.every_ms is not None:
            raise ModelError("checkpoint_every", f"no file can describe the network ({reason})", "a network that Network.save can write")
        if reason:
            text = f"there will be no checkpoints, and the run cannot be resumed, as no file can describe the network ({reason})"
            self._progress("warning", text=text)

    def _weight_samples(self) -> list[WeightSamples]:
        """What records weights; which synapses there are, the sink is told only now that they are built."""
        recordings = [r for r in self.net.recordings if r.variable != "spikes"]  # in the order of the manifest's traces
        out = {i: WeightSamples(r, self.net.dt, self.matrix) for i, r in enumerate(recordings) if r.source}
        if out:
            known = self._sink.manifest
            traces = [entry | out[i].entry() if i in out else entry for i, entry in enumerate(known.traces)]
            self._sink.describe(replace(known, traces=traces))
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
        until = self._until = self.step + total
        self._checkpointer.check_room(self.step, until)
        self._checkpointer.begin(self._source(), until)
        recorded_before, began = self._loop.recording_seconds, time.perf_counter()
        try:
            with deferred() as asked:
                self._loop.run(until, deadline, asked, self._source())
                if asked.number is not None:
                    raise Stopped(asked.number, self._checkpointer.keep(self._source()))
        except Stopped as stopped:  # if a second signal would not wait for the checkpoint, there is the one before
            stopped.saved = stopped.saved or self._checkpointer.advice
            raise
        finally:
            recording = self._loop.recording_seconds - recorded_before
            self.timings["record"] += recording
            self.timings["simulate"] += time.perf_counter() - began - recording
        if self.step < until:
            self._checkpointer.keep(self._source())

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
        """Write a checkpoint: all that is needed to go on, on this computer or another.

        What was recorded in memory is in it. What went to a file stays in that file's log.

        Parameters
        ----------
        path : of the checkpoint. A file that is there is replaced.

        Returns
        -------
        The path, absolute.

        Raises
        ------
        OutputError : the place cannot be used. RunError : the disk is full. ModelError : no file can describe the network.
        """
        self._check_open()
        path = check_output(path, overwrite=True)
        make_folder(path)
        self._sink.sync()
        self._checkpointer.write(self._source(), path)
        return path

    @classmethod
    @takes_options("threads", "out", "overwrite", "progress", "checkpoint_every", "checkpoint_wall", threads=None)
    def restore(cls, path: str | Path, *, net: Network | None = None, **options: Any) -> Simulation:
        """A simulation that goes on from a checkpoint, bit for bit as the one that was saved would have.

        Parameters
        ----------
        path : of a checkpoint that `save` wrote, or of one of a run (OUT.h5.ckpt).
        net : must be the network that was simulated, if it is given; else it is taken from the checkpoint.
        options

        `threads` are those of the checkpoint unless given. Without `out`, records are continued where they were: in memory, or in the
        log of the interrupted run, which is cut off at the time of the checkpoint. With `out`, a new file begins at that time.

        Raises
        ------
        DataError : no checkpoint, a damaged one, or files that the network reads have changed.
        ModelError : `net` is another network; says in what.
        """
        saved = checkpoint_file.read(expanded(path, "checkpoint", DataError))
        return cls.of(Resumed(saved, log_owner(saved) if options["out"] is None else None), net=net, **options)

    @classmethod
    def of(cls, resumed: Resumed, *, net: Network | None = None, **options: Any) -> Simulation:
        """`restore` from a checkpoint in memory; `options` are those of `restore`."""
        saved = resumed.saved
        own = saved.network()
        saved_state.check_unchanged(own, saved)
        if net is not None:
            refuse_another(own, net, str(saved.path))
        settings = {key: saved.about.settings.get(key) for key in ("precision", "weights", "method")}
        options["threads"] = options["threads"] or saved.about.settings.get("threads")
        try:
            return cls(net or own, seed=saved.about.seed, _resumed=resumed, **settings, **options)
        except TypeError as error:
            raise DataError(str(saved.path), f"has settings that are none ({error})") from None

    def _load(self, saved: Checkpoint) -> None:
        """Load the state of a checkpoint."""
        about = saved.about
        saved_state.warn_of_versions(saved, self._progress)
        saved_state.load(saved, self._engine, self._recorder)
        self._until, self._before, self._changes = about.until, about.timings.get("total", 0.0), about.changes
        for part in self.timings:
            self.timings[part] += about.timings.get(part, 0.0)
        self._checkpointer.changes = about.changes if self._sink.holds_past else NO_CHECKPOINT

    def _source(self) -> StateSource:
        """What checkpoints are made of."""
        return StateSource(self._about, lambda: saved_state.arrays_of(self._engine, self._recorder), self._is_initial)

    def _is_initial(self) -> bool:
        """Whether the state is still the one that follows from the seed."""
        return self.step == 0 and not self._changes

    def _about(self) -> About:
        """What a checkpoint says of itself."""
        return About(
            step=self.step,
            seed=self.seed,
            dt=self.net.dt,
            run=self._sink.manifest.run,
            settings=self._settings.as_dict(),
            until=self._until,
            out=str(self._sink.path.absolute()) if self._sink.path else None,
            every=self._checkpointer.schedule.every_ms,
            wall=self._checkpointer.schedule.wall,
            changes=self._changes,
            timings={**self.timings, "total": self._total()},
            versions=versions(),
        )

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
