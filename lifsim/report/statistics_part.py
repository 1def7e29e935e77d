"""The statistics of a report: those of `lifsim.analysis.statistics`, population by population, with their conventions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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
    "cv2": "CV2",
    "lv": "LV",
    "lvr": "LvR",
    "peak_frequency": "peak frequency (Hz)",
}
_CONVENTIONS = (
    "A window holds the spikes with t_start < t ≤ t_stop. Rates are means over all recorded neurons, silent ones included, and sd is "
    "their standard deviation over neurons. The CV of the inter-spike intervals is the mean over neurons with "
    f"{analysis.MIN_ISIS} intervals or more. The Fano factor is that of the spike counts of the whole population in bins of 2 ms; the "
    "correlation is the mean over all pairs of 200 neurons that spiked, drawn at random, of their counts in the same bins. A dash "
    "stands for a value that the data do not determine."
)


def statistics_part(found: Mapping[str, Mapping[str, Any]], names: Sequence[str], window: str) -> Element:
    """The section "Statistics".

    Parameters
    ----------
    found : the return value of `lifsim.analysis.statistics`. names : the populations that are shown. window : of what time, in words.
    """
    entries = {name: found[name] for name in names if name in found}
    if not entries:
        return section("statistics", "Statistics", element("p", "No spikes were recorded."))
    keys = list(dict.fromkeys(key for entry in entries.values() for key, value in entry.items() if isinstance(value, (int, float))))
    rows = [(name, *(said(entry.get(key, math.nan)) for key in keys)) for name, entry in entries.items()]
    heads = [_HEADS.get(key, key.replace("_", " ")) for key in keys]
    caption = f"Statistics of each population, {window}"
    footer = getattr(found, "footer", None)  # conventions that the numbers bring along
    text = element("p", footer() if footer else _CONVENTIONS, class_="note")
    return section("statistics", "Statistics", table(caption, ("population", *heads), rows, range(1, 1 + len(keys))), text)


def said(value: Any) -> str:
    """A number as text: whole numbers in groups of three digits, others with four digits, "–" for nan."""
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if math.isnan(value) else f"{value:.4g}"
