"""Resumes an interrupted run: finds the last checkpoint that can be used, and continues from it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifsim.checkpoint import checkpoint_file, first_step
from lifsim.checkpoint.checkpoint_file import Checkpoint
from lifsim.common.errors import DataError
from lifsim.common.progress_bar import progress_for
from lifsim.common.timegrid import steps, time_of
from lifsim.files.outputs import expanded
from lifsim.files.run_files import RunFiles, log_path
from lifsim.results import opening
from lifsim.results.log import LogWriter
from lifsim.results.recording import Recorded, read_log
from lifsim.results.result import Result
from lifsim.simulation.earlier_runs import lock_log, take_back
from lifsim.simulation.file_sink import ResumedSink
from lifsim.simulation.open_sink import Resumed
from lifsim.simulation.options import takes_options
from lifsim.simulation.simulation import Simulation


@takes_options("threads", "progress", "checkpoint_every", "checkpoint_wall", threads=None, checkpoint_wall=None)
def resume(
    out: str | Path, *, max_wall: float | str | None = None, do: Callable[[Simulation], Any] | None = None, **options: Any
) -> Result:
    """Resume an interrupted run and complete it.

    The result is identical, bit for bit, to that of an uninterrupted run, for any number of threads. The run continues from the last
    usable checkpoint, or restarts from step 0 if there is none. If all steps are done, only the results file is written.

    Parameters
    ----------
    out : path of the HDF5 results file, or of its log.
    max_wall : as of `run`.
    do : the function that the interrupted run called, ``do(simulation)``, if it called one (`Simulation.run`).
    options

    Options that are not given are those of the interrupted run.

    Returns
    -------
    The `Result`, which is not `complete` if `max_wall` was too short.

    Raises
    ------
    DataError : there is no such run, or it cannot be resumed; says why. OutputError : another process is writing it.
    Stopped : a signal such as Ctrl-C stopped the run; `resume` continues it.
    """
    path = expanded(out, "out", DataError)
    progress = options["progress"] = progress_for(options["progress"], path.name)
    path = path.with_suffix("") if path.suffix == ".log" else path
    take_back(RunFiles(path.absolute()))
    if not log_path(path).exists() and path.exists():
        raise DataError(str(path), "is finished: there is nothing to resume", "a run that was interrupted")
    log = lock_log(path)
    try:
        recorded = read_log(log.path)[0]
        made = _made(path, recorded)
        ended = recorded.summary is not None and recorded.totals.end >= (recorded.until or 0)
        if made is not None or ended:
            return _finished(log, recorded, made)
        _check_function(path, recorded, do)
        saved, warnings = _last_state(log, recorded)
        for text in warnings:
            progress("warning", text=text)
    except BaseException:
        log.close()
        raise
    about = saved.about
    options |= {f"checkpoint_{key}": options[f"checkpoint_{key}"] or getattr(about, key) for key in ("every", "wall")}
    with (
        ResumedSink(log, about.step, about.run) as sink,  # closes the log also if the network cannot be read
        Simulation.of(Resumed(saved, sink), **options) as simulation,
    ):
        if saved.path == sink.files.checkpoints[1]:  # the last one is damaged, and must not be kept as the previous one
            os.replace(saved.path, sink.files.checkpoints[0])
        left = (recorded.until if recorded.until is not None else about.until or about.step) - about.step
        if left > 0:
            simulation.go_on(time_of(left, about.dt), max_wall, recorded.callback, do)
        return result_of_run(simulation)


def _check_function(path: Path, recorded: Recorded, do: Any) -> None:
    """Check that a function is given if and only if the interrupted run called one (DataError)."""
    called = recorded.callback
    if called and not callable(do):
        every = time_of(called["every"], recorded.manifest.dt)
        got = f"the run called a function every {every:g} ms, and a log does not store functions"
        raise DataError(str(path), got, f"resume it in Python, with the function: lifsim.resume({str(path)!r}, do=FUNCTION)")
    if do is not None and not called:
        raise DataError(str(path), "the run called no function", "resume it without `do`")


def _finished(log: LogWriter, recorded: Recorded, made: Result | None) -> Result:
    """The result of a run whose steps are done: `made`, or if None, from its log; removes log, checkpoints and set-aside runs."""
    with ResumedSink(log, recorded.totals.end) as sink:
        if made is None:
            return sink.finish(recorded.summary or {})
        sink.note_finished()
        return made


def _made(path: Path, recorded: Recorded) -> Result | None:
    """The result of this run, if its file holds everything that the log holds (only the log was not removed); else None."""
    try:
        made = opening.open(path) if path.exists() else None
    except DataError:
        return None
    if made is None or not made.complete or made.info.get("run") != recorded.manifest.run:
        return None
    return made if steps(made.t_stop, made.dt) >= max(recorded.totals.end, recorded.until or 0) else None


def _last_state(log: LogWriter, recorded: Recorded) -> tuple[Checkpoint, list[str]]:
    """The last usable checkpoint of a run, or its first step; and warnings about unusable ones.

    Raises
    ------
    DataError : the run cannot be resumed; says why.
    """
    files = RunFiles(log.path.with_suffix("").absolute())
    saved, reasons = checkpoint_file.latest(files.checkpoints, lambda found: _unfit(found, recorded))
    if saved is not None:
        return saved, [f"{reason}; {saved.path.name} is used instead" for reason in reasons]
    first = first_step.first_step(recorded, files.out)
    if isinstance(first, str):
        allowed = "read the recorded data with `lifsim info`, or start anew with --overwrite"
        raise DataError(str(log.path), "; ".join(reasons) or first, allowed)
    if first.about.until is None:
        raise DataError(
            str(log.path),
            "belongs to a run of unknown duration that was stopped before its first step",
            "start anew with --overwrite",
        )
    return first, [f"{reason}; the run restarts from step 0" for reason in reasons]


def _unfit(found: Checkpoint, recorded: Recorded) -> str:
    """Why a checkpoint does not fit a log, "" if it does."""
    if found.about.run != recorded.manifest.run:
        return "belongs to another run"
    if found.about.step > recorded.totals.end:
        return f"is of step {found.about.step}, but the log is complete only up to step {recorded.totals.end}"
    if found.about.changes < recorded.changes:
        return "was made before values were changed by Simulation.set"
    return ""


def result_of_run(simulation: Simulation) -> Result:
    """The result of a run; if `max_wall` ended the run early, the data in its log."""
    if simulation.done or simulation.path is None:
        return simulation.result()
    simulation.close()
    return opening.open(log_path(simulation.path))
