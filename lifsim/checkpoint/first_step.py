"""The beginning of a run in its log: the data needed to restart the run from step 0.

Before the network is built, its archive (`lifsim.checkpoint.network_archive`) is written to the log of the run in pieces, with the last
step of the run and the schedule of checkpoints. `lifsim.resume` can thus restart a run that was killed before its first checkpoint, with
bit-identical results. Seed and settings are in the manifest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from lifsim.checkpoint.checkpoint_file import About, Checkpoint
from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.common.errors import DataError
from lifsim.files import disk
from lifsim.results.log import LogWriter
from lifsim.results.log_reading import IMAGE, START, frames
from lifsim.results.recording import Recorded

PIECE = 1 << 23  # bytes of the network image per frame of the log


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The initial settings of a run.

    until : last step of the run, None if unknown. every, wall : time between checkpoints, biological (ms) and wall time (s).
    replaces : names of set-aside runs (`lifsim.files.run_files`) that are removed when the result is complete. sha256 : of the network
    image; "" if the run cannot be restarted. reason : why it cannot.
    """

    until: int | None = None
    every: float | None = None
    wall: float | None = None
    replaces: tuple[str, ...] = ()
    sha256: str = ""
    reason: str = ""

    def write(self, log: LogWriter) -> None:
        """Append the settings to a log, after the pieces of the network image."""
        log.append(START, json.dumps(asdict(self)).encode())


def write_image(log: LogWriter, image: NetworkImage, out: Path) -> tuple[int, str]:
    """Append the image of a network to a log, in pieces; returns its size in bytes and its SHA-256. (A temporary file is next to `out`.)

    Raises
    ------
    ModelError : a model file cannot describe the network.
    """
    digest, size = hashlib.sha256(), 0
    with disk.scratch(out) as folder:
        path = folder / "image"
        image.write_to(path)
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                digest.update(piece)
                size += len(piece)
                log.append(IMAGE, piece)
    return size, digest.hexdigest()


@dataclass(frozen=True)
class FirstStep(Checkpoint):
    """A checkpoint of step 0, whose network is in the log at `path`. It has no arrays, since the state follows from the seed."""

    sha256: str = ""

    def copy_image(self, out: BinaryIO) -> None:
        """Write the image of the network to an open file (DataError if it is incomplete in the log)."""
        digest = hashlib.sha256()
        for frame in frames(self.path):
            if frame.kind == IMAGE:
                digest.update(frame.payload)
                out.write(frame.payload)
            elif frame.kind == START:
                break
        if digest.hexdigest() != self.sha256:
            raise DataError(str(self.path), "holds a network that is incomplete or damaged")


def first_step(recorded: Recorded, out: Path) -> FirstStep | str:
    """The first step of the run of a log, or why the run cannot be restarted.

    Parameters
    ----------
    recorded : the content of the log. out : the results file of the run.
    """
    start, manifest = recorded.start, recorded.manifest
    if start is None or recorded.path is None:
        return "was stopped without a checkpoint"
    if start["reason"]:
        return f"was stopped without a checkpoint, and {start['reason']}"
    if recorded.changes:
        return "was stopped without a checkpoint after values had been changed by Simulation.set"
    about = About(
        step=0,
        seed=manifest.seed,
        dt=manifest.dt,
        run=manifest.run,
        settings=manifest.settings,
        until=recorded.until,
        out=str(out),
        every=start["every"],
        wall=start["wall"],
        versions=manifest.versions,
    )
    return FirstStep(recorded.path, about, {}, [], start["sha256"])
