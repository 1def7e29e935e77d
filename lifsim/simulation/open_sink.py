"""Opens the sink of a simulation: memory, a new file, or the log of an interrupted run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lifsim.checkpoint.checkpoint_file import Checkpoint
from lifsim.checkpoint.first_step import Beginning
from lifsim.checkpoint.network_archive import NetworkImage, check_not_an_input
from lifsim.checkpoint.schedule import Schedule
from lifsim.files.outputs import check_output
from lifsim.results.manifest import Manifest
from lifsim.results.recording import decoded
from lifsim.simulation.file_sink import FileSink, LogSink, ResumedSink
from lifsim.simulation.sinks import MemorySink, Sink


@dataclass(frozen=True)
class Resumed:
    """The starting point of a simulation that is resumed.

    saved : the checkpoint. log : the results file whose log is continued, or the sink of that log if it is open; None if recording
    continues in memory or in a new file.
    """

    saved: Checkpoint
    log: Path | LogSink | None = None


def open_sink(
    manifest: Manifest,
    image: NetworkImage,
    out: str | Path | None,
    overwrite: bool,
    schedule: Schedule,
    until: int | None,
    resumed: Resumed | None,
) -> Sink:
    """Open the sink of a simulation.

    Parameters
    ----------
    manifest : what the simulation records. image : the network, which a new log stores.
    out, overwrite : a new results file, as of `RunOptions`.
    schedule, until : the schedule of checkpoints, and the last step of the run, if known; for a new log.
    resumed : the starting point of a simulation that is resumed, else None.

    Raises
    ------
    OutputError : `out` cannot be written. DataError : the log does not belong to the checkpoint.
    """
    if resumed is not None and resumed.log is not None:
        if isinstance(resumed.log, LogSink):
            return resumed.log
        return ResumedSink.of(resumed.log, resumed.saved.about.step, resumed.saved.about.run)
    if out is None:
        return MemorySink(manifest, [decoded(resumed.saved.path, x) for x in resumed.saved.chunks] if resumed else [])
    path = check_output(out, overwrite)
    check_not_an_input(path, image.net)
    manifest = replace(manifest, network_sha256=image.sha256())
    beginning = Beginning(until=until, every=schedule.every_ms, wall=schedule.wall)
    if resumed is not None:
        return FileSink(manifest, path, overwrite, beginning=replace(beginning, reason="it began at a checkpoint"))
    return FileSink(manifest, path, overwrite, image=image, beginning=beginning)
