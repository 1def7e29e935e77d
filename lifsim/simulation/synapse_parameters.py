"""Sets parameters, state variables and traces of plastic synapses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from lifsim.common.errors import ModelError, Problem
from lifsim.network.parameter import violations
from lifsim.network.parameter_synonyms import synapse_parameter_hint
from lifsim.network.population import View
from lifsim.network.projection import Projection
from lifsim.network.projection_choice import Choice
from lifsim.network.synapse_models import WEIGHT, Synapse, check_sign, shown_value
from lifsim.network.synapse_values import weight_unit
from lifsim.simulation.draws import Draw
from lifsim.simulation.given_values import Given

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine

_CALLS = {"weight": "set_weights", "delay": "set_delays"}


class Matrices(Protocol):
    """The synapses as matrices, which `SynapseAccess` makes."""

    def matrix(self, source: View, target: View, what: str, projection: Choice = None) -> Any:
        """A variable of the synapses between two views."""

    def given(self, number: int, source: View, target: View, given: Given) -> tuple[Any, np.ndarray, np.ndarray]:
        """The places in the matrix of a projection of the synapses between two views, the values given to them, and the whole data."""

    def numbers(self, number: int, p: Projection) -> np.ndarray:
        """The numbers of the synapses of a projection in the engine."""


class SynapseParameters:
    """The variables of plastic synapses in an `engine`."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine
        self._built: dict[tuple[int, str], float] = {}  # parameters that were set and belong to no state, as they were built
        self._now: dict[tuple[int, str], float] = {}  # the same, as they are now

    def set(
        self, matrices: Matrices, source: View, target: View, values: Mapping[str, Any], draw: Draw, number: int, p: Projection
    ) -> None:
        """Set variables of the projection `p`, number `number` of the network; see `Simulation.set_synapses`. `matrices` are its synapses.

        Raises
        ------
        ModelError : lists every problem found; nothing is set then.
        """
        place = f"synapses from {source} to {target}"
        if p.synapse is None:
            raise ModelError(place, "a static_synapse has no parameters", "plastic synapses; weights are set by set_weights")
        known, problems, new = self._engine.synapse_variables(number), list[Problem](), dict[str, tuple[Any, np.ndarray]]()
        whole: dict[str, np.ndarray] = {}  # the values of all synapses of the projection
        for key, raw in values.items():
            if key not in known:
                hint = f"call {_CALLS[key]}" if key in _CALLS else synapse_parameter_hint(key, list(known))
                problems.append(Problem(f"{key} of {place}", f"{p.synapse.model.name} has no such parameter", hint))
                continue
            given = Given(f"{key} of {place}", key, raw, _unit(p, key), draw)
            try:
                places, own, before = matrices.given(number, source, target, given)
            except ModelError as error:
                problems += error.problems
                continue
            new[key], whole[key] = (places, own), before.copy()
            whole[key][places] = own
            problems += self._check(given.place, p.synapse, key, own, number, source.whole and target.whole)
        if not problems:
            problems += self._relations(matrices, place, number, p, whole)
        if problems:
            raise ModelError.of(problems)
        for key, (places, own) in new.items():
            self._put(matrices, number, key, places, own, p)

    def _check(self, place: str, synapse: Synapse, key: str, own: np.ndarray, number: int, whole: bool) -> list[Problem]:
        """The problems with new values of one variable."""
        parameter = next((x for x in synapse.model.parameters if x.name == key), None)
        wrong = parameter.violation(own) if parameter else None if (own >= 0).all() and np.isfinite(own).all() else ">= 0"
        if wrong:
            return [Problem(place, shown_value(own), f"must be {wrong}")]
        if not self._engine.has_own_values(number, key) and not (whole and np.ptp(own[:1] - own) == 0 if len(own) else True):
            got = "different values for synapses that share one" if whole else "a value for a part of the synapses that share one"
            return [Problem(place, got, "one number for the whole projection (or connect with values that differ)")]
        return []

    def _relations(self, matrices: Matrices, place: str, number: int, p: Projection, new: Mapping[str, np.ndarray]) -> list[Problem]:
        """The conditions between parameters, and between Wmax and the weights, that new values of all synapses violate."""
        assert p.synapse is not None
        ends, model = (p.source.population[:], p.target.population[:]), p.synapse.model
        problems: list[Problem] = []
        if model.checks:
            now = {x.name: new.get(x.name, matrices.matrix(*ends, x.name, number).data) for x in model.parameters}
            problems += violations(place, model.checks, now, lambda name, x: f"{name} = {shown_value(x)}")
        if "Wmax" in new and len(new["Wmax"]):
            weight = matrices.matrix(*ends, "weight", number).data
            limits = replace(p.synapse, params={**p.synapse.params, "Wmax": new["Wmax"]})
            problems += check_sign(f"Wmax of {place}", weight, limits)
        return problems

    def _put(self, matrices: Matrices, number: int, key: str, places: Any, own: np.ndarray, p: Projection) -> None:
        if not len(own):
            return
        if self._engine.has_own_values(number, key):
            self._engine.set_synapse_values(number, key, own, matrices.numbers(number, p)[places])
            return
        if not self._engine.is_in_state(number, key):
            if (number, key) not in self._built:
                self._built[number, key] = float(matrices.matrix(p.source.population[:], p.target.population[:], key, number).data[0])
            self._now[number, key] = float(own[0])
        self._engine.set_synapse_values(number, key, own[0], None)

    def as_built(self) -> None:
        """Give the parameters that were set, and belong to no state, the values that the network was built with."""
        for (number, key), value in self._built.items():
            self._engine.set_synapse_values(number, key, np.asarray(value), None)
        self._built, self._now = {}, {}

    # -- checkpoints -------------------------------------------------------------------------------

    def saved(self) -> dict[str, np.ndarray]:
        """The parameters that were set and belong to no state: the values as built and now, as NAME/NUMBER."""
        return {f"{key}/{number}": np.array([self._built[number, key], x]) for (number, key), x in self._now.items()}

    def restore(self, number: int, key: str, values: np.ndarray) -> None:
        """Set a parameter from `saved` (KeyError or ValueError if it is of another network)."""
        if key not in self._engine.synapse_variables(number) or self._engine.is_in_state(number, key):
            raise ValueError(f"projection {number} has no parameter {key!r}")
        self._built[number, key], self._now[number, key] = map(float, values)
        self._engine.set_synapse_values(number, key, values[1], None)


def _unit(p: Projection, key: str) -> str:
    """The unit of a variable of the synapses of `p`; "" for states and traces."""
    assert p.synapse is not None
    unit = next((x.unit for x in p.synapse.model.parameters if x.name == key), "")
    return weight_unit(p.source, p.target) if unit == WEIGHT else unit
