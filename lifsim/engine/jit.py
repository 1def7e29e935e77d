"""The one wrapper around Numba's compiler: options, and a cache that is never stale.

Numba looks only at the file of the outermost function when it decides whether a cached machine
code is still good; a change in a function called from another file goes unseen. So the cache
folder carries a hash of all sources of the engine (and of the versions that compile them).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
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

F = TypeVar("F", bound=Callable[..., Any])


def source_hash() -> str:
    """Hash of the engine's sources, of the plan's (its numbers are frozen into kernels) and of the compiler's versions."""
    digest = hashlib.sha256()
    engine = Path(__file__).parent
    for path in [engine.parent / "plan.py", *sorted(engine.rglob("*.py"))]:
        digest.update(path.relative_to(engine.parent).as_posix().encode())
        digest.update(path.read_bytes())
    digest.update(f"{numba.__version__} {llvmlite.__version__} {np.__version__} {sys.version}".encode())
    return digest.hexdigest()[:16]


def cache_folder() -> Path:
    """Where compiled code is kept: ``$LIFSIM_CACHE_DIR`` or the user's cache folder, by `source_hash`."""
    root = os.environ.get("LIFSIM_CACHE_DIR")
    if root is None:
        from platformdirs import user_cache_dir

        root = user_cache_dir("lifsim", appauthor=False)
    return Path(root) / f"engine-{source_hash()}"


def _prepare_cache() -> str:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # a read-only home: compile in every process
        return ""
    _prune(folder)
    return str(folder)


def _prune(current: Path, keep: int = 4) -> None:
    """Remove the code of old versions, all but the `keep` youngest."""
    old = sorted((p for p in current.parent.glob("engine-*") if p != current), key=lambda p: p.stat().st_mtime)
    for folder in old[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


_CACHE = _prepare_cache()


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
        return numba.njit(cache=bool(_CACHE), **options)(function)
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


def can_keep_code() -> bool:
    """Whether compiled code can be kept for later processes."""
    return bool(_CACHE) and os.access(_CACHE, os.W_OK)


def is_compiled(kind: str) -> bool:
    """Whether the kernels of this `kind` were compiled and kept by an earlier process."""
    return bool(_CACHE) and (Path(_CACHE) / f"{kind}.done").exists()


def mark_compiled(kind: str) -> None:
    """Note that the kernels of this `kind` are kept."""
    if _CACHE and not is_compiled(kind):
        with contextlib.suppress(OSError):
            (Path(_CACHE) / f"{kind}.done").touch()
