"""Whole runs: a network is simulated and its results made, at once or in several goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lifsim import disk
from lifsim.errors import DataError, LifsimError, ModelError, OutputError, Problem, RunError
from lifsim.grid import steps, time_of
from lifsim.method import method_of, storage_for
from lifsim.network import Network
from lifsim.notices import notices
from lifsim.outputs import expanded
from lifsim.recording import Manifest, Recorded, read_log
from lifsim.runfiles import RunFiles
from lifsim.runlog import LogWriter, log_path
from lifsim.schedule import schedule_of
from lifsim.simulation import CHECKPOINT_WALL, Progress, Simulation, check_duration, check_network
from lifsim.sinks import FileSink, lock_log, take_back

if TYPE_CHECKING:
    from lifsim.checkpoint import Checkpoint
    from lifsim.results import Result


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
    checkpoint_every: float | str | None = None,
    checkpoint_wall: float | str | None = CHECKPOINT_WALL,
    max_wall: float | str | None = None,
    resume: bool = False,
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
    overwrite : replace an existing file, or an unfinished run; they stay until the new file is whole.
    progress : called as ``progress(event, **facts)`` with "warning", "prepare", "build", "compile", "step", "write", "done". None: what
        takes long before the run begins is said on a terminal, in a notebook and to the logger "lifsim".
    checkpoint_every, checkpoint_wall : with `out`, leave a checkpoint beside it (OUT.h5.ckpt) every so many ms of
        biological time, and after so many seconds (or "10 min") of wall time; None: not by that.
    max_wall : stop after so many seconds (or "1 h") of wall time, with a checkpoint; the result then is not `complete`.
    resume : begin the run that makes `out`, or go on with it if it was interrupted, or open its result if it is finished; a run of
        another network, seed, duration or setting there is refused. `threads` may differ.

    Raises
    ------
    LifsimError : a wrong argument or model. RunError : the run failed; its `result` is what was recorded in memory.
    Stopped : a signal, such as that of Ctrl-C, came; with `out`, `resume` goes on.
    """
    check_network(net)
    ms = check_duration(net, duration)
    options = {"checkpoint_every": checkpoint_every, "checkpoint_wall": checkpoint_wall}
    if resume:
        if out is None or overwrite:
            raise LifsimError("resume", "given " + ("with overwrite" if overwrite else "without out"), "with out, and without overwrite")
        asked = Asked(net, steps(ms, net.dt), seed, precision, weights, method)
        found = _continued(asked, out, threads=threads, progress=progress, max_wall=max_wall, **options)
        if found is not None:
            return found
    with Simulation(
        net,
        ms,
        seed=seed,
        threads=threads,
        precision=precision,
        weights=weights,
        method=method,
        out=out,
        overwrite=overwrite,
        progress=progress,
        **options,
    ) as simulation:
        try:
            simulation.run(max_wall=max_wall)
        except RunError as error:
            error.result = simulation.result() if simulation.path is None else None
            raise
        return _result(simulation)


def resume(
    out: str | Path,
    *,
    threads: int | str | None = None,
    progress: Progress | None = None,
    checkpoint_every: float | str | None = None,
    checkpoint_wall: float | str | None = None,
    max_wall: float | str | None = None,
) -> Result:
    """Go on with the interrupted run that was to make `out`, to the time at which it was to end.

    The result is, bit for bit, that of a run without interruption, with any number of threads. It goes on from the last checkpoint
    that can be used; a run that has none is begun again. A run whose steps are all done is only brought into its file.

    Parameters
    ----------
    threads : as before, unless given. checkpoint_every, checkpoint_wall, max_wall : as of `run`; as before, unless given.

    Raises
    ------
    DataError : there is no such run, or it cannot be gone on with; says why. OutputError : another process is writing it.
    """
    path = expanded(out, "out", DataError)
    path = path.with_suffix("") if path.suffix == ".log" else path
    take_back(RunFiles(path.absolute()))
    if not log_path(path).exists() and path.exists():
        raise DataError(str(path), "is finished: there is nothing to go on with", "a run that was interrupted")
    log = lock_log(path)
    try:
        recorded = read_log(log.path)[0]
        made = _made(path, recorded)
        ended = recorded.summary is not None and recorded.totals.end >= (recorded.until or 0)
        if made is not None or ended:
            return _finished(log, recorded, made)
        saved, warnings = _last_state(log, recorded)
        for text in warnings:
            (progress or notices)("warning", text=text)
    except BaseException:
        log.close()
        raise
    about = saved.about
    schedule = schedule_of(about.dt, checkpoint_every or about.every, checkpoint_wall or about.wall)
    with (
        FileSink.going_on(log, about.step, about.run) as sink,  # which gives up the log also if the network cannot be read
        Simulation.taken_up(saved, threads=threads, out=sink, schedule=schedule, progress=progress) as simulation,
    ):
        if saved.path == sink.files.checkpoints[1]:  # a damaged one must not become the one before the next
            os.replace(saved.path, sink.files.checkpoints[0])
        left = (recorded.until if recorded.until is not None else about.until or about.step) - about.step
        if left > 0:
            simulation.run(time_of(left, about.dt), max_wall)
        return _result(simulation)


def _finished(log: LogWriter, recorded: Recorded, made: Result | None) -> Result:
    """The result of a run that came to its end, from its log if it is not `made` yet; log, checkpoints and set-aside runs go."""
    with FileSink.going_on(log, recorded.totals.end) as sink:
        if made is None:
            return sink.finish(recorded.summary or {})
        sink.note_finished()
        return made


def _made(path: Path, recorded: Recorded) -> Result | None:
    """The result of this run if it is there already with everything that the log holds: only the log was not removed."""
    from lifsim import results

    try:
        made = results.open(path) if path.exists() else None
    except DataError:
        return None
    if made is None or not made.complete or made.info.get("run") != recorded.manifest.run:
        return None
    return made if steps(made.t_stop, made.dt) >= max(recorded.totals.end, recorded.until or 0) else None


def _last_state(log: LogWriter, recorded: Recorded) -> tuple[Checkpoint, list[str]]:
    """The last checkpoint of a run that can be used, or its first step; and what is wrong with those that cannot.

    Raises
    ------
    DataError : there is none; says why.
    """
    from lifsim import beginning, checkpoint

    files = RunFiles(log.path.with_suffix("").absolute())
    saved, reasons = checkpoint.latest(files.checkpoints, lambda found: _unfit(found, recorded))
    if saved is not None:
        return saved, [f"{reason}; {saved.path.name} is used instead" for reason in reasons]
    first = beginning.first_step(recorded, files.out)
    if isinstance(first, str):
        allowed = "read what was recorded with `lifsim info`, or start anew with --overwrite"
        raise DataError(str(log.path), "; ".join(reasons) or first, allowed)
    if first.about.until is None:
        raise DataError(str(log.path), "was stopped before its first step, and does not say how long to run", "start anew with --overwrite")
    return first, [f"{reason}; the run begins again" for reason in reasons]


def _unfit(found: Checkpoint, recorded: Recorded) -> str:
    """Why a checkpoint does not go with a log, "" if it does."""
    if found.about.run != recorded.manifest.run:
        return "belongs to another run"
    if found.about.step > recorded.totals.end:
        return f"is of step {found.about.step}, but the log is whole only up to step {recorded.totals.end}"
    if found.about.changes < recorded.changes:
        return "was made before values were changed by Simulation.set"
    return ""


def _result(simulation: Simulation) -> Result:
    """The result of a run; of one whose time was up before its end, what its log holds."""
    if simulation.done or simulation.path is None:
        return simulation.result()
    from lifsim import results

    simulation.close()
    return results.open(log_path(simulation.path))


# -- begin, or go on -------------------------------------------------------------------------------


class Asked(NamedTuple):
    """A run as it is asked for, to be compared with the one that is under way."""

    net: Network
    steps: int
    seed: int | None
    precision: str
    weights: str | None
    method: str | None

    def entries(self) -> dict[str, Any]:
        """What must be equal, by name."""
        method = method_of(self.net, self.method)
        return {
            "duration": f"{self.steps * self.net.dt:g} ms",
            "seed": self.net.seed if self.seed is None else self.seed,
            "precision": self.precision,
            "weights": self.weights or storage_for(method),
            "method": method,
        }


def _continued(asked: Asked, out: str | Path, **options: Any) -> Result | None:
    """The run that makes `out`, gone on with or finished already; None if it has to begin.

    Raises
    ------
    ModelError : another run makes or made `out`; says in what it differs.
    """
    from lifsim import beginning, results

    path = expanded(out, "out", OutputError)
    log = log_path(path)
    if log.exists():
        recorded = read_log(log)[0]
        first = beginning.first_step(recorded, path)
        until = recorded.until if recorded.until is not None else recorded.totals.end
        _refuse_other(asked, recorded.manifest, until, log, None if isinstance(first, str) else first)
        return resume(path, **options)
    if not path.exists():
        return None
    made = results.open(path)
    if made.file is None or not made.complete:
        raise DataError(str(path), "is not complete, and its log is gone", "start anew with --overwrite")
    _refuse_other(asked, made.file.manifest, steps(made.t_stop, made.dt), path)
    return made


def _refuse_other(asked: Asked, manifest: Manifest, until: int, place: Path, first: Checkpoint | None = None) -> None:
    """Refuse to go on with a run that is not the one asked for (ModelError with every difference).

    Parameters
    ----------
    manifest, until : of the run that is there; `until` is the step at which it ends. place : its file or log.
    first : its first step, which has its network, where that is known.
    """
    from lifsim import netimage

    settings, name = manifest.settings, place.name
    there = {
        "duration": f"{until * manifest.dt:g} ms",
        "seed": manifest.seed,
        "method": settings.get("method"),
        "precision": settings.get("precision"),
    }
    there["weights"] = settings.get("weights") or storage_for(str(there["method"]))
    problems = [Problem(key, f"{x}", f"{there[key]} in {name}") for key, x in asked.entries().items() if x != there[key]]
    if manifest.network_sha256 != netimage.NetworkImage(asked.net).sha256():
        found = netimage.differences(first.network(), asked.net) if first else [Problem("network", "is not the same", f"that of {name}")]
        problems += [Problem(p.where, p.got, p.allowed.replace("the checkpoint", name)) for p in found]
    if problems:
        raise ModelError.of([Problem(disk.shown(place), "belongs to another run", "the same model and options, or --overwrite"), *problems])
