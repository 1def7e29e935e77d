"""The description of the computer in reports of measurements: processor, cores, memory, operating system."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """The name of the processor, as the operating system reports it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()


def memory() -> float | None:
    """Size of the main memory in GB; None if the operating system does not report it."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def facts() -> dict[str, str | int | float | None]:
    """All entries of the description, by name."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_GB": memory(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
