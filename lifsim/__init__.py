"""lifsim simulates networks of leaky integrate-and-fire (LIF) neurons.

The names below are imported on first use, so that ``import lifsim`` is quick and pulls in neither
numba, matplotlib nor scipy.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.common import hooks
from lifsim.common.lazy import on_first_use, public_names
from lifsim.common.missing import MODULE
from lifsim.common.version import __version__

__all__ = [
    "DataError",
    "LifsimError",
    "ModelError",
    "Network",
    "OutputError",
    "Result",
    "RunError",
    "Simulation",
    "Spikes",
    "Stopped",
    "__version__",
    "analysis",
    "ann",
    "demo",
    "describe",
    "load",
    "nir",
    "open",
    "plot",
    "report",
    "resume",
    "run",
    "scan",
    "scans",
    "theory",
    "weights",
    "write_spikes",
]

if TYPE_CHECKING:
    from lifsim import analysis, ann, demo, nir, plot, report, scans, theory, weights
    from lifsim.common.errors import DataError, LifsimError, ModelError, OutputError, RunError
    from lifsim.description import describe
    from lifsim.modelfile import load
    from lifsim.network import Network
    from lifsim.results import Result, Spikes, open, write_spikes
    from lifsim.scans import scan
    from lifsim.simulation import Simulation, Stopped, resume, run

__getattr__ = on_first_use(
    __name__,
    {
        **dict.fromkeys(("DataError", "LifsimError", "ModelError", "OutputError", "RunError"), "lifsim.common.errors"),
        **dict.fromkeys(("Network",), "lifsim.network"),
        **dict.fromkeys(("load",), "lifsim.modelfile"),
        **dict.fromkeys(("describe",), "lifsim.description"),
        **dict.fromkeys(("Result", "Spikes", "open", "write_spikes"), "lifsim.results"),
        **dict.fromkeys(("Simulation", "Stopped", "resume", "run"), "lifsim.simulation"),
        **dict.fromkeys(("scan",), "lifsim.scans"),
        **{name: f"lifsim.{name}" for name in ("analysis", "ann", "demo", "nir", "plot", "report", "scans", "theory", "weights")},
    },
    MODULE,
)


def _save_network(net: Any, path: str | Path) -> None:
    from lifsim.modelfile import save

    save(net, path)


def _simulation_of(net: Any) -> Any:
    from lifsim.simulation import Simulation

    return Simulation(net)


hooks.save_network = _save_network
hooks.simulation_of = _simulation_of


__dir__ = public_names(__name__)
