"""Time windows: their limits, a warm-up that is left out, and windows that slide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lifsim.common.errors import DataError
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.spikes import Spikes


def check_window(result: Openable, t_start: float | None, t_stop: float | None) -> None:
    """Check that a window is not empty and overlaps the run.

    Without limits, the window is the whole run, which is always accepted, even if its duration is 0.

    Parameters
    ----------
    result : the result of a run, or what `lifsim.open` takes.
    t_start, t_stop : limits of the window, ms; None: those of the run.

    Raises
    ------
    DataError : the window is empty, or lies outside the run.
    """
    if t_start is None and t_stop is None:
        return
    result = open_result(result)
    start, stop = result.t_start if t_start is None else t_start, result.t_stop if t_stop is None else t_stop
    window = f"times after {start:g} ms" if t_stop is None else f"times up to {stop:g} ms"
    if t_start is not None and t_stop is not None:
        window = f"({start:g}, {stop:g}] ms"
        if not stop > start:
            raise DataError("window", window, "must not be empty")
    if not max(start, result.t_start) < min(stop, result.t_stop):
        raise DataError("window", window, f"must overlap the run, ({result.t_start:g}, {result.t_stop:g}] ms")


def after_warmup(start: float, t_start: float | None, discard: float) -> float | None:
    """Start of a window from which a warm-up is left out: the later of `t_start` and `start` + `discard`.

    Parameters
    ----------
    start : start of the run, ms. t_start : start of the window, ms; None: that of the run. discard : length of the warm-up, ms.

    Returns
    -------
    The start in ms; None, the start of the run, if nothing is left out.

    Raises
    ------
    DataError : `discard` is negative or not finite.
    """
    if not 0 <= discard < float("inf"):
        raise DataError("discard", f"{discard:g} ms", "a time from 0 on")
    return t_start if discard == 0 else max(start + discard, start if t_start is None else t_start)


def sliding_windows(
    spikes: Spikes, statistic: Callable[[Spikes], Any], width: float, step: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Any statistic of the spikes in windows of the same width, one `step` after the other.

    Parameters
    ----------
    spikes : the spikes of one population.
    statistic : called with the `Spikes` of each window, such as ``analysis.rates`` or ``lambda s: analysis.fano_factor(s, bin=5.0)``;
        it returns a number, or an array whose shape is the same for all windows.
    width : width of the windows, ms.
    step : time from the start of a window to that of the next, ms; default: `width`, so that windows do not overlap.

    Returns
    -------
    (centres, values) : centres of the windows in ms, float64 (n_windows,); the values, (n_windows, …). The first window begins at
    ``spikes.t_start``; only whole windows are used. A window holds the spikes with t_start < t <= t_stop, so that windows that do not
    overlap share no spike.

    Raises
    ------
    DataError : `width` or `step` is not above 0, or no whole window fits.
    """
    step = width if step is None else step
    for name, value in (("width", width), ("step", step)):
        if not 0 < value < float("inf"):
            raise DataError(name, f"{value:g} ms", "must be above 0")
    n = int(np.floor((spikes.t_stop - spikes.t_start - width) / step + 1e-6)) + 1
    if n < 1:
        raise DataError("width", f"{width:g} ms", f"at most the recorded {spikes.t_stop - spikes.t_start:g} ms")
    starts = spikes.t_start + step * np.arange(n)
    return starts + width / 2, np.array([statistic(spikes.window(start, start + width)) for start in starts.tolist()])
