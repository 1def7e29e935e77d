"""What a run will need, said without building it: threads, and bytes of memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lifsim.connect import delays as delays_in_steps
from lifsim.connect import expected_synapses
from lifsim.connect import values as weights_in_plan
from lifsim.errors import LifsimError
from lifsim.network import Network
from lifsim.plan import CONSTANT, LOGNORMAL, UNIFORM, Values, delays_among
from lifsim.printable import shown
from lifsim.profiles import Profile
from lifsim.projections import Projection
from lifsim.spatial import TOGETHER, among_all
from lifsim.values import Distribution

COST_PER_THREAD = 6e6  # synapses (a neuron counts as 600) below which another thread does not pay
# Those of `engine.packing` and `engine.layout`, said again so that a forecast need not load the compiler.
WAITING, MOST_CLASSES, LARGEST_BLOCK, STEPS = 1 << 21, 8, 65536, 32767
PAGE = 1 << 21  # bytes of memory that the system gives at once to large arrays of which little is used
COARSE = 0.01  # of a typical weight: steps of compact storage above which there is something to say
SAMPLE = 1_000_000  # given weights that are looked at for that, about
PRECISIONS, STORAGES = ("float64", "float32"), ("float64", "float32", "compact")  # of the state; of weights
BASE = 206e6  # bytes of Python, its libraries and compiled code


def estimate(net: Network, precision: str = "float64", threads: int | str = "auto", weights: str | None = None) -> dict[str, Any]:
    """What a run of `net` will need, without building it: neurons, synapses, bytes (of which `held` are there
    already, as matrices and lists that were given), threads.
    """
    neurons = sum(p.n for p in net.populations.values() if p.model.role == "neuron")
    inner = [p for p in net.projections if _has_synapses(p) and not p.synapse]
    plastic = [p for p in net.projections if p.synapse]
    static = sum(expected_synapses(p) for p in inner)
    synapses = static + sum(expected_synapses(p) for p in plastic)
    team = choose_threads(threads, neurons, synapses)
    values = [_weights(p) for p in inner]
    a_weight = bytes_of_weight(values, precision, weights)
    delays = max((_span(p, net.dt) for p in inner), default=1) + 1
    rows = neurons * (2 if any(v.sign == 0 for v in values) else 1)
    blocks = max(team, -(-neurons // LARGEST_BLOCK))
    tables = rows * (8 * delays * team + 12 * blocks)  # what builds the rows of a block; where they begin
    headers = 4 * rows * delays * blocks  # lengths of segments
    largest = max(map(expected_synapses, inner), default=0)  # projections are packed one after the other
    buckets = team * min(largest / blocks, WAITING) * (8 + a_weight)
    drives = sum(expected_synapses(p) for p in net.projections if not _has_synapses(p))  # of stimuli
    held = sum(_held(p) for p in net.projections)
    ends = sum(4 * len(p.source) + 28 * len(p.target) for p in (*inner, *plastic))  # sources, targets, where targets lie
    states = neurons * (76 + 12 * np.dtype(precision).itemsize)
    moving = blocks * 2 * 1.5 * min(2 * PAGE, 12 * neurons) + 130 * neurons  # spikes under way, and those of a slice
    size = (
        static * (2 + a_weight)
        + sum(_plastic(p, net.dt, blocks, precision, weights) for p in plastic)
        + tables
        + headers
        + buckets
        + ends
        + states
        + moving
        + 48 * drives
        + BASE
    )
    size += held + max(map(_put_in_order, inner), default=0) + sum(4 * np.size(p.delay) for p in inner if isinstance(p.delay, np.ndarray))
    drawn = sum(map(_rows, inner))
    size = drawn + max(size, BASE + held + max(map(_drawing, inner), default=0))
    return {"neurons": neurons, "synapses": synapses, "bytes": int(min(size, 2.0**80)), "held": held, "threads": team, "dt": net.dt}


def _plastic(p: Projection, dt: float, blocks: int, precision: str, weights: str | None) -> float:
    """Bytes of plastic synapses: target and weight, parameters that differ, what their segments keep; spikes of their targets, a
    hundred each, say.
    """
    assert p.synapse is not None
    own = sum(not isinstance(x, float) for x in p.synapse.params.values())
    a_weight = 8 if (weights or precision) == "float64" else 4
    return expected_synapses(p) * (2 + a_weight + 16 * own) + 40 * len(p.source) * (_span(p, dt) + 1) * blocks + 3200 * len(p.target)


def _has_synapses(p: Projection) -> bool:
    """Whether what `p` makes is stored: stimuli act without synapses."""
    return p.source.population.model.role in ("neuron", "spikes")


def bytes_of_weight(values: list[Any], precision: str, weights: str | None) -> int:
    """Bytes of a stored weight: none where all are constant and few differ, else as asked for or as the engine chooses."""
    if all(v.kind == CONSTANT for v in values) and len({v.a for v in values}) <= MOST_CLASSES:
        return 0
    exact = all(v.narrow for v in values)
    return np.dtype(stored(weights) or ("float32" if exact else precision)).itemsize


def stored(weights: str | None) -> str | None:
    """The dtype in which weights of this choice are stored; None where the engine chooses."""
    return "int16" if weights == "compact" else weights


def coarse_weights(net: Network, weights: str | None) -> Iterator[str]:
    """What is to be said of projections whose weights are small beside a step of compact storage."""
    if weights != "compact":
        return
    inner = [(i, p) for i, p in enumerate(net.projections) if _has_synapses(p) and not p.synapse]
    values = [_weights(p) for _, p in inner]
    if bytes_of_weight(values, "float64", weights) == 0:
        return
    one_sum = all(p.model.weight_unit == "mV" for p in net.populations.values() if p.model.role == "neuron")
    for (i, p), own in zip(inner, values, strict=True):
        beside = [v for v in values if one_sum or v.sign * own.sign >= 0]  # those of the same sign, or of any
        step, size = max(np.abs(v.range).max() for v in beside) / STEPS, _typical(own)
        if size > 0 and step > COARSE * size:
            place = f"projections[{i}] ({p.source} → {p.target})"
            unit = p.target.population.model.weight_unit
            yield f"{place}: compact weights come in steps of {step:.2g} {unit}, typical ones are {size:.2g}"


def _typical(v: Values) -> float:
    """The usual size of a weight."""
    if v.array is not None:
        return float(np.abs(v.array[:: max(1, len(v.array) // SAMPLE)]).mean()) if len(v.array) else 0.0
    if v.kind == UNIFORM:
        return (abs(v.a) + abs(v.b)) / 2
    return float(np.exp(v.a)) if v.kind == LOGNORMAL else max(abs(v.a), v.b)


def _held(p: Projection) -> int:
    """Bytes of the arrays that were given."""
    arrays = [x.nbytes for x in (p.weight, p.delay) if isinstance(x, np.ndarray)]
    return sum(arrays) + (p.params["given"].nbytes if "given" in p.params else 0)


def _put_in_order(p: Projection) -> int:
    """Bytes for given synapses in order of target, in which they are put if something is drawn for each."""
    given = p.params.get("given")
    if given is None or not any(isinstance(x, Distribution) for x in (p.weight, p.delay)):
        return 0
    there = 1 if len(given.targets) == 0 else 3  # places before and after, sources
    return len(given) * (4 * there + sum(12 for x in (p.weight, p.delay) if isinstance(x, np.ndarray)))


def _weights(p: Projection) -> Values:
    """The weights of `p` in the plan; of those that depend on distance the range they lie in."""
    if isinstance(p.weight, Profile):
        return Values(UNIFORM, *p.weight.range(p.farthest))
    return weights_in_plan(p.weight, False)


def _rows(p: Projection) -> float:
    """Bytes of synapses that are kept as they were drawn, in space: sources, and what depends on distance."""
    far = [isinstance(x, Profile) for x in (p.params.get("p"), p.weight, p.delay)]
    return expected_synapses(p) * (4 + 16 * far[1] + 12 * far[2]) if any(far) else 0.0


def _drawing(p: Projection) -> float:
    """Bytes that come and go while synapses are drawn in space: numbers of pairs and their two ends, or events."""
    if not isinstance(p.params.get("p"), Profile):
        return 0.0
    if p.rule == "pairwise_bernoulli":
        return 30 * expected_synapses(p)
    number, partners = (p.params["indegree"], p.source) if p.rule == "fixed_indegree" else (p.params["outdegree"], p.target)
    return 0.0 if among_all(len(partners), number) else 80 * min(expected_synapses(p), TOGETHER)


def _span(p: Projection, dt: float) -> float:
    """How many different delays there can be, in steps."""
    if isinstance(p.delay, Profile):
        low, high = p.delay.range(p.farthest)
        return (high - low) / dt + 1
    if isinstance(p.delay, Distribution):
        return delays_in_steps(p.delay, False, dt).range[1]
    steps = delays_in_steps(p.delay, False, dt).array
    return 1 if steps is None else len(delays_among(steps))


def choose_threads(threads: int | str, neurons: int, synapses: float) -> int:
    """The number of threads: as asked for, or as many as the work of a step can feed."""
    if isinstance(threads, str) and threads == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return int(max(1, min(cores, (neurons * 600 + synapses) // COST_PER_THREAD)))
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or not 1 <= threads <= 1024:
        raise LifsimError("threads", shown(threads), 'a whole number from 1 to 1024, or "auto"')
    return int(threads)
