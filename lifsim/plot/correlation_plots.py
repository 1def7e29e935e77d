"""Plots of correlations: their distribution over pairs of neurons, correlograms of populations, power spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.plot.distributions import draw_boxes, draw_histograms
from lifsim.plot.house import pictured
from lifsim.plot.palette import grey
from lifsim.plot.rate_course import in_rows, rates_height
from lifsim.plot.selection import Shown, spikes_of, too_short
from lifsim.plot.style import FONT, add_legend, line_widths, new_figure, one_panel, say_nothing, tidy_axes, write_note
from lifsim.plot.typefaces import fit_fonts
from lifsim.results.opening import Openable

_SEGMENTS = 8  # least number of half-overlapping segments that a spectrum is averaged over
_FEWEST = 4  # bins of a segment: two frequencies above 0, the least for a line
_PEAK = 10.0  # times the median power: a peak above this is named


@pictured
def correlations(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    bin: float = 2.0,
    neurons: int = 200,
    seed: int = 0,
    ax: Axes | None = None,
) -> Figure:
    """Distributions of the Pearson correlations of spike counts over pairs of neurons (`lifsim.analysis.correlations`).

    Up to six populations share the axes; more have a box plot each, of the median, the middle half and the 5th to 95th percentile.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    bin : width of the bins of the counts, ms.
    neurons : number of neurons of each population whose pairs are taken, drawn at random from those with a spike; all if there are fewer.
    seed : seed of the random choice.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty, or `bin` is not above 0.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    values = []
    for one in shown:
        matrix = analysis.correlations(one.spikes, bin, neurons, seed)
        pairs = matrix[np.triu_indices(len(matrix), 1)]
        values.append(pairs[~np.isnan(pairs)])
    ax = one_panel(rates_height(len(shown), 2.4), 0.75) if ax is None else ax
    every = np.concatenate(values)
    if in_rows(shown):
        draw_boxes(ax, values, shown)
        low, high = min([0.0, *(np.percentile(v, 5) for v in values if len(v))]), ax.get_xlim()[1]
        ax.set_xlim(low - 0.03 * (high - low), high)
    else:
        tidy_axes(ax)
        low, high = np.percentile(every, [0.1, 99.9]) if len(every) else (-0.1, 0.1)
        room = 0.02 * (high - low) or 0.05
        draw_histograms(ax, values, shown, np.linspace(low - room, high + room, 61))
        ax.set_ylabel("share of pairs", fontsize=FONT)
        add_legend(ax, len(shown))
    ax.axvline(0, color=grey(0.6), linewidth=0.5, zorder=0.5)
    ax.set_xlabel(f"correlation of counts in {bin:g} ms", fontsize=FONT)
    if not len(every):
        say_nothing(ax, too_short(shown, bin) or "no pair of neurons with varying counts")
    fit_fonts(ax)
    return new_figure(ax)


@pictured
def correlogram(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    other: str | None = None,
    bin: float = 1.0,
    lag: float = 100.0,
    ax: Axes | None = None,
) -> Figure:
    """Correlograms of population activity: pairs of spikes at each time lag, relative to their number by chance.

    c(l) / (n m (1 - |l| / T) b / T), with the number c of pairs (`lifsim.analysis.cross_correlogram`), n and m spikes, bins of b and a
    window of T. It is 1 where the activities are independent and constant. Pairs of a spike with itself are left out.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    other : name of the population with whose spikes those of each population are paired; at positive lags, it fires later. Default: each
        population with itself.
    bin : width of the bins, ms. lag : largest lag, ms.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty, `bin` is not above 0, or `lag` is negative.
    """
    shown = spikes_of(result, populations, t_start, t_stop)
    partner = None if other is None else spikes_of(result, other, t_start, t_stop)[0]
    ax = one_panel(2.4, 0.75) if ax is None else ax
    tidy_axes(ax)
    lags, curves = np.zeros(0), []
    for one in shown:
        against = partner or one
        lags, pairs = analysis.cross_correlogram(one.spikes, against.spikes, bin, lag)
        if against.spikes.name == one.spikes.name:
            pairs[len(pairs) // 2] -= len(one.spikes)
        curves.append(_relative(pairs, lags, bin, one, against))
    for one, curve, width in zip(shown, curves, line_widths(curves, 0.9), strict=True):
        label = one.label if partner is None else f"{one.label} \N{RIGHTWARDS ARROW} {partner.label}"
        ax.plot(lags, curve, color=one.colour, linewidth=width, label=label, drawstyle="steps-mid")
    ax.axhline(1, color=grey(0.6), linewidth=0.5, linestyle="--", zorder=0.5)
    ax.axvline(0, color=grey(0.6), linewidth=0.5, zorder=0.5)
    ax.set_xlim(-lag, lag)
    ax.set_xlabel("lag (ms)", fontsize=FONT)
    ax.set_ylabel("pairs of spikes / chance", fontsize=FONT)
    add_legend(ax, len(shown) if partner is None else max(len(shown), 2))
    if not any(np.isfinite(curve).any() for curve in curves):
        say_nothing(ax, "no spikes")
    fit_fonts(ax)
    return new_figure(ax)


def _relative(pairs: np.ndarray, lags: np.ndarray, bin: float, one: Shown, other: Shown) -> np.ndarray:
    duration = one.spikes.t_stop - one.spikes.t_start
    n = len(one.spikes) * (len(other.spikes) - (one.spikes.name == other.spikes.name))
    if not (n > 0 and duration > 0):
        return np.full(len(lags), np.nan)
    share = (1 - np.abs(lags) / duration) * bin / duration
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(share > 0, pairs / (n * share), np.nan)


@pictured
def spectrum(
    result: Openable,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    bin: float = 1.0,
    resolution: float | None = None,
    highest: float = 300.0,
    ax: Axes | None = None,
) -> Figure:
    """Power spectra of the population rates (`lifsim.analysis.power_spectrum`), on a logarithmic axis.

    Dashed: 2 r / N, the power of N independent Poisson neurons of the same rate r. The frequency of the peak (above 2 Hz) is named if
    its power is more than 10 times the median.

    Parameters
    ----------
    result : the result, or its path.
    populations : name or names of the populations; default: all whose spikes were recorded.
    t_start, t_stop : limits of the window, ms; default: the whole run.
    bin : width of the bins of the rates, ms.
    resolution : distance of the frequencies, Hz; default: the smallest of 1, 2, 5, 10, … Hz with at least 8 segments in the window.
    highest : end of the axis of frequencies, Hz, at most 500 / `bin`.
    ax : axes to draw in; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `save` writes to a file.

    Raises
    ------
    DataError : no such population, no spikes were recorded, the window is empty or shorter than a segment, a segment holds fewer than 4
        bins, or a number is not above 0.
    """
    if not highest > 0:
        raise DataError("highest", f"{highest:g} Hz", "above 0")
    shown = spikes_of(result, populations, t_start, t_stop)
    ax = one_panel(2.6, 0.75) if ax is None else ax
    tidy_axes(ax)
    found = []
    for one in shown:
        step = _resolution(one) if resolution is None else resolution
        frequencies, power = analysis.power_spectrum(one.spikes, bin, step)
        longest = 1000.0 / (_FEWEST * step)
        if bin > longest * (1 + 1e-9):
            got = f"{bin:g} ms is too long for segments of {1000.0 / step:g} ms (frequencies {step:g} Hz apart)"
            raise DataError("bin", got, f"at most {longest:.4g} ms, or a longer window")
        found.append((frequencies[1:], power[1:], step))  # the mean was removed
    widths = line_widths([np.log(np.maximum(power, 1e-12)) for _, power, _ in found], 0.9)
    for one, (frequencies, power, _), width in zip(shown, found, widths, strict=True):
        if not power.any():
            continue
        peak = analysis.oscillation_peak(frequencies, power, highest=highest)
        named = f", peak {peak.frequency:g} Hz" if peak.ratio > _PEAK else ""
        ax.plot(frequencies, power, color=one.colour, linewidth=width, label=f"{one.label}{named}")
        rate = analysis.rates(one.spikes)
        ax.axhline(2 * rate.mean() / len(rate), color=one.colour, linewidth=0.6, linestyle="--", zorder=1)
    ax.set_xlim(0, min(highest, 500.0 / bin))
    if ax.lines:
        ax.set_yscale("log")
        add_legend(ax, 2)
        write_note(ax, f"{bin:g} ms bins, {found[0][2]:g} Hz apart; dashed: Poisson")
    else:
        say_nothing(ax, "the rates do not vary" if any(one.number for one in shown) else "no spikes")
    ax.set_xlabel("frequency (Hz)", fontsize=FONT)
    ax.set_ylabel("power of the rate ((1/s)²/Hz)", fontsize=FONT)
    fit_fonts(ax)
    return new_figure(ax)


def _resolution(one: Shown) -> float:
    seconds = (one.spikes.t_stop - one.spikes.t_start) / 1000.0
    least = (_SEGMENTS + 1) / (2 * seconds) if seconds > 0 else 1.0
    return next((m * 10.0**k for k in range(9) for m in (1, 2, 5) if m * 10.0**k >= least * (1 - 1e-9)), 1e9)
