"""lifsim simulates networks of leaky integrate-and-fire (LIF) neurons.

The names below are imported on first use, so that ``import lifsim`` is quick and pulls in neither
numba, matplotlib nor scipy.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("lifsim")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"

_HOME = {
    "Network": "lifsim.network",
    "DataError": "lifsim.errors",
    "LifsimError": "lifsim.errors",
    "ModelError": "lifsim.errors",
    "OutputError": "lifsim.errors",
    "RunError": "lifsim.errors",
    "Simulation": "lifsim.simulation",
    "Stopped": "lifsim.stopping",
    "resume": "lifsim.runs",
    "run": "lifsim.runs",
    "load": "lifsim.modelfile",
    "open": "lifsim.results",
    "Result": "lifsim.results",
}
_MODULES = ("analysis", "ann", "nir", "plot", "weights")
__all__ = [
    "DataError",
    "LifsimError",
    "ModelError",
    "Network",
    "OutputError",
    "Result",
    "RunError",
    "Simulation",
    "Stopped",
    "__version__",
    "analysis",
    "ann",
    "load",
    "nir",
    "open",
    "plot",
    "resume",
    "run",
    "weights",
]

if TYPE_CHECKING:
    from lifsim import analysis, ann, nir, plot, weights
    from lifsim.errors import DataError, LifsimError, ModelError, OutputError, RunError
    from lifsim.modelfile import load
    from lifsim.network import Network
    from lifsim.results import Result, open
    from lifsim.runs import resume, run
    from lifsim.simulation import Simulation
    from lifsim.stopping import Stopped


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _MODULES:
        return import_module(f"lifsim.{name}")
    raise AttributeError(f"module 'lifsim' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
