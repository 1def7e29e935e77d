"""The software versions and the computer of a run."""

from __future__ import annotations

import os
import platform
from functools import lru_cache
from importlib.metadata import version

from lifsim.common.version import __version__


@lru_cache(1)
def versions() -> dict[str, str]:
    """The versions of lifsim, Python and the packages that results depend on."""
    packages = ("numpy", "numba", "llvmlite", "scipy", "h5py")
    return {"lifsim": __version__, "python": platform.python_version(), **{p: version(p) for p in packages}}


@lru_cache(1)
def host() -> str:
    """Operating system, processor architecture and number of cores of this computer."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
