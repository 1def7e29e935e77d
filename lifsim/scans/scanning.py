"""`lifsim.scan`: parameters of a network are varied, and a table says what each run gave."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from lifsim.analysis.population_sums import DEFAULT
from lifsim.analysis.summary import chosen_names
from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.scans.job import SharedSettings
from lifsim.scans.points import seeds_of
from lifsim.scans.request import Request, axes_of, discard_of
from lifsim.scans.running import Scan, run_scan
from lifsim.scans.scan_folder import ScanFolder
from lifsim.scans.scan_table import ScanTable
from lifsim.scans.source import FunctionSource, model_source, network_source


def scan(
    net: str | Path | Network | Callable[..., Network],
    grid: Mapping[str, Any] | None = None,
    seeds: Iterable[int] | int | str | None = None,
    statistics: Callable[[Result], Mapping[str, Any]] | str | Iterable[str] | None = None,
    *,
    duration: float | str | None = None,
    discard: float | str | None = None,
    points: str | Path | None = None,
    samples: int | None = None,
    random_seed: int | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    keep: bool = False,
    jobs: int | None = None,
    scheduler: Any = None,
    threads: int = 1,
    precision: str = "float64",
    weights: str | None = None,
    method: str | None = None,
    progress: bool = True,
) -> ScanTable:
    """Run a network with many values of its parameters, side by side, and tabulate statistics of each run.

    The spikes of each run are those of `lifsim.run` with the same values and seed, bit for bit. All points are checked before the first
    run. A run that fails is in the table with its error.

    Parameters
    ----------
    net : a model file or the name of a shipped model ("brunel"); a network; or a function that takes the scanned parameters as keywords
        and returns a network.
    grid : the values of each scanned parameter, by name: {"g": [4.0, 5.0], "eta": "0.5:4:0.5"}. Names are declared parameters of the
        model file, or paths such as "populations.exc.params.tau_m". Values are a list or array, or a text: "3:8:0.5" (start:stop:step,
        with the end), "3,4,5", "log:5:50:8" (8 values in equal ratios); with `samples` also the interval "3:8" or "log:3:8", from which
        values are drawn. Default: the grid in the table ``[scan]`` of the model file.
    seeds : the seeds with which each point is run: a list, "1:3", or one seed (default: that of the model).
    statistics : a function that takes a `Result` and returns numbers by name, which may be in dicts inside each other; or names of
        statistics of each population, as of `lifsim.analysis.statistics`, or "all" (default: "rate", "cv", "fano", "correlation"). A
        column has a name such as "exc.rate".
    duration : biological time of each run, in ms or as a text such as "1 s" (default: that of the model).
    discard : the statistics leave out so much time at the beginning, in ms or as a text (default: 0); not with a function.
    points : a table (CSV, Parquet, JSON) with a point in each row, in place of `grid`; a column "seed" gives the seed of each.
    samples, random_seed : number of points at which parameters given as intervals are drawn, and the seed of these (default: 1).
    out : folder of the scan. What is there already of this scan is not run again, also when more points or seeds are added (default:
        none; the table is only returned).
    overwrite : start anew in `out`. keep : also keep the HDF5 file of each run there.
    jobs : number of runs at a time (default: the number of processors, as far as the memory allows; with 1, everything happens in this
        process). scheduler : address of a scheduler of dask.distributed, or its client, whose workers make the runs.
    threads, precision, weights, method : as of `lifsim.run`.
    progress : show how many runs are done, and the time left.

    Returns
    -------
    The table, a row for each run; with `out`, a row for each run in that folder.

    Raises
    ------
    LifsimError : an argument is wrong. ModelError : the network of a point is not valid; the message names the point.
    OutputError : another scan is in `out`, or is using it. Stopped : a signal such as Ctrl-C; with `out`, calling again goes on.

    Examples
    --------
    >>> table = scan("single_neuron", {"tau_m": [5.0, 10.0, 20.0]}, jobs=1, progress=False)
    >>> table["neuron.spikes"]
    array([0., 5., 7.])
    """
    if scheduler is None and not isinstance(threads, int):
        raise LifsimError("threads", shown(threads), "a whole number from 1 on")
    if not isinstance(points, (str, Path, type(None))):
        raise LifsimError("points", shown(points), "the path of a table of points")
    request = Request(
        axes=() if grid is None else axes_of(grid),
        points=None if points is None else Path(points),
        samples=samples,
        random_seed=random_seed,
        seeds=None if seeds is None else tuple(seeds_of(seeds)),
        discard=None if discard is None else discard_of(discard),
    )
    ms = None if duration is None else discard_of(duration, "duration")
    settings = SharedSettings(duration=ms, threads=threads, precision=precision, weights=weights, method=method)
    common: dict[str, Any] = {"request": request, "settings": settings, "statistics": _statistics(statistics), "keep": keep}
    common |= {"jobs": jobs, "scheduler": scheduler, "quiet": not progress}
    if keep and out is None:
        raise LifsimError("keep", "given without out", "out, the folder in which the results are kept")
    if isinstance(net, (str, Path)):
        return in_folder(Scan(name=Path(net).stem, source=model_source(net, {}, {}), **common), out, overwrite)
    if isinstance(net, Network):
        with tempfile.TemporaryDirectory(prefix="lifsim-") as folder:
            return in_folder(Scan(name=net.name, source=network_source(net, Path(folder)), **common), out, overwrite)
    if callable(net):
        name = getattr(net, "__name__", "scan")
        return in_folder(Scan(name=name, source=FunctionSource(net), **common), out, overwrite)
    raise LifsimError("net", shown(net), "a model file, a Network, or a function that returns one")


def _statistics(given: Any) -> Any:
    if given is None or callable(given):
        return given or DEFAULT
    if not isinstance(given, Iterable):
        raise LifsimError("statistics", shown(given), "a function of a result that returns numbers by name, or names of statistics")
    return tuple(chosen_names(given, "statistics"))


def in_folder(scan: Scan, out: str | Path | None, overwrite: bool) -> ScanTable:
    """Run a scan, in the folder `out` if it is given; see `scan`."""
    scan = scan.completed()
    if out is None:
        return run_scan(scan, None)
    folder = ScanFolder(out, overwrite)
    try:
        return run_scan(scan, folder)
    finally:
        folder.close()
