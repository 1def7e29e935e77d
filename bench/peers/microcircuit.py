"""The parameters of Potjans & Diesmann (2014) as in lifsim's models/microcircuit.toml, for the peers' scripts.

The background input consists of Poisson trains. With `k_scale`, weights are multiplied by 1/sqrt(k_scale), and a constant current replaces
the mean input of the removed synapses, as in the model file.
"""

from __future__ import annotations

from math import log, sqrt
from typing import NamedTuple

N = [20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948]  # L23E L23I L4E L4I L5E L5I L6E L6I
K_EXT = [1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100]
V0 = [(-68.28, 5.36), (-63.16, 4.57), (-63.33, 4.74), (-63.45, 4.94), (-63.11, 4.94), (-61.66, 4.55), (-66.72, 5.46), (-61.43, 4.48)]
RATES = [0.903, 2.965, 4.414, 5.876, 7.569, 8.633, 1.105, 7.829]
P = [  # [target][source]
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
]
W = 87.8085  # pA, for 0.15 mV
C_M, TAU_M, TAU_SYN, E_L, V_TH, V_RESET, T_REF = 250.0, 10.0, 0.5, -65.0, -50.0, -65.0, 2.0  # pF, ms, mV
RATE_EXT, DELAY_EXT = 8.0, 1.5  # Hz of one external source, ms


class Population(NamedTuple):
    """One of the eight populations: its size, initial potentials (mean, SD; mV), external rate (Hz) and current (pA)."""

    n: int
    V0: tuple[float, float]
    rate: float
    I_e: float


class Projection(NamedTuple):
    """Synapses from one population to another: their number, mean weight (pA, SD 10 %) and mean delay (ms, SD 50 %)."""

    source: int
    target: int
    synapses: int
    weight: float
    delay: float


def strength(target: int, source: int) -> float:
    """Weight relative to W: -4 from inhibitory populations, doubled from L4E to L23E."""
    return -4.0 if source % 2 else 2.0 if (target, source) == (0, 2) else 1.0


def synapses(target: int, source: int) -> float:
    """The number of synapses in the full model; `P` is the probability that a pair of neurons has at least one."""
    return log(1 - P[target][source]) / log(1 - 1 / (N[target] * N[source]))


def external_weight(k_scale: float) -> float:
    """The weight of the Poisson background (pA)."""
    return W / sqrt(k_scale)


def populations(scale: float, k_scale: float) -> list[Population]:
    """The eight populations; those with odd indices are inhibitory."""
    return [Population(round(n * scale), V0[i], RATE_EXT * round(K_EXT[i] * k_scale), lost_current(i, k_scale)) for i, n in enumerate(N)]


def lost_current(target: int, k_scale: float) -> float:
    """The current (pA) that replaces the mean input lost because there are fewer, stronger synapses."""
    recurrent = sum(strength(target, s) * synapses(target, s) / N[target] * RATES[s] for s in range(8))
    return (1 - sqrt(k_scale)) * 0.001 * TAU_SYN * W * (recurrent + K_EXT[target] * RATE_EXT)


def projections(scale: float, k_scale: float) -> list[Projection]:
    """The projections (of 64 possible ones) that have synapses."""
    pairs = [(s, t, round(synapses(t, s) * scale * k_scale)) for t in range(8) for s in range(8)]
    return [Projection(s, t, n, external_weight(k_scale) * strength(t, s), 0.75 if s % 2 else 1.5) for s, t, n in pairs if n]
