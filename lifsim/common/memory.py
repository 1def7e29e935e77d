"""The memory that is available to this process, and the memory that it uses, on each operating system."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

RECENT = 0.5  # seconds for which limits are cached: reading them takes a tenth of the time of a small run
UNLIMITED = 2.0**60  # bytes: control groups of version 1 report a larger number if there is no limit


class Limit(NamedTuple):
    """A limit of the memory of this process. `kind` is "memory" (resident memory), "addresses" (the whole address space, used or not) or
    "data" (its private part). `free` bytes are left, `used` bytes are in use; `place` names the limit in messages.
    """

    kind: str
    free: float
    used: float
    place: str


def limits(needed: float = float("inf")) -> list[Limit]:
    """All memory limits, the tightest first: of the computer, of control groups, and of the shell (ulimit).

    Limits are cached. They are read again if they are older than `RECENT` seconds, if less than ten times the `needed` bytes were free,
    or if the limits of the shell have changed.
    """
    global _read
    now, own = time.monotonic(), (os.getpid(), _resource_limit("RLIMIT_AS"), _resource_limit("RLIMIT_DATA"))
    if now - _read[0] > RECENT or _read[1] != own or _read[2][0].free < 10 * needed:
        _read = now, own, _limits()
    return _read[2]


def _limits() -> list[Limit]:
    status = _numbers(Path("/proc/self/status"))
    used = status.get("VmRSS", 0.0)
    found = [Limit("memory", available(), used, "on this computer")]
    found += [Limit("memory", free, used, f"in the control group of this process ({place})") for place, free in groups()]
    for name, kind, field, option in (("RLIMIT_AS", "addresses", "VmSize", "-v"), ("RLIMIT_DATA", "data", "VmData", "-d")):
        most = _resource_limit(name)
        if most < float("inf"):
            mapped = status.get(field, 0.0)
            found.append(Limit(kind, max(most - mapped, 0.0), mapped, f"under the limit of the shell (ulimit {option})"))
    return sorted(found, key=lambda limit: limit.free)


_read: tuple[float, tuple[float, ...], list[Limit]] = (-float("inf"), (), [])  # time of reading; process and its shell limits; all limits


def free() -> Limit:
    """The tightest memory limit of this process."""
    return limits()[0]


def available() -> float:
    """Bytes that can be used on this computer without swapping; infinite if the system does not report them."""
    if sys.platform == "win32":
        return _windows()
    return _numbers(Path("/proc/meminfo")).get("MemAvailable") or _physical()


def groups(process: Path = Path("/proc/self")) -> Iterator[tuple[str, float]]:
    """For each control group (version 1 or 2) that limits the memory of `process`: the file with the limit, and the bytes left.
    The enclosing groups of a group limit it, too.
    """
    for folder, top, version in _group_folders(process):
        names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
        while True:
            most, used = (_number(folder / name) for name in names)
            if most is not None and used is not None and most < UNLIMITED:
                yield str(folder / names[0]), max(most - used + _cache(folder / "memory.stat"), 0.0)
            if folder == top or top not in folder.parents:
                break
            folder = folder.parent


def _group_folders(process: Path) -> Iterator[tuple[Path, Path, int]]:
    """For each control group that accounts for memory: its folder, the top folder of its hierarchy, and the version (1 or 2)."""
    own = {}
    for line in _lines(process / "cgroup"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers or "memory" in controllers.split(","):
            own[1 if controllers else 2] = path
    for line in _lines(process / "mountinfo"):
        before, _, after = line.partition(" - ")
        fields, kind = before.split(), after.split()
        version = 2 if kind[:1] == ["cgroup2"] else 1 if kind[:1] == ["cgroup"] and "memory" in kind[-1].split(",") else 0
        if version in own and len(fields) > 4:
            root, top = fields[3], Path(fields[4])
            inside = own[version].removeprefix(root) if root != "/" else own[version]
            folder = top / inside.lstrip("/")  # in a cgroup namespace, the path may lead out of the hierarchy
            yield (folder if folder.is_dir() and ".." not in folder.parts else top), top, version


def _cache(path: Path) -> float:
    """Bytes of the file cache of a control group, which the system frees when it needs memory."""
    stat = dict(line.rsplit(" ", 1) for line in _lines(path) if " " in line)
    prefix = "total_" if "total_inactive_file" in stat else ""
    try:
        return float(stat.get(f"{prefix}inactive_file", 0)) + float(stat.get(f"{prefix}active_file", 0))
    except ValueError:
        return 0.0


def _number(path: Path) -> float | None:
    """The number in a file of one line; None if it has none ("max")."""
    try:
        return float(_lines(path)[0])
    except (IndexError, ValueError):
        return None


def _numbers(path: Path) -> dict[str, float]:
    """Name → bytes, from a file with lines such as "VmRSS: 12 kB"."""
    pairs = (line.split(":", 1) for line in _lines(path) if line.endswith(" kB"))
    return {name: float(value.split()[0]) * 1024 for name, value in pairs}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []


def _resource_limit(name: str) -> float:
    """A resource limit of this process in bytes; infinite if there is none."""
    try:
        import resource

        most = resource.getrlimit(getattr(resource, name))[0]
        return float("inf") if most == resource.RLIM_INFINITY else float(most)
    except (ImportError, AttributeError, OSError, ValueError):
        return float("inf")


def _physical() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def _windows() -> float:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [(f"bytes{i}", ctypes.c_ulonglong) for i in range(7)]

    status = Status()
    status.length = ctypes.sizeof(Status)
    if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):  # type: ignore[attr-defined]
        return float("inf")
    return float(status.bytes1)


def forget_peak() -> None:
    """Restart the measurement of `peak`, if the system allows it (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The peak resident memory of this process in bytes; 0 if the system does not report it."""
    if sys.platform == "win32":
        return _windows_peak()
    most = _numbers(Path("/proc/self/status")).get("VmHWM")
    if most is not None:
        return int(most)
    from resource import RUSAGE_SELF, getrusage

    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _windows_peak() -> int:
    class Counters(ctypes.Structure):
        _fields_ = [("size", ctypes.c_ulong), ("faults", ctypes.c_ulong), ("peak", ctypes.c_size_t)]
        _fields_ += [(f"bytes{i}", ctypes.c_size_t) for i in range(7)]

    counters = Counters()
    counters.size = ctypes.sizeof(Counters)
    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    return int(counters.peak) if kernel.K32GetProcessMemoryInfo(process, ctypes.byref(counters), counters.size) else 0


def said(n: float) -> str:
    """A number of bytes as text with a unit, to three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.3g} {unit}"
        n /= 1000
    return f"{n:.3g} TB"
