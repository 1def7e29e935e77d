"""Reports: one self-contained HTML page about a result, for any browser and without a network.

Input: a `Result`, or the path of one. Output: an HTML file with the model, the provenance, statistics, figures, and an interactive
raster with the recorded traces below it. The page's own program is in ``assets/``; it draws with uPlot (MIT), which is there too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["write"]

if TYPE_CHECKING:
    from lifsim.report.writing import write

__getattr__ = on_first_use(__name__, {"write": "lifsim.report.writing"})

__dir__ = public_names(__name__)
