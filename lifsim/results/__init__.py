"""Results: writes and reads recorded spikes and traces.

Input: chunks of recorded data with the manifest of the run; or spikes in memory or in a file of another tool
(SONATA, NEST's text, CSV, NPZ). Output: the log of a run, its HDF5 file, files of spikes, and a `Result` that reads all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Result", "Spikes", "Traces", "convert", "open", "opened", "write_spikes"]

if TYPE_CHECKING:
    from lifsim.results.convert import convert
    from lifsim.results.data import Traces
    from lifsim.results.opening import open, opened
    from lifsim.results.result import Result
    from lifsim.results.spike_writing import write_spikes
    from lifsim.results.spikes import Spikes

__getattr__ = on_first_use(
    __name__,
    {
        "Result": "lifsim.results.result",
        "Spikes": "lifsim.results.spikes",
        "Traces": "lifsim.results.data",
        "convert": "lifsim.results.convert",
        "open": "lifsim.results.opening",
        "opened": "lifsim.results.opening",
        "write_spikes": "lifsim.results.spike_writing",
    },
)

__dir__ = public_names(__name__)
