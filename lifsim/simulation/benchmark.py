"""Benchmarks: measures the time that the parts of a simulation take on this computer, and prints a table."""

from __future__ import annotations

import copy
import gc
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, median_low
from typing import Any

from lifsim.common import memory
from lifsim.common.errors import LifsimError
from lifsim.network.network import Network
from lifsim.network.recordings import Recording
from lifsim.results.result import Result
from lifsim.simulation.environment import host, versions
from lifsim.simulation.settings import check_duration
from lifsim.simulation.simulation import Simulation

DEFAULTS = ("brunel", "cuba")  # shipped networks that take seconds
PARTS = ("update", "random numbers", "delivery", "waiting", "recording", "other")


@dataclass(frozen=True)
class MeasuredRun:
    """The measurements of one run.

    build : seconds to build the network, without compiling.
    parts : seconds in each of `PARTS`; they add up to the time from the first step to the finished file.
    spikes, events : number of spikes, and of synaptic events (the synapses of all spikes).
    peak : peak memory, bytes.
    """

    build: float
    parts: dict[str, float]
    spikes: int
    events: int
    peak: int


@dataclass(frozen=True)
class Measured:
    """A network and its runs; `duration` is the biological time of each run, ms."""

    name: str
    neurons: int
    synapses: int
    steps: int
    duration: float
    threads: int
    precision: str
    weights: str
    runs: list[MeasuredRun]

    def factor(self, run: MeasuredRun) -> float:
        """Real-time factor: wall time / biological time."""
        return sum(run.parts.values()) * 1000.0 / self.duration

    @property
    def middle(self) -> MeasuredRun:
        """The run with the median real-time factor; of an even number of runs, the faster of the two in the middle."""
        return next(run for run in self.runs if self.factor(run) == median_low(map(self.factor, self.runs)))

    def per_step(self, run: MeasuredRun) -> float:
        """Time (ns) that one thread takes to update one neuron by one step."""
        return run.parts["update"] * self.threads / (self.neurons * self.steps) * 1e9

    def per_event(self, run: MeasuredRun) -> float | None:
        """Time (ns) that one thread takes to deliver one spike to one synapse; None without synaptic events."""
        return run.parts["delivery"] * self.threads / run.events * 1e9 if run.events else None

    def figures(self) -> dict[str, Any]:
        """All measurements of the network, for JSON."""
        facts = {key: value for key, value in vars(self).items() if key not in ("runs", "duration")}
        middle = {"duration_ms": self.duration, "real_time_factor": self.factor(self.middle)}
        return {**facts, **middle, "runs": [self._figures(run) for run in self.runs]}

    def _figures(self, run: MeasuredRun) -> dict[str, Any]:
        return {
            "real_time_factor": self.factor(run),
            "build_s": run.build,
            "parts_s": run.parts,
            "spikes": run.spikes,
            "events": run.events,
            "ns_per_neuron_step": self.per_step(run),
            "ns_per_event": self.per_event(run),
            "peak_bytes": run.peak,
        }


# -- measuring -----------------------------------------------------------------------------------------


def measure(
    name: str,
    net: Network,
    duration: float | str | None = None,
    *,
    repeats: int = 3,
    threads: int | str = "auto",
    precision: str = "float64",
    weights: str | None = None,
    progress: Callable[[int], Callable[..., None]] | None = None,
) -> Measured:
    """Run `net` for `duration` ms (default: that of the network) `repeats` times, and record all spikes of its neurons to a file.

    The other parameters are those of `lifsim.run`; ``progress(k)`` returns the progress function of run k.
    """
    ms = check_duration(net, duration)
    if not any(p.model.role == "neuron" for p in net.populations.values()):
        raise LifsimError(name, "has no neurons", "a network with at least one neuron")
    net = recording_all_spikes(net)
    settings = {"threads": threads, "precision": precision, "weights": weights}
    runs = [_run(net, ms, settings, progress(k) if progress else None) for k in range(repeats)]
    facts = {key: runs[0][0][key] for key in ("neurons", "synapses", "steps", "duration", "threads")}
    return Measured(name, **facts, precision=precision, weights=weights or precision, runs=[run for _, run in runs])


def _run(net: Network, ms: float, settings: dict[str, Any], progress: Any) -> tuple[dict[str, Any], MeasuredRun]:
    """The metadata of the result of one run, and its measurements."""
    gc.collect()
    memory.forget_peak()
    with (
        tempfile.TemporaryDirectory() as folder,
        Simulation(net, out=Path(folder) / "run.h5", progress=progress, **settings) as simulation,
    ):
        simulation.measure()
        simulation.run(ms)
        result = simulation.result()
        return dict(result.info), _figures(simulation, result, memory.peak())


def recording_all_spikes(net: Network) -> Network:
    """A copy of `net` that records all spikes of its neurons and spike generators, in addition to its other recordings."""
    out = copy.copy(net)
    sending = [p for p in net.populations.values() if p.model.role in ("neuron", "spikes")]
    spikes = [Recording(net.view(p), "spikes", 1.0, 0.0, float("inf")) for p in sending]
    out.recordings = [*spikes, *(r for r in net.recordings if r.variable != "spikes")]
    return out


def _figures(simulation: Simulation, result: Result, peak: int) -> MeasuredRun:
    timings, spent = simulation.timings, simulation.spent()
    parts = {**spent, "recording": timings["record"], "other": max(timings["simulate"] - sum(spent.values()), 0.0)}
    ids = {name: spikes.ids for name, spikes in result.spikes.items()}
    reached = simulation.fan_out()
    events = sum(int(reached[name][fired].sum()) for name, fired in ids.items())
    return MeasuredRun(timings["build"], {part: parts[part] for part in PARTS}, sum(map(len, ids.values())), events, peak)


# -- output --------------------------------------------------------------------------------------------


def table(measured: list[Measured]) -> str:
    """A table with one column per network; the parts are those of the run with the median real-time factor."""
    rows = [("", [m.name for m in measured]), *zip(_LABELS, zip(*map(_column, measured), strict=True), strict=True)]
    label = max(len(name) for name, _ in rows)
    widths = [max(len(cells[i]) for _, cells in rows) for i in range(len(measured))]
    lines = ["  ".join([name.ljust(label), *(c.rjust(w) for c, w in zip(cells, widths, strict=True))]) for name, cells in rows]
    return "\n".join(line.rstrip() for line in lines)


_LABELS = [
    "neurons",
    "synapses",
    "biological time",
    "threads",
    "state, weights",
    "build",
    "real-time factor",
    *(f"  {part}" for part in PARTS),
    "neuron update",
    "synaptic event",
    "peak memory",
]


def _column(m: Measured) -> list[str]:
    run, per_event = m.middle, m.per_event(m.middle)
    whole = sum(run.parts.values())
    return [
        f"{m.neurons:,}",
        f"{m.synapses:,}",
        f"{m.duration:g} ms",
        f"{m.threads}",
        f"{m.precision}, {m.weights}",
        f"{median(r.build for r in m.runs):.3g} s",
        _spread([m.factor(r) for r in m.runs], m.factor(run)),
        *(f"{run.parts[part] * 1000 / m.duration:.3g}  {run.parts[part] / whole:4.0%}" for part in PARTS),
        f"{m.per_step(run):.3g} ns",
        "–" if per_event is None else f"{per_event:.3g} ns",
        memory.said(max(r.peak for r in m.runs)),
    ]


def _spread(values: list[float], middle: float) -> str:
    return f"{middle:.3g}" + (f" ({min(values):.3g}–{max(values):.3g})" if len(values) > 1 else "")


def report(measured: Iterable[Measured]) -> dict[str, Any]:
    """All measurements, with host and versions, for JSON."""
    return {"host": host(), "versions": versions(), "networks": [m.figures() for m in measured]}
