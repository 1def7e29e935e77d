"""The interactive part of a report: raster, rates and traces on one time axis, with statistics of the window in view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from lifsim import analysis
from lifsim.plot.selection import Shown, looks_of
from lifsim.report.blocks import PageBlocks
from lifsim.report.markup import element, section
from lifsim.report.raster_data import TickClock, clock_of, raster_data
from lifsim.report.trace_data import COLUMNS, trace_data
from lifsim.results.result import Result

_KEYS = (
    ("← →", "earlier, later"),
    ("+ −", "zoom in, out"),
    ("↑ ↓", "other neurons, after zooming in with Shift and +"),
    ("Page ↑ ↓", "a whole window earlier, later"),
    ("Home", "all of it"),
)
_MOUSE = (
    "Mouse: the wheel zooms, dragging draws a box to zoom into, dragging with Shift moves, a double click shows all. "
    "Touch: two fingers zoom, one moves. Keys, once the plots have the focus: "
)


def explorer_part(
    result: Result,
    names: Sequence[str],
    window: tuple[float, float],
    limits: tuple[float | None, float | None],
    blocks: PageBlocks,
) -> tuple[Element, dict[str, Any]]:
    """The section "Explore" for the populations `names` in a `window` (ms), and the data of its program, some of them in `blocks`.

    `limits` are those of the window, or None for those of the run.
    """
    looks = looks_of(result)
    shown = [Shown(looks[name].colour, looks[name].label, result.spikes[name].window(*limits)) for name in names if name in result.spikes]
    clock = clock_of([one.spikes for one in shown], *window, result.dt)
    first, last = clock.span(*window)
    data = raster_data(shown, clock, (first, last), blocks)
    traces, left_out = trace_data(result, names, looks, window, blocks)
    data |= {
        "start": round(first * clock.tick, 9),
        "stop": round(last * clock.tick, 9),
        "tick": clock.tick,
        "grid": clock.grid,
        "traces": traces,
        "leastIntervals": analysis.MIN_ISIS,
        "bin": 2.0,
    }
    if not data["populations"] and not traces:
        return section("explore", "Explore", element("p", "Neither spikes nor traces were recorded.")), data
    return section("explore", "Explore", *_plots(), *_notes(data, clock, left_out)), data


def _plots() -> list[Element]:
    """The frame that the page's program fills."""
    buttons = [
        element("button", sign, type="button", data_do=what, aria_label=said, title=said)
        for sign, what, said in (
            ("◀", "earlier", "earlier"),
            ("▶", "later", "later"),
            ("−", "out", "zoom out"),
            ("+", "in", "zoom in"),
            ("whole window", "home", "show all of it"),
        )
    ]
    limits = [
        element("label", f"{word} ", element("input", type="number", id=f"from-{key}", step="any", autocomplete="off"), " ms")
        for word, key in (("from", "start"), ("to", "stop"))
    ]
    keys = element("dl", class_="keys")
    keys.extend(element("div", element("dt", element("kbd", key)), element("dd", said)) for key, said in _KEYS)
    return [
        element("p", "The plots need a browser with JavaScript; the figures below show the same data.", id="unavailable", class_="warning"),
        element(
            "div",
            element("div", *buttons, *limits, class_="tools", role="group", aria_label="window in view"),
            element("div", element("p", id="status", role="status"), element("p", id="readout", aria_hidden="true"), class_="told note"),
            element("div", id="in-view", class_="scroll", tabindex="0", role="region", aria_label="statistics of the window in view"),
            _group("plots", "raster of the spikes, and rates"),
            _group("traces", "recorded traces"),
            element("details", element("summary", "Mouse, touch and keys"), element("p", _MOUSE), keys, id="how"),
            id="explorer",
            hidden="hidden",
        ),
    ]


def _group(key: str, label: str) -> Element:
    """An empty part for plots that can have the focus."""
    attributes = {"role": "group", "aria_roledescription": "interactive plots", "aria_label": label, "aria_describedby": "how"}
    return element("div", id=key, class_="plots", tabindex="0", **attributes)


def _notes(data: Mapping[str, Any], clock: TickClock, left_out: int) -> list[Element]:
    """What the page does not show, or not exactly."""
    notes = []
    if data["sampled"]:
        total, kept = (sum(p[key] for p in data["populations"]) for key in ("spikes", "kept"))
        trains, recorded = (sum(p[key] for p in data["populations"]) for key in ("trains", "recorded"))
        notes.append(
            f"The window has {total:,} spikes, too many for a page. It holds the density of all of them, which the raster shows until "
            f"it is zoomed in, and {kept:,} spikes one by one: the complete spike trains of {trains:,} of {recorded:,} neurons, drawn at "
            "random. The raster shows these in short windows, and the rates and statistics of the window in view are theirs. The table in "
            "“Statistics” below is of all neurons."
        )
    if not clock.exact:
        notes.append(f"The spike times lie on no time grid; here they are rounded to {clock.tick:g} ms.")
    if any(trace["stretch"] > 1 for trace in data["traces"]):
        notes.append("Of long traces, the smallest and the largest value of each stretch are shown; their captions say how long it is.")
    if any(trace["columns"] > COLUMNS for trace in data["traces"]):
        notes.append(f"The first {COLUMNS} neurons (or synapses) of each trace are shown.")
    if left_out:
        notes.append(f"{left_out} more trace{'s are' if left_out > 1 else ' is'} in the file and not shown.")
    return [element("p", note, class_="note") for note in notes]
