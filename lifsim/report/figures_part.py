"""The static figures of a report, for paper and for browsers without scripts: those of `lifsim.plot`, as PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from matplotlib.figure import Figure

from lifsim import plot
from lifsim.report.markup import element, section
from lifsim.results.result import Result

_DPI = 170  # 1,200 pixels wide


def figures_part(result: Result, names: Sequence[str], limits: tuple[float | None, float | None]) -> Element:
    """The section "Figures": raster and rates, inter-spike intervals, traces, and a map where neurons have positions.

    `limits` are those of the window in ms, None for those of the run.
    """
    spiking = [name for name in names if name in result.spikes]
    traced = [name for name in names if name in result.traces]
    placed = [name for name in spiking if name in result.positions]
    start, stop = limits
    parts = []
    if spiking:
        parts.append(
            _figure(
                plot.raster(result, spiking, t_start=start, t_stop=stop),
                "Raster of the spikes, a row for each neuron, with population rates below",
            )
        )
        if any(len(result.spikes[name]) for name in spiking):
            parts.append(
                _figure(plot.isi(result, spiking, t_start=start, t_stop=stop), "Histograms of the inter-spike intervals and of their CV")
            )
    if traced:
        parts.append(_figure(plot.traces(result, traced, t_start=start, t_stop=stop), "Recorded traces"))
    if placed:
        parts.append(_figure(plot.space(result, placed, t_start=start, t_stop=stop), "Maps of the mean firing rates in space"))
    return section("figures", "Figures", *(parts or [element("p", "Neither spikes nor traces were recorded.")]))


def _figure(figure: Figure, caption: str) -> Element:
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=_DPI)
    image = element("img", src=f"data:image/png;base64,{base64.b64encode(data.getbuffer()).decode()}", alt=caption, loading="lazy")
    return element("figure", image, element("figcaption", caption))
