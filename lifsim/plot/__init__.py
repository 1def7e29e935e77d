"""Figures of results in publication quality. No window is opened, and matplotlib's settings are left unchanged.

Input: a `Result`, or what `lifsim.open` takes, such as a path or `Spikes`. Output: a matplotlib figure, which `save` writes to a file.
"""

from lifsim.plot import backend  # noqa: F401 (must come before anything else imports matplotlib)

# isort: split
from lifsim.common.lazy import public_names
from lifsim.plot.palette import colours
from lifsim.plot.raster_plot import raster
from lifsim.plot.rate_plots import isi, rates
from lifsim.plot.scan_plot import scan
from lifsim.plot.space_plot import space
from lifsim.plot.style import save
from lifsim.plot.trace_plot import traces

__all__ = ["colours", "isi", "raster", "rates", "save", "scan", "space", "traces"]

__dir__ = public_names(__name__)
