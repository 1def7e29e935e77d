"""Writes the checkpoints of a run next to its results file when they are due, and stops the run before the disk is full."""

from __future__ import annotations

import math
import time
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

ROOM = 1 << 16  # bytes of disk space that are left free
NO_CHECKPOINT = -1  # value of `Checkpointer.changes` while there is no checkpoint


class StateSource(NamedTuple):
    """Functions that return the content of a checkpoint: its metadata, its arrays, whether the simulation is in its initial state, which
    follows from the seed, so that no arrays are needed; and the number of changes by `Simulation.set`.
    """

    about: Callable[[], About]
    state: Callable[[], dict[str, Any]]
    is_initial: Callable[[], bool]
    changes: Callable[[], int]


class Checkpointer:
    """Writes checkpoints of a simulation that records to `sink`.

    It holds no reference to the simulation that owns it, so that a simulation is freed, with its synapses, as soon as it is unused.
    """

    def __init__(self, image: NetworkImage, sink: Sink, schedule: Schedule) -> None:
        self.schedule = schedule
        self._image, self._sink = image, sink
        self._log = sink if isinstance(sink, LogSink) else None
        self._needed = 0  # expected bytes of the next checkpoint
        self.changes = 0  # number of calls of `Simulation.set` before the last checkpoint (or the initial state in the log)
        self._calls = False  # whether the run calls a function, which must be given again to resume it
        self._headroom = Headroom()
        self._kept, self._took = -math.inf, 0.0  # when a change was followed by a checkpoint, and how long this took, s

    @property
    def possible(self) -> bool:
        """Whether the run can be resumed: it writes to a file, and a file can describe its network."""
        return self._log is not None and not self._log.indescribable

    def begin(self, source: StateSource, until: int, callback: dict[str, int] | None = None) -> None:
        """Log a call of `run` that ends at step `until`; before that, write a checkpoint if values have changed since the last one.

        In a loop of short runs, these checkpoints take at most a tenth of the time; a run that is interrupted between two of them cannot
        be resumed. `callback` as of `Callback.as_dict`.
        """
        changes, began = source.changes(), time.monotonic()
        if changes > self.changes and self.schedule.on and began - self._kept > 9 * self._took:
            self.keep(source)
            self._kept = time.monotonic()
            self._took = self._kept - began
        self._calls = callback is not None
        self._sink.begin_run(until, changes, callback)

    def keep(self, source: StateSource) -> str:
        """Write a checkpoint next to the results file; returns a message on how to resume, "" if no checkpoint is possible."""
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
        """A message on how to resume the run; "" if it cannot be resumed."""
        if self._log is None or not self.possible:
            return ""
        if self._calls:
            return f"go on in Python with: lifsim.resume({str(self._log.path)!r}, do=FUNCTION)"
        return f"go on with: lifsim resume {disk.shown(self._log.path)}"

    def write(self, source: StateSource, path: Path, previous: Path | None = None) -> int:
        """Write a checkpoint to `path`, and keep an existing one as `previous`; returns the size in bytes.

        Raises
        ------
        ModelError : no file can describe the network.
        """
        arrays = {} if source.is_initial() else source.state()
        try:
            with disk.scratch(path) as folder:
                self._image.write_to(folder / "image")
                return checkpoint_file.write(path, source.about(), arrays, self._sink.kept(), folder / "image", previous)
        except OSError as error:  # no disk space for the image
            disk.fail(path, error, disk.UNCHANGED)

    # -- disk space and memory ---------------------------------------------------------------------

    def check_room(self, start: int, stop: int) -> None:
        """Check that the traces of a run from step `start` to `stop` fit on the disk (OutputError) or in memory (LifsimError)."""
        manifest = self._sink.manifest
        if self._log is None:
            self._headroom.check_traces(manifest, start, stop)
            return
        needed = 20 * sampled(manifest, start, stop)  # bytes: 8 per value in the log, 12 in the file
        free = self._log.free()
        if needed + ROOM > free:
            got = f"{memory.said(free)} are free on its disk"
            raise OutputError(str(self._log.path), got, f"the traces of this run need about {memory.said(needed + ROOM)}")

    def check_rest(self, source: StateSource, now: float) -> None:
        """Stop the run at `now` (ms) if the disk has hardly more space than a checkpoint needs, or memory is nearly full (RunError)."""
        if self._log is None:
            self._headroom.check(now)
            return
        if not (self.possible and self.schedule.on):
            return
        if not self._needed:
            self._needed = _bytes_of(source) + self._log.image_bytes
        free = self._log.free()
        if free < self._needed + ROOM:
            raise RunError(
                f"{self._log.path}: the disk is nearly full ({free:,} bytes free); {self.keep(source)} (after making room on the disk)"
            )


def _bytes_of(source: StateSource) -> int:
    """Bytes of the arrays of a checkpoint."""
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in source.state().values())
