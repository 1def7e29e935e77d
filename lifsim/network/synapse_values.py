"""Weights, delays and synapse parameters of a projection: numbers, arrays, distributions, functions of distance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from lifsim.common.arrays import PIECE, first_not_finite, same
from lifsim.common.errors import Problem
from lifsim.common.timegrid import LONGEST_DELAY, is_plain_delay, nearest_on_grid, no_delays, not_on_grid
from lifsim.common.values import Distribution, Value, acceptance, value
from lifsim.network.distance import Profile, is_profile, profile
from lifsim.network.explicit_synapses import ExplicitSynapses, entries
from lifsim.network.population import View

Synaptic: TypeAlias = Value | Profile
SAMPLE = 10_000_000  # approximate number of pairs from which an expectation is estimated


def check_alone(place: str, dt: float, raw: Mapping[str, Any], weight_unit: str) -> Iterable[Problem]:
    """Report problems with weight and delay that do not depend on the synapses."""
    for key, unit in (("weight", weight_unit), ("delay", "ms")):
        if isinstance(raw[key], np.ndarray) or hasattr(raw[key], "tocsr"):
            continue  # one entry a synapse
        try:
            v = profile(raw[key], key, unit) if is_profile(raw[key]) else value(raw[key], unit)
        except ValueError as error:
            yield Problem(f"{place}.{key}", str(error))
            continue
        if not isinstance(v, np.ndarray):
            yield from check_weight(f"{place}.weight", v) if key == "weight" else check_delay(f"{place}.delay", v, dt)


def weight_unit(source: View, target: View) -> str:
    """The unit of weights: "" for currents, which the weight only multiplies, else that of the target's model."""
    return "" if source.population.model.role == "current" else target.population.model.weight_unit


def check_weight(place: str, weight: Synaptic) -> Iterable[Problem]:
    """Report a weight that is not finite."""
    if isinstance(weight, (Distribution, Profile)) or (isinstance(weight, float) and math.isfinite(weight)):
        return
    numbers = np.asarray(weight)
    wrong = first_not_finite(numbers)
    if wrong is not None:
        yield Problem(place, f"{numbers.flat[wrong]:g}", "weights must be finite")


def check_delay(place: str, delay: Synaptic, dt: float) -> Iterable[Problem]:
    """Report a delay (ms) that is not a multiple of dt, below one time step or above the longest delay."""
    if isinstance(delay, Profile):
        return  # delays from distances are rounded and at least dt
    if isinstance(delay, Distribution):
        if acceptance(replace(delay, min=max(delay.min, dt / 2))) < 1e-4:
            got = f"the distribution has hardly any values above dt/2 = {dt / 2:g} ms"
            yield Problem(place, got, "longer delays (smaller ones are drawn again)")
        elif acceptance(replace(delay, max=min(delay.max, LONGEST_DELAY * dt))) < (1 - 1e-4) * acceptance(delay):
            yield Problem(
                place, f"the distribution reaches beyond {LONGEST_DELAY * dt:g} ms", "a distribution of shorter delays, or one with a max"
            )
        return
    if isinstance(delay, float) and is_plain_delay(delay, dt):
        return
    first = _first_wrong_delay(np.atleast_1d(np.asarray(delay)).ravel(), dt)
    if first is None:
        return
    if not math.isfinite(first):
        yield Problem(place, f"{first:g} ms", "delays must be finite")
    elif first > LONGEST_DELAY * dt:
        yield Problem(place, f"{first:g} ms", f"delays of at most {LONGEST_DELAY * dt:g} ms")
    elif first < dt * (1 - 1e-6):
        yield Problem(place, f"{first:g} ms is below dt", f"nearest allowed: {dt:g} ms (at least one step of dt)")
    else:
        yield Problem(place, not_on_grid(first, dt), nearest_on_grid(first, dt))


def _first_wrong_delay(delays: np.ndarray, dt: float) -> float | None:
    """The first delay that is not finite, above the longest delay, below `dt` or not a multiple of it; None if all are allowed."""
    for a in range(0, len(delays), PIECE):
        d = delays[a : a + PIECE].astype(np.float64, copy=False)
        wrong = no_delays(d, dt)
        if wrong.any():
            return float(d[np.argmax(wrong)])
    return None


def synaptic_value(raw: Any, unit: str | None, rule: str, params: Mapping[str, Any], n_source: int, n_target: int) -> Value:
    """Convert a weight, a delay or a synapse parameter. An array is returned flat, in the order in which synapses are made."""
    given: ExplicitSynapses | None = params.get("given")
    if hasattr(raw, "tocsr"):
        return _same_pattern(raw, given, (n_target, n_source)) if rule == "matrix" and given is not None else _refuse(rule)
    if given is not None and type(raw) is np.ndarray and raw.shape == (len(given),) and raw.dtype in (np.float32, np.float64):
        return _as_given(raw)
    v = value(raw, unit)
    if not isinstance(v, np.ndarray):
        return v
    shapes = {
        "one_to_one": (n_target,),
        "all_to_all": (n_target, n_source),
        "pairwise_bernoulli": (n_target, n_source),
        "fixed_indegree": (n_target, params.get("indegree")),
        "fixed_outdegree": (n_source, params.get("outdegree")),
        "fixed_total_number": (params.get("N"),),
    }
    if given is not None:
        if v.shape == (len(given),):
            return v
        if rule == "matrix" and v.shape == (n_target, n_source):
            return np.concatenate([v[t, s] for _, t, s in given.pieces()] or [v[:0, 0]])
        raise ValueError(f"an array of shape {v.shape}; must have one value a synapse: ({len(given)},)")
    if v.shape != shapes[rule]:
        raise ValueError(f"an array of shape {v.shape}; {rule} takes {shapes[rule]}")
    return v.ravel()


def _refuse(rule: str) -> Value:
    raise ValueError(f"a sparse matrix, which the rule {rule} does not take; give the matrix in place of the rule")


def _as_given(array: np.ndarray) -> np.ndarray:
    """A read-only view of the user's array, which is not copied."""
    if first_not_finite(array) is not None and np.isnan(array).any():
        raise ValueError(f"nan at index {int(np.argmax(np.isnan(array)))}")
    out = array.view()
    out.flags.writeable = False
    return out


def _same_pattern(raw: Any, given: ExplicitSynapses, shape: tuple[int, int]) -> np.ndarray:
    """The entries of a matrix with the same sparsity pattern as `given`, in the order of `given`."""
    if raw.shape != shape:
        raise ValueError(f"a matrix of shape {raw.shape}; must be (n_target, n_source) = {shape}")
    own, data = entries(raw)
    if all(same(getattr(own, key), getattr(given, key)) for key in ("ptr", "targets", "sources")):
        return _as_given(data)
    if not own.in_range():
        raise ValueError("indices out of range")
    theirs, ours = own.by_target(), given.by_target()
    if not (same(theirs.ptr, ours.ptr) and same(theirs.sources, ours.sources)):
        raise ValueError("its stored entries are not those of the weight matrix; the patterns must be the same")
    out = np.empty_like(data)
    out[slice(None) if ours.order is None else ours.order] = theirs.sorted(data)
    return out
