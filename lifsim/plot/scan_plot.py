"""Plots of scans: curves for one parameter, maps for two, small multiples of maps for three."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot.house import pictured
from lifsim.plot.palette import colours
from lifsim.plot.scan_axes import ScanAxis, scan_axis, shown_name
from lifsim.plot.scan_maps import Field, draw_maps
from lifsim.plot.scan_traces import draw_potentials, potentials_of
from lifsim.plot.style import (
    add_legend,
    is_narrow,
    label_axis,
    new_figure,
    one_panel,
    page_width,
    panels_beside,
    short_label,
    tidy_axes,
    write_note,
)
from lifsim.plot.typefaces import fit_fonts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class ScannedTable(Protocol):
        """What is drawn: a `lifsim.scans.ScanTable`."""

        columns: dict[str, list[Any]]
        units: dict[str, str]
        folder: Path | None

        @property
        def parameters(self) -> tuple[str, ...]:
            """Names of the scanned parameters."""

        @property
        def statistics(self) -> tuple[str, ...]:
            """Names of the columns with statistics."""

        def summary(self, level: float = 0.95) -> dict[str, list[Any]]:
            """Means and confidence intervals over seeds."""


LABELS = {
    "rate": "rate (1/s)",
    "rate_sd": "standard deviation of rates (1/s)",
    "cv_isi": "CV of ISI",
    "cv2": "CV2 of ISI",
    "fano": "Fano factor (population)",
    "peak_frequency": "peak frequency (Hz)",
}
_MANY = 12  # more panels than this are too small


class Curve(NamedTuple):
    """A statistic of one population: its name, the column of the table, its colour."""

    label: str
    column: str
    colour: str


@pictured
def scan(table: ScannedTable, statistic: str = "rate", populations: Sequence[str] | str | None = None, ax: Axes | None = None) -> Figure:
    """A statistic of a scan over the scanned parameters; means over the seeds.

    One parameter: a curve for each population, with the 95 % confidence band over the seeds; if the results were kept and the potentials of
    few neurons were recorded, also the potential of the first one at up to five values. Two: a map with contours for each population.
    Three: a map for each value of the third parameter. Parameters that have the same value in all runs are left out.

    Parameters
    ----------
    table : the scan, as `lifsim.scan` and `lifsim.scans.read_scan` return it.
    statistic : name of the statistic, such as "rate", "cv_isi" or "fano"; or of a column of the table.
    populations : name or names of the populations; default: all, with three parameters the first.
    ax : axes for the curves over one parameter, or for the map of one population over two; default: a new figure.
    width_mm, style

    Returns
    -------
    The figure, which `lifsim.plot.save` writes to a file.

    Raises
    ------
    DataError : there is no such statistic or population, or more than three parameters vary.
    """
    curves = _curves(table, statistic, populations)
    summary = table.summary()
    axes = [scan_axis(name, summary[name], table.units.get(name, "")) for name in table.parameters]
    varied = [axis for axis in axes if len(axis.ticks) > 1]
    if not varied:
        raise DataError("scan", "holds only one point", "at least two values of a parameter")
    if len(varied) > 3:
        got = f"{len(varied)} parameters vary: {', '.join(axis.name for axis in varied)}"
        raise DataError("scan", got, "at most three; choose one value of the others (--where NAME=VALUE, table.only(name, value))")
    fixed = [f"{shown_name(axis.name)} = {axis.ticks[0]}" for axis in axes if len(axis.ticks) == 1]
    note = ", ".join([*fixed, _seeds(summary)])
    label = label_axis(LABELS.get(statistic, statistic.replace("_", " ")))
    if len(varied) == 1:
        kept = _kept(table, varied[0].name) if ax is None else []
        return _draw_curves(ax, varied[0], summary, curves, (label, note), kept)
    chosen = curves if len(varied) == 2 or populations is not None else curves[:1]
    fields = [Field(one.label, np.array(summary[f"{one.column}.mean"], float), one.colour) for one in chosen]
    panels = len(fields) * (len(varied[2].ticks) if len(varied) == 3 else 1)
    if panels > _MANY:
        raise DataError(
            "scan", f"{panels} maps", f"at most {_MANY}; choose a population, or one value of a parameter (--where, table.only)"
        )
    return draw_maps(ax, varied, fields, label, note)


def _curves(table: ScannedTable, statistic: str, populations: Sequence[str] | str | None) -> list[Curve]:
    """The columns that hold `statistic`: one for each population, or one that is called so."""
    if statistic in table.statistics:
        return [Curve(statistic, statistic, colours([""])[0])]
    found = {name.rpartition(".")[0]: name for name in table.statistics if name.rpartition(".")[2] == statistic}
    if not found:
        known = dict.fromkeys(name.rpartition(".")[2] for name in table.statistics)
        raise DataError("statistic", f"there is no {statistic!r}", did_you_mean(statistic, known))
    wanted = list(found) if populations is None else [populations] if isinstance(populations, str) else list(populations)
    for name in wanted:
        if name not in found:
            raise DataError("population", f"there is no population {name!r}", did_you_mean(name, found))
    shades = dict(zip(found, colours(list(found)), strict=True))
    return [Curve(name, found[name], shades[name]) for name in wanted]


def _kept(table: ScannedTable, parameter: str) -> list[tuple[float, Path]]:
    """Place on the axis and file of the results of the first seed, in the order of the parameter; empty if they were not kept."""
    seeds, files = table.columns["seed"], table.columns["file"]
    rows = [k for k, seed in enumerate(seeds) if seed == min(seeds) and files[k] is not None]
    at = scan_axis(parameter, table.columns[parameter]).at
    return sorted((float(at[k]), table.folder / files[k]) for k in rows if (table.folder / files[k]).exists()) if table.folder else []


def _seeds(summary: Mapping[str, list[Any]]) -> str:
    fewest, most = min(summary["seeds"]), max(summary["seeds"])
    return f"mean of {most if fewest == most else f'{fewest} to {most}'} seeds" if most > 1 else "one seed"


def _draw_curves(
    ax: Axes | None,
    axis: ScanAxis,
    summary: Mapping[str, list[Any]],
    curves: Sequence[Curve],
    texts: tuple[str, str],
    kept: Sequence[tuple[float, Path]],
) -> Figure:
    """Curves through the means, with bands of confidence; beside them potentials of `kept` results. `texts` : axis label and note."""
    found = potentials_of(kept) if kept else []
    label, note = texts
    if ax is None and found:
        ax, beside = panels_beside(2.4 if is_narrow() else 0.4 * page_width(), 1, 1.3)
        draw_potentials(beside, axis, found)
    elif ax is None:
        ax = one_panel(2.4 if is_narrow() else 0.42 * page_width(), 0.65)
    order = np.argsort(axis.at, kind="stable")
    x, bands = axis.at[order], False
    for one in curves:
        mean, low, high = (np.array(summary[f"{one.column}.{end}"], float)[order] for end in ("mean", "low", "high"))
        ax.plot(x, mean, "o-", color=one.colour, lw=1.2, ms=3, label=short_label(one.label))
        if np.isfinite(low).any():
            ax.fill_between(x, low, high, color=one.colour, alpha=0.2, lw=0)
            bands = True
    axis.apply(ax, "x")
    ax.set_ylabel(label)
    tidy_axes(ax)
    axis.label_ticks(ax, "x")
    write_note(ax, f"{note}, band: 95 % confidence" if bands else note)
    if found and len(curves) == 1:
        write_note(ax, f"{short_label(curves[0].label)}, {note}")
    elif len(curves) > 1 or curves[0].label != curves[0].column:
        add_legend(ax, max(len(curves), 2))
    fit_fonts(ax)
    return new_figure(ax)
