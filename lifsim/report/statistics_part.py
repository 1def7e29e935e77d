"""The statistics of a report: those of `lifsim.analysis.statistics`, population by population, with their conventions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.etree.ElementTree import Element

from lifsim.analysis.summary import Summary
from lifsim.analysis.tables import HEADS
from lifsim.report.markup import element, section, table


def statistics_part(found: Summary, names: Sequence[str], window: str) -> Element:
    """The section "Statistics".

    Parameters
    ----------
    found : the statistics. names : the populations that are shown. window : of what time, in words.
    """
    entries = {name: found[name] for name in names if name in found}
    if not entries:
        return section("statistics", "Statistics", element("p", "No spikes were recorded."))
    keys = list(dict.fromkeys(key for entry in entries.values() for key, value in entry.items() if isinstance(value, (int, float))))
    rows = [(name, *(said(entry.get(key, math.nan)) for key in keys)) for name, entry in entries.items()]
    heads = [HEADS[key] for key in keys]
    caption = f"Statistics of each population, {window}"
    text = element("p", found.footer(), class_="note")
    return section("statistics", "Statistics", table(caption, ("population", *heads), rows, range(1, 1 + len(keys))), text)


def said(value: Any) -> str:
    """A number as text: whole numbers in groups of three digits, others with four digits, "–" for nan."""
    if isinstance(value, int):
        return f"{value:,}"
    return "–" if math.isnan(value) else f"{value:.4g}"
