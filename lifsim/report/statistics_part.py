"""The statistics of a report: those of `lifsim.analysis.statistics`, population by population, with their conventions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from lifsim import analysis
from lifsim.report.markup import element, section, table

_HEADS = {
    "neurons": "neurons",
    "spikes": "spikes",
    "rate": "rate (spikes/s)",
    "rate_sd": "sd of rates (spikes/s)",
    "cv_isi": "CV of ISI",
    "cv_neurons": "neurons with a CV",
    "fano": "Fano factor",
    "correlation": "correlation",
}
_CONVENTIONS = (
    "A window holds the spikes with t_start < t ≤ t_stop. Rates are means over all recorded neurons, silent ones included, and sd is "
    "their standard deviation over neurons. The CV of the inter-spike intervals is the mean over neurons with "
    f"{analysis.MIN_ISIS} intervals or more. The Fano factor is that of the spike counts of the whole population in bins of 2 ms; the "
    "correlation is the mean over all pairs of 200 neurons that spiked, drawn at random, of their counts in the same bins. A dash "
    "stands for a value that the data do not determine."
)


def statistics_part(found: Mapping[str, Mapping[str, Any]], window: str) -> Element:
    """The section "Statistics" of `found`, the return value of `lifsim.analysis.statistics`; `window` says which time they are of."""
    if not found:
        return section("statistics", "Statistics", element("p", "No spikes were recorded."))
    keys = list(dict.fromkeys(key for entry in found.values() for key, value in entry.items() if isinstance(value, (int, float))))
    rows = [(name, *(said(entry.get(key, math.nan)) for key in keys)) for name, entry in found.items()]
    heads = [_HEADS.get(key, key.replace("_", " ")) for key in keys]
    caption = f"Statistics of each population, {window}"
    text = element("p", _CONVENTIONS, class_="note")
    return section("statistics", "Statistics", table(caption, ("population", *heads), rows, range(1, 1 + len(keys))), text)


def said(value: Any) -> str:
    """A number as text: whole numbers in groups of three digits, others with four digits, "–" for nan."""
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if math.isnan(value) else f"{value:.4g}"
