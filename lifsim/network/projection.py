"""Projections: the connection rule between two populations, with weights and delays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError, Problem, problem_of
from lifsim.common.overview import Fact, Overview, Overviewed, counted
from lifsim.common.printable import shown
from lifsim.common.values import Value, is_whole, value
from lifsim.network.distance import Profile, is_profile, profile
from lifsim.network.explicit_rules import MANY, from_file
from lifsim.network.model import PARROT, receptors_of
from lifsim.network.overviews import ids_text, parameter_facts, rule_text, value_text
from lifsim.network.population import View
from lifsim.network.positions import Positions, Space, displacements, farthest, mismatch
from lifsim.network.psp_weights import from_psp, names_psp, psp_hint
from lifsim.network.rules import COUNTS, check_flags, check_rule, rule_params
from lifsim.network.synapse_models import Synapse, check_sign, synapse
from lifsim.network.synapse_values import SAMPLE, Synaptic, check_alone, check_delay, check_weight, synaptic_value, weight_unit


@dataclass(frozen=True, eq=False, repr=False)
class Projection(Overviewed):
    """Synapses from `source` to `target` made by `rule`.

    `params` holds the parameters of the rule (p, indegree, outdegree, N), or for "explicit" and
    "matrix" the explicit synapses as "given" (and the "file" that lists them). `weight`, `delay` (ms) and the parameters of
    plastic synapses are each a number, a distribution, a function of distance, or an array with one entry for each synapse in
    the order of the rule (see `Network.connect`) or of the explicit synapses. `synapse` is None if the synapses are static.
    `receptor_type` is 0 if the sign of the weight selects the receptor. `name` tells it from other projections between the same
    populations; "" if it has none.
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
    name: str = ""

    @property
    def ends(self) -> str:
        """Source and target as a text, such as "exc → inh[0:10]"."""
        return " → ".join(v.name if v.whole else f"{v.name}[{ids_text(v.index)}]" for v in (self.source, self.target))

    @property
    def stores_synapses(self) -> bool:
        """Whether the projection makes synapses that are stored; other projections only lead stimuli to their targets."""
        return self.source.population.model.role in ("neuron", "spikes")

    def facts(self) -> list[Fact]:
        """Rule, weight, delay, number of synapses and plasticity of the projection, for its printed overview."""
        number = counted(expected_synapses(self), "synapse", random_number(self))
        rule = rule_text(self.rule, self.params)
        plastic = parameter_facts(self.synapse.model, self.synapse.params) if self.synapse else ()
        how = f"{self.synapse.model.name}({', '.join(map(str, plastic))})" if self.synapse and plastic else ""
        return [
            Fact("rule", rule, said=rule),
            Fact("weight", value_text(self.weight, weight_unit(self.source, self.target), "weight")),
            Fact("delay", value_text(self.delay, "ms", "delay")),
            *([Fact("synapses", number.rpartition(" ")[0], said=number)] if self.stores_synapses else ()),
            *([Fact("plasticity", how or self.synapse.model.name, said=how or self.synapse.model.name)] if self.synapse else ()),
        ]

    def _overview(self) -> Overview:
        return Overview("Projection", self.ends, self.facts())

    @property
    def recurrent(self) -> bool:
        """Whether both ends are in the same population, so that autapses can occur."""
        return self.source.population is self.target.population

    @property
    def nothing(self) -> bool:
        """Whether the rule makes no synapses because p or a count is 0."""
        p = self.params.get("p")
        return any(self.params.get(key) == 0 for key in ("p", *COUNTS)) or (isinstance(p, Profile) and p.a == 0)

    @property
    def _homes(self) -> tuple[Positions, Positions]:
        """Positions of both populations. Both have positions if a value depends on distance."""
        source, target = self.source.population.positions, self.target.population.positions
        assert source is not None and target is not None
        return source, target

    def space(self, seed: int) -> Space:
        """Positions of sources and targets in a run with this seed."""
        source, target = self._homes
        period = np.asarray(source.extent) if source.periodic else None
        return Space(source.of(self.source.name, seed)[self.source.ids], target.of(self.target.name, seed)[self.target.ids], period)

    @cached_property
    def farthest(self) -> float:
        """An upper bound of the distance between source and target (mm)."""
        return farthest(*self._homes)

    @cached_property
    def mean_p(self) -> float:
        """The mean connection probability over all pairs. If p depends on distance, the mean is taken over a sample of the
        targets, or for large populations over the distribution of distances.
        """
        p, n_source, n_target = self.params["p"], len(self.source), len(self.target)
        if not isinstance(p, Profile):
            return float(p)
        homes = self._homes
        if max(n_source, n_target) > MANY and all(home.extent and home.points is None for home in homes):
            d, share = displacements(*homes, p.beyond(1e-9 * p.a))
            return float(p(d) @ share)
        space = self.space(1)
        some = np.linspace(0, n_target - 1, min(n_target, max(SAMPLE // n_source, 16))).astype(np.int64)
        each, p = np.arange(n_source), p.within(space.error)
        return float(np.mean([p(space.distances(each, np.full(n_source, t))).mean() for t in some]))


def projection(place: str, dt: float, source: View, target: View, rule: str, given: Mapping[str, Any]) -> Projection:
    """Make a checked `Projection`; ModelError lists every problem found."""
    given = dict(given)
    asked = given.pop("synapse", "static_synapse")
    raw = {key: given.pop(key) for key in ("weight", "delay")}
    flags = {key: given.pop(key) for key in ("allow_autapses", "allow_multapses")}
    receptor, name = given.pop("receptor_type"), given.pop("name")
    unit = weight_unit(source, target)
    problems = [*_check_ends(place, source, target), *check_flags(place, flags)]
    problems += _check_receptor(f"{place}.receptor_type", receptor, source, target)
    if not isinstance(name, str):
        problems.append(Problem(f"{place}.name", shown(name), "a text"))
    file = given.get("file") if rule == "explicit" else None
    if names_psp(raw["weight"]) and not problems:
        try:
            raw["weight"] = from_psp(raw["weight"], source, target, receptor)
        except ValueError as error:
            raise ModelError.of([problem_of(f"{place}.weight", error)]) from None
    if file is not None and not problems:
        given, raw, problems = from_file(place, dt, given, raw, source, target)
    problems += check_rule(place, rule, given)
    params: dict[str, Any] = {}
    if not problems:
        params, raw, problems = rule_params(place, rule, given, raw, source, target, flags)
    problems += _check_space(place, {"p": given.get("p"), **raw}, source, target)
    if problems:
        raise ModelError.of([*problems, *check_alone(place, dt, raw, unit), *_plastic(f"{place}.synapse", asked, unit, source, value)[1]])
    if file is not None:
        params["file"] = str(file)
    values: dict[str, Synaptic] = {}
    for key, unit_of_key in (("weight", unit), ("delay", "ms")):
        try:
            if is_profile(raw[key]):
                values[key] = profile(raw[key], key, unit_of_key)
            else:
                values[key] = synaptic_value(raw[key], unit_of_key, rule, params, len(source), len(target))
        except ValueError as error:
            problems.append(Problem(f"{place}.{key}", str(error), psp_hint(raw[key], unit_of_key, target)))
    if "weight" in values:
        problems += check_weight(f"{place}.weight", values["weight"])
    if "delay" in values:
        problems += check_delay(f"{place}.delay", values["delay"], dt)
    own, wrong = _plastic(
        f"{place}.synapse", asked, unit, source, lambda v, u: synaptic_value(v, u, rule, params, len(source), len(target))
    )
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
        name=name,
    )


def taken_names(place: str, made: Iterable[Projection], known: Iterable[Projection]) -> Iterable[Problem]:
    """Report projections in `made` whose name another one between the same populations has, in `made` or `known`."""
    own = [p for p in made if p.name]
    named: dict[str, set[tuple[str, str]]] = {}
    for p in (p for p in known if p.name) if own else ():
        named.setdefault(p.name, set()).add((p.source.name, p.target.name))
    for p in own:
        pairs = named.setdefault(p.name, set())
        if (p.source.name, p.target.name) in pairs:
            got = f"{shown(p.name)} is the name of another projection from {p.source.name} to {p.target.name}"
            yield Problem(f"{place}.name", got, "another name")
        pairs.add((p.source.name, p.target.name))


def _plastic(
    place: str, asked: Any, unit: str, source: View, arranged: Callable[[Any, str], Value]
) -> tuple[Synapse | None, list[Problem]]:
    """The plastic synapses described by `asked` (None if static), and their problems."""
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


def _check_ends(place: str, source: View, target: View) -> Iterable[Problem]:
    if source.population.model.role == "current" and target.population.model.name == PARROT:
        yield Problem(f"{place}.target", f"{target.name} is a parrot_neuron, on which a current has no effect", "neurons with a membrane")
    if target.population.model.role != "neuron":
        yield Problem(
            f"{place}.target", f"{target.name} is a {target.population.model.name}, which takes no input", "a population of neurons"
        )


def _receptor(given: Any, source: View, target: View) -> int:
    """The receptor type. A target with a single receptor needs none given; a current acts on the membrane directly."""
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
    if isinstance(given, str):
        yield Problem(place, shown(given), "a whole number from 1 on, or 0 (default): the sign of the weight selects the receptor")
    elif not is_whole(given) or given < 0:
        yield Problem(place, shown(given), "a whole number from 1 on")
    elif target.population.model.name == PARROT:
        if given > 1:
            yield Problem(place, f"{given:g}", f"0, or 1 for spikes that {name} (parrot_neuron) does not send on")
    elif not most and given:
        yield Problem(place, f"{given:g}", f"0: {name} ({target.population.model.name}) has no receptor types for {source.name}")
    elif most > 1 and not given:
        yield Problem(place, "not given", f"one of the receptors 1 to {most} of {name}")
    elif given > most:
        yield Problem(place, f"{given:g}", f"1 to {most}, the receptors of {name} (entries of tau_syn)")


def _check_space(place: str, values: Mapping[str, Any], source: View, target: View) -> Iterable[Problem]:
    """Report distance-dependent values if the two populations do not share one space."""
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


def random_number(projection: Projection) -> bool:
    """Whether the number of synapses is random."""
    return projection.rule == "pairwise_bernoulli"


def expected_synapses(projection: Projection) -> float:
    """The number of synapses of a projection, or its expectation if it is random."""
    n_source, n_target = len(projection.source), len(projection.target)
    shared = 0
    if projection.recurrent and not projection.allow_autapses:
        shared = projection.source.shared(projection.target)
    params = projection.params
    match projection.rule:
        case "one_to_one":
            return n_target
        case "all_to_all":
            return n_source * n_target - shared
        case "pairwise_bernoulli":
            p = params["p"]
            return projection.mean_p * n_source * n_target - shared * (p.a if isinstance(p, Profile) else p)
        case "fixed_indegree":
            return params["indegree"] * n_target
        case "fixed_outdegree":
            return params["outdegree"] * n_source
        case "fixed_total_number":
            return params["N"]
        case _:
            return len(params["given"])
