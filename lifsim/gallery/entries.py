"""The figures of the gallery. This module holds data only: a further paper is a further entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lifsim.modelfile.published import MICROCIRCUIT_RATES


@dataclass(frozen=True)
class Panel:
    """One run of a model for a figure.

    Parameters
    ----------
    name : name of the results file. title : what the figure calls it.
    settings : parameters of the model that differ from its defaults.
    duration : biological time, ms. shown : length of its last part, which the figure shows, ms; None: all of it after the warm-up.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    duration: float
    shown: float | None = None


@dataclass(frozen=True)
class Entry:
    """A figure of a paper.

    Parameters
    ----------
    name : its name in the gallery. title, reference : what it shows, and the DOI of the paper.
    model : shipped model. panels : its runs.
    discard : warm-up that the statistics leave out, ms.
    figure : name of the function of `lifsim.plot` that draws it: `states` of all runs, or another one of a single run.
    options : arguments of this function.
    published : (panel, population) -> statistic -> value; statistics are "rate" (spikes/s), "cv" (of the inter-spike intervals) and
        "peak" (Hz, of the power spectrum). source : where these values stand.
    takes : what it takes, in words: wall time, memory.
    """

    name: str
    title: str
    reference: str
    model: str
    panels: tuple[Panel, ...]
    discard: float
    figure: str
    options: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    source: str = ""
    takes: str = ""


_ALL = (
    Entry(
        name="brunel-figure8",
        title="Four states of a sparsely connected network (Brunel 2000, figure 8)",
        reference="doi:10.1023/A:1008925309027",
        model="brunel",
        panels=(
            Panel("A", "synchronous regular, g = 3, η = 2", {"g": 3.0, "eta": 2.0}, 600.0, 100.0),
            Panel("B", "synchronous irregular, fast, g = 6, η = 4", {"g": 6.0, "eta": 4.0}, 1200.0, 200.0),
            Panel("C", "asynchronous irregular, g = 5, η = 2", {"g": 5.0, "eta": 2.0}, 1200.0, 200.0),
            Panel("D", "synchronous irregular, slow, g = 4.5, η = 0.9", {"g": 4.5, "eta": 0.9}, 1200.0, 200.0),
        ),
        discard=200.0,
        figure="states",
        options={"neurons": 50, "rate_bin": 0.1},
        published={
            ("B", "exc"): {"rate": 60.7, "peak": 180.0},
            ("C", "exc"): {"rate": 37.7},
            ("D", "exc"): {"rate": 5.5, "peak": 22.0},
        },
        source="Brunel (2000), table 1, simulations",
        takes="about 10 s on two cores",
    ),
    Entry(
        name="microcircuit-figure6",
        title="Spontaneous activity of the cortical microcircuit (Potjans & Diesmann 2014, figure 6)",
        reference="doi:10.1093/cercor/bhs358",
        model="microcircuit",
        panels=(Panel("microcircuit", "microcircuit", {}, 60_500.0),),
        discard=500.0,
        figure="summary",
        options={"neurons": 1000, "bin": 3.0, "raster_ms": 400.0},
        published={("microcircuit", name): {"rate": rate} for name, rate in MICROCIRCUIT_RATES.items()},
        source="NEST's implementation of the model (full_mean_rates)",
        takes="a few minutes on two cores, 3.4 GB of memory",
    ),
)

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ALL}
