"""Keeps a run safe while it goes on: checkpoints beside its file of results when they are due, and room on the disk for the next."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lifsim import disk, memory
from lifsim.errors import ModelError, OutputError, RunError
from lifsim.grid import steps, time_of
from lifsim.network import Network
from lifsim.schedule import Schedule

if TYPE_CHECKING:
    from lifsim.checkpoint import About

SMALL_IMAGE = 64 << 20  # bytes of a network that are kept from one checkpoint to the next
ROOM = 1 << 16  # bytes of a disk that are left free


class Source(NamedTuple):
    """What a simulation says of itself for a checkpoint: about it, its arrays, and whether all follows from the seed yet, so that no
    array is needed.
    """

    about: Callable[[], About]
    state: Callable[[], dict[str, Any]]
    fresh: Callable[[], bool]


class Keeper:
    """Writes checkpoints of a simulation of `net` that records into `sink`.

    It does not hold on to the simulation, which is its owner: one that nobody needs any more goes at once, and with it its synapses.
    """

    def __init__(self, net: Network, sink: Any, schedule: Schedule) -> None:
        self.schedule = schedule
        self._net, self._sink = net, sink
        self._image: bytes | None = None
        self._possible = True
        self.kept = self._needed = 0  # bytes of the last checkpoint, and of the next

    def begin(self, source: Source) -> str:
        """Before the first step: a checkpoint to begin again from. Returns why there can be none, "" if there can.

        Raises
        ------
        ModelError : no file can describe the network, and checkpoints were asked for by `every_ms`.
        """
        try:
            if not self.kept and self.schedule.on:
                self.keep(source)
        except ModelError as error:
            if self.schedule.every_ms is not None:
                raise
            self._possible = False
            return f"there will be no checkpoints, as no file can describe the network ({error})"
        return ""

    def keep(self, source: Source) -> str:
        """Write a checkpoint beside the file of results; what to tell of it, "" where results are in memory."""
        from lifsim.sinks import checkpoint_path, previous_path

        out = self._sink.path
        if out is None or not self._possible:
            return ""
        self._sink.sync()
        self.kept = self.write(source, checkpoint_path(out), previous_path(out))
        if not self._needed:
            self._needed = self.kept + sum(math.prod(x.shape) * x.dtype.itemsize for x in source.state().values())
        self.schedule.done()
        about = source.about()
        return f"{time_of(about.step, about.dt):g} ms are saved; go on with: lifsim resume {out}"

    def write(self, source: Source, path: Path, previous: Path | None = None) -> int:
        """Write a checkpoint to `path`, keeping what was there as `previous`; its size in bytes."""
        from lifsim import checkpoint

        arrays = {} if source.fresh() else source.state()
        with disk.scratch() as folder:
            image = self._write_image(Path(folder) / "image")
            return checkpoint.write(path, source.about(), arrays, self._sink.kept(), image, previous)

    def _write_image(self, path: Path) -> Path:
        """The image of the network as a file; a small one is made once."""
        from lifsim import netimage

        if self._image is not None:
            path.write_bytes(self._image)
            return path
        netimage.write(self._net, path)
        if path.stat().st_size < SMALL_IMAGE:
            self._image = path.read_bytes()
        return path

    # -- the disk ----------------------------------------------------------------------------------

    def check_room(self, total: int) -> None:
        """Refuse a run of `total` steps whose traces the disk cannot hold."""
        if self._sink.path is None:
            return
        manifest = self._sink.manifest
        columns = [(entry, manifest.columns((entry["population"], entry["variable"]))) for entry in manifest.traces]
        needed = sum(20 * n * total / max(steps(entry["interval"], manifest.dt), 1) for entry, n in columns)  # 8 in the log, 12 in the file
        free = self._sink.free()
        if needed + ROOM > free:
            got = f"{memory.said(free)} are free on its disk"
            raise OutputError(str(self._sink.path), got, f"what is sampled in this run needs about {memory.said(needed + ROOM)}")

    def check_disk(self, source: Source) -> None:
        """Stop while there is still room for a checkpoint."""
        if self._sink.path is None or not self.kept:
            return
        free = self._sink.free()
        if free < self._needed + ROOM:
            raise RunError(f"{self._sink.path}: the disk is nearly full ({free:,} bytes free); {self.keep(source)}, with more room")
