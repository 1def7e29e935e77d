"""Projections: which rule connects two populations, with which weights and delays."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from lifsim.errors import ModelError, Problem, did_you_mean
from lifsim.given import SORTED, Given, entries, first_not_finite, indices, out_of_range, same, side_by_side
from lifsim.grid import LONGEST_DELAY, nearest_on_grid, no_delays, not_on_grid
from lifsim.models import PARROT, receptors_of
from lifsim.plan import PIECE
from lifsim.populations import View
from lifsim.positions import Positions, Space, displacements, farthest, mismatch
from lifsim.printable import shown
from lifsim.profiles import Profile, is_profile, profile
from lifsim.synapses import Synapse, check_sign, synapse
from lifsim.values import Distribution, Value, acceptance, as_float, is_whole, numbers, value

Synaptic: TypeAlias = Value | Profile

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
OPTIONAL: dict[str, tuple[str, ...]] = {
    "fixed_indegree": ("p",),
    "fixed_outdegree": ("p",),
    "explicit": ("file", "edge_types"),
    "matrix": ("copies", "scale"),
}
_COUNTS = ("indegree", "outdegree", "N")
_MOST_COUNTED = 2**48  # synapses of a node, or of a projection, that a rule can ask for: more than any memory holds
_SAMPLE = 10_000_000  # pairs that an expectation looks at, about
_MANY = 1_000_000  # nodes, in a space, more than which are not looked at one by one for that


@dataclass(frozen=True, eq=False)
class Projection:
    """Synapses from `source` to `target` made by `rule`.

    `params` holds the rule's own numbers (p, indegree, outdegree, N), or for "explicit" and
    "matrix" the given synapses under "given" (and the "file" that lists them). Weight and delay are one
    number, one distribution, a function of distance, or an array with an entry a synapse in the order of the
    rule (see `Network.connect`) or of what was given, and so are the parameters of plastic synapses; `synapse`
    is None where they are static. `receptor_type` is 0 where the sign of a weight decides.
    """

    source: View
    target: View
    rule: str
    params: dict[str, Any]
    weight: Synaptic
    delay: Synaptic
    allow_autapses: bool
    allow_multapses: bool
    receptor_type: int = 0
    synapse: Synapse | None = None

    @property
    def recurrent(self) -> bool:
        """Whether both ends are in the same population, so that autapses can occur."""
        return self.source.population is self.target.population

    @property
    def nothing(self) -> bool:
        """Whether the rule's own number (p or a count) is 0, so that there are no synapses."""
        p = self.params.get("p")
        return any(self.params.get(key) == 0 for key in ("p", *_COUNTS)) or (isinstance(p, Profile) and p.a == 0)

    @property
    def _homes(self) -> tuple[Positions, Positions]:
        """Positions of both populations, which have them where something depends on distance."""
        source, target = self.source.population.positions, self.target.population.positions
        assert source is not None and target is not None
        return source, target

    def space(self, seed: int) -> Space:
        """Where sources and targets lie in a run with this seed."""
        source, target = self._homes
        period = np.asarray(source.extent) if source.periodic else None
        return Space(source.of(self.source.name, seed)[self.source.ids], target.of(self.target.name, seed)[self.target.ids], period)

    @cached_property
    def farthest(self) -> float:
        """A distance (mm) that no pair exceeds."""
        return farthest(*self._homes)

    @cached_property
    def mean_p(self) -> float:
        """The mean of the probability over all pairs; where it depends on distance, over those of some targets, or in a
        large space over the pairs of any two places.
        """
        p, n_source, n_target = self.params["p"], len(self.source), len(self.target)
        if not isinstance(p, Profile):
            return float(p)
        homes = self._homes
        if max(n_source, n_target) > _MANY and all(home.extent and home.points is None for home in homes):
            d, share = displacements(*homes, p.beyond(1e-9 * p.a))
            return float(p(d) @ share)
        space = self.space(1)
        some = np.linspace(0, n_target - 1, min(n_target, max(_SAMPLE // n_source, 16))).astype(np.int64)
        each, p = np.arange(n_source), p.within(space.error)
        return float(np.mean([p(space.distances(each, np.full(n_source, t))).mean() for t in some]))


def projection(place: str, dt: float, source: View, target: View, rule: str, given: Mapping[str, Any]) -> Projection:
    """A checked `Projection`; raises `ModelError` with every problem found."""
    given = dict(given)
    asked = given.pop("synapse", "static_synapse")
    raw = {key: given.pop(key) for key in ("weight", "delay")}
    flags = {key: given.pop(key) for key in ("allow_autapses", "allow_multapses")}
    receptor = given.pop("receptor_type")
    unit = _weight_unit(source, target)
    problems = [*_check_ends(place, source, target), *_check_flags(place, flags)]
    problems += _check_receptor(f"{place}.receptor_type", receptor, source, target)
    file = given.get("file") if rule == "explicit" else None
    if file is not None and not problems:
        given, raw, problems = _listed(place, dt, given, raw, source, target)
    problems += _check_rule(place, rule, given)
    params: dict[str, Any] = {}
    if not problems:
        params, raw, problems = _rule_params(place, rule, given, raw, source, target, flags)
    problems += _check_space(place, {"p": given.get("p"), **raw}, source, target)
    if problems:
        raise ModelError.of([*problems, *_check_alone(place, dt, raw, unit), *_plastic(f"{place}.synapse", asked, unit, source, value)[1]])
    if file is not None:
        params["file"] = str(file)
    values: dict[str, Synaptic] = {}
    for key, unit_of_key in (("weight", unit), ("delay", "ms")):
        try:
            if is_profile(raw[key]):
                values[key] = profile(raw[key], key, unit_of_key)
            else:
                values[key] = _synaptic(raw[key], unit_of_key, rule, params, len(source), len(target))
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error)))
    if "weight" in values:
        problems += _check_weight(f"{place}.weight", values["weight"])
    if "delay" in values:
        problems += _check_delay(f"{place}.delay", values["delay"], dt)
    own, wrong = _plastic(f"{place}.synapse", asked, unit, source, lambda v, u: _synaptic(v, u, rule, params, len(source), len(target)))
    problems += wrong
    if own and not problems:
        weight = values["weight"]
        problems += check_sign(f"{place}.weight", weight.a if isinstance(weight, Profile) else weight, own)
    if problems:
        raise ModelError.of(problems)
    both = {k: bool(v) for k, v in flags.items()}
    return Projection(
        source,
        target,
        rule,
        params,
        values["weight"],
        values["delay"],
        **both,
        synapse=own,
        receptor_type=_receptor(receptor, source, target),
    )


def _plastic(
    place: str, asked: Any, unit: str, source: View, arranged: Callable[[Any, str], Value]
) -> tuple[Synapse | None, list[Problem]]:
    """The plastic synapses that are asked for, if any are, and what is wrong with them."""
    try:
        own = synapse(place, asked, unit, arranged)
    except ModelError as error:
        return None, error.problems
    model = source.population.model
    if own and model.role not in ("neuron", "spikes"):
        return own, [
            Problem(
                place, f"{own.model.name} from {source.name}, a {model.name}", "plastic synapses come from neurons or a spike_generator"
            )
        ]
    return own, []


def _rule_params(
    place: str, rule: str, given: Mapping[str, Any], raw: dict[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """The rule's own numbers or the given synapses; weight and delay (a matrix holds the weights); problems."""
    if rule not in ("matrix", "explicit"):
        problems = list(_check_counts(place, rule, given, source, target, flags))
        return ({} if problems else {k: _rule_number(k, v) for k, v in given.items()}), raw, problems
    if rule == "matrix":
        synapses, weights, delay, problems = _side_by_side(place, given, raw["delay"], len(target), len(source))
        if not (isinstance(raw["weight"], (int, float)) and raw["weight"] == 1.0):
            problems.append(Problem(f"{place}.weight", "given beside a matrix", "the entries of the matrix are the weights"))
        raw = {**raw, "weight": weights, "delay": delay}
    else:
        synapses, problems = _lists(place, given, source, target)
    if synapses is not None and not problems:
        problems += _check_pairs(place, synapses, source, target, flags)
    return {"given": synapses}, raw, problems


def _side_by_side(
    place: str, given: Mapping[str, Any], delay: Any, n_target: int, n_source: int
) -> tuple[Given | None, np.ndarray, Any, list[Problem]]:
    """The synapses of the matrix, as often as `copies` says, their weights, `scale` times the entries, and their delays."""
    copies, scale = given.get("copies", 1), given.get("scale", 1.0)
    problems = list(_check_copies(place, copies, scale, n_target, n_source))
    if problems:
        return None, np.zeros(0), delay, problems
    copies, shape = int(copies), (n_target // int(copies), n_source // int(copies))
    synapses, weights, problems = _matrix(f"{place}.matrix", given["matrix"], *shape)
    if scale != 1:
        weights = weights * weights.dtype.type(scale)
    if synapses is None or copies == 1:
        return synapses, weights, delay, problems
    if isinstance(delay, (np.ndarray, list)) or hasattr(delay, "tocsr"):
        try:
            delay = np.tile(np.asarray(_synaptic(delay, "ms", "matrix", {"given": synapses}, shape[1], shape[0])), copies)
        except ValueError as error:
            problems.append(Problem(f"{place}.delay", str(error)))
    return side_by_side(synapses, copies), np.tile(weights, copies), delay, problems


def _check_copies(place: str, copies: Any, scale: Any, n_target: int, n_source: int) -> Iterable[Problem]:
    if not is_whole(copies) or copies < 1:
        yield Problem(f"{place}.copies", shown(copies), "a whole number from 1 on")
    elif n_target % copies or n_source % copies:
        yield Problem(f"{place}.copies", f"{copies:g} of {n_source} sources and {n_target} targets", "as many of each in every copy")
    factor = as_float(scale)
    if factor is None or not math.isfinite(factor):
        yield Problem(f"{place}.scale", shown(scale), "a finite number")


def _rule_number(name: str, raw: Any) -> Any:
    if is_profile(raw):
        return profile(raw, "p", "")
    return float(raw) if name == "p" else int(raw)


def _listed(
    place: str, dt: float, given: Mapping[str, Any], raw: Mapping[str, Any], source: View, target: View
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """Sources and targets from a file, with its weights and delays if it has such columns; problems."""
    from lifsim.listfile import Asked, Limits, read

    allowed, problems = ("file", "edge_types"), []
    problems += [Problem(f"{place}.{key}", "given beside a file", "the file lists the synapses") for key in given if key not in allowed]
    types = given.get("edge_types")
    if types is not None and types is not False and not (isinstance(types, (str, Path)) and str(types)):
        problems.append(Problem(f"{place}.edge_types", f"{types!r}", "a file, such as edge_types.csv, or false"))
    if problems:
        return dict(given), dict(raw), problems
    unit = _weight_unit(source, target)
    own = frozenset(key for key in ("weight", "delay") if not (isinstance(raw[key], (int, float)) and raw[key] == 1.0))
    asked = Asked(unit, types if types is None or types is False else Path(types), own)
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
    """The weight of a connection times the numbers of synapses in a file."""
    one = None if is_profile(weight) or isinstance(weight, (list, np.ndarray)) else value(weight, unit)
    if not isinstance(one, float):
        raise ValueError(f"{weight!r}; a number, where a file says how many synapses an edge has (nsyns)")
    return one * number


# -- checks --------------------------------------------------------------------------------------


def _check_ends(place: str, source: View, target: View) -> Iterable[Problem]:
    if source.population.model.role == "current" and target.population.model.name == PARROT:
        yield Problem(f"{place}.target", f"{target.name} is a parrot_neuron, on which a current has no effect", "neurons with a membrane")
    if target.population.model.role != "neuron":
        yield Problem(
            f"{place}.target", f"{target.name} is a {target.population.model.name}, which takes no input", "a population of neurons"
        )


def _receptor(given: Any, source: View, target: View) -> int:
    """The receptor meant: of a single one nothing need be said; a current goes to the membrane itself."""
    if target.population.model.name == PARROT:
        return int(given)
    several = _receptors(target) > 0 and source.population.model.role != "current"
    return int(given) or 1 if several else 0


def _receptors(target: View) -> int:
    return receptors_of(target.population.model, target.population.params)


def _check_receptor(place: str, given: Any, source: View, target: View) -> Iterable[Problem]:
    most, name = _receptors(target), target.name
    if source.population.model.role == "current":
        most = 0
    if not is_whole(given) or given < 0:
        yield Problem(place, shown(given), "a whole number from 1 on")
    elif target.population.model.name == PARROT:
        if given > 1:
            yield Problem(place, f"{given:g}", f"0, or 1 for spikes that {name} (parrot_neuron) does not send on")
    elif not most and given:
        yield Problem(place, f"{given:g}", f"nothing: {name} ({target.population.model.name}) has no receptor types for it")
    elif most > 1 and not given:
        yield Problem(place, "not given", f"which of the receptors 1 to {most} of {name}")
    elif given > most:
        yield Problem(place, f"{given:g}", f"1 to {most}, the receptors of {name} (entries of tau_syn)")


def _check_flags(place: str, flags: Mapping[str, Any]) -> Iterable[Problem]:
    for key, flag in flags.items():
        if not isinstance(flag, (bool, np.bool_)):
            yield Problem(f"{place}.{key}", shown(flag), "must be true or false")


def _check_rule(place: str, rule: str, given: Mapping[str, Any]) -> Iterable[Problem]:
    if rule not in RULES:
        yield Problem(f"{place}.rule", f"there is no rule {shown(rule)}", did_you_mean(rule, [r for r in RULES if r != "matrix"]))
        return
    if given.get("edge_types") is not None and given.get("file") is None:
        yield Problem(f"{place}.edge_types", "given without a file", "those of a SONATA file of edges")
    for name in RULES[rule] if given.get("file") is None else ():
        if given.get(name) is None:
            yield Problem(f"{place}.{name}", "missing", f"{rule} needs it")
    for name in given:
        if name not in (*RULES[rule], *OPTIONAL.get(rule, ())):
            known = [*RULES[rule], *OPTIONAL.get(rule, ()), "weight", "delay", "synapse", "allow_autapses", "allow_multapses"]
            yield Problem(f"{place}.{name}", f"{rule} has no parameter {name!r}", did_you_mean(name, known))


def _check_counts(
    place: str, rule: str, given: Mapping[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> Iterable[Problem]:
    if rule == "one_to_one" and len(source) != len(target):
        yield Problem(place, f"one_to_one between {len(source)} sources and {len(target)} targets", "as many of each")
    for name, raw in given.items():
        if name == "p" and (is_profile(raw) or rule != "pairwise_bernoulli"):
            yield from _check_profile(f"{place}.p", raw, rule)
        elif (found := as_float(raw)) is None or not math.isfinite(found):
            yield Problem(f"{place}.{name}", shown(raw), "must be a number")
        elif name == "p" and not 0 <= raw <= 1:
            yield Problem(f"{place}.p", f"{raw:g}", "a probability from 0 to 1")
        elif name in _COUNTS and (raw < 0 or raw != int(raw)):
            yield Problem(f"{place}.{name}", f"{raw:g}", "a whole number, at least 0")
        elif name in _COUNTS:
            most = _most(name, source, target, flags)
            if raw > most:
                yield Problem(f"{place}.{name}", f"{raw:g}", f"at most {most} {_why(most, flags)}")


def _check_profile(place: str, raw: Any, rule: str) -> Iterable[Problem]:
    try:
        if not is_profile(raw):
            raise ValueError(
                f"{shown(raw)}; {rule} takes 'p' as a function of distance, such as {{ gaussian = {{ p0 = 1.0, sigma = 0.2 }} }}"
            )
        if profile(raw, "p", "").a == 0 and rule != "pairwise_bernoulli":
            raise ValueError("p0 = 0; partners are chosen in proportion to p, which must be above 0")
    except ValueError as error:
        yield Problem(place, str(error))


def _check_space(place: str, values: Mapping[str, Any], source: View, target: View) -> Iterable[Problem]:
    """What depends on distance needs both ends in one space."""
    nowhere = " and ".join(dict.fromkeys(v.name for v in (source, target) if v.population.positions is None))
    for key, raw in values.items():
        if not is_profile(raw):
            continue
        here, there = source.population.positions, target.population.positions
        if here is None or there is None:
            yield Problem(f"{place}.{key}", f"depends on distance, but {nowhere} has no positions", "give its populations positions")
        else:
            wrong = mismatch(here, there)
            if wrong:
                yield Problem(f"{place}.{key}", f"{wrong[0]} ({source.name}, {target.name})", wrong[1])


def _most(name: str, source: View, target: View, flags: Mapping[str, bool]) -> int:
    """The largest count that the options leave room for."""
    same = source.population is target.population
    shared = source.shared(target) if same and not flags["allow_autapses"] else 0
    pairs = len(source) * len(target) - shared
    if flags["allow_multapses"]:
        return _MOST_COUNTED if pairs else 0
    # With autapses excluded some node may have one partner fewer.
    return {"indegree": len(source) - bool(shared), "outdegree": len(target) - bool(shared), "N": pairs}[name]


def _why(most: int, flags: Mapping[str, bool]) -> str:
    if flags["allow_multapses"]:
        return "(2^48)" if most else "without autapses"
    return "without multapses"


def _check_alone(place: str, dt: float, raw: Mapping[str, Any], weight_unit: str) -> Iterable[Problem]:
    """What is wrong with weight and delay whatever the synapses are."""
    for key, unit in (("weight", weight_unit), ("delay", "ms")):
        if isinstance(raw[key], np.ndarray) or hasattr(raw[key], "tocsr"):
            continue  # one entry a synapse
        try:
            v = profile(raw[key], key, unit) if is_profile(raw[key]) else value(raw[key], unit)
        except ValueError as error:
            yield Problem(f"{place}.{key}", str(error))
            continue
        if not isinstance(v, np.ndarray):
            yield from _check_weight(f"{place}.weight", v) if key == "weight" else _check_delay(f"{place}.delay", v, dt)


def _weight_unit(source: View, target: View) -> str:
    """A current is only multiplied by its weight; a spike's weight is what the target's model says."""
    return "" if source.population.model.role == "current" else target.population.model.weight_unit


def _check_weight(place: str, weight: Synaptic) -> Iterable[Problem]:
    if isinstance(weight, (Distribution, Profile)):
        return
    numbers = np.asarray(weight)
    wrong = first_not_finite(numbers)
    if wrong is not None:
        yield Problem(place, f"{numbers.flat[wrong]:g}", "weights must be finite")


def _check_delay(place: str, delay: Synaptic, dt: float) -> Iterable[Problem]:
    if isinstance(delay, Profile):
        return  # of any distance: rounded, at least dt
    if isinstance(delay, Distribution):
        if acceptance(replace(delay, min=max(delay.min, dt / 2))) < 1e-4:
            got = f"the distribution practically never reaches dt/2 = {dt / 2:g} ms"
            yield Problem(place, got, "drawn delays are redrawn below dt/2")
        elif acceptance(replace(delay, max=min(delay.max, LONGEST_DELAY * dt))) < (1 - 1e-4) * acceptance(delay):
            yield Problem(place, f"the distribution reaches beyond {LONGEST_DELAY * dt:g} ms", "shorter delays, or a max")
        return
    first = _first_wrong_delay(np.atleast_1d(np.asarray(delay)).ravel(), dt)
    if first is None:
        return
    if not math.isfinite(first):
        yield Problem(place, f"{first:g} ms", "delays must be finite")
    elif first > LONGEST_DELAY * dt:
        yield Problem(place, f"{first:g} ms", f"delays of at most {LONGEST_DELAY * dt:g} ms")
    elif first < dt * (1 - 1e-6):
        yield Problem(place, f"{first:g} ms is below dt", f"nearest allowed: {dt:g} ms (at least one step of dt)")
    else:
        yield Problem(place, not_on_grid(first, dt), nearest_on_grid(first, dt))


def _first_wrong_delay(delays: np.ndarray, dt: float) -> float | None:
    """The first delay that is infinite or absurdly long, below `dt` or off the grid, if any is."""
    for a in range(0, len(delays), PIECE):
        d = delays[a : a + PIECE].astype(np.float64, copy=False)
        wrong = no_delays(d, dt)
        if wrong.any():
            return float(d[np.argmax(wrong)])
    return None


# -- given synapses ------------------------------------------------------------------------------


def _matrix(place: str, matrix: Any, n_target: int, n_source: int) -> tuple[Given | None, np.ndarray, list[Problem]]:
    """Stored entries of a scipy.sparse matrix, or non-zero ones of an array: synapses and their weights."""
    nothing = None, np.zeros(0)
    if isinstance(matrix, np.ma.MaskedArray) or getattr(matrix, "dtype", np.dtype(float)).kind == "c":
        return *nothing, [Problem(place, "complex or masked entries", "plain real numbers")]
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
        return *nothing, [_said(place, error)]
    if not given.in_range():
        return *nothing, [Problem(place, "indices out of range", f"rows 0 to {n_target - 1}, columns 0 to {n_source - 1}")]
    wrong = first_not_finite(data)
    if wrong is not None:
        at = ", ".join(str(x) for x in given.pair(wrong))
        return *nothing, [Problem(place, f"{data[wrong]:g} at [{at}]", "weights must be finite")]
    return given, data, []


def _said(place: str, error: Exception) -> Problem:
    """What was got and what is allowed, of an error that says both."""
    got, _, allowed = str(error).partition("; ")
    return Problem(place, got, allowed)


def _dense(matrix: Any) -> np.ndarray:
    """An array of float32 or float64; an array of true and false says which synapses there are."""
    if isinstance(matrix, np.ndarray) and matrix.dtype.kind in "biuf":
        return matrix if matrix.dtype in (np.float32, np.float64) else matrix.astype(np.float64)
    if not isinstance(matrix, (np.ndarray, list, tuple)):
        matrix = np.asarray(matrix)
    return numbers(matrix, None)


def _lists(place: str, given: Mapping[str, Any], source: View, target: View) -> tuple[Given | None, list[Problem]]:
    """Synapses from lists of sources and targets."""
    ends, problems = {}, []
    for key, view in (("sources", source), ("targets", target)):
        try:
            masked = isinstance(given[key], np.ma.MaskedArray) or (
                isinstance(given[key], list) and any(x is np.ma.masked for x in given[key])
            )
            if masked:
                raise ValueError("masked entries; fill them first")
            array = np.asarray(given[key])
            ends[key] = indices(array if array.size or array.ndim != 1 else array.astype(np.int64))  # an empty list has no type
        except (TypeError, ValueError) as error:
            problems.append(_said(f"{place}.{key}", error))
            continue
        wrong = out_of_range(ends[key], len(view))
        if wrong is not None:
            problems.append(Problem(f"{place}.{key}", f"id {wrong} is out of range", f"0 to {len(view) - 1} ({view})"))
    if not problems and len(ends["sources"]) != len(ends["targets"]):
        got = f"{len(ends['sources'])} sources and {len(ends['targets'])} targets"
        problems.append(Problem(place, got, "as many of each"))
    if problems:
        return None, problems
    dtype = np.result_type(ends["sources"], ends["targets"])
    targets, sources = (ends[key].astype(dtype, copy=False) for key in ("targets", "sources"))
    return Given(len(target), len(source), targets, sources, np.zeros(0, np.int64)), []


def _check_pairs(place: str, given: Given, source: View, target: View, flags: Mapping[str, bool]) -> Iterable[Problem]:
    """Given synapses are never dropped: what the options exclude is an error."""
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


def _first_repeated(given: Given) -> tuple[int, int] | None:
    """(target, source) of a pair that has several synapses, if any has. Lists are put in order of target for that."""
    if not len(given.ptr):
        rows = given.by_target()
        given = Given(given.n_target, given.n_source, rows.sources[:0], rows.sources, rows.ptr)
    for _, t, s in given.pieces(SORTED):
        pair = np.asarray(t, np.int64) * given.n_source + s
        if not (pair[1:] > pair[:-1]).all():
            pair.sort()
            twice = pair[1:] == pair[:-1]
            if twice.any():
                return divmod(int(pair[1:][twice][0]), given.n_source)
    return None


# -- values of synapses --------------------------------------------------------------------------


def _synaptic(raw: Any, unit: str | None, rule: str, params: Mapping[str, Any], n_source: int, n_target: int) -> Value:
    """A weight or delay; an array comes back flat, in the order in which synapses are made."""
    given: Given | None = params.get("given")
    if hasattr(raw, "tocsr"):
        return _same_pattern(raw, given, (n_target, n_source)) if rule == "matrix" and given is not None else _refuse(rule)
    if given is not None and type(raw) is np.ndarray and raw.shape == (len(given),) and raw.dtype in (np.float32, np.float64):
        return _as_given(raw)
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
    if given is not None:
        if v.shape == (len(given),):
            return v
        if rule == "matrix" and v.shape == (n_target, n_source):
            return np.concatenate([v[t, s] for _, t, s in given.pieces()] or [v[:0, 0]])
        raise ValueError(f"an array of shape {v.shape}; must have one value a synapse: ({len(given)},)")
    if v.shape != shapes[rule]:
        raise ValueError(f"an array of shape {v.shape}; {rule} takes {shapes[rule]}")
    return v.ravel()


def _refuse(rule: str) -> Value:
    raise ValueError(f"a sparse matrix beside the rule {rule}; give the matrix in place of the rule")


def _as_given(array: np.ndarray) -> np.ndarray:
    """The user's array itself, protected from this side."""
    if first_not_finite(array) is not None and np.isnan(array).any():
        raise ValueError(f"nan at index {int(np.argmax(np.isnan(array)))}")
    out = array.view()
    out.flags.writeable = False
    return out


def _same_pattern(raw: Any, given: Given, shape: tuple[int, int]) -> np.ndarray:
    """The entries of a matrix of the same pattern, in the order of `given`."""
    if raw.shape != shape:
        raise ValueError(f"a matrix of shape {raw.shape}; must be (n_target, n_source) = {shape}")
    own, data = entries(raw)
    if all(same(getattr(own, key), getattr(given, key)) for key in ("ptr", "targets", "sources")):
        return _as_given(data)
    if not own.in_range():
        raise ValueError("indices out of range")
    theirs, ours = own.by_target(), given.by_target()
    if not (same(theirs.ptr, ours.ptr) and same(theirs.sources, ours.sources)):
        raise ValueError("its stored entries are not those of the weight matrix; the patterns must be the same")
    out = np.empty_like(data)
    out[slice(None) if ours.order is None else ours.order] = theirs.sorted(data)
    return out
