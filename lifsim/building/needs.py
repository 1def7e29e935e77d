"""Estimates the threads and the memory that a run will need, without building the network."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lifsim.building.connections import delays as delays_in_steps
from lifsim.building.connections import values as weights_in_plan
from lifsim.building.spatial import TOGETHER, among_all
from lifsim.building.spike_trains import number_of
from lifsim.common.arrays import delays_among
from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.values import Distribution
from lifsim.network.distance import Profile
from lifsim.network.network import Network
from lifsim.network.projection import Projection, expected_synapses
from lifsim.plan.limits import BUFFER, GRAIN, LARGEST_BLOCK, MOST_CLASSES, STEPS, WAITING, WIDE
from lifsim.plan.synapses import CONSTANT, LOGNORMAL, UNIFORM, Values

COST_PER_THREAD = 6e6  # synapses per thread (a neuron counts as 600); with fewer, another thread is not worth its cost
PAGE = 1 << 21  # bytes: the system gives memory to large arrays in pages of this size, even if little of a page is used
COARSE = 0.01  # step of compact storage, as a fraction of a typical weight, above which to warn
SAMPLE = 1_000_000  # approximate number of given weights from which the typical weight is computed
PRECISIONS, STORAGES = ("float64", "float32"), ("float64", "float32", "compact")  # dtypes of the state; of stored weights
BASE = 141e6  # bytes used by Python, its libraries and the compiled code
# Bytes of the recorded spikes of a slice: per neuron, and at most in all (at 20 spikes/s a twentieth of the reserved memory, three times).
A_RECORDED, RECORDED = 130, 16e6
SPIKE, SORTED = 20, 60  # bytes per given spike: kept, and while spikes are sorted
DRIVE, EXPANDED = 48, 110  # bytes per synapse of a stimulus: kept, and while synapses are turned into drives
MERGED, SINGLE = 135, 182  # as `EXPANDED`, for Poisson generators: where equal trains onto a target are merged, and where they are not
AT_ONCE = 1 / 3  # longest slice, as a fraction of the run


def estimate(net: Network, precision: str = "float64", threads: int | str = "auto", weights: str | None = None) -> dict[str, Any]:
    """Estimate what a run of `net` will need, without building it.

    Parameters
    ----------
    net : the network. precision : dtype of the state, "float64" or "float32".
    threads : number of threads, or "auto". weights : "float64", "float32" or "compact"; None: the engine chooses.

    Returns
    -------
    dict with `neurons`, `synapses`, `threads`, `dt` (ms), `bytes` (peak memory), `held` (the part of it that the given matrices and lists
    occupy already), `reserved` (bytes of address space beyond that, hardly used) and `row` (mean number of 16-bit words in a row, which
    holds the synapses of one node onto the neurons of one block; of the projection with the longest rows).

    Raises
    ------
    LifsimError : `threads` is not allowed.
    """
    neurons = sum(p.n for p in net.populations.values() if p.model.role == "neuron")
    inner = [p for p in net.projections if _has_synapses(p)]
    synapses = sum(map(expected_synapses, inner))
    team = choose_threads(threads, neurons, synapses)
    working = min(team, -(-neurons // GRAIN)) or 1
    blocks = max(working, -(-neurons // LARGEST_BLOCK))
    static = [p for p in inner if not p.synapse]
    values = [_weights(p) for p in static]
    a_weight = bytes_of_weight(values, precision, weights)
    rows, sums = _rows(static, values, a_weight)
    delays = {p: _delays(p, net.dt) for p in inner}
    built = _packed(static, a_weight, blocks, working) + _tables(net, static, delays, rows, sums, blocks, working)
    built += working * max((_of_a_target(p, bool(p.synapse or a_weight)) for p in inner), default=0)
    built += sum(_plastic(p, delays[p][0], blocks, precision, weights) for p in inner if p.synapse)
    built += sum(4 * len(p.source) + 28 * len(p.target) for p in inner)  # sources, targets, places of targets
    built += _neurons(net, precision, rows, blocks)
    held = sum(map(_held, net.projections))
    kept, drawing = _drawn(net, inner)
    size = BASE + held + kept + max(built, drawing)
    reserved = 18 * blocks * sums * min(rows, neurons)  # room for the pending spikes of one step, and half as much again
    row = max((expected_synapses(p) / len(p.source) for p in static), default=0) / blocks * (1 + a_weight / 2)
    facts = {"bytes": int(min(size, 2.0**80)), "held": held, "reserved": int(min(reserved, 2.0**80)), "row": row}
    return {"neurons": neurons, "synapses": synapses, "threads": team, "dt": net.dt} | facts


def _packed(static: list[Projection], a_weight: int, blocks: int, working: int) -> float:
    """Bytes of static synapses, and of the work space in which projections are packed one after the other."""
    numbers = [expected_synapses(p) for p in static]
    waiting = working * min(max(numbers, default=0) / blocks, WAITING) * (8 + a_weight)
    copies = max(map(_put_in_order, static), default=0) + sum(4 * np.size(p.delay) for p in static if isinstance(p.delay, np.ndarray))
    return sum(numbers) * (2 + a_weight) + waiting + copies


def _drawn(net: Network, inner: list[Projection]) -> tuple[float, float]:
    """Bytes of the plan: those that stay (drawn synapses, stimuli, given spikes), and the largest temporary use while it is built."""
    stimuli = [p for p in net.projections if not _has_synapses(p)]
    spikes = sum(number_of(p) for p in net.populations.values() if p.model.role == "spikes")
    kept = sum(map(_kept_rows, inner)) + DRIVE * sum(map(_merged_drives, stimuli)) + SPIKE * spikes
    expanded = (_expanded(p) * expected_synapses(p) - DRIVE * _merged_drives(p) for p in stimuli)  # without the part that is kept
    return kept, max([SORTED * spikes, *map(_drawing, inner), *expanded])


def _rows(inner: list[Projection], values: list[Values], a_weight: int) -> tuple[int, int]:
    """Number of rows of static synapses, one per source and class (input sum, or constant weight); and number of classes."""
    found: dict[tuple[str, Any], int] = {}
    for p, v in zip(inner, values, strict=True):
        own = p.source.population
        for cls in (0, 1) if v.sign == 0 else ((v.a, p.receptor_type) if not a_weight else v.sign,):
            found[own.name, cls] = min(found.get((own.name, cls), 0) + len(p.source), own.n)
    return sum(found.values()), len({cls for _, cls in found})


def _tables(
    net: Network, inner: list[Projection], spread: dict[Projection, tuple[float, float]], rows: int, sums: int, blocks: int, working: int
) -> float:
    """Bytes of the index of static synapses and of the ring of recent spikes.

    The index consists of the first places of rows, the lengths of their segments (one per delay), and the counts from which these are
    made. `spread` holds the `_delays` of each projection.
    """
    synapses = {p: expected_synapses(p) for p in inner}
    constants = {p.delay for p in inner if isinstance(p.delay, float)}
    occurring = (n if n <= WIDE else n * -math.expm1(-synapses[p] / n) for p, n in ((p, spread[p][0]) for p in inner))
    delays = max(len(constants), *occurring, 1)
    share = sum(synapses.values()) / max(rows * blocks, 1)  # synapses of a row in a block
    headers = -math.expm1(-share) * (1 + delays * share / (1 + share))  # a row has segments up to its longest delay
    wide = sum(spread[p][0] for p in inner if spread[p][0] > WIDE)  # a first pass marks which delays occur
    longest = max((steps for _, steps in spread.values()), default=1.0)
    used = 0.0 if net.duration is None else min(longest, net.duration / net.dt)
    ring = 8 * longest * blocks * sums + 16 * used * ((1 + sums) * blocks + len(net.populations) + 1)
    return rows * (blocks * (12 + 4 * headers) + working * 8 * delays) + wide + ring


def _of_a_target(p: Projection, weights: bool) -> float:
    """Bytes of work space for drawing the synapses of one target: source, delay, random word, weight if stored; marks of sources."""
    if p.rule == "one_to_one" or ("given" in p.params and not _ordered(p) and not p.synapse):
        return 0.0
    mean = expected_synapses(p) / len(p.target)
    marks = 4 * len(p.source) if not p.allow_multapses and p.rule in ("fixed_indegree", "fixed_total_number") else 0
    return (28 if weights else 20) * (mean + 5 * math.sqrt(mean) if p.rule not in ("fixed_indegree", "all_to_all") else mean) + marks


def _neurons(net: Network, precision: str, rows: int, blocks: int) -> float:
    """Bytes of the state of neurons, their drawn parameters, pending spikes, and the recorded spikes and samples of a slice."""
    own = [p for p in net.populations.values() if p.model.role == "neuron"]
    n, itemsize = sum(p.n for p in own), np.dtype(precision).itemsize
    drawn = sum(8 * p.n for p in own for v in (*p.params.values(), *p.initial.values()) if isinstance(v, Distribution))
    watched = {r.view.name for r in net.recordings if r.variable in ("spikes", "rate", "t_ref_remaining")}
    random = {r.view.name: r.view.population.n for r in net.recordings if r.view.population.model.role == "poisson"}
    probes = [r for r in net.recordings if r.kind in ("probe", "weights", "generator")]
    duration = 1000.0 if net.duration is None else net.duration
    samples = sum(8 * len(r.view) * duration / r.interval for r in probes)
    sampled = 48 * (sum(len(r.view) for r in probes) + sum(random.values())) + min(AT_ONCE * samples, BUFFER)
    spikes = min(A_RECORDED * sum(p.n for p in own if p.name in watched), RECORDED)
    moving = blocks * 2 * 1.5 * min(2 * PAGE, 12 * min(rows, n)) + spikes
    return n * (76 + 12 * itemsize) + drawn + sampled + moving


def _merged_drives(p: Projection) -> float:
    """Number of synapses of a stimulus that are kept: equal Poisson trains onto one target are merged."""
    number = expected_synapses(p)
    return min(number, len(p.target)) if _expanded(p) == MERGED else number


def _expanded(p: Projection) -> float:
    """Bytes per synapse of a stimulus while synapses are turned into drives."""
    if p.source.population.model.role != "poisson":
        return EXPANDED
    return SINGLE if isinstance(p.weight, np.ndarray | Distribution) else MERGED


def _plastic(p: Projection, delays: float, blocks: int, precision: str, weights: str | None) -> float:
    """Bytes of plastic synapses: target, weight, parameters that are not constant, data of segments; about 100 spikes of each target."""
    assert p.synapse is not None
    own = sum(not isinstance(x, float) for x in p.synapse.params.values())
    a_weight = 8 if (weights or precision) == "float64" else 4
    return expected_synapses(p) * (2 + a_weight + 16 * own) + 40 * len(p.source) * (delays + 1) * blocks + 3200 * len(p.target)


def _has_synapses(p: Projection) -> bool:
    """Whether the synapses of `p` are stored in the engine; those of stimuli are not."""
    return p.source.population.model.role in ("neuron", "spikes")


def bytes_of_weight(values: list[Any], precision: str, weights: str | None) -> int:
    """Bytes of a stored weight: 0 if all `values` are constants, at most `MOST_CLASSES` different ones; else those of the dtype."""
    if all(v.kind == CONSTANT for v in values) and len({v.a for v in values}) <= MOST_CLASSES:
        return 0
    exact = all(v.narrow for v in values)
    return np.dtype(stored(weights) or ("float32" if exact else precision)).itemsize


def stored(weights: str | None) -> str | None:
    """The dtype that stores weights for this option; None if the engine chooses."""
    return "int16" if weights == "compact" else weights


def coarse_weights(net: Network, weights: str | None) -> Iterator[str]:
    """Warnings about projections whose weights are small compared with a step of compact storage."""
    if weights != "compact":
        return
    inner = [(i, p) for i, p in enumerate(net.projections) if _has_synapses(p) and not p.synapse]
    values = [_weights(p) for _, p in inner]
    if bytes_of_weight(values, "float64", weights) == 0:
        return
    one_sum = all(p.model.weight_unit == "mV" for p in net.populations.values() if p.model.role == "neuron")
    for (i, p), own in zip(inner, values, strict=True):
        beside = [v for v in values if one_sum or v.sign * own.sign >= 0]  # weights that share its scale: of the same sign, or all
        step, size = max(np.abs(v.range).max() for v in beside) / STEPS, _typical(own)
        if size > 0 and step > COARSE * size:
            place = f"projections[{i}] ({p.source} → {p.target})"
            unit = p.target.population.model.weight_unit
            yield f"{place}: compact weights come in steps of {step:.2g} {unit}, typical ones are {size:.2g}"


def _typical(v: Values) -> float:
    """The typical absolute value of a weight."""
    if v.array is not None:
        return float(np.abs(v.array[:: max(1, len(v.array) // SAMPLE)]).mean()) if len(v.array) else 0.0
    if v.kind == UNIFORM:
        return (abs(v.a) + abs(v.b)) / 2
    return float(np.exp(v.a)) if v.kind == LOGNORMAL else max(abs(v.a), v.b)


def _held(p: Projection) -> int:
    """Bytes of the arrays that the user gave."""
    arrays = [x.nbytes for x in (p.weight, p.delay) if isinstance(x, np.ndarray)]
    return sum(arrays) + (p.params["given"].nbytes if "given" in p.params else 0)


def _ordered(p: Projection) -> bool:
    """Whether given synapses are sorted by target, as they are if their weights or delays are drawn."""
    return any(isinstance(x, Distribution) for x in (p.weight, p.delay))


def _put_in_order(p: Projection) -> int:
    """Bytes for sorting given synapses by target, if they are sorted."""
    given = p.params.get("given")
    if given is None or not _ordered(p):
        return 0
    there = 1 if len(given.targets) == 0 else 3  # positions before and after sorting, sources
    return len(given) * (4 * there + sum(12 for x in (p.weight, p.delay) if isinstance(x, np.ndarray)))


def _weights(p: Projection) -> Values:
    """The weights of `p` in the plan; weights that depend on distance are represented by their range."""
    if isinstance(p.weight, Profile):
        return Values(UNIFORM, *p.weight.range(p.farthest))
    return weights_in_plan(p.weight, False)


def _kept_rows(p: Projection) -> float:
    """Bytes of synapses that the plan keeps (drawn in space or by source): sources, and weights and delays that depend on distance."""
    far = [isinstance(x, Profile) for x in (p.params.get("p"), p.weight, p.delay)]
    return expected_synapses(p) * (4 + 16 * far[1] + 12 * far[2]) if any(far) or p.rule == "fixed_outdegree" else 0.0


def _drawing(p: Projection) -> float:
    """Temporary bytes while synapses are drawn by source (targets, sort order) or in space (pair numbers and both ends, or events)."""
    if not isinstance(p.params.get("p"), Profile):
        return 24 * expected_synapses(p) if p.rule == "fixed_outdegree" else 0.0
    if p.rule == "pairwise_bernoulli":
        return 30 * expected_synapses(p)
    number, partners = (p.params["indegree"], p.source) if p.rule == "fixed_indegree" else (p.params["outdegree"], p.target)
    return 0.0 if among_all(len(partners), number) else 80 * min(expected_synapses(p), TOGETHER)


def _delays(p: Projection, dt: float) -> tuple[float, float]:
    """The largest possible number of different delays, and the longest delay in steps."""
    if isinstance(p.delay, Profile):
        low, high = p.delay.range(p.farthest)
        return (high - low) / dt + 1, high / dt
    steps = delays_in_steps(p.delay, False, dt, f"{p.source.population.name} → {p.target.population.name}")
    if isinstance(p.delay, Distribution):
        return steps.range[1], steps.range[1]
    if steps.array is None:
        return 1, steps.a
    occurring = delays_among(steps.array)
    return len(occurring), float(occurring.max(initial=1))


def choose_threads(threads: int | str, neurons: int, synapses: float) -> int:
    """The number of threads.

    Parameters
    ----------
    threads : a whole number from 1 to 1024; or "auto": one per `COST_PER_THREAD` of work, at most one per available core.
    neurons, synapses : numbers in the network.

    Raises
    ------
    LifsimError : `threads` has another value.
    """
    if isinstance(threads, str) and threads == "auto":
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return int(max(1, min(cores, (neurons * 600 + synapses) // COST_PER_THREAD)))
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or not 1 <= threads <= 1024:
        raise LifsimError("threads", shown(threads), 'a whole number from 1 to 1024, or "auto"')
    return int(threads)
