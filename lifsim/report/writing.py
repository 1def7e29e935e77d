"""Writes the report of a result: one HTML page that needs no other file and no network."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from lifsim import analysis
from lifsim.common.content_policy import content_policy
from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.printable import one_line, shown
from lifsim.common.text import storable
from lifsim.files import disk
from lifsim.files.outputs import check_output, make_folder
from lifsim.plot.selection import result_of
from lifsim.report.blocks import PageBlocks
from lifsim.report.explorer_part import explorer_part
from lifsim.report.figures_part import figures_part
from lifsim.report.markup import element, html
from lifsim.report.model_part import model_part
from lifsim.report.provenance_part import provenance_part
from lifsim.report.statistics_part import statistics_part
from lifsim.results.result import Result

_SCRIPTS = ("uplot.min.js", "blocks.js", "trains.js", "view.js", "colours.js", "raster.js", "charts.js", "input.js", "main.js")
_STYLES = ("uplot.min.css", "page.css")
_ASSETS = files("lifsim.report") / "assets"


def write(
    result: Result | str | Path,
    path: str | Path,
    *,
    populations: Sequence[str] | str | None = None,
    t_start: float | None = None,
    t_stop: float | None = None,
    discard: float = 0.0,
    overwrite: bool = False,
) -> Path:
    """Write a report: one HTML page with the model, the provenance, statistics, figures, and an interactive raster with traces.

    The page needs no network and no other file. Up to two million spikes are in it one by one. Of more, it has the density of all
    spikes, and the complete spike trains of some neurons, drawn at random; it says which numbers are taken from these. Spike times that
    lie on no time grid are rounded to a nanosecond (in recordings with pauses of seconds to 0.01 µs or more; the page says so).

    Parameters
    ----------
    result : the result, or its path: also of an unfinished run, or spikes of another tool (SONATA).
    path : the HTML file; its folder is created if necessary.
    populations : name or names of the populations whose spikes and traces are shown; default: all.
    t_start, t_stop : limits of the window t_start < t <= t_stop that statistics, figures and raster are of, ms; default: the whole run.
    discard : warm-up at the start of the run that is left out of all of these, ms; with `t_start`, the later limit counts.
    overwrite : replace an existing file.

    Returns
    -------
    The path.

    Raises
    ------
    DataError : no such population, an empty window, or a `discard` that leaves nothing. OutputError : the file exists and `overwrite`
    is false, or it cannot be written. RunError : the disk is full; an existing file stays as it is.

    Examples
    --------
    >>> ls.report.write(result, "outputs/brunel.html", discard=100.0)
    """
    path = check_output(path, overwrite)
    result = result_of(result)
    window = window_of(result, t_start, t_stop, discard)
    names = _names(result, populations)
    page = _page(result, names, window, discard)
    make_folder(path)
    disk.put(path, page.encode())
    return path


def window_of(result: Result, t_start: float | None, t_stop: float | None, discard: float = 0.0) -> tuple[float, float]:
    """The limits (ms) of the window that a report is about, cut to the run; arguments and errors as of `write`."""
    if not isinstance(discard, (int, float)) or isinstance(discard, bool) or not 0 <= discard < math.inf:
        raise DataError("discard", shown(discard), "a time in ms, from 0 on")
    if discard and not discard < result.duration:
        raise DataError("discard", f"{discard:g} ms of a run of {result.duration:g} ms", "expected less than the run")
    start = max(result.t_start + discard, result.t_start if t_start is None else t_start) if discard else t_start
    analysis.check_window(result, start, t_stop)
    begin = result.t_start if start is None else max(start, result.t_start)
    return begin, result.t_stop if t_stop is None else min(t_stop, result.t_stop)


def _names(result: Result, populations: Sequence[str] | str | None) -> list[str]:
    """The populations that are shown, in the order of the model."""
    wanted = [populations] if isinstance(populations, str) else populations
    for name in wanted or ():
        if name not in result.populations:
            raise DataError("populations", f"there is no population {shown(name)}", did_you_mean(str(name), list(result.populations)))
    return [name for name in result.populations if wanted is None or name in wanted]


def _page(result: Result, names: Sequence[str], window: tuple[float, float], discard: float) -> str:
    """The whole page as text."""
    blocks = PageBlocks()
    span = f"({window[0]:g}, {window[1]:g}] ms"
    whole = window == (result.t_start, result.t_stop)  # then without limits, since a run may have no duration
    limits = (None, None) if whole else window
    found = analysis.statistics(result, *limits, discard=discard)
    explorer, data = explorer_part(result, names, window, limits, blocks)
    parts = [
        explorer,
        statistics_part(found, names, span),
        figures_part(result, names, limits),
        model_part(result),
        provenance_part(result, f"{span}{f'; the first {discard:g} ms are left out' if discard else ''}"),
    ]
    licence = f"/*\n{_text('uplot.LICENSE.txt')}*/\n"  # has to go with every copy
    scripts = [(licence if name == "uplot.min.js" else "") + _text(name) for name in _SCRIPTS]
    styles = "\n".join(_text(name) for name in _STYLES)
    title = one_line(storable(result.name))
    return Template(_text("page.html")).substitute(
        policy=content_policy(scripts, styles),
        title=html([element("title", f"{title}: report")]),
        styles=f"<style>{styles}</style>",
        heading=html(_heading(result, title, parts)),
        parts=html(parts),
        data=f'<script type="application/json" id="data">{_json(data)}</script>\n{html(blocks.elements())}',
        scripts="\n".join(f"<script>{text}</script>" for text in scripts),
    )


def _heading(result: Result, title: str, parts: Sequence[Any]) -> list[Any]:
    links = [element("a", part[0].text, href=f"#{part.get('id')}") for part in parts]
    warning = (
        None if result.complete else element("p", "This run is unfinished: the report shows what was recorded so far.", class_="warning")
    )
    said = str(result.info.get("description") or "")
    heading = [
        element("h1", title),
        element("p", said) if said else None,
        warning,
        element("nav", *links, aria_label="parts of the report"),
    ]
    return [part for part in heading if part is not None]


def _text(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """JSON that no browser takes for HTML."""
    text = json.dumps(data, allow_nan=False)  # ASCII: other characters are escaped
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
