"""The beginning of a run, in its log: what is needed to run it again from step 0.

Before anything is built, the network (as an archive, `lifsim.checkpoint.network_archive`, in pieces) is written to the log of the run,
with the time at which the run is to end and when checkpoints are due. `lifsim.resume` can so begin a run again that was killed before
its first checkpoint, with the same bits. Seed and settings are in the manifest.
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

PIECE = 1 << 23  # bytes of the image in a frame


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """How a run begins.

    until : the step at which it is to end, None if that is not known. every (ms) and wall (s) : how often it writes
    checkpoints. replaces : names of set-aside runs (`lifsim.files.run_files`) that go when the result is there. sha256 : of the
    image of the network; "" if the run cannot be begun again, for the `reason`.
    """

    until: int | None = None
    every: float | None = None
    wall: float | None = None
    replaces: tuple[str, ...] = ()
    sha256: str = ""
    reason: str = ""

    def write(self, log: LogWriter) -> None:
        """Append it to a log, after the pieces of the image."""
        log.append(START, json.dumps(asdict(self)).encode())


def write_image(log: LogWriter, image: NetworkImage, out: Path) -> tuple[int, str]:
    """Append the image of a network to a log, in pieces; returns its size in bytes and its SHA-256. (It lies beside `out` meanwhile.)

    Raises
    ------
    ModelError : no file can describe the network.
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
    """A checkpoint of step 0, whose network is in the log at `path`; it has no arrays, for everything follows from the seed."""

    sha256: str = ""

    def copy_image(self, out: BinaryIO) -> None:
        """Write the image of the network to an open file (DataError if the log does not hold it whole)."""
        digest = hashlib.sha256()
        for frame in frames(self.path):
            if frame.kind == IMAGE:
                digest.update(frame.payload)
                out.write(frame.payload)
            elif frame.kind == START:
                break
        if digest.hexdigest() != self.sha256:
            raise DataError(str(self.path), "does not hold its network whole")


def first_step(recorded: Recorded, out: Path) -> FirstStep | str:
    """Where the run of a log begins, or why it cannot be begun again from there.

    Parameters
    ----------
    recorded : what the log holds. out : the file of results that the run makes.
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
