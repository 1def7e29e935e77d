"""Free memory for data recorded in memory: estimated in advance for traces, monitored during the run for spikes."""

from __future__ import annotations

import math
import time

from lifsim.common import memory
from lifsim.common.errors import LifsimError, RunError
from lifsim.common.timegrid import steps
from lifsim.results.manifest import Manifest, first_sample, ms

FEW = 1e6  # bytes of samples for which the free memory is not looked up
LEAST = 48e6  # bytes that are left free for other data of the process
GLANCE = 0.1  # seconds between two checks of the free memory: a check takes a tenth of a millisecond


def sampled(manifest: Manifest, start: int, stop: int) -> int:
    """The number of trace values that a run records in the steps start < step <= stop."""
    total = 0
    for entry in manifest.traces:
        first, every = first_sample(entry, start, manifest.dt)
        end = ms(entry["stop"])
        last = min(stop, steps(end, manifest.dt)) if math.isfinite(end) else stop
        total += max((last - first) // every + 1, 0) * manifest.columns((entry["population"], entry["variable"]))
    return total


class Headroom:
    """Stops a run that records in memory before memory is full."""

    def __init__(self) -> None:
        self._looked, self._free = time.perf_counter(), 0.0  # time of the last check, and bytes that were free then

    def check_traces(self, manifest: Manifest, start: int, stop: int) -> None:
        """Check that the traces of a run from step `start` to `stop` fit in memory.

        Raises
        ------
        LifsimError : they do not fit; says how much they take, and how much is free.
        """
        needed = 8.0 * sampled(manifest, start, stop)
        if needed < FEW:
            return
        limit = memory.free()
        if needed + LEAST > limit.free:
            got = f"the traces of this run need {memory.said(needed)}"
            raise LifsimError(
                "memory", got, f"{memory.said(limit.free)} are free {limit.place}; with a file as `out`, traces are written to the disk"
            )
        self._looked, self._free = time.perf_counter(), limit.free

    def check(self, now: float) -> None:
        """Stop the run at `now` (ms) if less is free than twice the memory taken since the last check plus `LEAST`.

        Raises
        ------
        RunError : memory is nearly full; says how much is free. The data recorded so far are kept.
        """
        if time.perf_counter() - self._looked < GLANCE:
            return
        limit = memory.free()
        taken, self._free, self._looked = self._free - limit.free, limit.free, time.perf_counter()
        if limit.free < LEAST + 2 * max(taken, 0.0):
            what = "the data recorded so far are kept and can be saved; with a file as `out`, a run writes them to the disk"
            raise RunError(f"memory is nearly full at {now:g} ms ({memory.said(limit.free)} are free {limit.place}); {what}")
