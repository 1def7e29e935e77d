"""Converts the tables of a model file to a network, and collects every problem with its place in the file."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.common.errors import DataError, LifsimError, ModelError, Problem
from lifsim.common.text import is_portable, named, shortened, spelled
from lifsim.modelfile import schema
from lifsim.modelfile.parameters import MISSING, Parameters, holds_missing, with_settings
from lifsim.network.model import MODELS, Model
from lifsim.network.network import Network
from lifsim.network.parameter_synonyms import parameter_hint
from lifsim.network.rules import RULES
from lifsim.network.synonyms import recorder_hint

if TYPE_CHECKING:
    from lifsim.weights.store import WeightStore

MOST_PAIRS = 100_000  # pairs of entries (such as source and target) that the lists of one file may form
# Required parameters of rules, and substitutes that are used while their values are unknown.
_NEEDED: dict[str, Any] = {"p": 1.0, "indegree": 1, "outdegree": 1, "N": 1, "sources": [], "targets": []}


class Assembler:
    """Converts a parsed file to a network. Conversion continues after each problem, so that all problems are found."""

    def __init__(
        self, document: dict[str, Any], settings: Mapping[str, Any], folder: Path | None, stores: Mapping[str, WeightStore], own: set[str]
    ) -> None:
        self.folder, self.stores = folder, stores
        self.own = own  # strings that the user gave as settings: as file names, they may lead to any folder
        self.pairs = 0
        self.network = Network()
        self.guessed: set[str] = set()  # populations whose size or model is a substitute
        file, self.problems = schema.check(schema.ModelFile, document)
        self.file = file or schema.ModelFile()
        raw, problems = with_settings(self.file.parameters, settings, document)
        self.parameters = Parameters(raw)
        self.problems += problems
        self.dt_unknown = False

    def build(self) -> tuple[Network, list[Problem]]:
        """The network (valid only if there are no problems) and all problems."""
        file, network = self.file, self.network
        network.name, network.description, network.reference = file.name, file.description, file.reference
        network.parameters = {} if self.parameters.problems else self.parameters.resolved()  # large arrays take long
        self.run(file.run)
        pieces = [(self.population, f"populations.{name}", raw) for name, raw in file.populations.items()]
        pieces += [(self.projection, f"projections[{i}]", raw) for i, raw in enumerate(file.projections)]
        pieces += [(self.record, f"record[{i}]", raw) for i, raw in enumerate(file.record)]
        for method, place, raw in pieces:
            if isinstance(raw, dict):
                method(raw, place)
            else:
                self.problems.append(Problem(place, shortened(repr(raw)), "must be a table"))
        return network, list(dict.fromkeys([*self.parameters.problems, *self.problems]))

    def table(self, kind: type[schema.AnyTable], raw: dict[str, Any], place: str) -> tuple[schema.AnyTable | None, set[str]]:
        """Evaluate the expressions in `raw` and check it as a table of `kind`; returns it and the places whose values are unknown."""
        filled = self.parameters.filled(raw, place)
        unknown = {f"{place}.{key}" for key, value in filled.items() if holds_missing(value)}
        table, problems = schema.check(kind, {k: v for k, v in filled.items() if f"{place}.{k}" not in unknown}, place)
        self.problems += [p for p in problems if p.where not in unknown]
        return table, unknown | {p.where for p in problems}

    def run(self, raw: dict[str, Any]) -> None:
        """Read the table ``[run]``."""
        table, _ = self.table(schema.RunTable, raw, "run")
        if table is None:
            return
        self.network.duration, self.network.seed = table.duration, table.seed
        try:
            self.network.dt = Network(dt=table.dt).dt
        except ModelError as error:
            self.problems += error.problems
            self.dt_unknown = True
        try:
            self.network.method = Network(method=table.method).method
        except ModelError as error:
            self.problems += error.problems

    def population(self, raw: dict[str, Any], place: str) -> None:
        """Read the table of a population."""
        name = place.removeprefix("populations.")
        # `params` and `initial` are checked entry by entry, so that one unknown value does not hide the others.
        tables = {key: raw[key] for key in ("params", "initial") if isinstance(raw.get(key), dict)}
        table, unknown = self.table(schema.PopulationTable, {k: v for k, v in raw.items() if k not in tables}, place)
        n: Any = table.n if table else MISSING
        model = table.model if table else str(raw.get("model"))
        given: dict[str, Any] = {}
        for key, entries in tables.items():
            given |= self.settings(key, entries, _kind(model, tables.get("params", {})), f"{place}.{key}")
        home = _home(_kind(model, given))
        if table and table.positions is not None:
            given["positions"] = table.positions
        if f"{place}.positions" in unknown:
            self.guessed.add(name)
        lost = {key for entries in tables.values() for key in entries} - given.keys()
        for p in self.added(name, n, model, given):
            key = p.where.removeprefix(f"{place}.")
            untold = p.where == place and lost & set(re.findall(r"\w+", p.got))  # a condition on a value that is not known
            if (table or key != "model") and not untold and not (self.dt_unknown and "dt" in p.got + p.allowed):
                where = f"{place}.{home[key]}.{key}" if key in home else p.where
                self.problems.append(Problem(where, p.got, self.in_toml(model if key == "model" else "", p, raw.get("params"))))
        if name not in self.network.populations:
            self.stand_in(name, n, model)

    def in_toml(self, word: str, problem: Problem, params: Any = None) -> str:
        """What a problem allows; in place of the recording device `word` with `params`, what a model file has."""
        neurons = (name for name, raw in self.file.populations.items() if _is_neuron(raw.get("model") if isinstance(raw, dict) else None))
        return recorder_hint(word, neurons, params if isinstance(params, dict) else {}, toml=True) or problem.allowed

    def added(self, name: str, n: Any, model: str, given: dict[str, Any]) -> list[Problem]:
        """Add a population and return its problems. If n is wrong, the other values are checked with n = 1."""
        problems: list[Problem] = []
        for size in (n, 1):
            try:
                if size is not MISSING:
                    self.network.add(name, size, model, **given)
                    break
            except ModelError as error:
                problems += error.problems
                if not any(p.where.endswith(".n") for p in problems):
                    break
            given = {k: v for k, v in given.items() if not isinstance(v, (list, np.ndarray)) and k != "positions"}
            self.guessed.add(name)
        return problems

    def settings(self, key: str, entries: dict[str, Any], model: Model | None, place: str) -> dict[str, Any]:
        """The valid entries of the table ``params`` or ``initial`` of a population; other entries are reported."""
        filled = {k: v for k, v in self.parameters.filled(entries, place).items() if not holds_missing(v)}
        if model is None:
            return {}
        states, parameters = ([x.name for x in some] for some in (model.states, model.parameters))
        own, other = (states, parameters) if key == "initial" else (parameters, states)
        for k in [k for k in filled if k not in own]:
            del filled[k]
            if k in other:
                kind, home = ("state", "initial") if key == "params" else ("parameter", "params")
                got, allowed = f"{k} is a {kind}", f"write it in {home}"
            else:
                got, allowed = f"{model.name} has no such {'parameter' if key == 'params' else 'state'}", _hint(k, model, own, other, key)
            self.problems.append(Problem(f"{place}.{k}", got, allowed))
        for k in ("spike_file", "waveform_file"):
            if self.folder and filled.get(k):
                filled[k] = self.beside(str(filled.pop(k)), f"{place}.{k}")
        return filled

    def beside(self, reference: str, place: str) -> str:
        """Resolve ``x.csv`` or ``x.h5:dataset`` relative to the folder of the model file; a path out of this folder is a problem."""
        path, colon, name = reference.rpartition(":") if ".h5:" in reference else (reference, "", "")
        try:
            return f"{self.found(path, reference, place)}{colon}{name}"
        except ModelError as error:
            self.problems += error.problems
            return reference

    def found(self, path: str, reference: str, place: str) -> Path:
        """Resolve `path` relative to the folder of the model file. The file must be in this folder or below it (ModelError), unless
        the user gave the reference as a setting.
        """
        folder = self.folder or Path()
        return folder / named(path) if reference in self.own else _below(folder, path, place)

    def stand_in(self, name: str, n: Any, model: str) -> None:
        """Add a substitute for a population with problems, so that references to it can be checked."""
        for size, kind in ((n, model), (1, model), (n, "iaf_psc_exp"), (1, "iaf_psc_exp")):
            try:
                self.network.add(name, size, kind)
            except ModelError:
                self.guessed.add(name)
            else:
                return

    def projection(self, raw: dict[str, Any], place: str) -> None:
        """Read a table ``[[projections]]``."""
        table, unknown = self.table(schema.ProjectionTable, raw, place)
        if table is None:
            return
        if self.too_many(place, table.source, table.target):
            return
        given = table.given()
        if isinstance(table.source, list) or isinstance(table.target, list):
            given = {key: _nested(value) for key, value in given.items()}
        rule = given.pop("rule", None) or ("matrix" if "matrix" in given else "all_to_all")
        if unknown:  # the rule or its parameters may be among the unknown values
            has_rule = "rule" in table.model_fields_set
            given = {key: x for key, x in given.items() if has_rule or key not in _NEEDED}
            needed = () if "file" in given else RULES.get(rule, ())
            given |= {key: x for key, x in _NEEDED.items() if key in needed and key not in given}
        for key in ("sources", "targets"):
            if key in given:
                given[key] = _indices(given[key])
        try:
            if isinstance(given.get("matrix"), str):
                given = self.stored(given.pop("matrix"), given["target"], f"{place}.matrix") | given
            if isinstance(given.get("file"), str):
                given["file"] = self.listed(given["file"], f"{place}.file")
            if isinstance(given.get("edge_types"), str) and self.folder:
                given["edge_types"] = str(_below(self.folder, given["edge_types"], f"{place}.edge_types"))
            self.network.connect(given.pop("source"), given.pop("target"), rule, **given)
        except LifsimError as error:
            self.report(error, place, unknown, [table.source, table.target])

    def stored(self, reference: str, target: Any, place: str) -> dict[str, Any]:
        """The stored matrix ``file.h5:name``, with its delays if it has any."""
        path, _, name = reference.rpartition(":")
        name, slash, part = name.partition("/")
        if slash and part != "bias":
            raise ModelError(place, shortened(repr(reference)), "FILE.h5:NAME, or FILE.h5:NAME/bias")
        try:
            with self.opened(path, reference, place) as store:
                if slash:
                    bias = store.bias(name)
                    if bias is None:
                        raise ModelError(place, f"{name!r} has no bias", "a dense layer")
                    return {"matrix": bias[:, None]}
                matrix, delay, unit = store.get(name), store.delay(name), store.units(name)
        except DataError as error:
            raise ModelError(place, str(error)) from None
        population = self.network.populations.get(str(target))
        if population and unit not in ("", "1", population.model.weight_unit):
            raise ModelError(
                place, f"the weights of {name!r} are in {unit}", f"weights in {population.model.weight_unit}, the unit of {target}"
            )
        return {"matrix": matrix} if delay is None else {"matrix": matrix, "delay": delay}

    def opened(self, path: str, reference: str, place: str) -> AbstractContextManager[WeightStore]:
        """The weight store `path`, as a context manager."""
        from lifsim.weights.store import WeightStore

        if path in self.stores:
            return nullcontext(self.stores[path])
        if self.folder is None:
            raise ModelError(place, shortened(repr(reference)), "a stored matrix can be used only by a model that is read from a file")
        below = self.found(path, reference, place)
        self.network.read_files.append(str(below))
        return WeightStore(below)

    def listed(self, reference: str, place: str) -> str:
        """The full path of the list of synapses ``synapses.csv`` or ``net.h5:group``."""
        from lifsim.network.sonata_edges import beside
        from lifsim.network.synapse_file import HDF5, split

        path, group = split(reference)
        if self.folder is None:
            raise ModelError(place, shortened(repr(reference)), "a list of synapses can be used only by a model that is read from a file")
        own = self.found(path, reference, place)
        for types in beside(own, group) if own.suffix.lower() in HDF5 else ():
            self.found(spelled(types.relative_to(self.folder).as_posix()), reference, place)  # a link could lead out of the folder
        self.network.read_files.append(str(own))
        return f"{own}{':' if group else ''}{group}"

    def record(self, raw: dict[str, Any], place: str) -> None:
        """Read a table ``[[record]]``."""
        table, unknown = self.table(schema.RecordTable, raw, place)
        if table is None:
            return
        if self.too_many(place, table.populations, table.variable):
            return
        given = table.given()
        ends = [key for key in ("source", "target") if key in given]
        needed = ("source", "target") if ends else ("populations",)
        missing = [Problem(f"{place}.{key}", "missing") for key in needed if key not in given and f"{place}.{key}" not in unknown]
        variable = given.pop("variable", "weight" if ends else "spikes")
        if ends and (variable not in ("weight", "I") or "populations" in given):
            beside = "populations" if "populations" in given else f"the variable {variable!r}"
            missing.append(Problem(place, f"source and target are given with {beside}", 'variable = "weight" or "I", without populations'))
        if "events" in given and not (ends and variable == "weight"):
            missing.append(Problem(f"{place}.events", f"given with the variable {variable!r}", "only with weights"))
        if "projection" in given and not (ends and variable == "weight"):
            missing.append(Problem(f"{place}.projection", f"given with the variable {variable!r}", "only with weights"))
        self.problems += missing
        if missing or any(key not in given for key in needed):
            return
        try:
            if ends:
                call = self.network.record_weights if variable == "weight" else self.network.record_currents
                call(given.pop("source"), given.pop("target"), **given)
            else:
                self.network.record(given.pop("populations"), variable, **given)
        except ModelError as error:
            self.report(error, place, unknown, [table.source, table.target] if ends else [table.populations])

    def too_many(self, place: str, one: Any, other: Any) -> bool:
        """Whether the lists of the file form more pairs (of populations, or of populations and variables) than allowed."""
        pairs = math.prod(len(x) for x in (one, other) if isinstance(x, list))
        self.pairs += pairs if pairs > 1 else 0  # the number of single entries is bounded by the length of the file
        if self.pairs > MOST_PAIRS:
            got = f"the lists up to here form {self.pairs:,} pairs (such as a source and a target)"
            self.problems.append(Problem(place, got, f"at most {MOST_PAIRS:,} in a file"))
        return self.pairs > MOST_PAIRS

    def report(self, error: LifsimError, place: str, unknown: set[str], names: list[Any]) -> None:
        """Report the problems that do not depend on values that could not be computed."""
        guessed = self.guessed & {name.partition("[")[0] for name in _flat(names)}
        for p in error.problems:
            where = re.sub(r"^(projections|record)\[\d+\]", place, p.where)
            on_unknown_grid = self.dt_unknown and "dt" in p.got + p.allowed
            if where not in unknown and not on_unknown_grid and _holds_for_any(p, guessed):
                name = re.match(r"there is no population '(\w+)'", p.got)
                self.problems.append(Problem(where, p.got, self.in_toml(name[1] if name else "", p)))


def _is_neuron(model: Any) -> bool:
    return isinstance(model, str) and model in MODELS and MODELS[model].role == "neuron"


def _hint(word: str, model: Model, own: list[str], other: list[str], key: str) -> str:
    """What to write in place of `word`, which is not in the table `key` (``params`` or ``initial``) of a population.

    `own` are the names that belong to this table, `other` those that belong to the other one.
    """
    hint = parameter_hint(word, model, own)
    there = "" if hint.startswith("write ") else parameter_hint(word, model, other)
    return f"{there} in {'initial' if key == 'params' else 'params'}" if there.startswith("write ") else hint


def _kind(model: str, params: Mapping[str, Any]) -> Model | None:
    """The model of a population with these parameters, if there is one."""
    return MODELS[model].of(params) if model in MODELS else None


def _home(model: Model | None) -> dict[str, str]:
    """The table of a population (``params`` or ``initial``) to which each name of its model belongs."""
    if model is None:
        return {}
    return {p.name: "params" for p in model.parameters} | {s.name: "initial" for s in model.states}


def _holds_for_any(problem: Problem, guessed: set[str]) -> bool:
    """Whether a problem does not depend on the size and model of the `guessed` populations."""
    if not guessed or "there is no population" in problem.got:
        return True
    if problem.where.endswith(".variable"):
        return not any(f"({name})" in problem.got for name in guessed)
    sized = "an array" in problem.got or "distance" in problem.got or "dimensions" in problem.got
    return problem.where.endswith((".rule", ".delay", ".interval", ".start", ".stop")) and not sized


def _flat(names: list[Any]) -> list[str]:
    return [x for entry in names for x in (entry if isinstance(entry, list) else [entry])]


def _nested(value: Any) -> Any:
    """`value` with arrays as lists, because `Network.connect` expects nested lists for values of each pair."""
    if isinstance(value, dict):
        return {key: _nested(x) for key, x in value.items()}
    if isinstance(value, list):
        return value if {dict, list, np.ndarray}.isdisjoint(map(type, value)) else [_nested(x) for x in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def _indices(value: Any) -> Any:
    """Convert whole-number floats, which expressions return, to integer indices."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and (np.abs(value) < 2**53).all() and (value == np.floor(value)).all():
        return value.astype(np.int64)
    return [int(x) if isinstance(x, float) and x.is_integer() else x for x in value] if isinstance(value, list) else value


def _below(folder: Path, path: str, place: str) -> Path:
    """The file at the relative `path`, which must not lead out of `folder` (ModelError)."""
    portable, path = is_portable(path), named(path)
    pure = PurePosixPath(path)
    inside = path and portable and not pure.is_absolute() and ".." not in pure.parts
    if not inside or not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise ModelError(
            place,
            shortened(repr(path)),
            "a file in the folder of the model file or below it (name a file of another folder with --set, or in Python)",
        )
    return folder / path
