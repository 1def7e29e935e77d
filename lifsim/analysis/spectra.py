"""Power spectra of population activity, and the oscillation that stands out in them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lifsim.analysis.firing_rates import population_rate
from lifsim.common.errors import DataError
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


class OscillationPeak(NamedTuple):
    """The maximum of a spectrum.

    Parameters
    ----------
    frequency : where it is, Hz.
    power : the power there, in the unit of the spectrum.
    ratio : this power over the median power of the range that was searched.
    """

    frequency: float
    power: float
    ratio: float


def power_spectrum(
    spikes: Spikes | SpikeStream, bin: float = 1.0, resolution: float = 1.0, overlap: float = 0.5, window: str = "hann"
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density of a population's firing rate, by Welch's method.

    The rate per neuron (`population_rate`) is cut into overlapping segments, whose mean is removed and whose windowed periodograms are
    averaged (P. D. Welch, IEEE Trans. Audio Electroacoust. 15, 70, 1967; `scipy.signal.welch`). Same as `elephant.spectral.welch_psd`
    of the rate with the same resolution. N independent Poisson neurons of rate r have the density 2 r / N at all frequencies.

    Parameters
    ----------
    spikes : the spikes of one population.
    bin : width of the bins, ms: the highest frequency is 500 / `bin` Hz.
    resolution : distance of the frequencies, Hz: segments are 1000 / `resolution` ms long.
    overlap : part by which segments overlap, 0 to below 1.
    window : the window function, by its name in `scipy.signal.get_window`.

    Returns
    -------
    (frequencies, power) : Hz, float64 (n,), from 0; one-sided density in (spikes/s)²/Hz, float64 (n,).

    Raises
    ------
    DataError : `bin` or `resolution` is not above 0, `overlap` is not from 0 to below 1, or the recording is shorter than a segment.
    """
    rate = population_rate(spikes, bin)[1]
    return spectrum_of(rate, bin, resolution, overlap, window)


def spectrum_of(
    rate: np.ndarray, bin: float, resolution: float = 1.0, overlap: float = 0.5, window: str = "hann"
) -> tuple[np.ndarray, np.ndarray]:
    """As `power_spectrum`, of a signal that was sampled every `bin` ms."""
    from scipy.signal import welch

    if not 0 < resolution < math.inf:
        raise DataError("resolution", f"{resolution:g} Hz", "must be above 0")
    if not 0 <= overlap < 1:
        raise DataError("overlap", f"{overlap:g}", "from 0 to below 1")
    n = max(round(1000.0 / (bin * resolution)), 1)
    if n > len(rate):
        least = f"at least {1000.0 / (bin * len(rate)):.4g} Hz" if len(rate) else "a recording of one bin at least"
        raise DataError("resolution", f"{resolution:g} Hz takes segments of {n * bin:g} ms; there are {len(rate) * bin:g} ms", least)
    frequencies, power = welch(rate, 1000.0 / bin, window, n, int(n * overlap), detrend="constant")
    return frequencies, power


def oscillation_peak(frequencies: np.ndarray, power: np.ndarray, lowest: float = 2.0, highest: float = math.inf) -> OscillationPeak:
    """The frequency at which a spectrum has its maximum.

    Parameters
    ----------
    frequencies, power : a spectrum, as `power_spectrum` returns it.
    lowest, highest : range of frequencies that is searched, Hz. Removing the mean and the window function distort the two lowest
        frequencies of a spectrum.

    Returns
    -------
    `OscillationPeak`: `frequency` in Hz (a multiple of the resolution), `power` there, and `ratio`, the power over the median power in
    the range: about 1 to 4 without an oscillation. All are nan if the power is 0 in the whole range, or no frequency is in it.
    """
    inside = (frequencies >= lowest) & (frequencies <= highest)
    if not inside.any() or not power[inside].max() > 0:
        return OscillationPeak(math.nan, math.nan, math.nan)
    where = np.flatnonzero(inside)[np.argmax(power[inside])]
    middle = float(np.median(power[inside]))
    return OscillationPeak(float(frequencies[where]), float(power[where]), float(power[where]) / middle if middle > 0 else math.inf)
