"""Whole runs: a network is simulated and its results are written, in one go or resumed after interruptions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from lifsim.checkpoint import first_step, network_archive
from lifsim.checkpoint.checkpoint_file import Checkpoint
from lifsim.common.errors import DataError, LifsimError, ModelError, OutputError, Problem, RunError
from lifsim.common.timegrid import steps
from lifsim.files import disk
from lifsim.files.outputs import expanded
from lifsim.files.run_files import log_path
from lifsim.network import Network
from lifsim.network.method import method_of, storage_for
from lifsim.results import opening
from lifsim.results.manifest import Manifest
from lifsim.results.recording import read_log
from lifsim.results.result import Result
from lifsim.simulation.options import RunOptions, takes_options
from lifsim.simulation.resuming import result_of_run, resume
from lifsim.simulation.settings import check_duration, check_network
from lifsim.simulation.simulation import Simulation


@takes_options()
def run(
    net: Network,
    duration: float | str | None = None,
    *,
    max_wall: float | str | None = None,
    resume: bool = False,
    **options: Any,
) -> Result:
    """Simulate a network and return the recorded data.

    Parameters
    ----------
    net : the network. duration : biological time, in ms or as a text such as "10 s" (default: that of the network).
    max_wall : wall time, in seconds or as a text such as "1 h", after which the run stops with a checkpoint (default: no limit). The
        result is then not `complete`.
    resume : with `out`: start the run, resume it if it was interrupted, or open its result if it is finished. A run with another
        network, seed, duration or setting at `out` is refused; `threads` may differ.
    options

    Returns
    -------
    The `Result` with the recorded spikes and traces.

    Raises
    ------
    LifsimError : an argument or the model is wrong. RunError : the run failed; its attribute `result` holds data recorded in memory.
    Stopped : a signal such as Ctrl-C stopped the run; with `out`, `resume` continues it.
    """
    check_network(net)
    ms = check_duration(net, duration)
    if resume:
        found = _continued(WantedRun(net, steps(ms, net.dt), RunOptions(**options)), max_wall)
        if found is not None:
            return found
    with Simulation(net, ms, **options) as simulation:
        try:
            simulation.run(max_wall=max_wall)
        except RunError as error:
            error.result = simulation.result() if simulation.path is None else None
            raise
        return result_of_run(simulation)


class WantedRun(NamedTuple):
    """A requested run, to be compared with an existing one."""

    net: Network
    steps: int
    options: RunOptions

    def entries(self) -> dict[str, Any]:
        """The settings that must be equal, by name."""
        method = method_of(self.net, self.options.method)
        return {
            "duration": f"{self.steps * self.net.dt:g} ms",
            "seed": self.net.seed if self.options.seed is None else self.options.seed,
            "precision": self.options.precision,
            "weights": self.options.weights or storage_for(method),
            "method": method,
        }


def _continued(asked: WantedRun, max_wall: float | str | None) -> Result | None:
    """The result of the run at `out`, resumed if it is unfinished; None if there is none.

    Raises
    ------
    ModelError : a different run is at `out`; lists the differences.
    """
    options = asked.options
    if options.out is None or options.overwrite:
        got = "given " + ("with overwrite" if options.overwrite else "without out")
        raise LifsimError("resume", got, "resume needs out, and cannot be combined with overwrite")
    path = expanded(options.out, "out", OutputError)
    log = log_path(path)
    if log.exists():
        recorded = read_log(log)[0]
        first = first_step.first_step(recorded, path)
        until = recorded.until if recorded.until is not None else recorded.totals.end
        _refuse_other(asked, recorded.manifest, until, log, None if isinstance(first, str) else first)
        again = {name: getattr(options, name) for name in ("threads", "progress", "checkpoint_every", "checkpoint_wall")}
        return resume(path, max_wall=max_wall, **again)
    if not path.exists():
        return None
    made = opening.open(path)
    if made.file is None or not made.complete:
        raise DataError(str(path), "is not complete, and its log is missing", "start anew with --overwrite")
    _refuse_other(asked, made.file.manifest, steps(made.t_stop, made.dt), path)
    return made


def _refuse_other(asked: WantedRun, manifest: Manifest, until: int, place: Path, first: Checkpoint | None = None) -> None:
    """Check that an existing run is the requested one (ModelError with every difference).

    Parameters
    ----------
    manifest, until : manifest and last step of the existing run. place : its results file or log.
    first : its first step, which contains the network, if known.
    """
    settings, name = manifest.settings, place.name
    there = {
        "duration": f"{until * manifest.dt:g} ms",
        "seed": manifest.seed,
        "method": settings.get("method"),
        "precision": settings.get("precision"),
    }
    there["weights"] = settings.get("weights") or storage_for(str(there["method"]))
    problems = [Problem(key, f"{x}", f"{there[key]} in {name}") for key, x in asked.entries().items() if x != there[key]]
    if manifest.network_sha256 != network_archive.NetworkImage(asked.net).sha256():
        found = network_archive.differences(first.network(), asked.net) if first else [Problem("network", f"is not the network of {name}")]
        problems += [Problem(p.where, p.got, p.allowed.replace("the checkpoint", name)) for p in found]
    if problems:
        raise ModelError.of([Problem(disk.shown(place), "belongs to another run", "the same model and options, or --overwrite"), *problems])
