"""Figures of results in publication quality. No window is opened, and matplotlib's settings are left unchanged.

Input: a `Result`, or what `lifsim.open` takes; for synapses a network, a simulation or matrices. Output: a matplotlib figure, which
`save` writes to a file. Figures are in the house style (`lifsim/plot/styles`), light or dark, with their width in mm; `ax` takes axes of
other figures.
"""

from lifsim.plot import backend  # noqa: F401 (must come before anything else imports matplotlib)

# isort: split
from lifsim.common.lazy import public_names
from lifsim.plot.animation import animation
from lifsim.plot.comparison_plot import comparison
from lifsim.plot.correlation_plots import correlations, correlogram, spectrum
from lifsim.plot.curves import fi_curve
from lifsim.plot.firing_plot import firing
from lifsim.plot.membrane_plot import membrane, phase_plane
from lifsim.plot.network_drawing import network
from lifsim.plot.origins import provenance
from lifsim.plot.palette import colours
from lifsim.plot.raster_plot import raster
from lifsim.plot.rate_plots import isi, rates
from lifsim.plot.scan_plot import scan
from lifsim.plot.space_plot import space
from lifsim.plot.states_plot import states
from lifsim.plot.style import save
from lifsim.plot.summary_plot import summary
from lifsim.plot.synapse_plots import connectivity, degrees, weights
from lifsim.plot.theory_plots import stability, theory
from lifsim.plot.trace_plot import traces
from lifsim.plot.trial_plot import psth
from lifsim.plot.weight_course import final_weights, weight_evolution

__all__ = [
    "animation",
    "colours",
    "comparison",
    "connectivity",
    "correlations",
    "correlogram",
    "degrees",
    "fi_curve",
    "final_weights",
    "firing",
    "isi",
    "membrane",
    "network",
    "phase_plane",
    "provenance",
    "psth",
    "raster",
    "rates",
    "save",
    "scan",
    "space",
    "spectrum",
    "stability",
    "states",
    "summary",
    "theory",
    "traces",
    "weight_evolution",
    "weights",
]

__dir__ = public_names(__name__)
