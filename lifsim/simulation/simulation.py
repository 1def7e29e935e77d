"""A simulation: a network that is built, simulated slice by slice, and recorded."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from lifsim.checkpoint import checkpoint_file
from lifsim.checkpoint.checkpoint_file import About, Checkpoint
from lifsim.checkpoint.network_archive import NetworkImage, refuse_another
from lifsim.checkpoint.schedule import Schedule, schedule_of
from lifsim.common.errors import DataError, LifsimError, ModelError
from lifsim.common.missing import SIMULATION, no_attribute
from lifsim.common.progress_bar import close_bar, progress_for
from lifsim.common.text import storable
from lifsim.common.timegrid import steps
from lifsim.common.wall_time import seconds
from lifsim.files.outputs import check_output, expanded, make_folder
from lifsim.network import Network
from lifsim.simulation import saved_state
from lifsim.simulation.callback import Callback, check_callback
from lifsim.simulation.changes import Changes
from lifsim.simulation.checkpointer import NO_CHECKPOINT, Checkpointer, StateSource
from lifsim.simulation.earlier_runs import log_owner
from lifsim.simulation.environment import host, versions
from lifsim.simulation.open_sink import Resumed, open_sink
from lifsim.simulation.options import RunOptions, takes_options
from lifsim.simulation.recorded_network import RecordedNetwork
from lifsim.simulation.room import check_room
from lifsim.simulation.run_manifest import manifest
from lifsim.simulation.settings import MOST_STEPS, check_duration, check_network, settle
from lifsim.simulation.signals import Stopped, deferred
from lifsim.simulation.slices import SliceLoop
from lifsim.simulation.turn import alone


class Simulation(RecordedNetwork):
    """A built network that can be run in several parts, and read and changed between them.

    Use it as a context manager, or call `close`. Only one method may run at a time: a call from another thread, or from the progress
    function of `run`, raises a `LifsimError`. The progress function may, however, call methods that only read (`get`, `matrix`,
    `fan_out`, …). A simulation cannot be pickled or copied; use `save` and `restore` instead.

    Parameters
    ----------
    net : the network; later additions to it are not simulated.
    duration : default duration of a call of `run`, in ms or as a text such as "10 s" (default: that of the network).
    seed, threads, precision, weights, method, out, overwrite, progress, checkpoint_every, checkpoint_wall : as of `lifsim.run`.

    Raises
    ------
    LifsimError : an option is wrong, or there is not enough memory. ModelError : the network cannot be run with these options.
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

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> NoReturn:
            """Refuse an attribute that no simulation has; the message says what other tools' names of calls are here."""
            raise no_attribute("'Simulation' object", name, SIMULATION, dir(type(self)))

    @takes_options()
    def __init__(self, net: Network, duration: float | str | None = None, *, _resumed: Resumed | None = None, **options: Any) -> None:
        check_network(net)
        asked = RunOptions(**options)
        progress = progress_for(asked.progress, net.name)
        self._duration = None if duration is None else check_duration(net, duration)
        schedule = schedule_of(net.dt, asked.checkpoint_every, asked.checkpoint_wall)
        settings = settle(net, asked.seed, asked.threads, asked.precision, asked.weights, asked.method)
        check_room(settings.needs)
        self._settings, self._progress = settings, progress
        self._wall = time.perf_counter()
        for text in settings.warnings:
            self._progress("warning", text=text)
        self._open(net.snapshot(), asked, schedule, _resumed)

    def _open(self, net: Network, asked: RunOptions, schedule: Schedule, resumed: Resumed | None) -> None:
        """Open the sink, build the network, and load the state of the checkpoint if there is one."""
        settings = self._settings
        made = manifest(net, settings.seed, settings.as_dict(), versions(), host(), storable(shlex.join(sys.argv)))
        until, image = None if self._duration is None else steps(self._duration, net.dt), NetworkImage(net)
        self._sink = open_sink(made, image, asked.out, asked.overwrite, schedule, until, resumed)  # before lengthy work
        self._checkpointer = Checkpointer(image, self._sink, schedule)
        try:
            self._check_checkpoints(schedule)
            super().__init__(net, settings, self._progress)
            if resumed is not None:
                self._load(resumed.saved)
            sinks = self._recorder, self._recorded_weights(), self._sink, self._checkpointer
            self._loop = SliceLoop(self._engine, self._stimuli, settings, *sinks, self._progress)
        except BaseException:
            self._sink.close()
            close_bar(self._progress)
            raise

    def _check_checkpoints(self, schedule: Schedule) -> None:
        """Warn if the network cannot be saved and so there are no checkpoints (ModelError if `checkpoint_every` is given)."""
        reason = self._sink.indescribable
        if reason and schedule.every_ms is not None:
            raise ModelError("checkpoint_every", f"no file can describe the network ({reason})", "a network that Network.save can write")
        if reason:
            text = f"there will be no checkpoints, and the run cannot be resumed, as no file can describe the network ({reason})"
            self._progress("warning", text=text)

    def _begin_again(self, seed: int, keep_weights: bool) -> None:
        super()._begin_again(seed, keep_weights)
        self._loop.begin_again(self._recorder)

    # -- running -----------------------------------------------------------------------------------

    @alone
    def run(
        self,
        duration: float | str | None = None,
        max_wall: float | str | None = None,
        *,
        every: float | str | None = None,
        do: Callable[[Simulation], Any] | None = None,
    ) -> None:
        """Simulate, starting at the time that the last run reached.

        Parameters
        ----------
        duration : biological time, in ms or as a text such as "10 s" (default: that of the simulation, else that of the network).
        max_wall : wall time since the simulation was created, in seconds or as a text such as "1 h", after which the run stops;
            `time` is the biological time reached (default: no limit).
        every, do : call ``do(simulation)`` every so many ms. It may read and set everything, but not call `run`, `reset` or `close`. To
            resume such a run, give the function again: ``lifsim.resume(out, do=do)``; what it keeps itself is not saved.

        Raises
        ------
        LifsimError : an argument is wrong, or the simulation is closed. RunError : a state variable is no longer finite, or the disk or
            memory is nearly full.
        Stopped : a signal such as Ctrl-C stopped the run (a KeyboardInterrupt), at the end of a slice: the recorded data are
            consistent, a checkpoint is next to the results file, and the simulation can be continued.
        """
        self._run(duration, max_wall, self._callback(check_callback(every, do, self.net.dt), do))

    def _callback(self, every: int | None, do: Callable[[Simulation], Any] | None, first: int | None = None) -> Callback | None:
        """Calls `do` after every `every` steps from step `first` (default: now)."""
        if every is None or do is None:
            return None

        def called() -> None:
            with self._turn.lent(refused=("run", "go_on", "reset", "close")):
                do(self)

        return Callback(called, every, self.step if first is None else first)

    def _run(self, duration: float | str | None, max_wall: float | str | None, callback: Callback | None) -> None:
        self._check_open()
        deadline = math.inf if max_wall is None else self._wall + seconds(max_wall, "max_wall")
        total = steps(check_duration(self.net, self._duration if duration is None else duration), self.net.dt)
        if self.step + total > MOST_STEPS:
            dt = self.net.dt
            raise LifsimError(
                "duration", f"{total * dt:.10g} ms after {self.step * dt:.10g} ms", f"at most {MOST_STEPS * dt:.10g} ms altogether"
            )
        until = self._until = self.step + total
        self._checkpointer.check_room(self.step, until)
        self._checkpointer.begin(self._source(), until, callback.as_dict() if callback else None)
        recorded_before, began = self._loop.recording_seconds, time.perf_counter()
        try:
            with deferred() as asked:
                self._loop.run(until, deadline, asked, self._source(), callback)
                if asked.number is not None:
                    raise Stopped(asked.number, self._checkpointer.keep(self._source()))
        except Stopped as stopped:  # if a second signal interrupted the checkpoint, the previous one is still there
            stopped.saved = stopped.saved or self._checkpointer.advice
            raise
        finally:
            close_bar(self._progress)
            recording = self._loop.recording_seconds - recorded_before
            self.timings["record"] += recording
            self.timings["simulate"] += time.perf_counter() - began - recording
        if self.step < until:
            self._checkpointer.keep(self._source())

    @alone
    def go_on(self, duration: float, max_wall: float | str | None, callback: dict[str, int] | None, do: Any) -> None:
        """Complete a run that was interrupted, for `lifsim.resume`.

        Parameters
        ----------
        duration, max_wall : as of `run`.
        callback : when the run calls a function (`Callback.as_dict`); None if it calls none.
        do : this function.
        """
        again = self._callback(callback["every"], do, callback["first"]) if callback else None
        self._run(duration, max_wall, again)

    # -- checkpoints -------------------------------------------------------------------------------

    @alone
    def save(self, path: str | Path) -> Path:
        """Write a checkpoint, from which the simulation can be continued on this computer or another.

        The checkpoint includes data recorded in memory. Data recorded to a file remain in the log of that file.

        Parameters
        ----------
        path : of the checkpoint. An existing file is replaced.

        Returns
        -------
        The absolute path.

        Raises
        ------
        OutputError : `path` cannot be written. RunError : the disk is full. ModelError : a model file cannot describe the network.
        LifsimError : the simulation is closed.
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
        """Create a simulation from a checkpoint. Its results are identical, bit for bit, to those of the saved simulation.

        Parameters
        ----------
        path : of a checkpoint that `save` or a run (OUT.h5.ckpt) wrote.
        net : the network that was simulated (default: the one in the checkpoint).
        options

        By default `threads` is that of the checkpoint. Without `out`, recording continues in memory, or in the log of the interrupted
        run, which is truncated at the time of the checkpoint. With `out`, a new file begins at that time.

        Raises
        ------
        DataError : there is no checkpoint, it is damaged, or files that the network reads have changed.
        ModelError : `net` is another network; lists the differences.
        """
        saved = checkpoint_file.read(expanded(path, "checkpoint", DataError))
        return cls.of(Resumed(saved, log_owner(saved) if options["out"] is None else None), net=net, **options)

    @classmethod
    def of(cls, resumed: Resumed, *, net: Network | None = None, **options: Any) -> Simulation:
        """`restore` from a checkpoint in memory.

        Parameters
        ----------
        resumed : the checkpoint, and where recording continues.
        net : as of `restore`.
        **options : as of `restore`.

        Raises
        ------
        DataError, ModelError : as of `restore`.
        """
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
            raise DataError(str(saved.path), f"has invalid settings ({error})") from None

    def _load(self, saved: Checkpoint) -> None:
        """Load the state of a checkpoint."""
        about = saved.about
        saved_state.warn_of_versions(saved, self._progress)
        if about.redrawn is not None:
            super()._begin_again(about.redrawn, keep_weights=False)
        saved_state.load(saved, self._parts())
        self._until, self._before, self._changes = about.until, about.timings.get("total", 0.0), Changes(about.changes, about.changed)
        for part in self.timings:
            self.timings[part] += about.timings.get(part, 0.0)
        self._learned = about.step == 0 and bool(saved.arrays)
        self._news.since |= about.looked if self._sink.holds_past else dict.fromkeys(self._news.since, about.step)
        if self._sink.manifest.seed != self.seed:
            self._sink.describe(replace(self._sink.manifest, seed=self.seed))
        self._checkpointer.changes = about.changes if self._sink.holds_past else NO_CHECKPOINT

    def _source(self) -> StateSource:
        """The content of checkpoints."""
        return StateSource(self._about, lambda: saved_state.arrays_of(self._parts()), self._is_initial, lambda: self._changes.number)

    def _parts(self) -> saved_state.Parts:
        return saved_state.Parts(self._engine, self._recorder, self._stimuli, self._synapses)

    def _is_initial(self) -> bool:
        """Whether the state is still the one that follows from the seed."""
        return self.step == 0 and not self._changes.number and not self._learned

    def _about(self) -> About:
        """The metadata of a checkpoint."""
        return About(
            step=self.step,
            seed=self._built_seed,
            redrawn=None if self.seed == self._built_seed else self.seed,
            dt=self.net.dt,
            run=self._sink.manifest.run,
            settings=self._settings.as_dict(),
            until=self._until,
            out=str(self._sink.path.absolute()) if self._sink.path else None,
            every=self._checkpointer.schedule.every_ms,
            wall=self._checkpointer.schedule.wall,
            changes=self._changes.number,
            looked=self._news.since,
            changed=self._changes.entries(),
            timings={**self.timings, "total": self._total()},
            versions=versions(),
        )

    # -- closing -----------------------------------------------------------------------------------

    @alone
    def close(self) -> None:
        """Release threads and files. Saved data are kept."""
        self._closed = True
        close_bar(self._progress)
        if hasattr(self, "_engine"):
            self._engine.close()
        self._sink.close()

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        """Refuse pickling and copying: threads, compiled code and an open log cannot be copied."""
        raise LifsimError("simulation", "cannot be pickled or copied", "save() writes a checkpoint, from which Simulation.restore goes on")

    def __enter__(self) -> Simulation:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
