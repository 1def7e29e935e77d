"""Makes a figure of the gallery: runs what is not there yet, draws, and lays the published values beside those of the runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from lifsim.common.errors import DataError
from lifsim.files.outputs import make_folder
from lifsim.gallery.entries import Entry, Panel
from lifsim.gallery.statistics import statistics
from lifsim.modelfile.reader import load
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.simulation.kept_runs import KeptRun, kept_results


@dataclass(frozen=True)
class Compared:
    """Statistics of a population in one run, by the names in `Entry.statistics`, and the published ones."""

    panel: str
    population: str
    here: Mapping[str, float]
    published: Mapping[str, float]


@dataclass(frozen=True)
class Made:
    """What `make` returns: the `figure`, the `results` of each panel, and a row of the comparison for each population of each panel."""

    figure: Path
    results: Mapping[str, Result]
    rows: list[Compared]


def make(
    entry: Entry,
    folder: str | Path,
    duration: float | None = None,
    settings: Mapping[str, Any] | None = None,
    suffix: str = ".png",
    overwrite: bool = False,
    progress: Callable[[str], Any] | None = None,
    width_mm: float | None = None,
    style: str | None = None,
    **options: Any,
) -> Made:
    """Run the models of an entry, draw its figure, and compare.

    A run that is finished in `folder` is used again, and an interrupted one is resumed.

    Parameters
    ----------
    entry : one of `ENTRIES`. folder : folder of the results, PANEL.h5, and of the figure, ENTRY.png.
    duration : biological time of each run, ms; default: those of the entry. The figure shows the last part of it.
    settings : parameters of the models for all runs, such as ``{"order": 250}``.
    suffix : format of the figure: .png, .pdf or .svg.
    overwrite : run again, and replace what is in `folder`.
    progress : called with the name of each panel; returns the `progress` of its run.
    width_mm, style : as for functions of `lifsim.plot`.
    options : further options of `lifsim.run`, such as `threads`.

    Returns
    -------
    The path of the figure, the results, and the statistics beside the published ones.

    Raises
    ------
    DataError : `duration` is not longer than the warm-up, or a parameter is set by the figure. ModelError : there is no such parameter,
        or another run is in `folder`. OutputError : the folder cannot be written.
    """
    from lifsim import plot

    if suffix not in (".png", ".pdf", ".svg"):
        raise DataError("suffix", repr(suffix), ".png, .pdf or .svg")
    longest = max(panel.discard for panel in entry.panels)
    if duration is not None and not duration > longest:
        raise DataError("duration", f"{duration:g} ms", f"more than the warm-up, {longest:g} ms")
    nets = {panel.name: _network(panel, settings or {}) for panel in entry.panels}
    picture = _folder(Path(folder)) / f"{entry.name}{suffix}"
    times = {panel.name: panel.duration if duration is None else duration for panel in entry.panels}
    planned = {name: KeptRun(net, times[name], picture.with_name(f"{name}.h5")) for name, net in nets.items()}
    results = dict(kept_results(planned, overwrite, progress, **options))
    plot.save(_figure(getattr(plot, entry.figure), entry, results)(width_mm=width_mm, style=style, **entry.options), picture)
    return Made(picture, results, [row for panel in entry.panels for row in _compared(entry, panel, results[panel.name])])


def _network(panel: Panel, settings: Mapping[str, Any]) -> Network:
    for name in settings:
        if name in panel.settings:
            got = f"{name} is set by the figure: {panel.settings[name]} in {panel.name}"
            raise DataError("settings", got, f"other parameters; lifsim run {panel.model} takes any")
    return load(panel.model, **settings, **panel.settings)


def _folder(folder: Path) -> Path:
    """Create a folder, and that in which it is."""
    make_folder(folder)
    make_folder(folder / "figure")
    return folder


def _figure(draw: Callable[..., Any], entry: Entry, results: Mapping[str, Result]) -> Callable[..., Any]:
    """The plot function of an entry, with the results and the parts of them that it shows."""
    windows = {panel.title: _window(panel, results[panel.name]) for panel in entry.panels}
    if "windows" in inspect.signature(draw).parameters:
        return partial(draw, {panel.title: results[panel.name] for panel in entry.panels}, windows=windows)
    (panel,) = entry.panels
    start, stop = windows[panel.title]
    return partial(draw, results[panel.name], t_start=start, t_stop=stop)


def _window(panel: Panel, result: Result) -> tuple[float, float]:
    """The part of a run that the figure shows."""
    start = panel.discard if panel.shown is None else max(result.t_stop - panel.shown, 0.0)
    return start, result.t_stop


def _compared(entry: Entry, panel: Panel, result: Result) -> Iterator[Compared]:
    for name in result.spikes:
        published = entry.published.get((panel.name, name), {})
        here = statistics(tuple(dict.fromkeys((*entry.statistics, *published))), result, name, panel.discard)
        yield Compared(panel.name, name, here, published)
