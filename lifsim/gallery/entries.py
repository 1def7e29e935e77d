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
    model : shipped model. settings : parameters of the model that differ from its defaults.
    duration : biological time, ms. discard : warm-up that the statistics leave out, ms.
    shown : length of its last part, which the figure shows, ms; None: all of it after the warm-up.
    """

    name: str
    title: str
    model: str
    settings: Mapping[str, Any]
    duration: float
    discard: float = 0.0
    shown: float | None = None


@dataclass(frozen=True)
class Entry:
    """A figure of a paper.

    Parameters
    ----------
    name : its name in the gallery. title, reference : what it shows, and the DOI of the paper.
    panels : its runs.
    figure : name of the function of `lifsim.plot` that draws it, of all runs (it takes `windows`) or of a single one.
    options : arguments of this function.
    statistics : names in `lifsim.gallery.statistics.STATISTICS`: what is computed of each run, beside what is published of it.
    published : (panel, population) -> statistic -> value. source : where these values stand.
    beside : what the table calls them.
    takes : what it takes, in words: wall time, memory.
    """

    name: str
    title: str
    reference: str
    panels: tuple[Panel, ...]
    figure: str
    options: Mapping[str, Any] = field(default_factory=dict)
    statistics: tuple[str, ...] = ("rate", "cv")
    published: Mapping[tuple[str, str], Mapping[str, float]] = field(default_factory=dict)
    beside: str = "published"
    source: str = ""
    takes: str = ""


_ALL = (
    Entry(
        name="brunel-figure8",
        title="Four states of a sparsely connected network (Brunel 2000, figure 8)",
        reference="doi:10.1023/A:1008925309027",
        panels=(
            Panel("A", "synchronous regular, g = 3, η = 2", "brunel", {"g": 3.0, "eta": 2.0}, 600.0, 200.0, 100.0),
            Panel("B", "synchronous irregular, fast, g = 6, η = 4", "brunel", {"g": 6.0, "eta": 4.0}, 1200.0, 200.0, 200.0),
            Panel("C", "asynchronous irregular, g = 5, η = 2", "brunel", {"g": 5.0, "eta": 2.0}, 1200.0, 200.0, 200.0),
            Panel("D", "synchronous irregular, slow, g = 4.5, η = 0.9", "brunel", {"g": 4.5, "eta": 0.9}, 1200.0, 200.0, 200.0),
        ),
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
        panels=(Panel("microcircuit", "microcircuit", "microcircuit", {}, 60_500.0, 500.0),),
        figure="summary",
        options={"neurons": 1000, "bin": 3.0, "raster_ms": 400.0},
        published={("microcircuit", name): {"rate": rate} for name, rate in MICROCIRCUIT_RATES.items()},
        source="NEST's implementation of the model (full_mean_rates)",
        takes="a few minutes on two cores, 3.4 GB of memory",
    ),
    Entry(
        name="vogels-sprekeler",
        title="Inhibitory plasticity makes a network fire asynchronously (Vogels et al. 2011)",
        reference="doi:10.1126/science.1211095",
        panels=(
            Panel("before", "before learning", "inhibitory_plasticity", {"eta": 0.0}, 1000.0, 200.0, 200.0),
            Panel("after", "after 10 s of learning", "inhibitory_plasticity", {}, 10_000.0, 8000.0, 200.0),
        ),
        figure="states",
        options={"neurons": 500, "rate_bin": 0.5},
        published={("before", "exc"): {"peak": 155.0}},
        source="the authors' figure beside their program, ModelDB 143751: 31 volleys in 200 ms",
        takes="about 20 s on two cores",
    ),
    Entry(
        name="song-miller-abbott",
        title="Synapses compete by STDP, and their weights become bimodal (Song, Miller & Abbott 2000)",
        reference="doi:10.1038/78829",
        panels=tuple(
            Panel(f"{rate}Hz", f"inputs at {rate} spikes/s", "song", {"rate_ex": float(rate)}, 1_000_000.0, 750_000.0)
            for rate in (10, 20, 40)
        ),
        figure="final_weights",
        statistics=("rate", "cv", "weak", "strong"),
        takes="about 3 minutes",
    ),
    Entry(
        name="brette-benchmarks",
        title="Benchmarks 1 and 2: self-sustained irregular activity (Brette et al. 2007)",
        reference="doi:10.1007/s10827-007-0038-6",
        panels=(
            Panel("COBA", "benchmark 1, conductances", "coba", {"rule": "pairwise_bernoulli"}, 1000.0, 200.0),
            Panel("CUBA", "benchmark 2, currents", "cuba", {}, 1000.0, 200.0),
        ),
        figure="firing",
        published={
            ("COBA", "exc"): {"rate": 19.1, "cv": 1.58},
            ("COBA", "inh"): {"rate": 18.9, "cv": 1.59},
            ("CUBA", "exc"): {"rate": 5.66, "cv": 0.497},
            ("CUBA", "inh"): {"rate": 5.58, "cv": 0.497},
        },
        beside="NEST",
        source="NEST 3.10 with the same parameters, means of ten networks, 200 to 1000 ms; the paper shows distributions",
        takes="about 3 s",
    ),
    Entry(
        name="tsodyks-figure1",
        title="Population bursts by short-term depression (Tsodyks, Uziel & Markram 2000, figure 1)",
        reference="doi:10.1523/JNEUROSCI.20-01-j0003.2000",
        panels=(Panel("bursts", "population bursts", "population_bursts", {}, 20_000.0, 1000.0, 4200.0),),
        figure="states",
        options={"neurons": 500, "rate_bin": 1.0},
        statistics=("rate", "cv", "bursts"),
        published={("bursts", "exc"): {"rate": 7.7, "bursts": 0.43}, ("bursts", "inh"): {"rate": 23.4}},
        beside="Brian2",
        source="Brian2 2.9 with the same parameters, means of twelve networks, 20 s each; the paper shows the figure",
        takes="about 3 s",
    ),
)

ENTRIES: dict[str, Entry] = {entry.name: entry for entry in _ALL}
