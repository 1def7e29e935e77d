"""The values of a population's parameters in a run: those given, and those drawn from distributions."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.values import Distribution
from lifsim.network.population import Population, relations


def is_drawn(population: Population) -> bool:
    """Whether any parameter or state variable of `population` is drawn from a distribution."""
    return any(isinstance(v, Distribution) for given in (population.params, population.initial) for v in given.values())


def drawn(population: Population, seed: int) -> dict[str, Any]:
    """All parameters and state variables of `population`; values drawn from distributions depend only on the seed and on the names."""
    out = {}
    for parameter in population.model.parameters + population.model.states:
        v = population.get(parameter.name)
        if isinstance(v, Distribution):
            word = zlib.crc32(f"{population.name}/{parameter.name}".encode())
            v = v.draw(population.n, np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, word]))))
        out[parameter.name] = np.asarray(v) if parameter.shape == "series" else v
    return out


def checked(population: Population, seed: int) -> dict[str, Any]:
    """As `drawn`, but raises a ModelError if a condition between the values does not hold."""
    given = drawn(population, seed)
    problems = list(relations(f"populations.{population.name}", population.model, given))
    if problems:
        raise ModelError.of(problems)
    return given
