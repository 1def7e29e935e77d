"""Checks every point of a scan before the first run, and makes the list of runs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lifsim.building.builder import check as check_populations
from lifsim.common.errors import LifsimError, ModelError, Problem
from lifsim.common.text import shortened
from lifsim.common.version import __version__
from lifsim.files.tables import Cell
from lifsim.network.network import Network
from lifsim.scans.job import Job, SharedSettings, Statistics
from lifsim.scans.points import Values, cells_of, said, seeds_of
from lifsim.scans.source import Source
from lifsim.scans.structure import behaviour_of, code_of, structures_of
from lifsim.simulation.settings import check_duration, settle

_LONGEST = 120  # characters of a point in a message


@dataclass(frozen=True)
class Run:
    """A run of a scan.

    Parameters
    ----------
    cells : the values of the parameters, as in the table. identity : a digest of all that its spikes depend on.
    job : what a worker needs.
    """

    cells: dict[str, Cell]
    identity: str
    job: Job


@dataclass
class CheckedRuns:
    """The runs of a scan.

    Parameters
    ----------
    runs : all of them. examples : jobs that together need all compiled code. memory : bytes that the largest run takes.
    seconds : a rough guess of the processor time that all runs take.
    """

    runs: list[Run] = field(default_factory=list)
    examples: list[Job] = field(default_factory=list)
    memory: float = 0.0
    seconds: float = 0.0


def checked_runs(
    source: Source,
    points: Sequence[Values],
    seeds: Sequence[int] | None,
    settings: SharedSettings,
    statistics: Statistics | tuple[str, ...],
    discard: float,
    keep: bool,
) -> CheckedRuns:
    """The runs of all points with all seeds.

    Parameters
    ----------
    source : of the networks. points : the values at each point. seeds : the seeds of each; None: the seed of its network, or the value of
        "seed" at the point. settings : of all runs. statistics, discard : as of `Job`. keep : whether the results are kept.

    Raises
    ------
    ModelError, LifsimError : the network of a point cannot be simulated; names the point.
    """
    found, codes = CheckedRuns(), set()
    for point in points:
        values = {name: x for name, x in point.items() if name != "seed"}
        try:
            net = source.network(values)
            own = seeds_of(point["seed"], "seed") if "seed" in point else [net.seed] if seeds is None else list(seeds)
            ms = check_duration(net, settings.duration)
            if isinstance(statistics, tuple) and not keep and not any(r.variable == "spikes" for r in net.recordings):
                raise LifsimError("record", "no spikes are recorded", "spikes, or a function for statistics, or the results kept (--keep)")
            needs = _needs(net, own[0], ms, settings, discard)
        except (LifsimError, TypeError) as error:
            raise _at_point(values, error) from None
        found.memory = max(found.memory, needs["bytes"])
        found.seconds += len(own) * (ms / net.dt * (2e-6 + 50e-9 * needs["neurons"] + 1e-9 * needs["synapses"]) + 5e-8 * needs["synapses"])
        cells, behaviour = cells_of(values), behaviour_of(net)
        for seed, structure in zip(own, structures_of(net, own), strict=True):
            identity = _digest([behaviour, seed, ms, settings.precision, settings.weights, settings.method, __version__])
            job = Job(
                source=source,
                values=values,
                seed=seed,
                structure=structure,
                settings=settings,
                statistics=statistics,
                discard=discard,
                key=_digest([identity, cells])[:16],
            )
            found.runs.append(Run(cells, identity, job))
        code = code_of(net, settings.method)
        if code not in codes:
            codes.add(code)
            found.examples.append(found.runs[-1].job)
    return found


def _digest(facts: Any) -> str:
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _needs(net: Network, seed: int, ms: float, settings: SharedSettings, discard: float) -> dict[str, Any]:
    """Check that a network can be simulated; returns what this takes (`lifsim.building.needs.estimate`)."""
    if not discard < ms:
        raise LifsimError("discard", f"{discard:g} ms of {ms:g} ms", "a time below the duration of the runs")
    made = settle(net, seed, settings.threads, settings.precision, settings.weights, settings.method)
    check_populations(net, seed, made.method)
    return made.needs


def _at_point(values: Values, error: Exception) -> LifsimError:
    """The error of a point, with the point."""
    place = f"at {shortened(said(values), _LONGEST)}"
    if not isinstance(error, LifsimError):  # a TypeError of a function that makes networks
        return LifsimError(place, str(error), "arguments that the function takes")
    if isinstance(error, ModelError):
        return ModelError.of(Problem(f"{place}: {p.where}", p.got, p.allowed) for p in error.problems)
    problem = error.problems[0]
    return type(error)(f"{place}: {problem.where}", problem.got, problem.allowed)
