"""What mean-field theory says of a network, in sentences for `lifsim check`."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from lifsim.network.network import Network
from lifsim.theory.stationary_rates import mean_field


def mean_field_lines(net: Network) -> Iterator[str]:
    """The mean field of a network that has random input, one sentence for all populations with the same state.

    Raises
    ------
    ModelError : the theory does not cover the network.
    """
    found = mean_field(net)
    if not np.any(found.sigma > 0):
        return  # constant currents alone: `constant_input`
    said: dict[str, list[str]] = {}
    for k, name in enumerate(found.populations):
        input = f"μ = {found.mu[k]:.3g} mV, σ = {found.sigma[k]:.2g} mV, threshold {found.V_th[k]:.4g} mV"
        text = f"{input}; predicted rate {_rate(found.rates[k])}"
        said.setdefault(text + ("" if math.isnan(found.cv[k]) else f", CV {found.cv[k]:.2g}"), []).append(name)
    yield from (f"{', '.join(names)}: {text}" for text, names in said.items())
    stable = [point for point in found.fixed_points if point.stable]
    if len(stable) > 1:
        states = " or ".join(", ".join(f"{name} {_rate(rate)}" for name, rate in zip(p.populations, p.rates, strict=True)) for p in stable)
        yield f"{len(stable)} stable states: {states}"
    yield from found.notes


def _rate(rate: float) -> str:
    return f"{rate:.2g} /s" if rate >= 0.01 else "below 0.01 /s"
