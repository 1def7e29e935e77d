"""Makes a figure of the gallery: runs what is not there yet, draws, and lays the published values beside those of the runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lifsim import analysis
from lifsim.common.errors import DataError
from lifsim.files.outputs import make_folder
from lifsim.gallery.entries import Entry, Panel
from lifsim.modelfile.reader import load
from lifsim.network.network import Network
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes
from lifsim.simulation.kept_runs import KeptRun, kept_results

_RESOLUTION, _LOWEST = 2.0, 5.0  # Hz, of spectra whose peak is compared


@dataclass(frozen=True)
class Compared:
    """Statistics of a population in one run, and the published ones, by their names in `Entry.published`."""

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
    settings : parameters of the model for all runs, such as ``{"order": 250}``.
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
    if duration is not None and not duration > entry.discard:
        raise DataError("duration", f"{duration:g} ms", f"more than the warm-up, {entry.discard:g} ms")
    nets = {panel.name: _network(entry, panel, settings or {}) for panel in entry.panels}
    picture = _folder(Path(folder)) / f"{entry.name}{suffix}"
    times = {panel.name: panel.duration if duration is None else duration for panel in entry.panels}
    planned = {name: KeptRun(net, times[name], picture.with_name(f"{name}.h5")) for name, net in nets.items()}
    results = dict(kept_results(planned, overwrite, progress, **options))
    windows = {panel.title: _window(entry, panel, results[panel.name]) for panel in entry.panels}
    named = {panel.title: results[panel.name] for panel in entry.panels}
    figure = getattr(plot, entry.figure)
    if len(entry.panels) > 1:
        made = figure(named, windows=windows, width_mm=width_mm, style=style, **entry.options)
    else:
        ((title, result),) = named.items()
        start, stop = windows[title]
        made = figure(result, t_start=start, t_stop=stop, width_mm=width_mm, style=style, **entry.options)
    plot.save(made, picture)
    return Made(picture, results, [row for panel in entry.panels for row in _compared(entry, panel, results[panel.name])])


def _network(entry: Entry, panel: Panel, settings: Mapping[str, Any]) -> Network:
    for name in settings:
        if name in panel.settings:
            got = f"{name} is set by the figure: {panel.settings[name]:g} in {panel.name}"
            raise DataError("settings", got, f"other parameters; lifsim run {entry.model} takes any")
    return load(entry.model, **settings, **panel.settings)


def _folder(folder: Path) -> Path:
    """Create a folder, and that in which it is."""
    make_folder(folder)
    make_folder(folder / "figure")
    return folder


def _window(entry: Entry, panel: Panel, result: Result) -> tuple[float, float]:
    """The part of a run that the figure shows."""
    start = entry.discard if panel.shown is None else max(result.t_stop - panel.shown, 0.0)
    return start, result.t_stop


def _compared(entry: Entry, panel: Panel, result: Result) -> Iterator[Compared]:
    for name, spikes in result.spikes.items():
        window = spikes.window(entry.discard)
        published = entry.published.get((panel.name, name), {})
        yield Compared(panel.name, name, _statistics(window, "peak" in published), published)


def _statistics(spikes: Spikes, with_peak: bool) -> dict[str, float]:
    rates, cv = analysis.rates(spikes), analysis.cv_isi(spikes)
    found = {"rate": float(rates.mean()) if len(rates) else 0.0, "cv": float(np.nanmean(cv)) if len(cv) else float("nan")}
    if with_peak and spikes.t_stop - spikes.t_start >= 1000.0 / _RESOLUTION:
        frequencies, power = analysis.power_spectrum(spikes, resolution=_RESOLUTION)
        found["peak"] = analysis.oscillation_peak(frequencies, power, lowest=_LOWEST).frequency
    return found
