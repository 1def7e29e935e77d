"""Scans of parameters: many runs of a network with different values, side by side, and one table of what they gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["ScanTable", "read_scan", "scan", "spike_digest"]

if TYPE_CHECKING:
    from lifsim.scans.job import spike_digest
    from lifsim.scans.scan_folder import read_scan
    from lifsim.scans.scan_table import ScanTable
    from lifsim.scans.scanning import scan

__getattr__ = on_first_use(
    __name__,
    {
        "ScanTable": "lifsim.scans.scan_table",
        "read_scan": "lifsim.scans.scan_folder",
        "scan": "lifsim.scans.scanning",
        "spike_digest": "lifsim.scans.job",
    },
)

__dir__ = public_names(__name__)
