"""The one wrapper around Numba's compiler: options, and a cache that is never stale.

Numba looks only at the file of the outermost function when it decides whether a cached machine
code is still good; a change in a function called from another file goes unseen. So the cache
folder carries a hash of all sources of the engine (and of the versions that compile them). Whether
a call has to compile is not guessed from what it is called with: Numba itself says so (`compiling`).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

# A vector math library, where one is installed, would give other last bits in the vectorised part
# of a loop than in its remainder, and so results that depend on where a block begins.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")

import llvmlite
import numba
import numpy as np
from numba import config
from numba.core import event

F = TypeVar("F", bound=Callable[..., Any])


def source_hash() -> str:
    """Hash of the engine's sources, of the plan's (its numbers are frozen into kernels) and of the compiler's versions."""
    digest = hashlib.sha256()
    engine = Path(__file__).parent
    for path in [engine.parent / "plan.py", *sorted(engine.rglob("*.py"))]:
        digest.update(path.relative_to(engine.parent).as_posix().encode())
        digest.update(path.read_bytes())
    svml = getattr(config, "USING_SVML", False)  # a program may have loaded numba with it before
    digest.update(f"{numba.__version__} {llvmlite.__version__} {np.__version__} {sys.version} {svml}".encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled code is kept: ``$LIFSIM_CACHE_DIR`` or the user's cache folder, by `source_hash`."""
    root = os.environ.get("LIFSIM_CACHE_DIR")
    if not root:
        from platformdirs import user_cache_dir

        root = user_cache_dir("lifsim", appauthor=False)
    return Path(root).expanduser().absolute() / f"engine-{source_hash()}"


def _prepare_cache() -> str:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:  # a read-only home: compile in every process (Numba would look for other places, where code can be stale)
        return ""
    _prune(folder)
    return str(folder)


def _prune(current: Path, keep: int = 4) -> None:
    """Remove the code of old versions, all but the `keep` youngest."""
    old = sorted((p for p in current.parent.glob("engine-*") if p != current), key=lambda p: p.stat().st_mtime)
    for folder in old[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


_CACHE = _prepare_cache()
_OWN = uuid.uuid4().hex[:8]  # tells this process from those of other machines that share the folder


def kernel(function: F) -> F:
    """Compile `function` for the time loop: no GIL, no Python objects, cached, strict floating point."""
    return _compiled(function, inline=False)


def entry(function: F) -> F:
    """A `kernel` that Python calls: with what turns Python's objects into machine words, which takes long to compile."""
    return _compiled(function, inline=False, entry=True)


def inlined(function: F) -> F:
    """A `kernel` that becomes part of the loop that calls it, so that the loop can vectorise."""
    return _compiled(function, inline=True)


def merged(function: F) -> F:
    """A `kernel` that is read as part of its only caller: it is compiled once, not once more by itself."""
    return numba.njit(nogil=True, error_model="numpy", boundscheck=False, inline="always")(function)  # type: ignore[return-value]


def _compiled(function: F, inline: bool, entry: bool = False) -> F:
    before = getattr(config, "CACHE_DIR", "")
    config.CACHE_DIR = _CACHE  # type: ignore[attr-defined]
    try:
        wrappers = {"no_cpython_wrapper": not entry, "no_cfunc_wrapper": True}  # of what only kernels call: a fifth of all compilation
        options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "boundscheck": False, "forceinline": inline, **wrappers}
        compiled = numba.njit(cache=bool(_CACHE), **options)(function)
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]
    _name_own_files(compiled)
    return compiled


def _name_own_files(compiled: Any) -> None:
    """Let no two processes write machine code to files of one name.

    Numba numbers them. Two processes that compile a function at once, for different types, would choose the same
    number: the index of the one would lead to the code of the other. So they can only miss each other's, and compile.
    """
    file = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if file is not None:
        base = file._data_name_pattern.partition(".{number")[0]
        file._data_name = lambda number: f"{base}.{_OWN}-{os.getpid()}.{number}.nbc"


def can_keep_code() -> bool:
    """Whether compiled code can be kept for later processes."""
    return bool(_CACHE) and os.access(_CACHE, os.W_OK)


class Compiling(event.Listener):
    """What was compiled (not taken from the cache) while it listened: `seconds`, and how many kernels by themselves."""

    def __init__(self, began: Callable[[], None]) -> None:
        self.seconds, self.kernels = 0.0, 0
        self._began, self._depth, self._since = began, 0, 0.0

    def on_start(self, event: Any) -> None:
        """A kernel, or one that it calls (Numba compiles in one thread at a time)."""
        if self._depth == 0:
            self._since = time.perf_counter()
            self.kernels += 1
            if self.kernels == 1:
                self._began()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """It is compiled."""
        self._depth -= 1
        if self._depth == 0:
            self.seconds += time.perf_counter() - self._since


@contextlib.contextmanager
def compiling(began: Callable[[], None] = lambda: None) -> Iterator[Compiling]:
    """Listen to the compiler: `began` is called as soon as anything has to be compiled, perhaps by another thread."""
    listener = Compiling(began)
    with event.install_listener("numba:compile", listener):
        yield listener
