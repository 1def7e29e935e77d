"""Follows the log of a run while it is written: each look reads only what is new."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.common.timegrid import time_of
from lifsim.results.log_reading import CHUNK, FRAME, HEADER_SIZE, MANIFEST, MARK, RUN, START, SUMMARY, Frame, frames, is_written
from lifsim.results.manifest import Manifest, ids_of
from lifsim.results.recording import Chunk, Totals, decoded
from lifsim.results.run_info import clip
from lifsim.results.spikes import Spikes, unchecked


@dataclass
class Glimpse:
    """What a run has recorded so far: all counts, and the last spikes.

    name : of the model. now, start, until : biological times in ms; `until` is None if it is not known.
    spikes : population -> the spikes of the last `window` ms. totals : population -> number of spikes since `start`; recorded :
        population -> for how long it was recorded, ms.
    """

    name: str = ""
    now: float = 0.0
    start: float = 0.0
    until: float | None = None
    spikes: dict[str, Spikes] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    recorded: dict[str, float] = field(default_factory=dict)

    def rate(self, name: str) -> float:
        """Mean rate (spikes/s) of the recorded neurons of a population in the last window; nan without time or neurons."""
        own = self.spikes[name]
        return _rate(len(own), own.t_stop - own.t_start, len(own.recorded_ids))

    def mean_rate(self, name: str) -> float:
        """Mean rate (spikes/s) of the recorded neurons of a population since `start`."""
        return _rate(self.totals.get(name, 0), self.recorded[name], len(self.spikes[name].recorded_ids))


def _rate(n: int, ms: float, neurons: int) -> float:
    return 1000.0 * n / (ms * neurons) if ms > 0 and neurons else float("nan")


class LogFollower:
    """Reads a log piece by piece as it grows.

    Parameters
    ----------
    path : the log. window : length in ms of the window of which spikes are kept.
    """

    def __init__(self, path: Path, window: float) -> None:
        self.path, self._window = path, window
        self._forget()

    def _forget(self) -> None:
        self._end, self._file = 0, 0
        self._known: dict[int, Any] = {}  # the last frame of each kind with a JSON payload
        self._manifest: Manifest | None = None
        self._ids: dict[str, np.ndarray] = {}
        self._totals = Totals()
        self._recent: deque[Chunk] = deque()

    @property
    def ended(self) -> bool:
        """Whether the run has reached its end; its results file may still have to be written."""
        return SUMMARY in self._known

    @property
    def written(self) -> bool:
        """Whether a process is writing the log."""
        return is_written(self.path)

    def look(self) -> Glimpse | None:
        """Read what was appended since the last look (everything at first); None if the run has not begun yet.

        If the log was replaced or cut, as when a run is continued from a checkpoint, it is read anew.

        Raises
        ------
        DataError : the file is not a log, or is damaged. OSError : there is no such file.
        """
        stat = self.path.stat()
        if self._end > stat.st_size or self._file not in (0, stat.st_ino) or not self._continues():
            self._forget()
        self._file = stat.st_ino
        if stat.st_size < HEADER_SIZE:
            return None
        if not self._read():  # the log was cut, and written again from there
            self._forget()
            if not self._read():
                raise DataError(str(self.path), "holds recorded data that do not follow each other")
        return self._glimpse()

    def _read(self) -> bool:
        """Read the frames after those that were read; False if one does not follow them."""
        for frame in frames(self.path, begin=self._end):
            if not self._take(frame):
                return False
            self._end = frame.end
        return True

    def _continues(self) -> bool:
        """Whether a frame, or nothing yet, follows what was read."""
        with self.path.open("rb") as file:
            file.seek(self._end)
            head = file.read(FRAME.size)
        return not self._end or head[: len(MARK)] == MARK[: len(head)]

    def _take(self, frame: Frame) -> bool:
        """Note the content of a frame; False if it does not follow what was read before."""
        if frame.kind == MANIFEST:
            self._manifest = Manifest.from_json(frame.payload.decode())
            self._ids = {}
        elif frame.kind in (RUN, START, SUMMARY):
            self._known[frame.kind] = json.loads(frame.payload)
        elif frame.kind == CHUNK:
            chunk = decoded(self.path, frame.payload)
            if self._totals.stop not in (None, chunk.start):
                return False
            self._totals.add(chunk)
            self._known.pop(SUMMARY, None)  # the run goes on after its summary
            self._recent.append(Chunk(chunk.start, chunk.stop, chunk.spikes))
            while self._recent[0].stop * self._dt < self._totals.end * self._dt - self._window:
                self._recent.popleft()
        return True

    @property
    def _dt(self) -> float:
        return self._manifest.dt if self._manifest else 0.0

    def _glimpse(self) -> Glimpse | None:
        manifest, totals = self._manifest, self._totals
        if manifest is None:
            return None
        now, start = time_of(totals.end, manifest.dt), time_of(totals.start, manifest.dt)
        until = (self._known.get(RUN) or self._known.get(START) or {}).get("until")
        windows = {name: clip(entry, start, now) for name, entry in manifest.spikes.items()}
        spikes = {name: self._last(manifest, name, *window).window(now - self._window) for name, window in windows.items()}
        counts = {name: totals.spikes.get(name, 0) for name in spikes}
        recorded = {name: z - a for name, (a, z) in windows.items()}
        return Glimpse(manifest.name, now, start, None if until is None else time_of(until, manifest.dt), spikes, counts, recorded)

    def _last(self, manifest: Manifest, name: str, start: float, stop: float) -> Spikes:
        """The spikes of a population in the chunks that are kept; it was recorded from `start` to `stop`."""
        own = [chunk for chunk in self._recent if name in chunk.spikes]
        at = np.concatenate([np.zeros(0), *(chunk.spike_times(name, manifest.dt) for chunk in own)])
        ids = np.concatenate([np.zeros(0, np.int64), *(chunk.spikes[name][1] for chunk in own)]).astype(np.int64, copy=False)
        n = int(manifest.populations[name]["n"])
        if name not in self._ids:
            self._ids[name] = ids_of(manifest.spikes[name]["ids"], n)
        return unchecked(at, ids, n, start, stop, self._ids[name], manifest.dt, name)
