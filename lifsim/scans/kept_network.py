"""The network that each thread of a process keeps built between its runs."""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakSet

from lifsim.simulation.simulation import Simulation


class KeptNetwork:
    """The built network of one thread. `busy` is locked while the thread makes a run, which collects `warnings`."""

    def __init__(self) -> None:
        self.busy = threading.RLock()  # a function for statistics may itself make a scan
        self.warnings: list[str] = []
        self._kind: Any = None
        self._simulation: Simulation | None = None

    def of(self, kind: Any) -> Simulation | None:
        """The simulation that was kept as of this `kind`; None if there is none."""
        return self._simulation if self._kind == kind else None

    def keep(self, kind: Any, simulation: Simulation) -> None:
        """Keep a simulation for the runs that are of the same `kind`."""
        self._kind, self._simulation = kind, simulation

    def close(self) -> None:
        """Close the network."""
        simulation, self._kind, self._simulation = self._simulation, None, None
        if simulation is not None:
            simulation.close()


_here = threading.local()  # .kept: the KeptNetwork of this thread
_all: WeakSet[KeptNetwork] = WeakSet()  # of all threads that have not ended
_lock = threading.Lock()  # of _all


def own_network() -> KeptNetwork:
    """That of this thread."""
    kept: KeptNetwork | None = getattr(_here, "kept", None)
    if kept is None:
        kept = _here.kept = KeptNetwork()
        with _lock:
            _all.add(kept)
    return kept


def release_all() -> None:
    """Close the networks of all threads of this process, except those in use by a run, which may be of another scan."""
    with _lock:
        found = list(_all)
    for kept in found:
        if kept.busy.acquire(blocking=False):
            try:
                kept.close()
            finally:
                kept.busy.release()
