"""Connection rules: turns a projection into the wiring of its targets.

Every rule is expressed per target: how many synapses the target has and where their sources come from. The engine needs this form
because it draws synapses target by target. The in-degrees are drawn here, from the exact distribution that the rule implies; most
sources are drawn later, by the engine.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from lifsim.building import spatial
from lifsim.common.arrays import PIECE, constant
from lifsim.common.errors import ModelError
from lifsim.common.timegrid import LONGEST_DELAY, half_up
from lifsim.common.values import Distribution, Value
from lifsim.network.distance import Profile
from lifsim.network.explicit_synapses import ExplicitSynapses
from lifsim.network.positions import Space
from lifsim.network.projection import Projection
from lifsim.network.synapse_values import Synaptic
from lifsim.plan import synapses
from lifsim.plan.synapses import Expand, Plasticity, Wiring

MOST = 2**31 - 1  # largest delay in steps: it is stored as int32, and a longer one would not fit into memory
_NO_ROWS = np.zeros(0, dtype=np.int32)
_KINDS = {"normal": synapses.NORMAL, "uniform": synapses.UNIFORM, "lognormal": synapses.LOGNORMAL}


def wiring(projection: Projection, index: int, sources: np.ndarray, targets: np.ndarray, dt: float, seed: int, expand: Expand) -> Wiring:
    """The wiring of `projection`, number `index` in the network.

    `sources` and `targets` are the global ids of its source and target nodes. `expand` draws all synapses where weights or delays
    depend on distance.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 0x57495245, index])))
    each: dict[str, Any] = {"weight": projection.weight, "delay": projection.delay}
    if projection.synapse:
        each |= {p.name: projection.synapse.get(p.name) for p in projection.synapse.model.parameters}
    itself = _itself(projection, sources, targets)
    if "given" in projection.params:
        itself = np.full(len(targets), -1)
        found, each = _explicit(projection, index, each)
    else:
        found = _by_rule(projection, index, itself, seed, rng)
        if found.order is not None:
            each = {k: v[found.order] if isinstance(v, np.ndarray) else v for k, v in each.items()}
    weight, delay = each.pop("weight"), each.pop("delay")
    by_pair = projection.rule in ("all_to_all", "pairwise_bernoulli")
    ptr = np.concatenate([[0], np.cumsum(found.degrees, dtype=np.int64)])
    made = Wiring(
        index,
        found.kind,
        sources.astype(np.int32),
        targets.astype(np.int64),
        ptr,
        found.rows,
        itself.astype(np.int32),
        found.multapses,
        values(weight, by_pair),
        delays(delay, by_pair, dt, f"projections[{index}]"),
        found.given,
        projection.receptor_type,
        _plasticity(projection, each, int(ptr[-1]), by_pair, rng),
    )
    apart = any(isinstance(v, Profile) for v in (weight, delay))
    return _by_distance(made, projection.space(seed), weight, delay, dt, seed, expand) if apart else made


class _Partners(NamedTuple):
    """The synapses of each target.

    kind : of the `Wiring`. degrees : number of synapses of each target, shape (n_target,). rows : their sources, for the kind ROWS.
    order : indices (or a mask) that put values given in the order of the rule into this order. given : explicit synapses of the kind GIVEN.
    """

    kind: int
    degrees: np.ndarray
    rows: np.ndarray = _NO_ROWS
    order: np.ndarray | None = None
    multapses: bool = True
    given: ExplicitSynapses | None = None


def _by_rule(projection: Projection, index: int, itself: np.ndarray, seed: int, rng: np.random.Generator) -> _Partners:
    """The synapses that a rule makes; those of the kind RANDOM are drawn when they are packed."""
    n_target, multapses, p = len(itself), projection.allow_multapses, projection.params.get("p")
    capacity = len(projection.source) - (itself >= 0)
    match projection.rule:
        case "one_to_one":
            other = itself != np.arange(n_target)
            return _Partners(synapses.ONE, other.astype(np.int64), order=other, multapses=multapses)
        case "all_to_all":
            return _Partners(synapses.ALL, capacity, multapses=multapses)
        case "pairwise_bernoulli" if isinstance(p, Profile):
            return _Partners(synapses.ROWS, *spatial.bernoulli(projection.space(seed), p, itself, rng), multapses=multapses)
        case "pairwise_bernoulli":
            return _Partners(synapses.RANDOM, rng.binomial(capacity, projection.params["p"]), multapses=False)
        case "fixed_indegree":
            degrees = np.full(n_target, projection.params["indegree"])
            if p is None:
                return _Partners(synapses.RANDOM, degrees, multapses=multapses)
            return _Partners(synapses.ROWS, degrees, _chosen(projection, index, itself, seed, rng).ravel(), multapses=multapses)
        case "fixed_total_number":
            return _Partners(synapses.RANDOM, _split(projection.params["N"], capacity, multapses, rng), multapses=multapses)
        case _:  # fixed_outdegree
            targets = _targets(projection, index, itself, n_target, seed, rng)
            return _Partners(synapses.ROWS, *_by_target(targets, n_target), multapses=multapses)


def _explicit(projection: Projection, index: int, each: dict[str, Any]) -> tuple[_Partners, dict[str, Any]]:
    """Explicit synapses, and their values: by target if they have values to draw, or parameters of their own; else as they were given."""
    given, multapses = projection.params["given"], projection.allow_multapses
    if not given.in_range():
        raise ModelError(
            f"projections[{index}]", "its arrays of indices were changed after it was made", "do not modify arrays after `connect`"
        )
    if not projection.synapse and not any(isinstance(v, (Distribution, Profile)) for v in each.values()):
        return _Partners(synapses.GIVEN, given.degrees(), multapses=multapses, given=given), each
    order = given.by_target()
    found = _Partners(synapses.ROWS, np.diff(order.ptr), order.sources.astype(np.int32, copy=False), multapses=multapses)
    return found, {k: order.sorted(v) for k, v in each.items()}


def _by_distance(made: Wiring, space: Space, weight: Synaptic, delay: Synaptic, dt: float, seed: int, expand: Expand) -> Wiring:
    """`made` with the weights or delays that depend on distance, one value per synapse."""
    if made.kind != synapses.ROWS:
        made = replace(made, kind=synapses.ROWS, rows=expand(made, seed).source.astype(np.int32))
    n = len(made.rows)
    weights = np.empty(n if isinstance(weight, Profile) else 0)
    steps = np.empty(n if isinstance(delay, Profile) else 0, np.int32)
    targets = np.repeat(np.arange(len(made.targets), dtype=np.int32), np.diff(made.ptr))
    for a in range(0, n, spatial.WORK):
        at = slice(a, a + spatial.WORK)
        d = space.distances(made.rows[at], targets[at])
        if isinstance(weight, Profile):
            weights[at] = weight.within(space.error)(d)
        if isinstance(delay, Profile):
            steps[at] = half_up(delay.within(space.error)(d), dt, delay.b * space.error).clip(1, MOST)
    if isinstance(weight, Profile):
        made = replace(made, weight=synapses.Values(synapses.BY_SYNAPSE, array=weights))
    return replace(made, delay=synapses.Values(synapses.BY_SYNAPSE, array=steps)) if isinstance(delay, Profile) else made


def _plasticity(projection: Projection, own: dict[str, Value], n: int, by_pair: bool, rng: np.random.Generator) -> Plasticity | None:
    """The synapse model of `projection` (None if static); random parameters are drawn for each of the `n` synapses."""
    if projection.synapse is None:
        return None
    params = {k: values(v.draw(n, rng), False) if isinstance(v, Distribution) else values(v, by_pair) for k, v in own.items()}
    return Plasticity(projection.synapse.model.name, params)


def values(v: Synaptic, by_pair: bool) -> synapses.Values:
    """A weight or parameter of synapses in the form of the plan; a distance profile is represented by its value at distance 0."""
    if isinstance(v, Profile):
        return synapses.Values(synapses.CONSTANT, v.a)
    if isinstance(v, Distribution):
        return synapses.Values(_KINDS[v.kind], v.a, v.b, v.min, v.max)
    if isinstance(v, np.ndarray) and constant(v):
        return synapses.Values(synapses.CONSTANT, float(v[0]))
    if isinstance(v, np.ndarray):
        return synapses.Values(synapses.BY_PAIR if by_pair else synapses.BY_SYNAPSE, array=np.ascontiguousarray(v))
    return synapses.Values(synapses.CONSTANT, v)


def delays(v: Synaptic, by_pair: bool, dt: float, place: str) -> synapses.Values:
    """The delays of the projection at `place`, in steps.

    Given delays are multiples of dt already. Drawn delays are redrawn if they are below dt / 2, and rounded half up.

    Raises
    ------
    ModelError : the user changed the array of delays after it was checked; using it would write outside of arrays.
    """
    if isinstance(v, Distribution) and v.support[0] == v.support[1]:
        return synapses.Values(synapses.CONSTANT, float(half_up(np.array(v.support[0]), dt)))
    if isinstance(v, Distribution):
        a, b = (v.a - np.log(dt), v.b) if v.kind == "lognormal" else (v.a / dt, v.b / dt)
        return synapses.Values(_KINDS[v.kind], a, b, max(v.min / dt, 0.5), v.max / dt)
    if isinstance(v, np.ndarray) and len(v):
        low, high = float(v.min()), float(v.max())
        if not dt * (1 - 1e-6) <= low <= high <= dt * LONGEST_DELAY * (1 + 1e-6):  # also false if a delay is NaN
            got = f"the array was changed to values from {low:g} to {high:g} ms after `connect`"
            raise ModelError(f"{place}.delay", got, f"values from {dt:g} to {dt * LONGEST_DELAY:g} ms")
    out = values(v, by_pair)
    if out.array is not None:
        return synapses.Values(out.kind, array=in_steps(out.array, dt))
    return synapses.Values(synapses.CONSTANT, float(round(out.a / dt)))


def in_steps(delay: np.ndarray, dt: float) -> np.ndarray:
    """Delays in ms (multiples of `dt`) as whole numbers of steps, int32."""
    out = np.empty(len(delay), np.int32)
    for a in range(0, len(delay), PIECE):
        steps = delay[a : a + PIECE].astype(np.float64, copy=False) / dt
        np.minimum(np.rint(steps, out=steps), MOST, out=steps)
        out[a : a + PIECE] = steps
    return out


def _itself(projection: Projection, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The index of each target among the sources if autapses are excluded, -1 if not or if it is no source; shape (n_target,)."""
    if projection.allow_autapses or not projection.recurrent:
        return np.full(len(targets), -1)
    order = np.argsort(sources)
    place = np.searchsorted(sources[order], targets)
    found = order[np.minimum(place, len(sources) - 1)]
    return np.where(sources[found] == targets, found, -1)


def _split(total: int, capacity: np.ndarray, multapses: bool, rng: np.random.Generator) -> np.ndarray:
    """In-degrees of the targets, shape (n_target,), if `total` synapses are distributed uniformly over all pairs.

    With multapses, each synapse picks a pair independently, so in-degrees are multinomial. Without, all pairs are distinct, so
    in-degrees are multivariate hypergeometric. `capacity` is the number of possible sources of each target.
    """
    if total == 0:
        return np.zeros(len(capacity), dtype=np.int64)
    if multapses:
        return rng.multinomial(total, capacity / capacity.sum())
    return rng.multivariate_hypergeometric(capacity, total, method="marginals")


def _targets(projection: Projection, index: int, itself: np.ndarray, n_target: int, seed: int, rng: np.random.Generator) -> np.ndarray:
    """The targets of each source for the rule fixed_outdegree, shape (n_source, outdegree)."""
    out, n_source = projection.params["outdegree"], len(projection.source)
    excluded = np.full(n_source, -1)
    excluded[itself[itself >= 0]] = np.flatnonzero(itself >= 0)
    if "p" in projection.params:
        return _chosen(projection, index, excluded, seed, rng)
    room = n_target - (excluded >= 0)
    if projection.allow_multapses:
        targets = (rng.random((n_source, out)) * room[:, None]).astype(np.int64)
        return targets + ((excluded >= 0)[:, None] & (targets >= excluded[:, None]))
    targets = np.empty((n_source, out), dtype=np.int64)
    for s in range(n_source):
        drawn = rng.choice(room[s], out, replace=False)
        targets[s] = drawn + ((excluded[s] >= 0) & (drawn >= excluded[s]))
    return targets


def _chosen(projection: Projection, index: int, itself: np.ndarray, seed: int, rng: np.random.Generator) -> np.ndarray:
    """A fixed number of partners for each node, drawn with a distance-dependent probability.

    The partners are the sources of each target (fixed_indegree) or the targets of each source (fixed_outdegree).
    """
    inward, p = projection.rule == "fixed_indegree", projection.params["p"]
    number = projection.params["indegree" if inward else "outdegree"]
    space = projection.space(seed) if inward else projection.space(seed).swapped()
    partners, starved = spatial.chosen(space, p, number, projection.allow_multapses, itself, rng)
    if starved is not None:
        view, other = (projection.target, projection.source) if inward else (projection.source, projection.target)
        got = f"node {view.ids[starved]} of {view.name} has fewer than {number} different partners in {other} where p is above 0"
        if projection.allow_multapses:
            got = f"node {view.ids[starved]} of {view.name} has no partner in {other} where p is above 0"
        raise ModelError(f"projections[{index}].p", got, "a p with a longer range of distances")
    return partners


def _by_target(targets: np.ndarray, n_target: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sort synapses given by source (`targets`: (n_source, outdegree)) by target; returns in-degrees, sources and the sort order."""
    keys = targets.ravel()
    order = np.argsort(keys.astype(np.uint16) if n_target <= 1 << 16 else keys, kind="stable")  # of 16 bits: radix sort, much faster
    degrees = np.bincount(targets.ravel(), minlength=n_target)
    return degrees, (order // max(targets.shape[1], 1)).astype(np.int32), order
