"""Whole runs: a network is simulated and its results made, at once or in several goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lifsim.errors import DataError
from lifsim.grid import time_of
from lifsim.network import Network
from lifsim.outputs import expanded
from lifsim.recording import Recorded, read_log
from lifsim.runlog import log_path
from lifsim.schedule import schedule_of
from lifsim.simulation import CHECKPOINT_WALL, Progress, Simulation, check_duration, check_network, silent
from lifsim.sinks import checkpoint_path, previous_path

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
    checkpoint_every, checkpoint_wall : with `out`, leave a checkpoint beside it (OUT.h5.ckpt) every so many ms of
        biological time, and after so many seconds (or "10 min") of wall time; None: not by that.
    max_wall : stop after so many seconds (or "1 h") of wall time, with a checkpoint; the result then is not `complete`.

    Raises
    ------
    LifsimError : a wrong argument or model. RunError : the run failed. Stopped : a signal, such as that of Ctrl-C, came;
        with `out`, `resume` goes on.
    """
    check_network(net)
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
        checkpoint_every=checkpoint_every,
        checkpoint_wall=checkpoint_wall,
    ) as simulation:
        simulation.run(duration, max_wall)
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

    The result is, bit for bit, that of a run without interruption, with any number of threads. A run whose steps are all
    done is only brought into its file.

    Parameters
    ----------
    threads : as before, unless given. checkpoint_every, checkpoint_wall, max_wall : as of `run`; as before, unless given.

    Raises
    ------
    DataError : there is no such run, or none of its checkpoints can be used; says why.
    """
    from lifsim import checkpoint, results

    path = expanded(out, "out", DataError)
    path = path.with_suffix("") if path.suffix == ".log" else path
    recorded = _interrupted(path)
    keeps = checkpoint_path(path), previous_path(path)
    made = _made(path, recorded)
    if made is not None or recorded.summary is not None:
        for over in (*keeps, log_path(path)) if made else keeps:
            over.unlink(missing_ok=True)
        return made or results.convert(log_path(path))
    saved, reasons = checkpoint.latest(keeps, lambda found: _unfit(found, recorded))
    if saved is None:
        got = "; ".join(reasons) or "was stopped without a checkpoint"
        raise DataError(str(log_path(path)), got, "read what was recorded with `lifsim info`, or start anew with --overwrite")
    for reason in reasons:
        (progress or silent)("warning", text=f"{reason}; {saved.path.name} is used instead")
    about = saved.about
    schedule = schedule_of(about.dt, checkpoint_every or about.every, checkpoint_wall or about.wall)
    with Simulation.taken_up(saved, threads=threads, out=path, schedule=schedule, progress=progress) as simulation:
        if saved.path != keeps[0]:  # a damaged one must not become the one before the next
            os.replace(saved.path, keeps[0])
        steps_left = (about.until or about.step) - about.step
        if steps_left:
            simulation.run(time_of(steps_left, about.dt), max_wall)
        return _result(simulation)


def _result(simulation: Simulation) -> Result:
    """The result of a run; of one whose time was up before its end, what its log holds."""
    if simulation.done or simulation.path is None:
        return simulation.result()
    from lifsim import results

    simulation.close()
    return results.open(log_path(simulation.path))


def _interrupted(path: Path) -> Recorded:
    """What the log of an interrupted run holds."""
    log = log_path(path)
    if not log.exists():
        if path.exists():
            raise DataError(str(path), "is finished: there is nothing to go on with", "a run that was interrupted")
        raise DataError(str(log), "does not exist", "the file of results of a run that was interrupted, such as outputs/brunel.h5")
    return read_log(log)[0]


def _made(path: Path, recorded: Recorded) -> Result | None:
    """The file of this run if it is there already, whole: only its log was not removed any more."""
    from lifsim import results

    try:
        made = results.open(path) if path.exists() else None
    except DataError:
        return None
    return made if made is not None and made.complete and made.info.get("run") == recorded.manifest.run else None


def _unfit(found: Checkpoint, recorded: Recorded) -> str:
    """Why a checkpoint does not go with a log, "" if it does."""
    if found.about.run != recorded.manifest.run:
        return "belongs to another run"
    if found.about.step > recorded.totals.end:
        return f"is of step {found.about.step}, but the log is whole only up to step {recorded.totals.end}"
    return ""
