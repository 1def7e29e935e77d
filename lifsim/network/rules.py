"""Connection rules: their parameters and the bounds of these."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lifsim.common.errors import Problem
from lifsim.common.printable import shown
from lifsim.common.values import as_float
from lifsim.network.distance import is_profile, profile
from lifsim.network.explicit_rules import check_pairs, from_copies, from_lists
from lifsim.network.population import View
from lifsim.network.synonyms import argument_hint, rule_hint

RULES: dict[str, tuple[str, ...]] = {  # rule → required parameters
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
COUNTS = ("indegree", "outdegree", "N")
_OR_PROFILE = ' or a function of distance, such as {"gaussian": {"p0": 1.0, "sigma": 0.2}}'
_MOST_COUNTED = 2**48  # upper bound of indegree, outdegree and N: more synapses than any memory holds


def rule_params(
    place: str, rule: str, given: Mapping[str, Any], raw: dict[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> tuple[dict[str, Any], dict[str, Any], list[Problem]]:
    """The parameters of the rule or the explicit synapses; weight and delay (a matrix contains the weights); problems."""
    if rule not in ("matrix", "explicit"):
        problems = list(_check_counts(place, rule, given, source, target, flags))
        return ({} if problems else {k: _rule_number(k, v) for k, v in given.items()}), raw, problems
    if rule == "matrix":
        synapses, weights, delay, problems = from_copies(place, given, raw["delay"], len(target), len(source))
        if not (isinstance(raw["weight"], (int, float)) and raw["weight"] == 1.0):
            problems.append(Problem(f"{place}.weight", "given beside a matrix", "the entries of the matrix are the weights"))
        raw = {**raw, "weight": weights, "delay": delay}
    else:
        synapses, problems = from_lists(place, given, source, target)
    if synapses is not None and not problems:
        problems += check_pairs(place, synapses, source, target, flags)
    return {"given": synapses}, raw, problems


def _rule_number(name: str, raw: Any) -> Any:
    if is_profile(raw):
        return profile(raw, "p", "")
    return float(raw) if name == "p" else int(raw)


def check_flags(place: str, flags: Mapping[str, Any]) -> Iterable[Problem]:
    """Report flags that are not true or false."""
    for key, flag in flags.items():
        if not isinstance(flag, (bool, np.bool_)):
            yield Problem(f"{place}.{key}", shown(flag), "must be true or false")


def check_rule(place: str, rule: str, given: Mapping[str, Any]) -> Iterable[Problem]:
    """Report an unknown rule, and missing or unknown parameters."""
    if rule not in RULES:
        yield Problem(f"{place}.rule", f"there is no rule {shown(rule)}", rule_hint(rule, [r for r in RULES if r != "matrix"]))
        return
    if given.get("edge_types") is not None and given.get("file") is None:
        yield Problem(f"{place}.edge_types", "given without a file", "edge types belong to a SONATA file of edges")
    for name in RULES[rule] if given.get("file") is None else ():
        if given.get(name) is None:
            yield Problem(f"{place}.{name}", "missing", f"{rule} needs it")
    for name in given:
        if name not in (*RULES[rule], *OPTIONAL.get(rule, ())):
            known = [*RULES[rule], *OPTIONAL.get(rule, ()), "weight", "delay", "synapse", "allow_autapses", "allow_multapses"]
            others = [other for other in RULES if name in RULES[other]]
            hint = f"it belongs to the rule {others[0]}" if others else argument_hint(name, known)
            yield Problem(f"{place}.{name}", f"{rule} has no parameter {name!r}", hint)


def _check_counts(
    place: str, rule: str, given: Mapping[str, Any], source: View, target: View, flags: Mapping[str, bool]
) -> Iterable[Problem]:
    if rule == "one_to_one" and len(source) != len(target):
        yield Problem(place, f"one_to_one between {len(source)} sources and {len(target)} targets", "the same number of each")
    for name, raw in given.items():
        if name == "p" and (is_profile(raw) or rule != "pairwise_bernoulli"):
            yield from _check_profile(f"{place}.p", raw, rule)
        elif (found := as_float(raw)) is None or not math.isfinite(found):
            yield Problem(f"{place}.{name}", shown(raw), "must be a number" + (_OR_PROFILE if name == "p" else ""))
        elif name == "p" and not 0 <= raw <= 1:
            yield Problem(f"{place}.p", f"{raw:g}", "a probability from 0 to 1")
        elif name in COUNTS and (raw < 0 or raw != int(raw)):
            yield Problem(f"{place}.{name}", f"{raw:g}", "a whole number, at least 0")
        elif name in COUNTS:
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


def _most(name: str, source: View, target: View, flags: Mapping[str, bool]) -> int:
    """The largest count that the number of nodes and the flags allow."""
    same = source.population is target.population
    shared = source.shared(target) if same and not flags["allow_autapses"] else 0
    pairs = len(source) * len(target) - shared
    if flags["allow_multapses"]:
        return _MOST_COUNTED if pairs else 0
    # Without autapses, some nodes have one possible partner fewer.
    return {"indegree": len(source) - bool(shared), "outdegree": len(target) - bool(shared), "N": pairs}[name]


def _why(most: int, flags: Mapping[str, bool]) -> str:
    if flags["allow_multapses"]:
        return "(2^48)" if most else "without autapses"
    return "without multapses"
