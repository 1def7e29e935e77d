"""The stimulus models: names, parameters with defaults, units and bounds. This module holds data only.

Names, defaults and meanings are those of NEST if NEST has the model. The input of the targets is computed in `lifsim.building.drives`
and `lifsim.engine.stimuli`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.overview import counted
from lifsim.network.model import BOTH_METHODS, Model, register
from lifsim.network.parameter import Check, Parameter


def _stop_after_start(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["stop"]) < np.asarray(p["start"])):
        return "stop must not be before start"
    return None


def _series(times: str, values: str) -> Check:
    def check(p: Mapping[str, Any]) -> str | None:
        t, v = p[times], p[values]
        if len(t) != len(v):
            return f"{times} has {counted(len(t), 'entry')}, {values} has {len(v)}; they must be equally long"
        if np.any(np.diff(t) <= 0):
            return f"{times} must increase strictly"
        return None

    return check


def _modulation(p: Mapping[str, Any]) -> str | None:
    return "std_mod must not be above std" if np.any(np.asarray(p["std_mod"]) > np.asarray(p["std"])) else None


def _rate_above_amplitude(p: Mapping[str, Any]) -> str | None:
    amplitude = np.asarray(p["amplitude"])
    return "amplitude must be from 0 to rate" if np.any((amplitude < 0) | (amplitude > np.asarray(p["rate"]))) else None


def _one_waveform(p: Mapping[str, Any]) -> str | None:
    return None if (len(p["waveform"]) == 0) != (p["waveform_file"] == "") else "give either waveform or waveform_file"


def _time_to_live(p: Mapping[str, Any]) -> str | None:
    if np.any(np.asarray(p["rate"]) * np.asarray(p["dead_time"]) >= 1000):
        return "dead_time must be shorter than the mean interval, 1000 / rate"
    return None


_WINDOW = (
    Parameter("start", 0.0, "ms", "switched on at this time", ">= 0", on_grid=True),
    Parameter("stop", math.inf, "ms", "switched off at this time", "not negative", on_grid=True),
)
_WAVE = (
    Parameter("frequency", 0.0, "Hz", "frequency of the modulation", "finite"),
    Parameter("phase", 0.0, "deg", "phase of the modulation at time 0", "finite"),
)
_TRAINS = Parameter("individual_spike_trains", True, "", "an independent train for each target; else all targets share one", shape="flag")

register(
    Model(
        "poisson_generator",
        "poisson",
        "Poisson spike trains, an independent one for each target",
        (Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"), *_WINDOW),
        checks=(_stop_after_start,),
        methods=BOTH_METHODS,
    ),
    Model(
        "inhomogeneous_poisson_generator",
        "poisson",
        "Poisson spike trains whose rate changes in steps, an independent one for each target",
        (
            Parameter("rate_times", (), "ms", "times at which the rate changes", "> 0", shape="series", on_grid=True),
            Parameter("rate_values", (), "Hz", "rate after each of rate_times (0 before the first)", "0 to 1e9", shape="series"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _series("rate_times", "rate_values")),
        methods=BOTH_METHODS,
    ),
    Model(
        "sinusoidal_poisson_generator",
        "poisson",
        "Poisson spike trains with rate max(0, rate + amplitude · sin(2π·frequency·t + phase))",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("amplitude", 0.0, "Hz", "amplitude of the modulation", "-1e9 to 1e9"),
            *_WAVE,
            _TRAINS,
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "sinusoidal_gamma_generator",
        "poisson",
        "gamma spike trains (CV of intervals 1/√order if not modulated) with rate rate + amplitude · sin(2π·frequency·t + phase)",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("amplitude", 0.0, "Hz", "amplitude of the modulation, at most the rate", ">= 0"),
            *_WAVE,
            Parameter("order", 1.0, "", "order of the gamma distribution of the intervals; 1: Poisson process", ">= 1"),
            _TRAINS,
            *_WINDOW,
        ),
        checks=(_stop_after_start, _rate_above_amplitude),
    ),
    Model(
        "spike_generator",
        "spikes",
        "sends given spikes",
        (
            Parameter("spike_times", (), "ms", "spike times; a list of lists for several nodes", shape="trains"),
            Parameter("spike_ids", (), "", "index of the node that sends each spike (with a flat list of times)", shape="series"),
            Parameter("spike_multiplicities", (), "", "multiplicity of each spike", shape="series"),
            Parameter("spike_file", "", "", "file of spikes, in place of spike_times", shape="file"),
            Parameter("spike_population", "", "", "population in that file (if it holds several)", shape="text"),
            Parameter(
                "allow_offgrid_times", False, "", "send spikes that are off the time grid at the end of their time step", shape="flag"
            ),
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
        methods=BOTH_METHODS,
    ),
    Model(
        "dc_generator",
        "current",
        "constant current",
        (Parameter("amplitude", 0.0, "pA", "the current", "-1e9 to 1e9"), *_WINDOW),
        checks=(_stop_after_start,),
        methods=BOTH_METHODS,
    ),
    Model(
        "step_current_generator",
        "current",
        "current that changes in steps",
        (
            Parameter("amplitude_times", (), "ms", "times at which the current changes", "> 0", shape="series", on_grid=True),
            Parameter(
                "amplitude_values", (), "pA", "current after each of amplitude_times (0 before the first)", "-1e9 to 1e9", shape="series"
            ),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _series("amplitude_times", "amplitude_values")),
        methods=BOTH_METHODS,
    ),
    Model(
        "ac_generator",
        "current",
        "alternating current offset + amplitude · sin(2π·frequency·t + phase)",
        (
            Parameter("amplitude", 0.0, "pA", "amplitude of the current", "-1e9 to 1e9"),
            Parameter("offset", 0.0, "pA", "constant part of the current", "-1e9 to 1e9"),
            *_WAVE,
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "waveform_generator",
        "current",
        "current given by samples, the first at `start`",
        (
            Parameter("waveform", (), "pA", "the samples; shape (samples, n) for one column for each node", "-1e9 to 1e9", shape="samples"),
            Parameter("waveform_file", "", "", "file with the samples, in place of waveform: x.csv, x.npy or x.h5:dataset", shape="file"),
            Parameter("interval", 1.0, "ms", "time between samples", "> 0", shape="number"),
            Parameter("interpolate", False, "", "linear interpolation between samples instead of steps", shape="flag"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _one_waveform),
    ),
    Model(
        "ou_generator",
        "current",
        "Ornstein-Uhlenbeck current, independent for each target",
        (
            Parameter("mean", 0.0, "pA", "mean current", "-1e9 to 1e9"),
            Parameter("std", 0.0, "pA", "standard deviation of the current", "0 to 1e9"),
            Parameter("tau", 5.0, "ms", "correlation time", "> 0"),
            *_WINDOW,
        ),
        checks=(_stop_after_start,),
    ),
    Model(
        "noise_generator",
        "current",
        "Gaussian white noise current, piecewise constant over `dt`, independent for each target",
        (
            Parameter("mean", 0.0, "pA", "mean current", "-1e9 to 1e9"),
            Parameter("std", 0.0, "pA", "standard deviation of the current", "0 to 1e9"),
            Parameter("std_mod", 0.0, "pA", "amplitude of the sinusoidal modulation of the variance", "0 to 1e9"),
            Parameter("frequency", 0.0, "Hz", "frequency of the modulation", ">= 0"),
            Parameter("phase", 0.0, "deg", "phase of the modulation", "finite"),
            Parameter("dt", 1.0, "ms", "a new value is drawn every dt", "> 0", on_grid=True),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _modulation),
    ),
    Model(
        "poisson_generator_ps",
        "poisson",
        "Poisson spike trains with exact spike times, an independent one for each target",
        (
            Parameter("rate", 0.0, "Hz", "mean rate", "0 to 1e9"),
            Parameter("dead_time", 0.0, "ms", "shortest interspike interval", ">= 0"),
            *_WINDOW,
        ),
        checks=(_stop_after_start, _time_to_live),
        methods=("precise",),
    ),
)
