"""The recipes of validations. This module holds data only: a further model is a further entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lifsim.modelfile.published import MICROCIRCUIT_RATES


@dataclass(frozen=True)
class ValidationRecipe:
    """How a shipped model is run, and what its activity is compared with.

    Parameters
    ----------
    name, title : its name, and what it does. source : where the protocol stands.
    model : shipped model. settings : its parameters that differ from the defaults.
    discard : warm-up that is left out, ms. duration : biological time after it, ms.
    seeds : number of runs, with the seeds 1, 2, ….
    bin : width of the bins of spike counts, ms. neurons : number of neurons of a population whose pairs are correlated.
    reference : file with distributions that comes with lifsim; "" if there is none.
    means : population -> statistic -> published mean, where there are no distributions.
    reference_source : where the reference comes from.
    """

    name: str
    title: str
    source: str
    model: str
    discard: float
    duration: float
    seeds: int
    bin: float
    neurons: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    reference: str = ""
    means: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    reference_source: str = ""


RECIPES = {
    recipe.name: recipe
    for recipe in (
        ValidationRecipe(
            name="microcircuit",
            title="Cortical microcircuit of Potjans & Diesmann (2014), full scale: ten seeds, 15 min each",
            source="Senk et al. 2026; Kolmogorov-Smirnov distances as in Dasbach et al. 2021, doi:10.3389/fnins.2021.757790",
            model="microcircuit",
            discard=500.0,
            duration=900_000.0,
            seeds=10,
            bin=2.0,
            neurons=250,
            means={name: {"rate": rate} for name, rate in MICROCIRCUIT_RATES.items()},
            reference_source="mean rates of NEST's example over a long run (full_mean_rates)",
        ),
        ValidationRecipe(
            name="microcircuit-small",
            title="The same with a tenth of the neurons and of the synapses of each: five seeds, 5 s each",
            source="as microcircuit, but shorter and smaller",
            model="microcircuit",
            settings={"scale": 0.1, "k_scale": 0.1},
            discard=500.0,
            duration=5000.0,
            seeds=5,
            bin=2.0,
            neurons=200,
            reference="nest_microcircuit_small.npz",
            reference_source="NEST 3.10, Potjans_2014 with N_scaling = K_scaling = 0.1, five seeds, 5 s after 0.5 s",
        ),
    )
}
