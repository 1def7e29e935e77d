"""Reads and sets the weights and delays of the synapses of a built network, by population and projection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.building.stimuli import Stimuli
from lifsim.common.errors import LifsimError, ModelError, Problem, did_you_mean
from lifsim.common.printable import shown
from lifsim.common.timegrid import off_grid, times
from lifsim.network import Network, View
from lifsim.network.projection import Projection
from lifsim.network.projection_choice import Choice, between, chosen
from lifsim.network.synapse_models import check_sign
from lifsim.network.synapse_values import weight_unit
from lifsim.plan.synapses import BY_SYNAPSE, GIVEN, Values, Wiring
from lifsim.simulation.draws import Draw
from lifsim.simulation.generator_synapses import GeneratorSynapses
from lifsim.simulation.given_values import Given, values_like
from lifsim.simulation.matrix_parts import matrix_of, part_of, places_in, pointers
from lifsim.simulation.synapse_parameters import SynapseParameters

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine

MOST_TURNS = 40  # iterations until a plastic weight is what it is set to, with spikes on their way


@dataclass(frozen=True, eq=False)
class Listed:
    """The synapses of one projection, in the order in which `SynapseAccess.matrix` has them.

    target : index in its population. order : index of each synapse in the order of the rule. pointers : where the synapses of each source
    begin. Shape (n,), for `pointers` (n_source + 1,).
    """

    target: np.ndarray
    order: np.ndarray
    pointers: np.ndarray


class SynapseAccess:
    """The synapses of `net` in an `engine`, and those of generators in `stimuli`.

    `first` are the global ids of the first nodes of populations, `seed` that of the synapses.
    """

    def __init__(self, net: Network, engine: RunningEngine, stimuli: Stimuli, first: dict[str, int], seed: int) -> None:
        self._net, self._engine, self._first, self._seed = net, engine, first, seed
        self._of_generators, self._parameters = GeneratorSynapses(net, stimuli, first), SynapseParameters(engine)
        self._listed: dict[int, Listed] = {}
        self._built: dict[int, Wiring] = {}  # the wirings whose weights or delays were set, as they were built

    def matrix(self, source: View, target: View, what: str, projection: Choice = None) -> Any:
        """The weights or delays of the synapses from `source` to `target`, a scipy.sparse.csc_array of shape (n_target, n_source).

        Parameters
        ----------
        what : "weight", "delay", or a parameter, state variable or presynaptic trace of plastic synapses.
        projection : name or number of a projection; None for all between these populations.

        Raises
        ------
        ModelError : there is no such projection or variable.
        """
        if not _is_stored(source) and what in ("weight", "delay"):
            found = [self.number(source, target, projection)] if projection is not None else between(self._net.projections, source, target)
            return self._of_generators.matrix(found, source, target, what)
        _check_neurons(target)
        if what not in ("weight", "delay"):
            return self._matrix_of_variable(source, target, what, projection)
        only = None if projection is None else self.number(source, target, projection)
        if only is not None and len(between(self._net.projections, source, target)) > 1:
            return self._matrix_of(only, source, target, what)
        s, t, weight, delay = self._engine.synapses(self._range(source), self._range(target))
        data = weight if what == "weight" else times(delay, self._net.dt)
        return matrix_of(source, target, s, t, data)

    def _matrix_of_variable(self, source: View, target: View, what: str, projection: Choice) -> Any:
        """As `matrix`, for a variable of plastic synapses."""
        if not any(self._net.projections[i].synapse for i in between(self._net.projections, source, target)):
            raise LifsimError("what", shown(what), "one of: weight, delay")
        number = self.number(source, target, projection)
        plastic = self._wiring(number).plasticity
        known = self._engine.synapse_variables(number) if plastic else ()
        if not isinstance(what, str) or what not in known:
            place, own = f"{source.name} to {target.name}", plastic.model if plastic else "static_synapse"
            hint = did_you_mean(str(what), ("weight", "delay", *known))
            raise ModelError(place, f"{own} has no variable {shown(what)} to read", hint)
        s, t, data, _ = self._engine.synapses(self._range(source), self._range(target), number, what)
        return matrix_of(source, target, s, t, data)

    def _matrix_of(self, number: int, source: View, target: View, what: str) -> Any:
        """The matrix of one of several projections between the populations of `source` and `target`."""
        from lifsim.engine import expand

        y, w = self._synapses_of(number), self._wiring(number)
        if what == "delay":
            data = times(expand(w, self._seed).delay[y.order], self._net.dt)
        elif w.plasticity:
            data = self._engine.synapses(self._range(source), self._range(target), number)[2]
        else:
            data = self._engine.stored_weights(w, expand(w, self._seed).weight)[y.order]
        return part_of(source, target, data, y.target.copy(), y.pointers.copy())  # SciPy may change them in place

    def set_weights(self, source: View, target: View, value: Any, draw: Draw, projection: Choice = None) -> None:
        """Set the weights of the synapses of one projection; see `Simulation.set_weights`. `draw` draws from distributions.

        Raises
        ------
        ModelError : no projection, or several, are meant; or a weight is not allowed. Nothing is set then.
        """
        place = f"weights from {source} to {target}"
        number = self.number(source, target, projection)
        p, given = self._net.projections[number], Given(place, "weight", value, weight_unit(source, target), draw)
        places, new, data = self.given(number, source, target, given)
        _check_weights(place, p, new)
        if not _is_stored(source):
            self._of_generators.set_weights(number, source, target, new, self._engine.step)
        elif p.synapse:
            self._set_plastic(number, source, target, places, new)
        else:
            self._change(number, replace(self._wiring(number), weight=self._merged(number, places, new, data)))

    def set_parameters(self, source: View, target: View, values: Mapping[str, Any], draw: Draw, projection: Choice = None) -> None:
        """Set parameters, state variables and traces of plastic synapses; see `Simulation.set_synapses`."""
        number = self.number(source, target, projection)
        self._parameters.set(self, source, target, values, draw, number, self._net.projections[number])

    def set_delays(self, source: View, target: View, value: Any, draw: Draw, projection: Choice = None) -> None:
        """Set the delays of the static synapses of one projection; see `Simulation.set_delays`. `draw` draws from distributions.

        Raises
        ------
        ModelError : no projection, or several, are meant; a delay is not allowed; or spikes are on their way. Nothing is set then.
        """
        place, dt = f"delays from {source} to {target}", self._net.dt
        number = self.number(source, target, projection)
        if not _is_stored(source):
            raise ModelError(place, f"a {source.population.model.name} keeps its delays", "synapses of neurons or of a spike_generator")
        w = self._wiring(number)
        if w.plasticity:
            raise ModelError(place, f"a {w.plasticity.model} keeps its delay", "static synapses")
        if self._engine.sends(*self._range(source)):
            raise ModelError(
                place, f"spikes of {source.name} are on their way", "set delays before the first run, after reset, or in a pause"
            )
        least, most = self._engine.delay_range()
        allowed = (
            f"multiples of dt from {times(np.array(least), dt):g} to {times(np.array(most), dt):g} ms, which the network was built for"
        )

        places, new, data = self.given(number, source, target, Given(place, "delay", value, "ms", draw))
        steps = np.round(new / dt)
        wrong = ~np.isfinite(new) | off_grid(new, dt) | (steps < least) | (steps > most)
        if wrong.any():
            raise ModelError(place, f"{new[wrong][0]:g} ms", allowed)
        self._change(number, replace(w, delay=self._merged(number, places, steps, np.round(data / dt), np.int32)))

    def _set_plastic(self, number: int, source: View, target: View, places: Any, new: np.ndarray) -> None:
        """Give plastic synapses the weights `new`, as `matrix` returns them.

        It returns the weights after all spikes that were sent. Spikes that have not arrived change the stored weights when they arrive. So
        weights are stored from which these spikes lead to `new`, found by iteration, as a spike changes a weight little. (Bounds of weights
        may make that impossible; the stored weight is the nearest then.)
        """
        ends = self._range(source), self._range(target)
        numbers = self.numbers(number, self._net.projections[number])[places]
        stored = new.copy()
        self._engine.set_plastic_weights(numbers, stored)
        for _ in range(MOST_TURNS if self._engine.sends(*ends[0]) else 0):
            missing = new - self._engine.synapses(*ends, number)[2][places]
            if np.abs(missing).max(initial=0.0) <= 1e-13 * np.abs(new).max(initial=0.0):
                break
            stored += missing
            stored = np.where(new >= 0, np.maximum(stored, 0.0), np.minimum(stored, 0.0))
            self._engine.set_plastic_weights(numbers, stored)

    def given(self, number: int, source: View, target: View, given: Given) -> tuple[Any, np.ndarray, np.ndarray]:
        """The places in the matrix of a projection of the synapses between two views, the values given to them, and the whole data."""
        old, summed = self.matrix(source.population[:], target.population[:], given.name, number), given.name == "weight"
        if source.whole and target.whole:
            return slice(None), values_like(given, old, summed), old.data
        part = old[:, source.ids][target.ids, :]
        return places_in(old, source, target), values_like(given, part, summed), old.data

    def _merged(self, number: int, places: Any, new: np.ndarray, data: np.ndarray, dtype: Any = np.float64) -> Values:
        """Values of a projection, in the order of its wiring: `data`, in the order of its matrix, with the values `new` at `places`."""
        data = data.copy()
        data[places] = new
        in_order = np.empty(len(data), dtype)
        in_order[self._synapses_of(number).order] = data
        return Values(BY_SYNAPSE, array=_as_given(self._wiring(number), in_order))

    def _change(self, number: int, new: Wiring) -> None:
        self._built.setdefault(number, self._wiring(number))
        self._rewire({number: new})

    def plastic_weights(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """The numbers of plastic synapses (see `RunningEngine.numbered_synapses`), and their weights, by projection."""
        out = []
        for w in self._engine.plan.wirings:
            if w.plasticity:
                p = self._net.projections[w.index]
                source, target = (self._range(view.population[:]) for view in (p.source, p.target))
                found = self._engine.numbered_synapses(source, target, w.index)
                out.append((found[4], found[2]))
        return out

    def numbers(self, number: int, p: Projection) -> np.ndarray:
        """The numbers of the synapses of projection `p`, which is plastic, in the order of its matrix."""
        ends = self._range(p.source.population[:]), self._range(p.target.population[:])
        return self._engine.numbered_synapses(*ends, number)[4]

    def as_built(self, keep_weights: bool) -> None:
        """Give all synapses the parameters that the network was built with, and static synapses the weights and delays unless they are
        kept.
        """
        self._parameters.as_built()
        if self._built and not keep_weights:
            self._rewire(self._built)
            self._built = {}

    # -- checkpoints -------------------------------------------------------------------------------

    def saved(self) -> dict[str, np.ndarray]:
        """The static weights and delays (steps) that were set, by number of the projection, in the order of its wiring; parameters."""
        out = self._parameters.saved()
        for number, built in self._built.items():
            now = self._wiring(number)
            for key, new, old in ((f"{number}", now.weight, built.weight), (f"delay/{number}", now.delay, built.delay)):
                if new is not old:
                    out[key] = np.asarray(new.array)
        return out

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Set the weights and delays from `saved` (KeyError or ValueError if they are of another network)."""
        changed: dict[int, Wiring] = {}
        for key, x in state.items():
            what, _, number = key.rpartition("/")
            if what not in ("", "delay"):
                self._parameters.restore(int(number), what, x)
                continue
            w = changed.get(int(number)) or next((w for w in self._engine.plan.wirings if w.index == int(number)), None)
            if w is None or x.shape != (w.n_synapses,):
                raise ValueError(f"values of projection {number}: {x.shape}; {w and w.n_synapses}")
            values = Values(BY_SYNAPSE, array=x)
            changed[int(number)] = replace(w, delay=values) if what else replace(w, weight=values)
        if changed:
            self._built = {number: self._wiring(number) for number in changed}
            self._rewire(changed)

    # -- projections -------------------------------------------------------------------------------

    def number(self, source: View, target: View, projection: Choice) -> int:
        """The number in the network of the projection that is meant (ModelError if there is none, or if there are several)."""
        return chosen(f"{source.name} to {target.name}", self._net.projections, source, target, projection)

    def _wiring(self, number: int) -> Wiring:
        found = next((w for w in self._engine.plan.wirings if w.index == number), None)
        if found is None:
            p = self._net.projections[number]
            raise ModelError(f"{p.source.name} to {p.target.name}", "its synapses have no effect and are not stored")
        return found

    def _synapses_of(self, number: int) -> Listed:
        """The synapses of a projection, listed once."""
        if number not in self._listed:
            from lifsim.engine import expand

            p, w = self._net.projections[number], self._wiring(number)
            made = expand(w, self._seed)
            source = w.sources[made.source].astype(np.int64) - self._first[p.source.name]
            target = w.targets[made.target] - self._first[p.target.name]
            order = np.lexsort((made.delay, self._engine.classes(w, made.weight), target, source))  # as `RunningEngine.synapses` has them
            self._listed[number] = Listed(target[order], order, pointers(source, p.source.population.n))
        return self._listed[number]

    def _range(self, view: View) -> tuple[int, int]:
        first = self._first[view.name]
        return first, first + view.population.n

    def _rewire(self, new: dict[int, Wiring]) -> None:
        """Let projections have these wirings, which differ in weights and delays alone."""
        plan = self._engine.plan
        self._engine.rewire(replace(plan, wirings=[new.get(w.index, w) for w in plan.wirings]))
        for number in new:
            self._listed.pop(number, None)  # the order depends on delays and signs


def _is_stored(source: View) -> bool:
    """Whether the engine stores the synapses of `source`; those of other generators belong to their stimuli."""
    return source.population.model.role in ("neuron", "spikes")


def _check_neurons(target: View) -> None:
    if target.population.model.role != "neuron":
        raise ModelError(target.name, f"a {target.population.model.name} has no synapses onto it", "neurons")


def _check_weights(place: str, p: Projection, new: np.ndarray) -> None:
    problems: list[Problem] = []
    if not np.isfinite(new).all():
        problems.append(Problem(place, f"{new[~np.isfinite(new)][0]:g}", "finite weights"))
    elif p.synapse:
        problems += check_sign(place, new, p.synapse)
    if problems:
        raise ModelError.of(problems)


def _as_given(w: Wiring, in_order: np.ndarray) -> np.ndarray:
    """Values in the order of targets, in the order in which a wiring has them."""
    rows = w.given.by_target() if w.kind == GIVEN and w.given is not None else None
    if rows is None or rows.order is None:
        return in_order
    out = np.empty_like(in_order)
    out[rows.order] = in_order
    return out
