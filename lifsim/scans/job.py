"""One run of a scan, as a worker process makes it: what it takes, and what comes back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lifsim import analysis
from lifsim.analysis.population_sums import DEFAULT
from lifsim.common.errors import LifsimError, OutputError, RunError
from lifsim.common.printable import one_line, shown
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.scans.kept_network import KeptNetwork, own_network
from lifsim.scans.points import Values
from lifsim.scans.scan_table import LAST
from lifsim.scans.source import Source
from lifsim.simulation.settings import settle
from lifsim.simulation.simulation import Simulation
from lifsim.simulation.warmup import warm_up

Statistics = Callable[[Result], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SharedSettings:
    """The settings that all runs of a scan share: `duration` (ms; None: that of the model), and the options of `lifsim.run`."""

    duration: float | None = None
    threads: int = 1
    precision: str = "float64"
    weights: str | None = None
    method: str | None = None

    def options(self) -> dict[str, Any]:
        """The options of a `Simulation`."""
        return {name: getattr(self, name) for name in ("threads", "precision", "weights", "method")}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run of a scan.

    Parameters
    ----------
    source, values, seed : the network: where it comes from, the values of the scanned parameters, and the seed.
    structure : runs for which it is equal can use the same built network (`structure_of`).
    settings : of the run. discard : the statistics leave out so many ms at the beginning.
    statistics : a function of the result, or the `names` of `lifsim.analysis.statistics`. keep : the HDF5 file to write; None: none.
    key : what the run is stored under.
    """

    source: Source
    values: Values
    seed: int
    structure: str
    settings: SharedSettings
    discard: float = 0.0
    statistics: Statistics | tuple[str, ...] = DEFAULT
    keep: str | None = None
    key: str = ""


@dataclass
class Outcome:
    """What came of a run.

    Parameters
    ----------
    statistics : numbers by name, such as "exc.rate"; None is undefined. digest : of the spikes (`spike_digest`).
    error : why the run failed, "" if it did not. unusable : whether no run of the scan can succeed for the same reason.
    warnings : of the run.
    wall_s : seconds that the run took altogether. built : whether a network was built for it, not only given other values.
    spent : of `wall_s`, the seconds to "build", "compile", "simulate" and "record", for the "statistics" (and the digest), and to
        "write" the kept file.
    """

    statistics: dict[str, Any] = field(default_factory=dict)
    digest: str = ""
    error: str = ""
    unusable: bool = False
    warnings: list[str] = field(default_factory=list)
    wall_s: float = 0.0
    built: bool = False
    spent: dict[str, float] = field(default_factory=dict)


class TakenName(LifsimError):
    """A function for statistics names one like another column of the table; the parameters are those of `LifsimError`."""


def run_job(job: Job) -> Outcome:
    """Make a run. Errors, of the model or of the function for statistics, are part of the outcome."""
    kept = own_network()
    with kept.busy:
        return _outcome(job, kept)


def _outcome(job: Job, kept: KeptNetwork) -> Outcome:
    outcome, start = Outcome(), time.perf_counter()
    try:
        _run(job, kept, outcome)
    except (LifsimError, RunError) as error:
        outcome.error, outcome.unusable = one_line(str(error).replace("\n", "; ")), isinstance(error, TakenName)
    except MemoryError as error:
        outcome.error = f"not enough memory ({error})" if str(error) else "not enough memory"
    except Exception as error:  # of a function for statistics, or a mistake of lifsim
        outcome.error = one_line(f"{type(error).__name__}: {error}")
    finally:
        if outcome.error:
            kept.close()
    outcome.wall_s = time.perf_counter() - start
    return outcome


def prepare(jobs: Sequence[Job]) -> None:
    """Compile the code that these runs need, so that other processes find it in the cache."""
    for job in jobs:
        choices = [(job.settings.precision, job.settings.weights)]
        with suppress(OutputError, RunError):  # compiled code cannot be stored: every process compiles its own
            list(warm_up([(job.key, job.source.network(job.values))], choices))


def spike_digest(result: Result) -> str:
    """A digest of all recorded spikes: equal if, and only if, populations, times and neurons are.

    Parameters
    ----------
    result : the result of a run, such as `lifsim.run` and `lifsim.open` return.

    Returns
    -------
    The first 32 hexadecimal digits of the SHA-256 of, for each population in alphabetical order, its name (UTF-8, ended by a zero byte),
    the number of spikes (int64), their times in ms (float64) and their neurons (int64), all little-endian.
    """
    digest = hashlib.sha256()
    for name in sorted(result.spikes):
        spikes = result.spikes[name]
        digest.update(name.encode() + b"\0" + np.int64(len(spikes.times)).astype("<i8").tobytes())
        digest.update(np.ascontiguousarray(spikes.times, "<f8").data)
        digest.update(np.ascontiguousarray(spikes.ids, "<i8").data)
    return digest.hexdigest()[:32]


def _run(job: Job, kept: KeptNetwork, outcome: Outcome) -> None:
    net = job.source.network(job.values)
    kept.warnings = outcome.warnings
    simulation = _given_values(net, job, kept, outcome) or _built(net, job, kept, outcome)
    before = dict(simulation.timings) if not outcome.built else dict.fromkeys(simulation.timings, 0.0)
    simulation.run(job.settings.duration)
    result = simulation.result()
    start = time.perf_counter()
    outcome.statistics = _numbers(job, result)
    outcome.digest = spike_digest(result)
    outcome.spent = {part: seconds - before[part] for part, seconds in simulation.timings.items()}
    outcome.spent["statistics"] = time.perf_counter() - start
    if job.keep:
        start = time.perf_counter()
        result.save(Path(job.keep), overwrite=True)
        outcome.spent["write"] = time.perf_counter() - start


def _given_values(net: Network, job: Job, kept: KeptNetwork, outcome: Outcome) -> Simulation | None:
    """The network that this thread keeps built, with the values of this run; None if it must be built."""
    simulation = kept.of((job.structure, job.settings))
    if simulation is None:
        return None
    simulation.take_values(net)
    simulation.reset(seed=job.seed)
    outcome.warnings += settle(net, job.seed, **job.settings.options()).warnings  # only a new simulation gives them by itself
    return simulation


def _built(net: Network, job: Job, kept: KeptNetwork, outcome: Outcome) -> Simulation:
    kept.close()  # first, so that there is memory for one network only
    outcome.built = True

    def note(event: str, **facts: Any) -> None:
        if event == "warning":
            kept.warnings.append(str(facts["text"]))

    simulation = Simulation(net, seed=job.seed, progress=note, **job.settings.options())
    kept.keep((job.structure, job.settings), simulation)
    return simulation


def _numbers(job: Job, result: Result) -> dict[str, Any]:
    """The statistics of a result, without tables inside each other: {"exc": {"rate": 5.0}} gives "exc.rate"."""
    if isinstance(job.statistics, tuple):
        found: Any = analysis.statistics(result, discard=job.discard, names=job.statistics)
    else:
        found = job.statistics(result)
    if not isinstance(found, Mapping):
        raise LifsimError("statistics", f"the function returned {shown(found)}", "a function that returns numbers by name, as a dict")
    numbers = dict(_flat("", found))
    for name in numbers:
        if name in job.values or name in ("seed", *LAST):
            what = "a scanned parameter" if name in job.values else "a column of the table"
            raise TakenName(f"statistics, {name}", f"has the name of {what}", "another name for this statistic")
    return numbers


def _flat(place: str, found: Mapping[str, Any]) -> Any:
    for key, x in found.items():
        name = f"{place}.{key}" if place else str(key)
        x = x.item() if isinstance(x, (np.generic, np.ndarray)) and np.size(x) == 1 else x
        if isinstance(x, Mapping):
            yield from _flat(name, x)
        elif x is None or isinstance(x, (bool, int, float, str)):
            yield name, None if isinstance(x, float) and x != x else x
        else:
            raise LifsimError(f"statistics, {name}", shown(x), "a number")
