"""The recorded traces of a page: all samples or, of long traces, the smallest and the largest value of each stretch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lifsim.common.printable import one_line
from lifsim.common.text import storable
from lifsim.plot.palette import neuron_colours
from lifsim.plot.selection import Look
from lifsim.report.blocks import PageBlocks
from lifsim.results.data import Traces
from lifsim.results.result import Result

PANELS, COLUMNS = 8, 5  # most traces in a page, and most neurons (or synapses) of each
SAMPLES = 20_000  # longest trace of which all samples are kept


def trace_data(
    result: Result, names: Sequence[str], looks: Mapping[str, Look], window: tuple[float, float], blocks: PageBlocks
) -> tuple[list[dict[str, Any]], int]:
    """The traces of the populations `names` in a `window` (ms), for the page.

    Membrane potentials come first. A trace is {"population", "variable", "unit", "columns" (recorded), "stretch"
    (samples that two values stand for; 1: all are kept), "start", "step" (ms), "length", "series": [{"label", "colour", "values"}]}.

    Returns
    -------
    The traces, and the number of those that are left out.
    """
    keys = [(name, variable) for name in names for variable in result.traces.get(name, ())]
    keys.sort(key=lambda key: result.traces[key[0]].variable_of(key[1]) != "V_m")
    populations = [look.colour for look in looks.values()]
    found = []
    for name, variable in keys[:PANELS]:
        colours = neuron_colours(looks[name].colour, populations, COLUMNS)
        found.append(_trace(result.traces[name], variable, one_line(storable(name)), colours, window, blocks))
    return [trace for trace in found if trace["length"]], max(0, len(keys) - PANELS)


def _trace(of: Traces, variable: str, name: str, colours: Sequence[str], window: tuple[float, float], blocks: PageBlocks) -> dict[str, Any]:
    times, values = of.times_of(variable), of[variable]
    first, last = np.searchsorted(times, [window[0] + 1e-9, window[1] + 1e-9], side="right")
    values, times = values[first:last, :COLUMNS], times[first:last]
    stretch = 1 if len(times) <= SAMPLES else -(-2 * len(times) // SAMPLES)
    step = float(times[1] - times[0]) if len(times) > 1 else 0.0
    kept = [_extremes(values[:, k], stretch) for k in range(values.shape[1])]
    labels = _labels(of, variable, values.shape[1], name)
    return {
        "population": name,
        "variable": variable,
        "unit": of.unit_of(variable),
        "columns": of[variable].shape[1],
        "what": "synapses" if len(of.sources_of(variable)) else "neurons",
        "stretch": stretch,
        "start": float(times[0]) if len(times) else 0.0,
        "step": step * (stretch / 2 if stretch > 1 else 1),
        "length": len(kept[0]) if kept else 0,
        "series": [
            {"label": text, "colour": colour, "values": blocks.add(one)} for text, colour, one in zip(labels, colours, kept, strict=False)
        ],
    }


def _labels(of: Traces, variable: str, n: int, population: str) -> list[str]:
    ids, sources = of.ids_of(variable)[:n], of.sources_of(variable)[:n]
    if len(sources):
        return [f"{source} → {target}" for source, target in zip(sources, ids, strict=True)]
    return [f"neuron {i}" for i in ids] if len(ids) else [population] * n


def _extremes(values: np.ndarray, stretch: int) -> np.ndarray:
    """The smallest and the largest of each `stretch` values, in turn; all values if `stretch` is 1."""
    if stretch == 1:
        return values.astype(np.float32)
    padded = np.pad(values, (0, -len(values) % stretch), mode="edge").reshape(-1, stretch)
    return np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1).ravel().astype(np.float32)
