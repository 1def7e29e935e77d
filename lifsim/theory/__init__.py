"""Theory of leaky integrate-and-fire neurons and of their networks, to put beside a simulation.

All formulas take numbers or arrays, which are broadcast, in the units of model files: ms, mV, pF, pA, nS, spikes/s. Each docstring gives
the equation and its source. SciPy is loaded when a formula needs it.
"""

from lifsim.common.lazy import on_first_use, public_names
from lifsim.common.missing import MODULE

_HOMES = {
    **dict.fromkeys(("rheobase", "spike_interval", "fi_curve"), "constant_current"),
    **dict.fromkeys(("psp", "psp_peak", "psp_time", "psc_for_psp"), "membrane"),
    **dict.fromkeys(("siegert_rate", "siegert_cv"), "siegert"),
    **dict.fromkeys(("input_moments", "jump_of", "moments"), "input_statistics"),
    **dict.fromkeys(("EffectiveMembrane", "effective_membrane", "mean_conductance"), "conductance"),
    **dict.fromkeys(("rate_response",), "linear_response"),
    **dict.fromkeys(("BrunelNetwork", "StabilityPoint"), "brunel"),
    **dict.fromkeys(("FixedPoint", "MeanField", "mean_field"), "stationary_rates"),
}

__all__ = [
    "BrunelNetwork",
    "EffectiveMembrane",
    "FixedPoint",
    "MeanField",
    "StabilityPoint",
    "effective_membrane",
    "fi_curve",
    "input_moments",
    "jump_of",
    "mean_conductance",
    "mean_field",
    "moments",
    "psc_for_psp",
    "psp",
    "psp_peak",
    "psp_time",
    "rate_response",
    "rheobase",
    "siegert_cv",
    "siegert_rate",
    "spike_interval",
]

__getattr__ = on_first_use(__name__, {name: f"lifsim.theory.{home}" for name, home in _HOMES.items()}, MODULE)
__dir__ = public_names(__name__)
