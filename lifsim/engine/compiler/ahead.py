"""Another process compiles parts ahead of need, while this one builds synapses or compiles other parts.

Numba compiles in one thread at a time, so a second core needs a second process. Both take one part after the other, from opposite ends of
one list; a part belongs to the process that claims it first, by a file that only one process can make. What either compiles goes to the
cache. Nothing depends on the other process: if it cannot be started or ends early, all is compiled here.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lifsim.common import memory
from lifsim.engine.compiler import cache

FEWEST = 3  # parts to be compiled for which another process is started: it takes half a second to load Numba
ROOM = 800e6  # bytes that must be free: what compiling takes, twice, and more
PAUSE = 0.005  # seconds between two looks for a part that the other process is compiling


class WantedPart(NamedTuple):
    """A part to be compiled: the module and name of the part, its data as `described`, and the name of the file of its code."""

    module: str
    part: str
    data: list[Any]
    name: str


def described(kind: Any) -> list[Any]:
    """The types of data (`parts.Kinds`) as lists of text and numbers, for `made`."""
    if isinstance(kind, type):
        return ["number", kind.__module__, kind.__qualname__]
    first, *rest = kind
    if isinstance(first, np.dtype):
        return ["array", first.str, *rest]
    return ["tuple", first.__module__, first.__qualname__, list(map(described, rest))]


def made(description: list[Any]) -> Any:
    """Data of the types in `description`: empty arrays, ones and None."""
    what, first, *rest = description
    if what == "array":
        array = np.empty((0,) * rest[0], first)
        array.flags.writeable = rest[1]
        return array
    if rest[0] == "NoneType":
        return None
    kind = getattr(import_module(first), rest[0])
    if what == "number":
        return kind(1)
    entries = list(map(made, rest[1]))
    return tuple(entries) if kind is tuple else kind(*entries)


class Helper:
    """A process that compiles those of the `wanted` parts that it can claim, in their order.

    It is started when this process first finds a part that must be compiled, if there are several and the computer has room and a core
    for it. Only then `wanted` is called.
    """

    def __init__(self, wanted: Callable[[], Sequence[WantedPart]]) -> None:
        self._wanted: Callable[[], Sequence[WantedPart]] | None = wanted
        self._names: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None
        _helpers.add(self)

    def start(self) -> None:
        """Start the process unless it was started, or is not worthwhile."""
        if self._wanted is None:
            return
        wanted, self._wanted = self._wanted(), None
        if len(wanted) >= FEWEST and _has_room():
            with suppress(OSError):  # no further process, no disk
                self._start(wanted)

    def _start(self, wanted: Sequence[WantedPart]) -> None:
        self._claims = Path(tempfile.mkdtemp(prefix="lifsim-"))
        self._forget = weakref.finalize(self, shutil.rmtree, self._claims, True)
        code = f"import sys; sys.path[:] = {sys.path!r}; from lifsim.engine.compiler.helper import main; main()"
        nowhere = subprocess.DEVNULL
        self._process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=nowhere, stderr=nowhere)
        assert self._process.stdin is not None
        with self._process.stdin as words:
            words.write(json.dumps([os.fspath(self._claims), wanted]).encode())
        self._names = {each.name for each in wanted}

    def works_on(self, name: str) -> bool:
        """Whether the process has claimed the part with this file; if not, it is now claimed by this process."""
        return name in self._names and not claim(self._claims, name)

    def wait(self, name: str) -> None:
        """Wait until the code with this file name is in the cache, or the process has ended."""
        while self._process is not None and self._process.poll() is None and not cache.holds(name):
            time.sleep(PAUSE)

    def close(self) -> None:
        """End the process, once it has compiled what it is compiling now."""
        self._wanted = None
        _helpers.discard(self)
        if self._process is not None:
            for name in self._names:
                claim(self._claims, name)
            self._process.wait()
            self._process = None
            self._forget()


_helpers: weakref.WeakSet[Helper] = weakref.WeakSet()  # those of engines that are being built


def claim(folder: Path, name: str) -> bool:
    """Claim the part with this file name, among the processes that share `folder`; False if another has claimed it."""
    try:
        os.close(os.open(folder / hashlib.sha256(name.encode()).hexdigest(), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        return False
    except OSError:  # the disk is full: both compile it
        return True
    return True


def wait(name: str) -> bool:
    """Wait while another process compiles the part with this file name. Whether one did; if not, this process is to compile it."""
    for helper in tuple(_helpers):
        helper.start()
        if helper.works_on(name):
            helper.wait(name)
            return True
    return False


def _has_room() -> bool:
    """Whether another process could run now: there is a core, memory, and a cache through which it passes on its code."""
    python = Path(sys.executable or "").name.lower().startswith("python")  # not a program in which Python is embedded
    return python and cache.can_keep_code() and memory.free().free > ROOM and _has_core()


def _has_core() -> bool:
    """Whether a core is idle; where the system does not tell, whether there are several."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores > 1 and min(_running() for _ in range(3)) < cores


def _running() -> int:
    """The number of threads that run now on this computer, with this one; 1 if the system does not tell."""
    try:
        return int(Path("/proc/loadavg").read_text().split()[3].split("/")[0])
    except (OSError, ValueError, IndexError):
        return 1
