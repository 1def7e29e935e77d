"""Draws millions of spikes as an image of their density.

A pixel stands for a whole number of neurons and, where spikes lie on a time grid, a whole number of its steps. If pixels were of equal
width regardless of these, some would hold a neuron or a step more than others, and regular stripes would cover the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from lifsim import analysis
from lifsim.plot.bands import Band
from lifsim.plot.palette import paper
from lifsim.plot.style import figure_size

_PIXELS = 100  # per inch, at most: three dots of a printed PNG (300 dpi) each
_GRIDS = (1.0, 0.5, 0.25, 0.2, 0.125, 0.1, 0.05, 0.025, 0.02, 0.01)  # ms


def draw_density(ax: Axes, bands: Sequence[Band], start: float, stop: float, scale: float) -> tuple[int, float]:
    """Draw the density of spikes between `start` and `stop` (ms), one image per band; axes times are `scale` times ms.

    The shade of a pixel grows with the square root of its rate, so that the noise of counts is as visible in a quiet population as in
    an active one and a single spike stays visible, and saturates at the 99.5th percentile of the rates of non-empty pixels.

    Returns
    -------
    (number of spikes drawn, rate in spikes/s from which on pixels have the full colour).
    """
    width, height = figure_size(ax)
    bottom = bands[-1].top + bands[-1].height
    edges = _columns(bands, start, stop, max(64, round(width * _PIXELS)))
    images = [_rates(band, edges, stop, max(1, round(band.height / bottom * height * _PIXELS))) for band in bands]
    filled = np.concatenate([rate[rate > 0] for _, rate, _ in images])
    full = float(np.percentile(filled, 99.5)) if len(filled) else 1.0
    for band, (_, rate, rows) in zip(bands, images, strict=True):
        shade = np.sqrt(np.minimum(rate / full, 1))[..., None]
        pixels = np.uint8(255 * ((1 - shade) * np.array(to_rgb(paper())) + shade * np.array(to_rgb(band.colour))) + 0.5)
        extent = (edges[0] * scale, edges[-1] * scale, band.top + rows * band.height, band.top)
        ax.imshow(pixels, extent=extent, aspect="auto", interpolation="nearest", rasterized=True, zorder=1)
    return sum(number for number, _, _ in images), full


def _columns(bands: Sequence[Band], start: float, stop: float, most: int) -> np.ndarray:
    """Edges (ms) of at most `most` columns of equal width; the last may reach beyond `stop`."""
    grid = time_grid([_some_times(band) for band in bands], bands[0].shown.spikes.dt)
    if not grid:
        return np.linspace(start, stop, most + 1)
    width = grid * max(1, np.ceil((stop - start) / grid / most - 1e-9))
    return start + width * np.arange(np.ceil((stop - start) / width - 1e-9) + 1)


def time_grid(times: Sequence[np.ndarray], dt: float) -> float:
    """The widest of common time grids and `dt` (ms; nan if not known) that a sample of the times lies on; 0 if they lie on none."""
    sample = np.concatenate([at[:: max(1, len(at) // 5000)] for at in times])
    for grid in sorted([*_GRIDS, dt] if dt > 0 else _GRIDS, reverse=True):
        steps = sample / grid
        if np.all(np.abs(steps - np.round(steps)) < 1e-3):
            return grid
    return 0.0


def _rates(band: Band, edges: np.ndarray, stop: float, most: int) -> tuple[int, np.ndarray, float]:
    """(number of spikes, rate of each pixel in spikes/s, height of the image over that of the band) with at most `most` rows."""
    n, columns, width = len(band.ids), len(edges) - 1, edges[1] - edges[0]
    each = max(1, -(-n // most))  # neurons in a row
    rows = max(1, -(-n // each))
    count = np.zeros(rows * columns, np.int64)
    for at, neuron in _pieces(band):
        column = np.clip(np.ceil((at - edges[0]) / width - 1e-6).astype(np.int64) - 1, 0, columns - 1)
        count += np.bincount(neuron // each * columns + column, minlength=len(count))
    neurons = np.minimum(each, n - each * np.arange(rows)).clip(1)
    seconds = (np.minimum(edges[1:], stop) - edges[:-1]).clip(1e-9) / 1000.0
    return int(count.sum()), count.reshape(rows, columns) / (neurons[:, None] * seconds), rows * each / max(n, 1)


def _pieces(band: Band) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(times, places in `band.ids`) of the spikes of the band's neurons, a piece after the other, which needs little memory."""
    for piece in band.shown.spikes.pieces():
        place = analysis.places(piece.ids, band.ids)
        shown = place >= 0
        yield piece.times[shown], place[shown]


def _some_times(band: Band) -> np.ndarray:
    """Times of spikes that show whether they lie on a grid."""
    return np.concatenate([np.empty(0), *(piece.times[:: max(1, len(piece) // 5000)] for piece in islice(band.shown.spikes.pieces(), 4))])
