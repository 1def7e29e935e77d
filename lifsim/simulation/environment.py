"""The versions and the computer with which a run is made."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from importlib.metadata import version

from lifsim.common.version import __version__


@lru_cache(1)
def versions() -> dict[str, str]:
    """Versions of lifsim and what it runs on."""
    packages = ("numpy", "numba", "llvmlite", "scipy", "h5py")
    return {"lifsim": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}


@lru_cache(1)
def host() -> str:
    """Facts of this computer that matter for a run."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
