"""Projections: which rule connects two populations, with which weights and delays."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lifsim.errors import ModelError, Problem, did_you_mean
from lifsim.grid import nearest_on_grid
from lifsim.populations import View
from lifsim.values import Distribution, Value, acceptance, value

RULES: dict[str, tuple[str, ...]] = {  # rule → the parameters it needs
    "one_to_one": (),
    "all_to_all": (),
    "pairwise_bernoulli": ("p",),
    "fixed_indegree": ("indegree",),
    "fixed_outdegree": ("outdegree",),
    "fixed_total_number": ("N",),
    "explicit": ("sources", "targets"),
    "matrix": ("matrix",),
}
_COUNTS = ("indegree", "outdegree", "N")


@dataclass(frozen=True, eq=False)
class SynapseRows:
    """Given synapses sorted by target: those of target t are `sources[indptr[t]:indptr[t + 1]]`.

    `order` maps them to the order in which they were given (None: the same), so that arrays of
    weights and delays in that order apply.
    """

    indptr: np.ndarray
    sources: np.ndarray
    order: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from `source` to `target` made by `rule`.

    `params` holds the rule's own numbers (p, indegree, outdegree, N), or for "explicit" and
    "matrix" the given synapses under "rows". Weight and delay are one number, one distribution, or
    an array with an entry a synapse in the order of the rule (see `Network.connect`).
    """

    source: View
    target: View
    rule: str
    params: dict[str, Any]
    weight: Value
    delay: Value
    allow_autapses: bool
    allow_multapses: bool

    @property
    def recurrent(self) -> bool:
        """Whether both ends are in the same population, so that autapses can occur."""
        return self.source.population is self.target.population

    @property
    def nothing(self) -> bool:
        """Whether the rule's own number (p or a count) is 0, so that there are no synapses."""
        return any(self.params.get(key) == 0 for key in ("p", *_COUNTS))


def projection(place: str, dt: float, source: View, target: View, rule: str, given: Mapping[str, Any]) -> Projection:
    """A checked `Projection`; raises `ModelError` with every problem found."""
    given = dict(given)
    raw = {key: given.pop(key) for key in ("weight", "delay")}
    flags = {key: given.pop(key) for key in ("allow_autapses", "allow_multapses")}
    unit = _weight_unit(source, target)
    problems = [*_check_ends(place, source, target), *_check_flags(place, flags), *_check_rule(place, rule, given)]
    params: dict[str, Any] = {}
    if not problems:
        params, raw, problems = _rule_params(place, rule, given, raw, source, target, flags)
    if problems:
        raise ModelError.of([*problems, *_check_alone(place, dt, raw, unit)])
    values: dict[str, Value] = {}
    for key, unit_of_key in (("weight", unit), ("delay", "ms")):
        try:
            values[key] = _synaptic(raw[key], unit_of_key, rule, params, len(source), len(target))
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error)))
    if "weight" in values:
        problems += _check_weight(f"{place}.weight", values["weight"])
    if "delay" in values:
        problems += _check_delay(f"{place}.delay", values["delay"], dt)
    if problems:
        raise ModelError.of(problems)
    return Projection(source, target, rule, params, values["weight"], values["delay"], **{k: bool(v) for k, v in flags.items()})


def _rule_params(
    place: str, rule: str, given: Mapping[str, Any], raw: dict[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """The rule's own numbers or the given synapses; weight and delay (a matrix holds the weights); problems."""
    if rule not in ("matrix", "explicit"):
        problems = list(_check_counts(place, rule, given, source, target, flags))
        return ({} if problems else {k: float(v) if k == "p" else int(v) for k, v in given.items()}), raw, problems
    if rule == "matrix":
        rows, weights, problems = _matrix_rows(f"{place}.matrix", given["matrix"], len(target), len(source))
        if not (isinstance(raw["weight"], (int, float)) and raw["weight"] == 1.0):
            problems.append(Problem(f"{place}.weight", "given beside a matrix", "the entries of the matrix are the weights"))
        raw = {**raw, "weight": weights}
    else:
        rows, problems = _explicit_rows(place, given, source, target)
    if not problems:
        problems += _check_pairs(place, rows, source, target, flags)
    return {"rows": rows}, raw, problems


# -- checks --------------------------------------------------------------------------------------


def _check_ends(place: str, source: View, target: View) -> Iterable[Problem]:
    if target.population.model.role != "neuron":
        yield Problem(
            f"{place}.target", f"{target.name} is a {target.population.model.name}, which takes no input", "a population of neurons"
        )


def _check_flags(place: str, flags: Mapping[str, Any]) -> Iterable[Problem]:
    for key, flag in flags.items():
        if not isinstance(flag, (bool, np.bool_)):
            yield Problem(f"{place}.{key}", f"{flag!r}", "must be true or false")


def _check_rule(place: str, rule: str, given: Mapping[str, Any]) -> Iterable[Problem]:
    if rule not in RULES:
        yield Problem(f"{place}.rule", f"there is no rule {rule!r}", did_you_mean(rule, [r for r in RULES if r != "matrix"]))
        return
    for name in RULES[rule]:
        if given.get(name) is None:
            yield Problem(f"{place}.{name}", "missing", f"{rule} needs it")
    for name in given:
        if name not in RULES[rule]:
            known = [*RULES[rule], "weight", "delay", "allow_autapses", "allow_multapses"]
            yield Problem(f"{place}.{name}", f"{rule} has no parameter {name!r}", did_you_mean(name, known))


def _check_counts(
    place: str, rule: str, given: Mapping[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> Iterable[Problem]:
    if rule == "one_to_one" and len(source) != len(target):
        yield Problem(place, f"one_to_one between {len(source)} sources and {len(target)} targets", "as many of each")
    for name, raw in given.items():
        if not isinstance(raw, (int, float, np.integer, np.floating)) or isinstance(raw, bool) or not math.isfinite(raw):
            yield Problem(f"{place}.{name}", f"{raw!r}", "must be a number")
        elif name == "p" and not 0 <= raw <= 1:
            yield Problem(f"{place}.p", f"{raw:g}", "a probability from 0 to 1")
        elif name in _COUNTS and (raw < 0 or raw != int(raw)):
            yield Problem(f"{place}.{name}", f"{raw:g}", "a whole number, at least 0")
        elif name in _COUNTS:
            most = _most(name, source, target, flags)
            if raw > most:
                yield Problem(f"{place}.{name}", f"{raw:g}", f"at most {most} {_why(most, flags)}")


def _most(name: str, source: View, target: View, flags: Mapping[str, bool]) -> float:
    """The largest count that the options leave room for."""
    same = source.population is target.population
    shared = len(np.intersect1d(source.ids, target.ids)) if same and not flags["allow_autapses"] else 0
    pairs = len(source) * len(target) - shared
    if flags["allow_multapses"]:
        return math.inf if pairs else 0
    # With autapses excluded some node may have one partner fewer.
    return {"indegree": len(source) - bool(shared), "outdegree": len(target) - bool(shared), "N": pairs}[name]


def _why(most: float, flags: Mapping[str, bool]) -> str:
    return "without autapses" if flags["allow_multapses"] else "without multapses"


def _check_alone(place: str, dt: float, raw: Mapping[str, Any], weight_unit: str) -> Iterable[Problem]:
    """What is wrong with weight and delay whatever the synapses are."""
    for key, unit in (("weight", weight_unit), ("delay", "ms")):
        if isinstance(raw[key], np.ndarray) or hasattr(raw[key], "tocsr"):
            continue  # one entry a synapse
        try:
            v = value(raw[key], unit)
        except ValueError as error:
            yield Problem(f"{place}.{key}", str(error))
            continue
        if not isinstance(v, np.ndarray):
            yield from _check_weight(f"{place}.weight", v) if key == "weight" else _check_delay(f"{place}.delay", v, dt)


def _weight_unit(source: View, target: View) -> str:
    """A current is only multiplied by its weight; a spike's weight is what the target's model says."""
    return "" if source.population.model.role == "current" else target.population.model.weight_unit


def _check_weight(place: str, weight: Value) -> Iterable[Problem]:
    if isinstance(weight, Distribution):
        return
    bad = ~np.isfinite(np.asarray(weight))
    if bad.any():
        first = np.asarray(weight)[bad].flat[0]
        yield Problem(place, f"{first:g}", "weights must be finite")


def _check_delay(place: str, delay: Value, dt: float) -> Iterable[Problem]:
    if isinstance(delay, Distribution):
        if acceptance(replace(delay, min=max(delay.min, dt / 2))) < 1e-4:
            got = f"the distribution practically never reaches dt/2 = {dt / 2:g} ms"
            yield Problem(place, got, "drawn delays are redrawn below dt/2")
        return
    d = np.atleast_1d(np.asarray(delay)).ravel()
    ratio = d / dt
    with np.errstate(invalid="ignore"):  # inf - inf
        wrong = ~np.isfinite(d) | (ratio < 1 - 1e-6) | (np.abs(ratio - np.round(ratio)) > 1e-6)
    if not wrong.any():
        return
    first = d[np.argmax(wrong)]
    if not math.isfinite(first):
        yield Problem(place, f"{first:g} ms", "delays must be finite")
    elif first < dt * (1 - 1e-6):
        yield Problem(place, f"{first:g} ms is below dt", f"nearest allowed: {dt:g} ms (at least one step of dt)")
    else:
        yield Problem(place, f"{first:g} ms is not on the grid", nearest_on_grid(first, dt))


# -- given synapses ------------------------------------------------------------------------------


def _matrix_rows(place: str, matrix: Any, n_target: int, n_source: int) -> tuple[SynapseRows, np.ndarray, list[Problem]]:
    """Stored entries of a scipy.sparse matrix, or non-zero ones of an array, as synapses."""
    nothing = SynapseRows(np.zeros(n_target + 1, np.int64), np.zeros(0, np.int64)), np.zeros(0)
    if np.iscomplexobj(matrix) or isinstance(matrix, np.ma.MaskedArray) or getattr(matrix, "dtype", np.dtype(float)).kind == "c":
        return *nothing, [Problem(place, "complex or masked entries", "plain real numbers")]
    try:
        array = matrix if hasattr(matrix, "tocsr") else np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        return *nothing, [Problem(place, f"{type(matrix).__name__} that holds no numbers", "a scipy.sparse matrix or a 2-D array")]
    if array.shape != (n_target, n_source):
        return *nothing, [Problem(place, f"shape {array.shape}", f"must be (n_target, n_source) = ({n_target}, {n_source})")]
    rows, data = csr_rows(array)
    problems = []
    if np.isnan(data).any():
        k = int(np.argmax(np.isnan(data)))
        t = int(np.searchsorted(rows.indptr, k, side="right")) - 1
        problems.append(Problem(place, f"nan at [{t}, {int(rows.sources[k])}]", "weights must be finite"))
    elif not _valid_indptr(rows, n_target):
        problems.append(Problem(place, "indptr is broken", "it must rise from 0 to the number of entries"))
    elif len(rows.sources) and not (rows.sources.min() >= 0 and rows.sources.max() < n_source):
        problems.append(Problem(place, "indices out of range", f"0 to {n_source - 1}"))
    return rows, data, problems


def _valid_indptr(rows: SynapseRows, n_target: int) -> bool:
    p = rows.indptr
    return len(p) == n_target + 1 and p[0] == 0 and p[-1] == len(rows.sources) and not np.any(np.diff(p) < 0)


def csr_rows(array: Any) -> tuple[SynapseRows, np.ndarray]:
    """Synapses and weights of a sparse matrix (any format; repeated COO entries stay apart) or array."""
    if not hasattr(array, "tocsr"):
        targets, sources = np.nonzero(array)
        return _sorted_rows(targets, sources, array.shape[0])[0], array[targets, sources]
    if array.format == "coo":
        coords = (array.row, array.col) if hasattr(array, "row") else array.coords
        rows, order = _sorted_rows(coords[0], coords[1], array.shape[0])
        return SynapseRows(rows.indptr, rows.sources), np.asarray(array.data, np.float64)[order]
    csr = array.tocsr()
    return SynapseRows(csr.indptr, csr.indices), np.asarray(csr.data, dtype=np.float64)


def _sorted_rows(targets: np.ndarray, sources: np.ndarray, n_target: int) -> tuple[SynapseRows, np.ndarray]:
    order = np.argsort(targets, kind="stable")
    indptr = np.concatenate([[0], np.cumsum(np.bincount(targets, minlength=n_target))])
    return SynapseRows(indptr.astype(np.int64), np.ascontiguousarray(sources[order]), order), order


def _explicit_rows(place: str, given: Mapping[str, Any], source: View, target: View) -> tuple[SynapseRows, list[Problem]]:
    ends, problems = {}, []
    for key, view in (("sources", source), ("targets", target)):
        array = np.asarray(given[key])
        if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu"):
            problems.append(Problem(f"{place}.{key}", f"an array of {array.dtype}, shape {array.shape}", "a list of indices"))
        elif len(array) and not (array.min() >= 0 and array.max() < len(view)):
            wrong = array[(array < 0) | (array >= len(view))][0]
            problems.append(Problem(f"{place}.{key}", f"id {wrong} is out of range", f"0 to {len(view) - 1} ({view})"))
        else:
            ends[key] = array.astype(np.int64)
    if not problems and len(ends["sources"]) != len(ends["targets"]):
        got = f"{len(ends['sources'])} sources and {len(ends['targets'])} targets"
        problems.append(Problem(place, got, "as many of each"))
    if problems:
        return SynapseRows(np.zeros(len(target) + 1, np.int64), np.zeros(0, np.int64)), problems
    return _sorted_rows(ends["targets"], ends["sources"], len(target))[0], []


def _check_pairs(place: str, rows: SynapseRows, source: View, target: View, flags: Mapping[str, bool]) -> Iterable[Problem]:
    """Given synapses are never dropped: what the options exclude is an error."""
    targets = np.repeat(np.arange(len(target)), np.diff(rows.indptr))
    s, t = source.ids[rows.sources], target.ids[targets]
    if not flags["allow_autapses"] and source.population is target.population and (s == t).any():
        yield Problem(place, f"neuron {s[s == t][0]} of {source.name} connects to itself", "no autapses (allow_autapses = false)")
    if not flags["allow_multapses"]:
        pair = np.sort(t * np.int64(source.population.n) + s)
        twice = pair[1:] == pair[:-1]
        if twice.any():
            to, of = divmod(int(pair[1:][twice][0]), source.population.n)
            got = f"{source.name} {of} connects to {target.name} {to} twice"
            yield Problem(place, got, "no multapses (allow_multapses = false)")


# -- values of synapses --------------------------------------------------------------------------


def _synaptic(raw: Any, unit: str | None, rule: str, params: Mapping[str, Any], n_source: int, n_target: int) -> Value:
    """A weight or delay; an array comes back flat, in the order in which synapses are made."""
    rows: SynapseRows | None = params.get("rows")
    if hasattr(raw, "tocsr"):
        return _same_pattern(raw, rows, (n_target, n_source)) if rule == "matrix" and rows else _refuse(rule)
    v = value(raw, unit)
    if not isinstance(v, np.ndarray):
        return v
    shapes = {
        "one_to_one": (n_target,),
        "all_to_all": (n_target, n_source),
        "pairwise_bernoulli": (n_target, n_source),
        "fixed_indegree": (n_target, params.get("indegree")),
        "fixed_outdegree": (n_source, params.get("outdegree")),
        "fixed_total_number": (params.get("N"),),
    }
    if rows is not None:
        if v.shape == (len(rows.sources),):
            return v if rows.order is None else v[rows.order]
        if rule == "matrix" and v.shape == (n_target, n_source):
            return v[np.repeat(np.arange(n_target), np.diff(rows.indptr)), rows.sources]
        raise ValueError(f"an array of shape {v.shape}; must have one value a synapse: ({len(rows.sources)},)")
    if v.shape != shapes[rule]:
        raise ValueError(f"an array of shape {v.shape}; {rule} takes {shapes[rule]}")
    return v.ravel()


def _refuse(rule: str) -> Value:
    raise ValueError(f"a sparse matrix beside the rule {rule}; give the matrix in place of the rule")


def _same_pattern(raw: Any, rows: SynapseRows, shape: tuple[int, int]) -> np.ndarray:
    if raw.shape != shape:
        raise ValueError(f"a matrix of shape {raw.shape}; must be (n_target, n_source) = {shape}")
    own, data = csr_rows(raw)
    if not (np.array_equal(own.indptr, rows.indptr) and np.array_equal(own.sources, rows.sources)):
        raise ValueError("its stored entries are not those of the weight matrix; the patterns must be the same")
    return data
