"""Statistics of spike trains, populations and traces, computed on flat arrays without loops over neurons.

Input: `Spikes` of one population, from a result or made from arrays; arrays of traces.
Output: arrays, or a summary of each population (`statistics`).

A window holds the spikes with t_start < t <= t_stop. A bin likewise includes its end and excludes its start, so that it covers
whole time steps of the simulation. Statistics that the data do not determine, such as the CV of a silent neuron, are nan; counts and
rates without spikes are 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

# fmt: off
__all__ = [
    "MIN_ISIS", "CurrentBalance", "OscillationPeak", "Spread", "Summary", "Trials", "after_warmup", "align", "as_csv",
    "autocorrelograms", "binned", "bootstrap_interval", "check_window", "chi_synchrony", "correlation", "correlation_matrix",
    "correlations", "counts", "covariance_matrix", "cross_correlogram", "current_balance", "cv", "cv2", "cv_isi", "fano_factor",
    "fano_factors", "instantaneous_rate", "isi", "isi_histogram", "isi_rates", "lv", "lvr", "neuron_statistics", "oscillation_peak",
    "over_runs", "places", "population_rate", "power_spectrum", "psth", "rates", "select", "sliding_windows", "spike_counts",
    "spike_triggered_average", "statistics", "synchrony", "table", "table_over_runs", "threshold_crossings", "trial_fano_factors",
    "trial_statistics", "van_rossum_distance", "victor_purpura_distance",
]
# fmt: on

if TYPE_CHECKING:
    from lifsim.analysis.bins import binned, counts, fano_factor, fano_factors, spike_counts
    from lifsim.analysis.coordination import chi_synchrony, synchrony
    from lifsim.analysis.correlograms import autocorrelograms, cross_correlogram
    from lifsim.analysis.currents import CurrentBalance, current_balance
    from lifsim.analysis.distances import van_rossum_distance, victor_purpura_distance
    from lifsim.analysis.firing_rates import instantaneous_rate, isi_rates, population_rate, rates
    from lifsim.analysis.intervals import MIN_ISIS, cv, cv2, cv_isi, isi, isi_histogram, lv, lvr
    from lifsim.analysis.neurons import places, select
    from lifsim.analysis.pairs import correlation, correlation_matrix, correlations, covariance_matrix
    from lifsim.analysis.resampling import bootstrap_interval
    from lifsim.analysis.single_neurons import neuron_statistics
    from lifsim.analysis.spectra import OscillationPeak, oscillation_peak, power_spectrum
    from lifsim.analysis.summary import Spread, Summary, over_runs, statistics
    from lifsim.analysis.tables import as_csv, table, table_over_runs
    from lifsim.analysis.trials import Trials, align, psth, threshold_crossings, trial_fano_factors, trial_statistics
    from lifsim.analysis.triggered_average import spike_triggered_average
    from lifsim.analysis.windows import after_warmup, check_window, sliding_windows

_HOMES = {
    "bins": ("binned", "counts", "fano_factor", "fano_factors", "spike_counts"),
    "coordination": ("chi_synchrony", "synchrony"),
    "correlograms": ("autocorrelograms", "cross_correlogram"),
    "currents": ("CurrentBalance", "current_balance"),
    "distances": ("van_rossum_distance", "victor_purpura_distance"),
    "firing_rates": ("instantaneous_rate", "isi_rates", "population_rate", "rates"),
    "intervals": ("MIN_ISIS", "cv", "cv2", "cv_isi", "isi", "isi_histogram", "lv", "lvr"),
    "neurons": ("places", "select"),
    "pairs": ("correlation", "correlation_matrix", "correlations", "covariance_matrix"),
    "resampling": ("bootstrap_interval",),
    "single_neurons": ("neuron_statistics",),
    "spectra": ("OscillationPeak", "oscillation_peak", "power_spectrum"),
    "summary": ("Spread", "Summary", "over_runs", "statistics"),
    "tables": ("as_csv", "table", "table_over_runs"),
    "trials": ("Trials", "align", "psth", "threshold_crossings", "trial_fano_factors", "trial_statistics"),
    "triggered_average": ("spike_triggered_average",),
    "windows": ("after_warmup", "check_window", "sliding_windows"),
}
_MEANT = {  # names of Elephant
    "mean_firing_rate": "rates",
    "time_histogram": "counts, or psth for trials",
    "fanofactor": "fano_factors, or trial_fano_factors for trials",
    "covariance": "covariance_matrix",
    "correlation_coefficient": "correlation_matrix",
    "corrcoef": "correlation_matrix",
    "cross_correlation_histogram": "cross_correlogram",
    "cch": "cross_correlogram",
    "welch_psd": "power_spectrum",
}

__getattr__ = on_first_use(__name__, {name: f"{__name__}.{module}" for module, names in _HOMES.items() for name in names}, _MEANT)

__dir__ = public_names(__name__)
