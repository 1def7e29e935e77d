"""Runs a scan: what is done is not run again, and what is finished is stored at once."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lifsim.analysis.population_sums import DEFAULT
from lifsim.common import memory, units
from lifsim.common.errors import LifsimError, OutputError
from lifsim.common.notices import report
from lifsim.common.overview import counted
from lifsim.common.printable import shown
from lifsim.common.version import __version__
from lifsim.files.tables import Cell
from lifsim.modelfile import toml
from lifsim.modelfile.paths import keys_of
from lifsim.network.network import Network
from lifsim.scans.checked import CheckedRuns, Run, checked_runs
from lifsim.scans.crew import ClusterCrew, Crew, LocalCrew, OwnProcess, check_sendable
from lifsim.scans.dispatch import dispatch
from lifsim.scans.function_code import code_digest
from lifsim.scans.job import Job, Outcome, SharedSettings, Statistics
from lifsim.scans.points import cell_of, said
from lifsim.scans.request import Request, scan_entries
from lifsim.scans.scan_folder import POINTS, ScanFolder
from lifsim.scans.scan_progress import ScanProgress
from lifsim.scans.scan_table import ScanTable, table_from
from lifsim.scans.source import ModelSource, Source
from lifsim.scans.structure import behaviour_of
from lifsim.simulation.signals import Stopped, StopRequest, deferred

_MANY = 500  # points whose check takes seconds
_SHARE = 0.9  # of the free memory that the runs may take together
_PROCESS = 2e8  # bytes of a process without its network
_SHORT = 2.0  # seconds: shorter scans are made in this process, as others take longer to start


@dataclass(frozen=True, kw_only=True)
class Scan:
    """A scan.

    Parameters
    ----------
    name : of the model. source : of its networks. request : the points. settings : of the runs.
    statistics : as of `Job`.
    keep : whether the results of each run are kept. jobs : number of runs at a time; None: as many as there are processors and memory.
    scheduler : address of a Dask scheduler, or a client; None: this computer. quiet : no progress.
    """

    name: str
    source: Source
    request: Request
    settings: SharedSettings = field(default_factory=SharedSettings)
    statistics: Statistics | tuple[str, ...] = DEFAULT
    keep: bool = False
    jobs: int | None = None
    scheduler: Any = None
    quiet: bool = False

    def completed(self) -> Scan:
        """This scan with what it leaves open taken from the table ``[scan]`` of its model file."""
        if not isinstance(self.source, ModelSource):
            return self
        folder = Path(self.source.folder) if self.source.folder else None
        table = scan_entries(self.source.text, self.source.place)
        return replace(self, request=self.request.completed(table, folder))

    def check(self) -> CheckedRuns:
        """All runs, checked (LifsimError that names the point)."""
        r = self.request
        values = r.values()
        self._check_names(values)
        if len(values) >= _MANY and not self.quiet:
            report(f"checking {counted(len(values), 'point')} …")
        if callable(self.statistics) and r.discard:
            raise LifsimError(
                "discard", "given with a function for statistics", "a function that chooses its own window: spikes.window(300.0)"
            )
        return checked_runs(self.source, values, r.seeds, self.settings, self.statistics, r.discard or 0.0, self.keep)

    def _check_names(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Check that no scanned parameter is also an option, which would replace it."""
        names = list(dict.fromkeys(name for point in values for name in point))
        if "seed" in names and self.request.seeds is not None:
            raise LifsimError("seed", "is a column of the points, and seeds are given", "one of them")
        if "run.seed" in names:
            raise LifsimError("run.seed", "is scanned", "seeds as such: --seeds 1:3, seeds=[1, 2, 3]")
        for name, given in (("run.duration", self.settings.duration), ("run.method", self.settings.method)):
            if name in names and given is not None:
                raise LifsimError(name, "is scanned, and given for all points", "one of them")

    def about(self, checked: CheckedRuns, before: Mapping[str, Any]) -> dict[str, Any]:
        """What scan.json says; `before` is what it said."""
        names = list(dict.fromkeys([*before.get("parameters", []), *(name for run in checked.runs for name in run.cells)]))
        statistics: Any = self.statistics
        return {
            "name": self.name,
            "lifsim": __version__,
            "settings": {**vars(self.settings), "discard": self.request.discard or 0.0},
            "statistics": ", ".join(statistics) if isinstance(statistics, tuple) else getattr(statistics, "__qualname__", repr(statistics)),
            "function": "" if isinstance(statistics, tuple) else code_digest(statistics),
            "model": behaviour_of(self.source.network({})) if isinstance(self.source, ModelSource) else "",
            "parameters": names,
            "defaults": self._defaults(names),
            "units": before.get("units", {}) | self._units(names),
        }

    def _defaults(self, names: Sequence[str]) -> dict[str, Cell]:
        """The values in the model file of scanned parameters: runs that did not set them had these."""
        if not isinstance(self.source, ModelSource):
            return {}
        known = {**self.source.network({}).parameters}
        document = toml.parsed(self.source.text, self.source.place)
        found = {name: known[name] if name in known else _entry(document, name) for name in names}
        cells = {name: cell_of(x) for name, x in found.items() if x is not None and not (isinstance(x, str) and x.startswith("="))}
        return {name: int(x) if isinstance(x, float) and x.is_integer() else x for name, x in cells.items()}

    def _units(self, names: Sequence[str]) -> dict[str, str]:
        """The units of scanned parameters, by name, as far as they are known."""
        if not isinstance(self.source, ModelSource):
            return {}
        document, net = toml.parsed(self.source.text, self.source.place), self.source.network({})
        found = {name: _unit(name, document, net) for name in names}
        return {name: unit for name, unit in found.items() if unit}


def _unit(name: str, document: Mapping[str, Any], net: Network) -> str:
    """The coherent unit of a parameter of the file, or of a model; "" if it has none."""
    keys = keys_of(name)
    if len(keys) == 4 and keys[0] == "populations" and keys[1] in net.populations:
        model = net.populations[keys[1]].model
        return next((p.unit for p in (*model.parameters, *model.states) if p.name == keys[3]), "")
    raw = document.get("parameters", {}).get(name)
    if name in ("run.dt", "run.duration"):
        return "ms"
    return units.coherent(units.split(raw)[1]) or "" if isinstance(raw, str) and units.looks_like_quantity(raw) else ""


def _entry(document: Any, path: str) -> Any:
    for key in keys_of(path):
        if isinstance(document, list) and key.isdecimal() and int(key) < len(document):
            document = document[int(key)]
        elif isinstance(document, Mapping) and key in document:
            document = document[key]
        else:
            return None
    return document


# -- the same scan ---------------------------------------------------------------------------------


def refuse_another(folder: ScanFolder, about: Mapping[str, Any]) -> None:
    """Check that the runs in a folder are of the same model with the same settings (OutputError with the first difference).

    Other statistics do not matter if all runs failed, such as those of a function with a mistake: there are none with which to mix them.
    """
    before = folder.about
    ways = "another folder, or --overwrite (overwrite=True) to start anew"
    if not folder.rows:
        return
    right = any(not row["error"] for row in folder.rows.values())
    for key, what in (("lifsim", "another version,"), *([("statistics", "other statistics:")] if right else [])):
        if before[key] != about[key]:
            raise OutputError(str(folder.path), f"holds a scan with {what} {before[key]}, not {about[key]}", ways)
    if right and before["function"] != about["function"]:
        got = f"holds a scan with another function for statistics, also named {about['statistics']} (or compiled by another Python)"
        raise OutputError(str(folder.path), got, ways)
    taken = sorted({name for row in folder.rows.values() for name in row["statistics"]} & set(about["parameters"]))
    if taken:
        raise OutputError(str(folder.path), f"holds a statistic {taken[0]}, which is now also a scanned parameter", ways)
    for key, x in about["settings"].items():
        if before["settings"].get(key) != x and key != "threads":
            raise OutputError(str(folder.path), f"holds a scan with {key} {before['settings'].get(key)}, not {x}", ways)
    if before["model"] != about["model"]:
        raise OutputError(str(folder.path), f"holds a scan of {before['name']} with other values or synapses: the model was changed", ways)


class DoneRuns:
    """The runs of a folder that need not be made again.

    folder : the folder. about : its "defaults" are the values of parameters that a run did not set; "parameters" the names of all.
    keep : only with their files.
    """

    def __init__(self, folder: ScanFolder, about: Mapping[str, Any], keep: bool) -> None:
        self._defaults, self._names = about["defaults"], about["parameters"]
        right = [row for row in folder.rows.values() if not row["error"]]
        self._right = {self._place(row["values"], row["seed"]) for row in right}
        if keep:
            right = [row for row in right if row["file"] and (folder.path / row["file"]).is_file()]
        self._by_place = {self._place(row["values"], row["seed"]): row for row in right}
        self._by_identity = {row["run"]: row for row in right}
        self._path = folder.path

    def _place(self, cells: Mapping[str, Any], seed: int) -> str:
        full = {**self._defaults, **cells}
        return json.dumps([*(full.get(name) for name in self._names), seed])

    def has(self, run: Run) -> bool:
        """Whether this run is done (OutputError if one of another network is)."""
        row = self._by_place.get(self._place(run.cells, run.job.seed))
        if row is not None and row["run"] != run.identity:
            got = f"holds a run at {said(run.cells, run.job.seed)} of another network: the model was changed"
            raise OutputError(str(self._path), got, "another folder, or --overwrite (overwrite=True) to start anew")
        return row is not None

    def has_statistics(self, run: Run) -> bool:
        """Whether this run did not fail before, even if its file is gone: then its statistics remain if it fails now."""
        return self._place(run.cells, run.job.seed) in self._right

    def like(self, run: Run) -> dict[str, Any] | None:
        """The row of a run with the same spikes at other values, such as those of a parameter that the model does not use."""
        return self._by_identity.get(run.identity)


# -- running ---------------------------------------------------------------------------------------


def run_scan(scan: Scan, folder: ScanFolder | None) -> ScanTable:
    """Make the runs of a scan that are not done; returns the table of all.

    Parameters
    ----------
    scan : the scan. folder : where it is stored; None: only in the table that is returned.

    Raises
    ------
    LifsimError : a point is wrong; nothing was run. OutputError : another scan is in the folder.
    Stopped : a signal such as Ctrl-C; what is done is stored.
    """
    checked = scan.check()
    about = scan.about(checked, folder.about if folder and folder.rows else {})
    rows: dict[str, dict[str, Any]] = {}

    def store(run: Run, row: dict[str, Any]) -> None:
        if folder is None:
            rows[run.job.key] = row
        elif not (row["error"] and done.has_statistics(run)):
            folder.add(run.job.key, row)

    todo = checked.runs
    if folder is not None:
        refuse_another(folder, about)
        done = DoneRuns(folder, about, scan.keep)
        todo = [run for run in checked.runs if not done.has(run)]
        folder.begin(about)
        for run in todo:
            if (row := done.like(run)) is not None:
                store(run, {**row, "values": run.cells})
        todo = [run for run in todo if done.like(run) is None]
    try:
        _make(scan, checked, todo, folder, store)
    finally:
        table = folder.write_tables(_has_parquet()) if folder else table_from(list(rows.values()), about)
    return table


def _make(
    scan: Scan, checked: CheckedRuns, todo: Sequence[Run], folder: ScanFolder | None, store: Callable[[Run, dict[str, Any]], None]
) -> None:
    """Make the runs `todo`; `store` is called with each and its row (LifsimError if the statistics cannot be stored)."""
    if not todo:
        return
    if folder is not None and scan.keep:
        (folder.path / POINTS).mkdir(exist_ok=True)
        todo = [replace(run, job=replace(run.job, keep=str(folder.kept(run.job.key).absolute()))) for run in todo]
    by_key = {run.job.key: run for run in todo}
    progress, warned = ScanProgress(scan.name, len(checked.runs), len(checked.runs) - len(todo), scan.quiet), set()

    def done(job: Job, outcome: Outcome) -> None:
        if outcome.unusable:
            raise LifsimError(outcome.error)
        store(by_key[job.key], _row(by_key[job.key], outcome))
        for text in outcome.warnings:
            if text not in warned:
                warned.add(text)
                progress.say(f"warning: at {said(job.values)}: {text}")
        if outcome.error:
            progress.say(f"failed at {said(job.values, job.seed)}: {outcome.error}")
        progress.add(bool(outcome.error))

    crew = _crew(scan, checked, len(todo))
    if not isinstance(crew, OwnProcess):
        check_sendable(todo[0].job)
    asked, clean = StopRequest(), False
    try:
        with deferred() as asked:
            dispatch([run.job for run in todo], checked.examples, crew, done, asked, progress.say)
            clean = asked.number is None
    except Stopped as stopped:
        asked.number = stopped.number
    finally:
        crew.close(kill=not clean)
        progress.close()
    if asked.number is not None:
        left = len(checked.runs) - progress.count
        kept = f"{progress.count} of {len(checked.runs)} runs are done and kept; the same command makes the other {left}"
        raise Stopped(asked.number, kept if folder is not None else "nothing is kept without a folder (out)")


def _row(run: Run, outcome: Outcome) -> dict[str, Any]:
    file = f"{POINTS}/{run.job.key}.h5" if run.job.keep and not outcome.error else None
    return {
        "values": run.cells,
        "seed": run.job.seed,
        "run": run.identity,
        "statistics": outcome.statistics,
        "wall_s": round(outcome.wall_s, 6),
        "digest": outcome.digest or None,
        "file": file,
        "error": outcome.error or None,
        "built": outcome.built,
        "spent": {part: round(seconds, 6) for part, seconds in outcome.spent.items()},
    }


def _crew(scan: Scan, checked: CheckedRuns, n: int) -> Crew:
    """The workers: as many as are asked for, or as processors and memory allow, and no more than there are runs."""
    if scan.jobs is not None and (not isinstance(scan.jobs, int) or isinstance(scan.jobs, bool) or scan.jobs < 1):
        raise LifsimError("jobs", shown(scan.jobs), "a whole number from 1 on")
    if scan.scheduler is not None:
        return ClusterCrew(scan.scheduler, scan.jobs)
    jobs = scan.jobs
    if jobs is None and isinstance(scan.statistics, tuple) and checked.seconds * n / len(checked.runs) < _SHORT:
        jobs = 1
    if jobs is None:
        import loky

        jobs = min(loky.cpu_count() // scan.settings.threads, int(_SHARE * memory.available() / (checked.memory + _PROCESS)))
    jobs = max(1, min(jobs, n))
    return OwnProcess() if jobs == 1 else LocalCrew(jobs)


def _has_parquet() -> bool:
    return importlib.util.find_spec("pyarrow") is not None
