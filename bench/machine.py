"""What is said of the machine beside the figures: processor, cores, memory, system."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def processor() -> str:
    """The processor's name as the system gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        return names[0] if names else platform.machine()
    return platform.processor() or platform.machine()


def memory() -> float | None:
    """GB of main memory, where the system says."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):
        return None


def facts() -> dict[str, str | int | float | None]:
    """All of it."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "memory_GB": memory(),
        "system": platform.system(),
        "python": platform.python_version(),
    }
