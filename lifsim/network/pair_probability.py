"""How likely a pair of nodes is connected, how many synapses a target gets, and the sign of a projection."""

from __future__ import annotations

import math

import numpy as np

from lifsim.common.values import Distribution
from lifsim.network.distance import Profile
from lifsim.network.projection import Projection, expected_synapses


def indegree(projection: Projection) -> float:
    """Synapses onto each target of a projection, in the mean."""
    return expected_synapses(projection) / max(len(projection.target), 1)


def pair_probability(projection: Projection) -> float:
    """The probability that a source and a target, drawn at random, are connected by at least one synapse.

    With N_s sources, N_t targets and K synapses in all it is, where several synapses of a pair are allowed,
    1 - (1 - 1/(N_s N_t))^K for ``fixed_total_number``, 1 - (1 - 1/N_s)^(K/N_t) for ``fixed_indegree`` and 1 - (1 - 1/N_t)^(K/N_s) for
    ``fixed_outdegree``; for all other rules, and without multapses, K / (N_s N_t).
    """
    n_source, n_target, number = len(projection.source), len(projection.target), expected_synapses(projection)
    if not (n_source and n_target):
        return 0.0
    choices = {"fixed_total_number": n_source * n_target, "fixed_indegree": n_source, "fixed_outdegree": n_target}
    of = choices.get(projection.rule)
    if of is None or not projection.allow_multapses:
        return number / (n_source * n_target)
    draws = number * of / (n_source * n_target)
    return 1.0 if of == 1 and draws else -math.expm1(draws * math.log1p(-1 / of)) if of > 1 else 0.0


def mean_weight(projection: Projection) -> float:
    """The mean of the weights: of a normal distribution without its limits; of a function of distance, its value at distance 0."""
    x = projection.weight
    if isinstance(x, Profile):
        return float(x.a)
    if isinstance(x, Distribution):
        return {"uniform": (x.a + x.b) / 2, "lognormal": math.exp(x.a + x.b**2 / 2)}.get(x.kind, x.a)
    return float(np.mean(x)) if np.size(x) else 0.0
