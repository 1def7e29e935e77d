"""Explicit synapses: given as a matrix, as lists of sources and targets, or in a file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.arrays import first_not_finite, indices, out_of_range
from lifsim.common.errors import Problem, problem_of
from lifsim.common.printable import shown
from lifsim.common.values import as_float, has_unit, is_whole, numbers, quantity_of_another_library, value
from lifsim.network.distance import is_profile
from lifsim.network.explicit_synapses import SORTED, ExplicitSynapses, entries, side_by_side
from lifsim.network.population import View
from lifsim.network.synapse_values import synaptic_value, weight_unit

MANY = 1_000_000  # nodes; for larger populations in space, mean probabilities are computed without visiting each node


def from_copies(
    place: str, given: Mapping[str, Any], delay: Any, n_target: int, n_source: int
) -> tuple[ExplicitSynapses | None, np.ndarray, Any, list[Problem]]:
    """The synapses of a matrix, repeated `copies` times; their weights (entries times `scale`); their delays; problems."""
    copies, scale = given.get("copies", 1), given.get("scale", 1.0)
    problems = list(_check_copies(place, copies, scale, n_target, n_source))
    if problems:
        return None, np.zeros(0), delay, problems
    copies, shape = int(copies), (n_target // int(copies), n_source // int(copies))
    synapses, weights, problems = from_matrix(f"{place}.matrix", given["matrix"], *shape)
    if scale != 1:
        weights = weights * weights.dtype.type(scale)
    if synapses is None or copies == 1:
        return synapses, weights, delay, problems
    if isinstance(delay, (np.ndarray, list)) or hasattr(delay, "tocsr"):
        try:
            delay = np.tile(np.asarray(synaptic_value(delay, "ms", "matrix", {"given": synapses}, shape[1], shape[0])), copies)
        except ValueError as error:
            problems.append(Problem(f"{place}.delay", str(error)))
    return side_by_side(synapses, copies), np.tile(weights, copies), delay, problems


def _check_copies(place: str, copies: Any, scale: Any, n_target: int, n_source: int) -> Iterable[Problem]:
    if not is_whole(copies) or copies < 1:
        yield Problem(f"{place}.copies", shown(copies), "a whole number from 1 on")
    elif n_target % copies or n_source % copies:
        yield Problem(
            f"{place}.copies", f"{copies:g} copies with {n_source} sources and {n_target} targets in all", "a number that divides both"
        )
    factor = as_float(scale)
    if factor is None or not math.isfinite(factor):
        yield Problem(f"{place}.scale", shown(scale), "a finite number")


def from_file(
    place: str, dt: float, given: Mapping[str, Any], raw: Mapping[str, Any], source: View, target: View
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Read sources and targets, and weights and delays if the file has these columns. Returns rule parameters, values, problems."""
    from lifsim.network.synapse_file import read
    from lifsim.network.synapse_table import Limits, WantedColumns

    allowed, problems = ("file", "edge_types"), []
    problems += [Problem(f"{place}.{key}", "given beside a file", "the file lists the synapses") for key in given if key not in allowed]
    types = given.get("edge_types")
    if types is not None and types is not False and not (isinstance(types, (str, Path)) and str(types)):
        problems.append(Problem(f"{place}.edge_types", f"{types!r}", "a file, such as edge_types.csv, or false"))
    if problems:
        return dict(given), dict(raw), problems
    unit = weight_unit(source, target)
    own = frozenset(key for key in ("weight", "delay") if not (isinstance(raw[key], (int, float)) and raw[key] == 1.0))
    asked = WantedColumns(unit, types if types is None or types is False else Path(types), own)
    found = read(given["file"], Limits(len(source), len(target), dt), f"{place}.file", asked)
    columns = {key: x for key, x in (("weight", found.weight), ("delay", found.delay)) if x is not None}
    problems += [
        Problem(f"{place}.{key}", "given beside a file", f"the file has a {key} for each synapse") for key in columns if key in own
    ]
    if found.number is not None:
        try:
            columns["weight"] = _times(raw["weight"], unit, found.number)
        except ValueError as error:
            problems.append(Problem(f"{place}.weight", str(error)))
    return {"sources": found.sources, "targets": found.targets}, {**raw, **columns}, problems


def _times(weight: Any, unit: str, number: np.ndarray) -> np.ndarray:
    """The connection's weight times the number of synapses of each edge (nsyns)."""
    one = None if is_profile(weight) or isinstance(weight, (list, np.ndarray)) else value(weight, unit)
    if not isinstance(one, float):
        raise ValueError(f"{weight!r}; must be a number if the file gives the number of synapses of each edge (nsyns)")
    return one * number


def from_matrix(place: str, matrix: Any, n_target: int, n_source: int) -> tuple[ExplicitSynapses | None, np.ndarray, list[Problem]]:
    """Synapses and weights from the stored entries of a scipy.sparse matrix, or the non-zero entries of an array; problems."""
    nothing = None, np.zeros(0)
    if isinstance(matrix, np.ma.MaskedArray) or getattr(matrix, "dtype", np.dtype(float)).kind == "c":
        return *nothing, [Problem(place, "complex or masked entries", "plain real numbers")]
    if has_unit(matrix):
        return *nothing, [Problem(place, quantity_of_another_library(matrix))]
    try:
        array = matrix if hasattr(matrix, "tocsr") else _dense(matrix)
    except (TypeError, ValueError) as error:
        return *nothing, [
            Problem(place, f"{type(matrix).__name__} that holds no numbers ({error})", "a scipy.sparse matrix or a 2-D array")
        ]
    if array.shape != (n_target, n_source):
        return *nothing, [Problem(place, f"shape {array.shape}", f"must be (n_target, n_source) = ({n_target}, {n_source})")]
    try:
        given, data = entries(array)
    except (TypeError, ValueError) as error:
        return *nothing, [problem_of(place, error)]
    if not given.in_range():
        return *nothing, [Problem(place, "indices out of range", f"rows 0 to {n_target - 1}, columns 0 to {n_source - 1}")]
    wrong = first_not_finite(data)
    if wrong is not None:
        at = ", ".join(str(x) for x in given.pair(wrong))
        return *nothing, [Problem(place, f"{data[wrong]:g} at [{at}]", "weights must be finite")]
    return given, data, []


def _dense(matrix: Any) -> np.ndarray:
    """A dense matrix as float32 or float64. True counts as 1, False as 0 (no synapse)."""
    if isinstance(matrix, np.ndarray) and matrix.dtype.kind in "biuf":
        return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float64)
    if not isinstance(matrix, (np.ndarray, list, tuple)):
        matrix = np.asarray(matrix)
    return numbers(matrix, None)


def from_lists(place: str, given: Mapping[str, Any], source: View, target: View) -> tuple[ExplicitSynapses | None, list[Problem]]:
    """Synapses from lists of source and target indices; problems."""
    ends, problems = {}, []
    for key, view in (("sources", source), ("targets", target)):
        try:
            masked = isinstance(given[key], np.ma.MaskedArray) or (
                isinstance(given[key], list) and any(x is np.ma.masked for x in given[key])
            )
            if masked:
                raise ValueError("masked entries; fill them first")
            array = np.asarray(given[key])
            ends[key] = indices(array if array.size or array.ndim != 1 else array.astype(np.int64))  # NumPy makes an empty list float64
        except (TypeError, ValueError) as error:
            problems.append(problem_of(f"{place}.{key}", error))
            continue
        wrong = out_of_range(ends[key], len(view))
        if wrong is not None:
            problems.append(Problem(f"{place}.{key}", f"id {wrong} is out of range", f"0 to {len(view) - 1} ({view})"))
    if not problems and len(ends["sources"]) != len(ends["targets"]):
        got = f"{len(ends['sources'])} sources and {len(ends['targets'])} targets"
        problems.append(Problem(place, got, "the same number of each"))
    if problems:
        return None, problems
    dtype = np.result_type(ends["sources"], ends["targets"])
    targets, sources = (ends[key].astype(dtype, copy=False) for key in ("targets", "sources"))
    return ExplicitSynapses(len(target), len(source), targets, sources, np.zeros(0, np.int64)), []


def check_pairs(place: str, given: ExplicitSynapses, source: View, target: View, flags: Mapping[str, bool]) -> Iterable[Problem]:
    """Report explicit synapses that the options exclude. They are an error, because explicit synapses are never dropped."""
    if not flags["allow_autapses"] and source.population is target.population:
        for _, t, s in given.pieces():
            itself = source.ids[s] == target.ids[t]
            if itself.any():
                got = f"neuron {source.ids[s][itself][0]} of {source.name} connects to itself"
                yield Problem(place, got, "no autapses (allow_autapses = false)")
                break
    if not flags["allow_multapses"]:
        twice = _first_repeated(given)
        if twice is not None:
            got = f"{source.name} {source.ids[twice[1]]} connects to {target.name} {target.ids[twice[0]]} twice"
            yield Problem(place, got, "no multapses (allow_multapses = false)")


def _first_repeated(given: ExplicitSynapses) -> tuple[int, int] | None:
    """(target, source) of a pair with several synapses, or None. Lists are sorted by target for this."""
    if not len(given.ptr):
        rows = given.by_target()
        given = ExplicitSynapses(given.n_target, given.n_source, rows.sources[:0], rows.sources, rows.ptr)
    for _, t, s in given.pieces(SORTED):
        pair = np.asarray(t, np.int64) * given.n_source + s
        if not (pair[1:] > pair[:-1]).all():
            pair.sort()
            twice = pair[1:] == pair[:-1]
            if twice.any():
                return divmod(int(pair[1:][twice][0]), given.n_source)
    return None
