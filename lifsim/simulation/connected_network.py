"""A built network whose synapses can be read and changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifsim.common.errors import ModelError
from lifsim.common.printable import shown
from lifsim.network import View
from lifsim.network.projection import Projection
from lifsim.network.projection_choice import Choice
from lifsim.network.recordings import Nodes
from lifsim.simulation.built_network import BuiltNetwork
from lifsim.simulation.draws import Draw, Draws
from lifsim.simulation.turn import alone, reading
from lifsim.weights import WeightStore


class ConnectedNetwork(BuiltNetwork):
    """A built network with calls for its synapses.

    Parameters
    ----------
    net, settings, progress : as of `BuiltNetwork`.
    """

    @reading
    def matrix(self, source: Nodes, target: Nodes, what: str = "weight", projection: Choice = None) -> Any:
        """The weights or delays of the synapses between two groups of nodes.

        Parameters
        ----------
        source, target : presynaptic and postsynaptic nodes: populations, slices of them, or their names.
        what : "weight", in the unit of the target's model (pA, mV or nS), or "delay", in ms; of plastic synapses also a parameter, a
            state variable such as "u", or the presynaptic trace "Kplus". Plastic weights, states and traces are those just after the last
            presynaptic spike, as in NEST, even if that spike has not arrived yet.
        projection : one of several projections between these populations: its name, its number in the network, or the `Projection`.
            Default: all of them.

        Returns
        -------
        scipy.sparse.csc_array of shape (n_target, n_source). Multiple synapses of a pair (multapses) are separate entries.

        Raises
        ------
        ModelError, LifsimError : there are no such nodes or no such projection, they have no stored synapses, or `what` is wrong.
        """
        return self._synapses.matrix(self.net.view(source), self.net.view(target), what, projection)

    @alone
    def set_weights(self, source: Nodes, target: Nodes, value: Any, projection: Choice = None) -> None:
        """Set the weights of static or plastic synapses.

        Spikes that are on their way arrive with the new weight. Plastic weights are set as `matrix` returns them: after the changes by the
        spikes that were sent. Static synapses are stored anew, which takes as long as to build them. Generators other than a
        spike_generator send with the new weights from now on; what they sent before arrives with the old ones.

        Parameters
        ----------
        source, target : presynaptic and postsynaptic nodes: populations, slices of them, or their names.
        value : the new weights, in the unit of the target's model: a number, a text with a unit, or a distribution such as
            ``{"normal": [50.0, 5.0]}``; an array of shape (n_synapses,), in the order of ``matrix(source, target).data``, or
            (n_target, n_source), with one number for each pair that has synapses; a sparse matrix with the same entries or the same
            pairs as `matrix`; or a function that takes the present `matrix` and returns one of these. One number for a pair is the
            sum of the weights of its synapses, which keep their proportions.
        projection : as of `matrix`; needed if there are several projections between these populations.

        Raises
        ------
        ModelError : there are no such synapses, or a weight is not allowed, such as one of the wrong sign; nothing is set.

        Examples
        --------
        Let the weights onto each neuron add up to 78 again:

        >>> sim.set_weights("input", "exc", lambda w: w.multiply(78.0 / w.sum(axis=1)[:, None]))  # doctest: +SKIP
        """
        self._check_open()
        views = self.net.view(source), self.net.view(target)
        self._synapses.set_weights(*views, value, self._drawn(*views, projection), projection)
        self._note(f"{views[0]} to {views[1]}", {"weight": value})

    @alone
    def set_delays(self, source: Nodes, target: Nodes, value: Any, projection: Choice = None) -> None:
        """Set the delays of static synapses, within the shortest and the longest delay of the network as it was built.

        This is possible while no spike of `source` is on its way: before the first run, after `reset`, or in a pause of its activity.

        Parameters
        ----------
        source, target, projection : as of `set_weights`.
        value : the new delays in ms, multiples of dt, in one of the forms of `set_weights`; one number for a pair is the delay of
            each of its synapses.

        Raises
        ------
        ModelError : there are no such synapses, they are plastic, a delay is not allowed, or spikes are on their way; nothing is set.
        """
        self._check_open()
        views = self.net.view(source), self.net.view(target)
        self._synapses.set_delays(*views, value, self._drawn(*views, projection), projection)
        self._note(f"{views[0]} to {views[1]}", {"delay": value})

    @alone
    def set_synapses(
        self, source: Nodes, target: Nodes, params: Mapping[str, Any] | None = None, projection: Choice = None, **values: Any
    ) -> None:
        """Set parameters, state variables and traces of plastic synapses.

        They hold from now on: for the spikes that arrive, and for pairs with postsynaptic spikes since the last presynaptic one, which are
        taken into account when the next presynaptic spike arrives, as in NEST.

        Parameters
        ----------
        source, target, projection : as of `set_weights`.
        params : values by name as a dictionary; values may also be given as arguments.
        values : by name, such as ``U=0.4``, in the forms of `set_weights`; one number for a pair is the value of each of its synapses.
            Variables that were one number for all synapses when the network was built take one number for the whole projection.

        Raises
        ------
        ModelError : there are no such synapses, they are static, or a name or value is not allowed; lists all of them, and nothing is set.
        """
        self._check_open()
        views = self.net.view(source), self.net.view(target)
        if params is not None and not isinstance(params, Mapping):
            raise ModelError(f"{views[0]} to {views[1]}", shown(params), "values by name, such as U=0.4")
        new = {**(params or {}), **values}
        self._synapses.set_parameters(*views, new, self._drawn(*views, projection), projection)
        self._note(f"{views[0]} to {views[1]}", new)

    def _drawn(self, source: View, target: View, projection: Choice) -> Draw:
        """Draws values for the synapses between two views."""
        which = projection.name if isinstance(projection, Projection) else projection
        return Draws(self.seed, self._engine.step).of_synapses(source, target, which, self.net.dt)

    @reading
    def save_weights(self, path: str | Path, source: Nodes, target: Nodes, name: str | None = None) -> None:
        """Write the current weights, and the delays, to a `lifsim.weights.WeightStore`.

        Parameters
        ----------
        path : of the store, which is created if it does not exist.
        source, target : as of `matrix`.
        name : of the matrix in the store (default: "SOURCE_to_TARGET").

        Raises
        ------
        ModelError : as of `matrix`. DataError, OutputError : the store cannot be read or written.
        """
        own, onto = self.net.view(source), self.net.view(target)
        weight, delay = (self.matrix(own, onto, what) for what in ("weight", "delay"))
        with WeightStore(path, "a") as store:
            store.put(name or f"{own.name}_to_{onto.name}", weight, delay=delay, units=onto.population.model.weight_unit)
