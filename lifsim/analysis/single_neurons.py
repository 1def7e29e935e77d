"""Several statistics of each neuron at once, in one pass through the spikes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifsim.analysis.bins import CountSquares
from lifsim.analysis.firing_rates import SpikeTotals, per_second
from lifsim.analysis.intervals import LOCAL, IntervalSums
from lifsim.analysis.passes import Accumulator, accumulate
from lifsim.common.errors import DataError, did_you_mean
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes

NEURON_STATISTICS = "rate", "cv", "cv2", "lv", "lvr", "fano"


class NeuronSums:
    """Sums of each recorded neuron from which the statistics `names` follow, while the spikes pass in pieces.

    spikes : for the neurons and the window. refractoriness, window : as for `neuron_statistics`.
    """

    def __init__(self, spikes: Spikes | SpikeStream, names: Iterable[str], refractoriness: float, window: float) -> None:
        names, n = list(names), len(spikes.recorded_ids)
        local = tuple(name for name in LOCAL if name in names)
        self.duration = spikes.t_stop - spikes.t_start
        self.totals = SpikeTotals(n)
        self.intervals = IntervalSums(n, "cv" in names, local, refractoriness)
        self.windows = CountSquares(spikes, window)
        self.accumulators: list[Accumulator] = [self.totals]
        self.accumulators += [self.intervals] if local or "cv" in names else []
        self.accumulators += [self.windows] if "fano" in names else []

    def values(self, name: str, min_isis: int) -> np.ndarray:
        """A statistic of each neuron, float64 (n_recorded,)."""
        if name == "rate":
            return per_second(self.totals.number, self.duration)
        if name == "fano":
            return self.windows.fano()
        return self.intervals.cv(min_isis) if name == "cv" else self.intervals.mean_of(name, min_isis)


def neuron_statistics(
    spikes: Spikes | SpikeStream,
    names: Iterable[str] = NEURON_STATISTICS,
    min_isis: int = 1,
    refractoriness: float = 5.0,
    window: float = 100.0,
) -> dict[str, np.ndarray]:
    """Several statistics of each recorded neuron, in one pass through the spikes, which takes the time of one of them.

    Parameters
    ----------
    spikes : the spikes of one population.
    names : which statistics: "rate" (`rates`), "cv", "cv2", "lv", "lvr" (the functions of these names), "fano" (`fano_factors`).
    min_isis : neurons with fewer inter-spike intervals have no "cv", "cv2", "lv" and "lvr".
    refractoriness : R of "lvr", ms. window : width of the windows of "fano", ms.

    Returns
    -------
    name -> float64 (n_recorded,), in the order of ``spikes.recorded_ids``; nan where undefined. A `pandas.DataFrame` of it is a table
    of neurons.

    Raises
    ------
    DataError : a statistic is not known, `refractoriness` is negative, or `window` is not above 0.
    """
    names = list(names)
    for name in names:
        if name not in NEURON_STATISTICS:
            hint = did_you_mean(str(name), NEURON_STATISTICS) or "one of: " + ", ".join(NEURON_STATISTICS)
            raise DataError("names", f"there is no statistic {name!r} of single neurons", hint)
    sums = NeuronSums(spikes, names, refractoriness, window)
    accumulate(spikes, *sums.accumulators)
    return {name: sums.values(name, min_isis) for name in names}
