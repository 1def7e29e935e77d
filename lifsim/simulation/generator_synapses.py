"""Reads and sets the weights of the synapses through which generators act on neurons."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.building.stimuli import Stimuli
from lifsim.common.timegrid import times
from lifsim.network import Network, View
from lifsim.simulation.matrix_parts import matrix_of, places_in


class GeneratorSynapses:
    """The synapses of the generators of `net`, which are kept in its `stimuli`; `first` are the global ids of the first nodes."""

    def __init__(self, net: Network, stimuli: Stimuli, first: dict[str, int]) -> None:
        self._net, self._stimuli, self._first = net, stimuli, first

    def matrix(self, numbers: list[int], source: View, target: View, what: str) -> Any:
        """The weights or delays of the synapses of the projections `numbers` between two views; as of `SynapseAccess.matrix`."""
        parts = [self._stimuli.synapses(number) for number in numbers]
        node, onto, weight, delay = (np.concatenate([getattr(c, key) for c in parts]) for key in ("node", "target", "weight", "delay"))
        order = np.lexsort((onto, node))
        data = weight if what == "weight" else times(delay, self._net.dt)
        return matrix_of(source, target, node[order], onto[order] - self._first[target.name], data[order])

    def set_weights(self, number: int, source: View, target: View, new: np.ndarray, step: int) -> None:
        """Let the synapses of a projection between two views have the weights `new`, in the order of `matrix`, for what is sent after
        `step`.
        """
        c = self._stimuli.synapses(number)
        order = np.lexsort((c.target, c.node))
        whole = self.matrix([number], source.population[:], target.population[:], "weight")
        weight = c.weight.copy()
        weight[order[places_in(whole, source, target)]] = new
        self._stimuli.set_weights(number, weight, step)
