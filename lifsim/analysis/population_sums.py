"""The statistics that `lifsim stats` offers, computed from sums while the spikes of a population pass in pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lifsim.analysis.bins import BinCounts, binned, variance_over_mean
from lifsim.analysis.intervals import MIN_ISIS
from lifsim.analysis.neurons import places
from lifsim.analysis.pairs import correlation_matrix, mean_of_pairs, sample
from lifsim.analysis.passes import Piece, accumulate
from lifsim.analysis.single_neurons import NeuronSums
from lifsim.analysis.spectra import oscillation_peak, spectrum_of
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


@dataclass(frozen=True)
class Conventions:
    """What the numbers of a summary depend on.

    Parameters
    ----------
    t_start, t_stop : limits of the window t_start < t <= t_stop, ms.
    discard : length of the warm-up at the start of the run that was left out, ms.
    bin : width of the bins of spike counts for "fano" and "correlation", ms. Bins include their end and exclude their start.
    min_isis : least number of inter-spike intervals of a neuron for "cv", "cv2", "lv" and "lvr".
    sample : size of the random sample of neurons, among those with spikes, whose pairs "correlation" averages.
    seed : seed of that sample.
    refractoriness : R of "lvr", ms.
    fano_window : width of the windows of "fano_neuron", ms.
    synchrony_bin : width of the bins of "synchrony", ms.
    spectrum_bin, resolution : width of the bins (ms) and resolution (Hz) of the spectrum of "oscillation".
    edges : which edges bins and windows include. silent : how silent neurons count.
    """

    t_start: float
    t_stop: float
    discard: float = 0.0
    bin: float = 2.0
    min_isis: int = MIN_ISIS
    sample: int = 250
    seed: int = 0
    refractoriness: float = 5.0
    fano_window: float = 100.0
    synchrony_bin: float = 3.0
    spectrum_bin: float = 1.0
    resolution: float = 2.0
    edges: str = "(a, b]"
    silent: str = "included in rate, left out of cv, cv2, lv, lvr, fano_neuron and correlation"


class Measure(NamedTuple):
    """A statistic of a summary: the function that computes its values; their keys with the heads of their columns; its conventions."""

    values: Callable[[PopulationSums], tuple[float, ...]]
    heads: Mapping[str, str]
    notes: Mapping[str, list[str]]


class ActiveNeurons:
    """Which recorded neurons have spikes in whole bins, `active`, while the spikes pass in pieces."""

    def __init__(self, spikes: Spikes | SpikeStream, bin: float) -> None:
        self._bin = bin
        self.active = np.zeros(len(spikes.recorded_ids), bool)

    def add(self, piece: Piece) -> None:
        """Look at the spikes of the next piece."""
        index, n = binned(piece.spikes, self._bin)
        if not len(index) or index[-1] < n:
            self.active[piece.active] = True
        else:  # the times are ascending: some of the last spikes are after the last whole bin
            self.active[piece.place[: np.searchsorted(index, n)]] = True


class Chosen:
    """The spikes of some neurons, kept while all spikes pass in pieces."""

    def __init__(self, neurons: np.ndarray) -> None:
        self._neurons = neurons
        self._times: list[np.ndarray] = []
        self._ids: list[np.ndarray] = []

    def add(self, piece: Piece) -> None:
        """Keep the spikes of these neurons in the next piece."""
        own = places(piece.spikes.ids, self._neurons) >= 0
        self._times.append(piece.spikes.times[own])
        self._ids.append(piece.spikes.ids[own])

    def spikes(self, like: Spikes | SpikeStream) -> Spikes:
        """The spikes kept, with the other attributes of `like`."""
        at, ids = np.concatenate([np.empty(0), *self._times]), np.concatenate([np.empty(0, np.int64), *self._ids])
        return Spikes(at, ids, like.n_nodes, like.t_start, like.t_stop, self._neurons, like.dt, like.name)


class PopulationSums:
    """Sums over the spikes of a population from which the statistics `names` follow."""

    def __init__(self, spikes: Spikes | SpikeStream, names: Collection[str], conventions: Conventions) -> None:
        self.spikes, self.conventions = spikes, conventions
        c, single = conventions, {"fano" if name == "fano_neuron" else name for name in names if name != "fano"}
        widths = {"fano": c.bin, "synchrony": c.synchrony_bin, "oscillation": c.spectrum_bin}
        self.neurons = NeuronSums(spikes, single, c.refractoriness, c.fano_window)
        self.counts = {width: BinCounts(spikes, width) for name, width in widths.items() if name in names}
        self.active = ActiveNeurons(spikes, c.bin)
        accumulate(spikes, *self.neurons.accumulators, *self.counts.values(), *([self.active] if "correlation" in names else []))

    def rate(self) -> tuple[float, ...]:
        """Mean and standard deviation over neurons."""
        each = self.neurons.values("rate", 0)
        return (float(each.mean()), float(each.std())) if len(each) else (0.0, 0.0)

    def cv(self) -> tuple[float, ...]:
        """Mean over the neurons with a CV, and their number."""
        cv = self.neurons.values("cv", self.conventions.min_isis)
        return _mean(cv), int((~np.isnan(cv)).sum())

    def neuron_mean(self, name: str) -> tuple[float, ...]:
        """Mean of a statistic over the neurons that have it."""
        return (_mean(self.neurons.values(name, self.conventions.min_isis)),)

    def fano(self) -> tuple[float, ...]:
        """Of the population count."""
        return (variance_over_mean(self.counts[self.conventions.bin].number),)

    def correlation(self) -> tuple[float, ...]:
        """Mean over the pairs of a sample, whose spikes are collected in a second pass."""
        c = self.conventions
        active = np.sort(self.spikes.recorded_ids[self.active.active])
        kept = Chosen(sample(active, c.sample, c.seed))
        accumulate(self.spikes, kept)
        return (mean_of_pairs(correlation_matrix(kept.spikes(self.spikes), bin=c.bin)),)

    def synchrony(self) -> tuple[float, ...]:
        """Variance over mean of the population count."""
        return (variance_over_mean(self.counts[self.conventions.synchrony_bin].number),)

    def oscillation(self) -> tuple[float, ...]:
        """Frequency of the largest power, and its ratio to the median power; nan if the window is shorter than a segment."""
        c = self.conventions
        number = self.counts[c.spectrum_bin].number / (max(len(self.spikes.recorded_ids), 1) * c.spectrum_bin / 1000.0)
        if len(number) * c.spectrum_bin * c.resolution < 1000.0:
            return math.nan, math.nan
        peak = oscillation_peak(*spectrum_of(number, c.spectrum_bin, c.resolution))
        return peak.frequency, peak.ratio


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


_ISIS, _BIN = "neurons with {c.min_isis} ISIs or more", "bins of {c.bin:g} ms"
_PAIRS = "all pairs of {c.sample} neurons with spikes (seed {c.seed}), or of all if fewer"
MEASURES = {
    "rate": Measure(PopulationSums.rate, {"rate": "rate (1/s)", "rate_sd": "sd (1/s)"}, {"rate": ["silent neurons included"]}),
    "cv": Measure(PopulationSums.cv, {"cv_isi": "CV of ISI", "cv_neurons": "neurons with CV"}, {"CV": [_ISIS]}),
    "cv2": Measure(lambda sums: sums.neuron_mean("cv2"), {"cv2": "CV2"}, {"CV2": [_ISIS]}),
    "lv": Measure(lambda sums: sums.neuron_mean("lv"), {"lv": "LV"}, {"LV": [_ISIS]}),
    "lvr": Measure(lambda sums: sums.neuron_mean("lvr"), {"lvr": "LvR"}, {"LvR": [_ISIS, "R = {c.refractoriness:g} ms"]}),
    "fano": Measure(PopulationSums.fano, {"fano": "Fano (pop.)"}, {"Fano (pop.)": [_BIN]}),
    "fano_neuron": Measure(
        lambda sums: sums.neuron_mean("fano"),
        {"fano_neuron": "Fano (neuron)"},
        {"Fano (neuron)": ["neurons with spikes, windows of {c.fano_window:g} ms"]},
    ),
    "correlation": Measure(PopulationSums.correlation, {"correlation": "correlation"}, {"correlation": [_BIN, _PAIRS]}),
    "synchrony": Measure(PopulationSums.synchrony, {"synchrony": "synchrony"}, {"synchrony": ["bins of {c.synchrony_bin:g} ms"]}),
    "oscillation": Measure(
        PopulationSums.oscillation,
        {"peak_frequency": "peak (Hz)", "peak_ratio": "peak / median"},
        {"peak": ["bins of {c.spectrum_bin:g} ms, resolution {c.resolution:g} Hz"]},
    ),
}
DEFAULT = "rate", "cv", "fano", "correlation"
