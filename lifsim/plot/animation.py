"""Animated raster plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lifsim.common.errors import DataError
from lifsim.plot.house import styled
from lifsim.plot.palette import grey, paper
from lifsim.plot.raster_plot import raster_figure
from lifsim.plot.selection import spikes_of
from lifsim.results.opening import Openable


@styled
def animation(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    rate_bin: float | None = None,
    max_neurons: int | None = 200,
    seconds: float = 6.0,
    fps: float = 15.0,
) -> FuncAnimation:
    """Animated raster: spikes and population rates of `raster` appear as time goes on.

    Parameters
    ----------
    result, populations, t_start, t_stop, rate_bin : as for `raster`.
    max_neurons : largest number of neurons drawn per population, evenly chosen; None: all.
    seconds : duration of the animation, s. fps : frames per second.
    width_mm, style

    Returns
    -------
    The animation, which `save` writes to a GIF file; in notebooks, ``HTML(animation.to_jshtml())`` plays it.

    Raises
    ------
    DataError : as for `raster`; or `seconds` or `fps` is not above 0, or both make more than 2,000 frames.
    """
    frames = round(seconds * fps) if 0 < seconds < 1e6 and 0 < fps < 1e6 else 0
    if not 1 <= frames <= 2000:
        raise DataError("seconds, fps", f"{seconds:g} s at {fps:g} frames per second", "both above 0, at most 2,000 frames")
    figure = raster_figure(spikes_of(result, populations, t_start, t_stop), None, rate_bin, max_neurons)
    for _ in range(2):  # the layout, as `Picture.savefig` computes it, once and not for each frame
        FigureCanvasAgg(figure).draw()
    with matplotlib.rc_context({"figure.autolayout": False, "figure.constrained_layout.use": False}):
        figure.set_layout_engine(None)  # with any engine, also "none", matplotlib draws each frame twice
    curtains = [_curtain(ax) for ax in figure.axes]

    def show(frame: int) -> list[Any]:
        for curtain, line, (start, stop) in curtains:
            now = start + (stop - start) * (frame + 1) / frames
            curtain.set_bounds(now, 0, stop - now + 0.004 * (stop - start), 1)  # dots at the end reach beyond the axes
            line.set_xdata([now, now])
        return [artist for curtain, line, _ in curtains for artist in (curtain, line)]

    return FuncAnimation(figure, show, frames=frames, interval=1000.0 / fps, init_func=lambda: show(0), blit=False)


def _curtain(ax: Axes) -> tuple[Any, Any, tuple[float, float]]:
    """A rectangle that covers what is still to come, a line at its edge, and the limits of the time axis."""
    start, stop = ax.get_xlim()
    curtain = ax.axvspan(start, stop, facecolor=paper(), edgecolor="none", zorder=10, clip_on=False)
    line = ax.axvline(start, color=grey(0.4), linewidth=0.8, zorder=11)
    return curtain, line, (start, stop)
