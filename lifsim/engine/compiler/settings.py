"""Numba's settings, without loading Numba, which takes longer than a small run: code from the cache does not need it.

The settings come from environment variables and a file. Numba's module that reads them is loaded alone if Numba is not loaded.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

from lifsim.common.errors import LifsimError

_LOADED = "numba.core.config"

# Intel's vector math library, if installed, rounds differently in the vectorised part of a loop and in its remainder, so results would
# depend on where a block begins. This must be set before Numba is loaded, by whomever.
if "numba" not in sys.modules:
    os.environ.setdefault("NUMBA_DISABLE_INTEL_SVML", "1")


def setting(name: str) -> Any:
    """The setting that Numba calls `name`, as it is now; None if this version of Numba has no such setting."""
    return getattr(sys.modules.get(_LOADED) or _read_alone(), name, None)


def numba_version() -> str:
    """The version of Numba."""
    try:
        return version("numba")
    except PackageNotFoundError:  # run from its sources
        return str(load_numba().__version__)


def check() -> None:
    """Check that Numba can compile.

    Raises
    ------
    LifsimError : it cannot be loaded, or is told not to compile.
    """
    if setting("DISABLE_JIT"):
        raise LifsimError("NUMBA_DISABLE_JIT", "turns off the compiler, which the engine needs", "unset this environment variable")


def load_numba() -> Any:
    """Load Numba.

    Raises
    ------
    LifsimError : it cannot be loaded.
    """
    try:
        import numba
    except Exception as error:  # an invalid environment variable, an unsupported version of NumPy
        raise LifsimError("numba", f"cannot be loaded: {error}", "the engine needs it, because it is compiled by numba") from error
    return numba


@lru_cache(1)
def _read_alone() -> ModuleType:
    """Numba's module of settings, loaded without Numba if that is possible."""
    found = importlib.util.find_spec("numba")
    if found is not None and found.origin is not None:
        path = Path(found.origin).parent / "core" / "config.py"
        spec = importlib.util.spec_from_file_location("lifsim_settings_of_numba", path)
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
                return module
            except Exception:  # Numba says what is wrong, if anything is
                pass
    load_numba()
    return sys.modules[_LOADED]
