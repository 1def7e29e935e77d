"""Values that are drawn during a run, from distributions that a program sets."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lifsim.common.timegrid import times
from lifsim.common.values import Distribution
from lifsim.network import View

Draw = Callable[[str, Distribution, int], np.ndarray]  # draws n values of the variable with this name


@dataclass(frozen=True)
class Draws:
    """Draws values as a function of the `seed`, the `step`, and of what they are drawn for."""

    seed: int
    step: int

    def of_nodes(self, view: View) -> Draw:
        """Draws values of parameters of the nodes of a view."""

        def draw(key: str, v: Distribution, n: int) -> np.ndarray:
            rng = self._random(f"{view.name}/{key}/set")
            return v.draw(view.population.n, rng)[view.ids]  # so that parts of a population do not get the same numbers

        return draw

    def of_synapses(self, source: View, target: View, projection: Any, dt: float) -> Draw:
        """Draws values of the synapses between two views, of a `projection` (name or number); delays are multiples of `dt` (ms)."""

        def draw(key: str, v: Distribution, n: int) -> np.ndarray:
            rng = self._random(f"{source} to {target}/{projection}/{key}/set")
            if key != "delay":
                return v.draw(n, rng)
            # as when the network is built: rounded, and drawn again if shorter than a step
            return times(np.round(replace(v, min=max(v.min, dt / 2)).draw(n, rng) / dt), dt)

        return draw

    def _random(self, name: str) -> np.random.Generator:
        words = [self.seed, zlib.crc32(name.encode()), self.step]
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(words)))
