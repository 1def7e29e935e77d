"""The most memory that something takes, measured without slowing it down where the system can do that."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/status")


class Peak:
    """`most`: the bytes that were taken within `peak_memory`, known at its end."""

    most = 0


@contextmanager
def peak_memory() -> Iterator[Peak]:
    """Measure the most memory that is taken beyond what is in use at the start.

    On Linux these are the resident pages of the process, whose peak can be set back; elsewhere what Python allocates, as traced by
    `tracemalloc`, which takes three to four times as long as the program itself.
    """
    peak, before = Peak(), _start()
    try:
        yield peak
    finally:
        if before is None:
            peak.most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        else:
            peak.most = _kilobytes("VmHWM") * 1024 - before


def _start() -> int | None:
    """Bytes in use, with their peak set back to them; None where Python's memory is traced instead."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
        return _kilobytes("VmHWM") * 1024
    except OSError:
        tracemalloc.start()
        return None


def _kilobytes(name: str) -> int:
    return next(int(line.split()[1]) for line in _STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
