"""Connection rules: a projection becomes the synapses of each target.

Every rule is brought into the form "target t has so many synapses, from these sources", because the
engine fills its blocks target by target. The numbers of synapses are drawn here, from the exact
distribution that the rule implies; the sources are drawn while the blocks are filled.
"""

from __future__ import annotations

import numpy as np

from lifsim import plan
from lifsim.errors import ModelError
from lifsim.given import constant
from lifsim.plan import PIECE, Plasticity, Wiring
from lifsim.projections import Projection
from lifsim.values import Distribution, Value

_NO_ROWS = np.zeros(0, dtype=np.int32)
_KINDS = {"normal": plan.NORMAL, "uniform": plan.UNIFORM, "lognormal": plan.LOGNORMAL}


def wiring(projection: Projection, index: int, sources: np.ndarray, targets: np.ndarray, dt: float, seed: int) -> Wiring:
    """The synapses of `projection`, number `index` of the network.

    `sources` and `targets` are the global ids behind its source and target nodes.
    """
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 0x57495245, index])))
    itself = _itself(projection, sources, targets)
    weight, delay = projection.weight, projection.delay
    own = {p.name: projection.synapse.get(p.name) for p in projection.synapse.model.parameters} if projection.synapse else {}
    given, rows, kind, multapses = None, _NO_ROWS, plan.RANDOM, projection.allow_multapses
    capacity = len(sources) - (itself >= 0)
    match projection.rule:
        case "one_to_one":
            other = itself != np.arange(len(targets))
            kind, degrees = plan.ONE, other.astype(np.int64)
            weight, delay, own = _reordered(weight, other), _reordered(delay, other), {k: _reordered(v, other) for k, v in own.items()}
        case "all_to_all":
            kind, degrees = plan.ALL, capacity
        case "pairwise_bernoulli":
            degrees, multapses = rng.binomial(capacity, projection.params["p"]), False
        case "fixed_indegree":
            degrees = np.full(len(targets), projection.params["indegree"])
        case "fixed_total_number":
            degrees = _split(projection.params["N"], capacity, multapses, rng)
        case "fixed_outdegree":
            kind = plan.ROWS
            degrees, rows, order = _by_target(projection, itself, len(sources), len(targets), rng)
            weight, delay, own = _reordered(weight, order), _reordered(delay, order), {k: _reordered(v, order) for k, v in own.items()}
        case _:
            given, itself = projection.params["given"], np.full(len(targets), -1)
            if not given.in_range():
                raise ModelError(f"projections[{index}]", "its indices were changed after it was made", "arrays that stay as they are")
            if isinstance(weight, Distribution) or isinstance(delay, Distribution) or projection.synapse:  # target by target
                order, given = given.by_target(), None
                kind, degrees, rows = plan.ROWS, np.diff(order.ptr), order.sources.astype(np.int32, copy=False)
                weight, delay, own = order.sorted(weight), order.sorted(delay), {k: order.sorted(v) for k, v in own.items()}
            else:
                kind, degrees = plan.GIVEN, given.degrees()
    by_pair = projection.rule in ("all_to_all", "pairwise_bernoulli")
    ptr = np.concatenate([[0], np.cumsum(degrees, dtype=np.int64)])
    return Wiring(
        index,
        kind,
        sources.astype(np.int32),
        targets.astype(np.int64),
        ptr,
        rows,
        itself.astype(np.int32),
        multapses,
        values(weight, by_pair),
        delays(delay, by_pair, dt),
        given,
        _plasticity(projection, own, int(ptr[-1]), by_pair, rng),
    )


def _plasticity(projection: Projection, own: dict[str, Value], n: int, by_pair: bool, rng: np.random.Generator) -> Plasticity | None:
    """The synapse model of `projection`, its parameters drawn for each of `n` synapses where they are random."""
    if projection.synapse is None:
        return None
    params = {k: values(v.draw(n, rng), False) if isinstance(v, Distribution) else values(v, by_pair) for k, v in own.items()}
    return Plasticity(projection.synapse.model.name, params)


def values(v: Value, by_pair: bool) -> plan.Values:
    """A value of synapses in the form of the plan."""
    if isinstance(v, Distribution):
        return plan.Values(_KINDS[v.kind], v.a, v.b, v.min, v.max)
    if isinstance(v, np.ndarray) and constant(v):
        return plan.Values(plan.CONSTANT, float(v[0]))
    if isinstance(v, np.ndarray):
        return plan.Values(plan.BY_PAIR if by_pair else plan.BY_SYNAPSE, array=np.ascontiguousarray(v))
    return plan.Values(plan.CONSTANT, v)


def delays(v: Value, by_pair: bool, dt: float) -> plan.Values:
    """A delay in steps: given ones are on the grid already; drawn ones are redrawn below dt / 2."""
    if isinstance(v, Distribution):
        a, b = (v.a - np.log(dt), v.b) if v.kind == "lognormal" else (v.a / dt, v.b / dt)
        return plan.Values(_KINDS[v.kind], a, b, max(v.min / dt, 0.5), v.max / dt)
    out = values(v, by_pair)
    if out.array is not None:
        return plan.Values(out.kind, array=in_steps(out.array, dt))
    return plan.Values(plan.CONSTANT, float(round(out.a / dt)))


def in_steps(delay: np.ndarray, dt: float) -> np.ndarray:
    """Delays in ms, on the grid, as numbers of steps, int32."""
    out = np.empty(len(delay), np.int32)
    for a in range(0, len(delay), PIECE):
        steps = delay[a : a + PIECE].astype(np.float64, copy=False) / dt
        np.minimum(np.rint(steps, out=steps), 2**31 - 1, out=steps)  # more would not fit the memory anyway
        out[a : a + PIECE] = steps
    return out


def expected_synapses(projection: Projection) -> float:
    """The number of synapses that `projection` makes, or its expectation."""
    n_source, n_target = len(projection.source), len(projection.target)
    shared = 0
    if projection.recurrent and not projection.allow_autapses:
        shared = len(np.intersect1d(projection.source.ids, projection.target.ids))
    params = projection.params
    match projection.rule:
        case "one_to_one":
            return n_target
        case "all_to_all":
            return n_source * n_target - shared
        case "pairwise_bernoulli":
            return params["p"] * (n_source * n_target - shared)
        case "fixed_indegree":
            return params["indegree"] * n_target
        case "fixed_outdegree":
            return params["outdegree"] * n_source
        case "fixed_total_number":
            return params["N"]
        case _:
            return len(params["given"])


def _itself(projection: Projection, sources: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """For each target its index among the sources if autapses are excluded, else -1."""
    if projection.allow_autapses or not projection.recurrent:
        return np.full(len(targets), -1)
    order = np.argsort(sources)
    place = np.searchsorted(sources[order], targets)
    found = order[np.minimum(place, len(sources) - 1)]
    return np.where(sources[found] == targets, found, -1)


def _split(total: int, capacity: np.ndarray, multapses: bool, rng: np.random.Generator) -> np.ndarray:
    """In-degrees when `total` synapses fall on all pairs alike.

    With multapses every synapse picks a pair independently: multinomial. Without, distinct pairs
    are picked: multivariate hypergeometric.
    """
    if total == 0:
        return np.zeros(len(capacity), dtype=np.int64)
    if multapses:
        return rng.multinomial(total, capacity / capacity.sum())
    return rng.multivariate_hypergeometric(capacity, total, method="marginals")


def _by_target(
    projection: Projection, itself: np.ndarray, n_source: int, n_target: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """fixed_outdegree seen from the targets: in-degrees, source of each synapse, order of drawing."""
    out = projection.params["outdegree"]
    excluded = np.full(n_source, -1)
    excluded[itself[itself >= 0]] = np.flatnonzero(itself >= 0)
    room = n_target - (excluded >= 0)
    if projection.allow_multapses:
        targets = (rng.random((n_source, out)) * room[:, None]).astype(np.int64)
        targets += (excluded >= 0)[:, None] & (targets >= excluded[:, None])
    else:
        targets = np.empty((n_source, out), dtype=np.int64)
        for s in range(n_source):
            drawn = rng.choice(room[s], out, replace=False)
            targets[s] = drawn + ((excluded[s] >= 0) & (drawn >= excluded[s]))
    order = np.argsort(targets.ravel(), kind="stable")
    degrees = np.bincount(targets.ravel(), minlength=n_target)
    return degrees, (order // max(out, 1)).astype(np.int32), order


def _reordered(v: Value, order: np.ndarray) -> Value:
    """The entries of an array that `order` (indices or a mask) picks."""
    return v[order] if isinstance(v, np.ndarray) else v
