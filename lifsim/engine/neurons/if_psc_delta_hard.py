"""if_psc_delta_hard: if_psc_delta with a hard reset: a spike sets v to V_reset; the excess over the threshold is lost.

v(t+h) = v(t) + I h/C_m + Σ w,   v ← V_reset at v >= V_th
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lifsim.engine.neurons.if_psc_delta import CHANNELS, STATES, advance, drive, receive

__all__ = ["CHANNELS", "STATES", "Kind", "advance", "constants", "drive", "receive"]


class IfPscDeltaHard(NamedTuple):
    """An empty tuple whose type identifies the neuron model in kernels."""


Kind = IfPscDeltaHard


def constants(p: dict[str, Any], dt: float) -> tuple[Any, ...]:
    """The threshold."""
    return (p["V_th"],)
