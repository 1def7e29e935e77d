"""Writes the checkpoints of a run beside its file of results when they are due, and stops the run before the disk is full."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from lifsim.checkpoint import checkpoint_file
from lifsim.checkpoint.checkpoint_file import About
from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.checkpoint.schedule import Schedule
from lifsim.common import memory
from lifsim.common.errors import OutputError, RunError
from lifsim.common.timegrid import time_of
from lifsim.files import disk
from lifsim.simulation.file_sink import LogSink
from lifsim.simulation.headroom import Headroom, sampled
from lifsim.simulation.sinks import Sink

ROOM = 1 << 16  # bytes of a disk that are left free
NO_CHECKPOINT = -1  # in place of the number of changes that the last checkpoint has


class StateSource(NamedTuple):
    """What a simulation gives to a checkpoint: its description, its arrays, and whether it is still in its initial state, which
    follows from the seed, so that no array is needed.
    """

    about: Callable[[], About]
    state: Callable[[], dict[str, Any]]
    is_initial: Callable[[], bool]


class Checkpointer:
    """Writes checkpoints of a simulation that records into `sink`.

    It does not hold on to the simulation, which is its owner: a simulation that is no longer used goes at once, with its synapses.
    """

    def __init__(self, image: NetworkImage, sink: Sink, schedule: Schedule) -> None:
        self.schedule = schedule
        self._image, self._sink = image, sink
        self._log = sink if isinstance(sink, LogSink) else None
        self._needed = 0  # bytes of the next checkpoint
        self.changes = 0  # of values, of which the last checkpoint (or the log, which holds the initial state) knows
        self._headroom = Headroom()

    @property
    def possible(self) -> bool:
        """Whether the run can be resumed: it writes to a file, and a file can describe its network."""
        return self._log is not None and not self._log.indescribable

    def begin(self, source: StateSource, until: int) -> None:
        """Log a call of `run` that ends at step `until`, after a checkpoint if the last one does not know of all changes of values."""
        changes = source.about().changes
        if changes > self.changes and self.schedule.on:
            self.keep(source)
        self._sink.begin_run(until, changes)

    def keep(self, source: StateSource) -> str:
        """Write a checkpoint beside the file of results; returns how to go on from it, "" where there can be none."""
        if self._log is None or not self.possible:
            return ""
        self._log.sync()
        about = source.about()
        size = self.write(source, *self._log.files.checkpoints)
        self.changes = about.changes
        self._needed = size if not source.is_initial() else size + _bytes_of(source)
        self.schedule.done()
        return f"{time_of(about.step, about.dt):g} ms are saved; {self.advice}"

    @property
    def advice(self) -> str:
        """How to go on with the run, "" if that is not possible."""
        return f"go on with: lifsim resume {disk.shown(self._log.path)}" if self._log and self.possible else ""

    def write(self, source: StateSource, path: Path, previous: Path | None = None) -> int:
        """Write a checkpoint to `path`, keeping what was there as `previous`; its size in bytes.

        Raises
        ------
        ModelError : no file can describe the network.
        """
        arrays = {} if source.is_initial() else source.state()
        try:
            with disk.scratch(path) as folder:
                self._image.write_to(folder / "image")
                return checkpoint_file.write(path, source.about(), arrays, self._sink.kept(), folder / "image", previous)
        except OSError as error:  # no room for the image
            disk.fail(path, error, disk.UNCHANGED)

    # -- room --------------------------------------------------------------------------------------

    def check_room(self, start: int, stop: int) -> None:
        """Refuse a run from step `start` to `stop` whose traces the disk, or memory, cannot hold."""
        manifest = self._sink.manifest
        if self._log is None:
            self._headroom.check_traces(manifest, start, stop)
            return
        needed = 20 * sampled(manifest, start, stop)  # 8 in the log, 12 in the file
        free = self._log.free()
        if needed + ROOM > free:
            got = f"{memory.said(free)} are free on its disk"
            raise OutputError(str(self._log.path), got, f"what is sampled in this run needs about {memory.said(needed + ROOM)}")

    def check_rest(self, source: StateSource, now: float) -> None:
        """Stop at `now` (ms) while there is still room: on the disk for a checkpoint, in memory for what is at work there."""
        if self._log is None:
            self._headroom.check(now)
            return
        if not (self.possible and self.schedule.on):
            return
        if not self._needed:
            self._needed = _bytes_of(source) + self._log.image_bytes
        free = self._log.free()
        if free < self._needed + ROOM:
            raise RunError(f"{self._log.path}: the disk is nearly full ({free:,} bytes free); {self.keep(source)}, with more room")


def _bytes_of(source: StateSource) -> int:
    """Bytes of the arrays of a checkpoint."""
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in source.state().values())
