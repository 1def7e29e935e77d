"""The synapses that a figure shows: of a network, of a simulation, or given as matrices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from lifsim.common import hooks
from lifsim.common.errors import DataError
from lifsim.network.network import Network
from lifsim.plot.origins import note
from lifsim.plot.selection import Look, looks, population_names


class Block(NamedTuple):
    """The synapses from one population to another: index of source and target and the weight of each, (n_synapses,)."""

    source: str
    target: str
    sources: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


class SynapseBlocks:
    """The synapses between populations, one block after the other, since all at once can exceed the memory.

    sizes : population -> number of its neurons. looks : population -> its colour and label. units : population -> unit of the weights
    of synapses onto it.
    """

    def __init__(
        self,
        sizes: Mapping[str, int],
        looks: Mapping[str, Look],
        units: Mapping[str, str],
        pairs: Sequence[tuple[str, str]],
        matrix: Callable[[str, str], Any],
    ) -> None:
        self.sizes, self.looks, self.units = sizes, looks, units
        self._pairs, self._matrix = pairs, matrix

    def __iter__(self) -> Iterator[Block]:
        for source, target in self._pairs:
            yield _block(source, target, self._matrix(source, target))

    @property
    def names(self) -> list[str]:
        """The populations, in the order of the network."""
        return list(self.sizes)


def synapses_of(synapses: Any, populations: Sequence[str] | str | None) -> SynapseBlocks:
    """The synapses among some populations (None: all) of a `Network` or `Simulation`, or of matrices.

    Raises
    ------
    DataError : `synapses` is none of these, has no synapses, or there is no such population.
    """
    if isinstance(synapses, Network):
        return _of_network(synapses, populations, lambda: hooks.simulation_of(synapses))
    if isinstance(getattr(synapses, "net", None), Network) and callable(getattr(synapses, "matrix", None)):
        return _of_network(synapses.net, populations, lambda: synapses)
    if isinstance(synapses, Mapping):
        return _of_matrices(synapses, populations)
    if np.ndim(synapses) == 2 or getattr(synapses, "ndim", None) == 2:
        return _of_matrices({("sources", "targets"): synapses}, populations)
    got = f"a {type(synapses).__name__}"
    raise DataError("synapses", got, "a Network, a Simulation, a matrix (targets × sources), or {(source, target): matrix}")


def _of_network(net: Network, populations: Sequence[str] | str | None, simulation: Callable[[], Any]) -> SynapseBlocks:
    """The synapses of a network; `simulation` returns the one that holds them, when all has been checked."""
    note(net)
    ends = {(p.source.population.name, p.target.population.name) for p in net.projections if p.stores_synapses}
    if not ends:
        raise DataError("synapses", f"{net.name or 'the network'} has no synapses", "a network with projections between neurons")
    known = [name for name in net.populations if any(name in pair for pair in ends)]
    names = [name for name in known if name in population_names(populations, known, "synapses")]
    pairs = [(s, t) for s in names for t in names if (s, t) in ends]
    all_looks = looks({name: p.model.name for name, p in net.populations.items()})
    units = {name: net.populations[name].model.weight_unit for name in names}
    return SynapseBlocks({name: net.populations[name].n for name in names}, all_looks, units, pairs, simulation().matrix)


def _of_matrices(matrices: Mapping[Any, Any], populations: Sequence[str] | str | None) -> SynapseBlocks:
    sizes: dict[str, int] = {}
    for key, matrix in matrices.items():
        if not (isinstance(key, tuple) and len(key) == 2):
            raise DataError("synapses", f"the key {key!r}", "a pair of names, (source, target)")
        n_target, n_source = np.shape(matrix)
        for name, n in ((key[0], n_source), (key[1], n_target)):
            if sizes.setdefault(name, n) != n:
                raise DataError("synapses", f"{name!r} has {sizes[name]:,} neurons in one matrix and {n:,} in another", "the same number")
    names = population_names(populations, list(sizes), "synapses")
    pairs = [key for key in matrices if key[0] in names and key[1] in names]
    sizes = {name: n for name, n in sizes.items() if name in names}
    return SynapseBlocks(sizes, looks(dict.fromkeys(sizes, "")), {}, pairs, lambda s, t: matrices[s, t])


def _block(source: str, target: str, matrix: Any) -> Block:
    from scipy.sparse import coo_array, issparse

    made = matrix.tocoo() if issparse(matrix) else coo_array(np.asarray(matrix))
    return Block(source, target, made.col, made.row, np.asarray(made.data, float))
