"""Reports how far the building of a network has got."""

from __future__ import annotations

import time

from lifsim.simulation.options import Progress

EVERY = 0.25  # seconds between reports


class BuildReports:
    """Calls a progress function with the event "making" while a network is built.

    The facts of the event: `made`, the number of synapses made so far, of `synapses` in all; `projection`, the number of projections whose
    rules have been worked out, of `projections`; `wall_s`, the seconds since the building began.

    Parameters
    ----------
    progress : the function. synapses : expected number of synapses. projections : number of projections.
    """

    def __init__(self, progress: Progress, synapses: float, projections: int) -> None:
        self._progress, self.synapses, self._projections = progress, synapses, projections
        self._began = self._told = time.perf_counter()

    def projection(self, number: int) -> None:
        """Report that `number` projections have been worked out, if the last report is `EVERY` seconds old."""
        now = time.perf_counter()
        if now - self._told >= EVERY:
            self._told = now
            self._report(0, number)

    def made(self, synapses: int) -> None:
        """Report that so many synapses are made."""
        self._report(synapses, self._projections)

    def _report(self, made: int, projection: int) -> None:
        wall = time.perf_counter() - self._began
        facts = {"made": made, "synapses": round(self.synapses), "projection": projection, "projections": self._projections}
        self._progress("making", **facts, wall_s=wall)
