"""Published values of shipped models. This module holds data only."""

from __future__ import annotations

# mean rates (spikes/s) of the full microcircuit in a long run of NEST's implementation (full_mean_rates)
MICROCIRCUIT_RATES = {"L23E": 0.903, "L23I": 2.965, "L4E": 4.414, "L4I": 5.876, "L5E": 7.569, "L5I": 8.633, "L6E": 1.105, "L6I": 7.829}
