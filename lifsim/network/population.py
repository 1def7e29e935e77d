"""Populations: named groups of nodes of one model, and views of some of their nodes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from lifsim.common.arrays import distinct
from lifsim.common.errors import ModelError, Problem
from lifsim.common.indices import index_text
from lifsim.common.missing import NODES, no_attribute
from lifsim.common.overview import Fact, Overview, Overviewed, counted
from lifsim.common.printable import shown
from lifsim.common.timegrid import FARTHEST, first_off_grid, nearest_on_grid, not_on_grid
from lifsim.common.values import Distribution, Value, has_unit, quantity_of_another_library, value
from lifsim.network.model import Model
from lifsim.network.overviews import ids_text, parameter_facts
from lifsim.network.parameter import Parameter, violations
from lifsim.network.positions import Positions

NEAR = 1e-6  # lower bound of intervals, in time steps
MOST_NODES = 2**31 - 2  # node indices have 32 bits


@dataclass(frozen=True, eq=False, repr=False)
class View(Overviewed):
    """A selection of nodes of a population. `index` holds their 0-based indices: a range for a slice, so that memory does not
    grow with its length, else an int64 array of shape (n,).
    """

    population: Population
    index: range | np.ndarray

    def __post_init__(self) -> None:
        if isinstance(self.index, np.ndarray):
            self.index.flags.writeable = False

    def __reduce__(self) -> Any:
        return View, (self.population, self.index)  # without cached properties

    def __len__(self) -> int:
        return len(self.index)

    @property
    def name(self) -> str:
        """Name of the population."""
        return self.population.name

    @cached_property
    def ids(self) -> np.ndarray:
        """The indices as an array, int64, shape (n,)."""
        r = self.index
        if not isinstance(r, range):
            return r
        ids = np.arange(r.start, r.stop, r.step, dtype=np.int64)
        ids.flags.writeable = False
        return ids

    @cached_property
    def whole(self) -> bool:
        """Whether the view holds all nodes of the population, in order."""
        if isinstance(self.index, range):
            return self.index == range(self.population.n)
        return len(self.index) == self.population.n and bool((self.index == np.arange(self.population.n)).all())

    @property
    def listed(self) -> list[int] | str:
        """The ids as files list them: "all" if the view is whole."""
        return "all" if self.whole else self.ids.tolist()

    def shared(self, other: View) -> int:
        """The number of nodes shared with `other`, a view of the same population."""
        a, b = self.index, other.index
        if isinstance(a, range) and isinstance(b, range):
            return _common(a, b)
        if isinstance(a, range) or isinstance(b, range):
            r, ids = (a, other.ids) if isinstance(a, range) else (b, self.ids)
            assert isinstance(r, range)
            r = r if r.step > 0 else r[::-1]
            return int(((ids >= r.start) & (ids < r.stop) & ((ids - r.start) % r.step == 0)).sum())
        return len(np.intersect1d(self.ids, other.ids))

    def __add__(self, other: Any) -> NoReturn:
        refuse_sum(self, other)

    __radd__ = __add__

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> NoReturn:
            raise _no_attribute("'View' object", name, self)

    def __str__(self) -> str:
        return self.name if self.whole else self.name + index_text(self.index)

    def _overview(self) -> Overview:
        size, model = f"{len(self):,} of {self.population.n:,}", self.population.model.name
        facts = Fact("nodes", size, said=f"{size} {model}"), Fact("model", model, said=None)
        return Overview("View", f"{self.name}[{ids_text(self.index)}]", facts)


def _common(a: range, b: range) -> int:
    """The number of elements that two ranges share."""
    a, b = (r if r.step > 0 else r[::-1] for r in (a, b))
    both, apart = math.gcd(a.step, b.step), b.start - a.start
    if not a or not b or apart % both:
        return 0
    turns = b.step // both
    first = a.start + apart // both * pow(a.step // both, -1, turns) % turns * a.step
    every = math.lcm(a.step, b.step)
    first += max(-(-(max(a.start, b.start) - first) // every), 0) * every
    return len(range(first, min(a.stop, b.stop), every))


@dataclass(frozen=True, eq=False, repr=False)
class Population(Overviewed):
    """`n` nodes of one model. `params` and `initial` (state variables) hold only the values that were given; `positions` is optional."""

    name: str
    n: int
    model: Model
    params: dict[str, Any]
    initial: dict[str, Value]
    positions: Positions | None = None

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int | slice | Sequence[int] | np.ndarray) -> View:
        """A view of some nodes: ``exc[:10]``, ``exc[3]``, ``exc[[1, 5, 7]]``."""
        place = f"{self.name}[{shown(index)}]"
        if isinstance(index, np.ma.MaskedArray):
            raise ModelError(place, "a masked array", "fill it first")
        try:
            if isinstance(index, slice):
                return View(self, range(self.n)[index])
            if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
                at = range(self.n)[index]
                return View(self, range(at, at + 1))
            ids = np.atleast_1d(np.arange(self.n, dtype=np.int64)[index])
        except (IndexError, ValueError, TypeError, OverflowError) as error:
            got = str(error).replace("range object index out of range", f"index {index} is out of bounds")
            raise ModelError(place, got, f"allowed: 0 to {self.n - 1}") from None
        if distinct(ids) != len(ids):
            raise ModelError(f"{self.name}[{index}]", "names a node twice", "each node at most once")
        return View(self, ids)

    def get(self, name: str) -> Any:
        """The value given for the parameter or state variable `name`, or its default."""
        if name in self.initial:
            return self.initial[name]
        return self.params.get(name, self.model.parameter(name).default)

    def __add__(self, other: Any) -> NoReturn:
        refuse_sum(self, other)

    __radd__ = __add__

    if not TYPE_CHECKING:  # else type checkers would accept any attribute

        def __getattr__(self, name: str) -> NoReturn:
            raise _no_attribute("'Population' object", name, self)

    def __str__(self) -> str:
        return self.name

    def _overview(self) -> Overview:
        size = Fact("nodes", f"{self.n:,}", said=f"{self.n:,} {self.model.name}"), Fact("model", self.model.name, said=None)
        return Overview("Population", self.name, (*size, *parameter_facts(self.model, {**self.params, **self.initial})))


def _no_attribute(owner: str, name: str, nodes: Population | View) -> AttributeError:
    """The error for an attribute that `nodes` do not have, such as a parameter of their model."""
    if name.startswith("_"):  # also of an object that is being copied and has no attributes yet
        return no_attribute(owner, name, {})
    population = nodes if isinstance(nodes, Population) else nodes.population
    if name in population.model.readable:
        given = f'population.get("{name}") for the value that was given, Simulation.get("{population.name}", "{name}") for that of now'
        return no_attribute(owner, name, {name: given})
    return no_attribute(owner, name, NODES, ("name", "n", "model", "params", "initial", "positions", "get"))


def refuse_sum(a: Any, b: Any) -> NoReturn:
    """Refuse a + b, which in NEST makes one collection of both.

    Raises
    ------
    ModelError : always; it says what a list of populations does instead.
    """
    names = [str(x) if isinstance(x, (Population, View)) else shown(x) for x in (a, b)]
    raise ModelError(
        " + ".join(names),
        "populations cannot be added",
        f"write the list [{', '.join(names)}]; a rule then applies to each pair of populations: fixed_indegree draws `indegree` sources "
        f"from {names[0]} and as many from {names[1]}. To draw from both together, make them slices of one population",
    )


def normalise(parameter: Parameter, raw: Any, n: int) -> Any:
    """Convert `raw` to the internal form of a parameter and check its bound and length (ValueError)."""
    if parameter.shape == "flag":
        if not isinstance(raw, (bool, np.bool_)):
            raise ValueError(f"{shown(raw)}; must be true or false")
        return bool(raw)
    if parameter.shape in ("text", "file"):
        if not isinstance(raw, (str, Path)):
            raise ValueError(f"{shown(raw)}; must be a text")
        return str(raw)
    unit = parameter.unit if parameter.unit in ("ms", "mV", "pF", "pA", "nS", "Hz", "") else None
    if parameter.shape == "trains":
        return _trains(raw, n)
    if parameter.shape == "samples":
        samples = _samples(raw, unit, n)
        _check_entries(parameter, samples)
        return samples
    if parameter.shape == "series":
        series = value(raw, unit)
        if not isinstance(series, np.ndarray) or series.ndim != 1:
            raise ValueError("must be a list of numbers")
        _check_entries(parameter, series)
        return series
    v = value(raw, unit)
    if parameter.shape == "number" and not isinstance(v, float):
        raise ValueError("must be one number, the same for all nodes")
    if isinstance(v, np.ndarray) and v.shape != (n,):
        raise ValueError(f"an array of shape {v.shape}; must have one value a node: ({n},)")
    bounds = np.asarray(v.support if isinstance(v, Distribution) else v)
    if isinstance(v, Distribution) and v.kind == "lognormal":
        bounds = bounds[bounds > 0]  # 0 is never drawn
    asked = parameter.violation(bounds[np.isfinite(bounds)] if isinstance(v, Distribution) else bounds)
    if asked is None and isinstance(v, Distribution) and parameter.bound in ("> 0", ">= 0", "0 to 1e9") and v.support[0] < 0:
        asked = f"{parameter.bound} (give the distribution a min)"
    if asked:
        text = v.as_dict() if isinstance(v, Distribution) else (f"{v:g}" if isinstance(v, float) else f"values from {v.min():g}")
        raise ValueError(f"{text}; must be {asked}")
    return v


def _trains(raw: Any, n: int) -> list[np.ndarray]:
    """Spike times as one array for each node; a flat list becomes a single array."""
    if has_unit(raw):
        raise ValueError(quantity_of_another_library(raw))
    if not isinstance(raw, (Sequence, np.ndarray)) or isinstance(raw, (str, bytes)) or (isinstance(raw, np.ndarray) and raw.ndim == 0):
        raise ValueError(f"{shown(raw)}; must be a list of spike times, or one list a node")
    nested = len(raw) > 0 and all(hasattr(x, "__len__") and not isinstance(x, str) for x in raw)
    if nested and len(raw) != n:
        raise ValueError(f"{len(raw)} lists; must be one list a node ({n})")
    trains = [value(x, "ms") for x in raw] if nested else [value(raw, "ms")]
    for train in trains:
        if not isinstance(train, np.ndarray) or train.ndim != 1:
            raise ValueError("must be a list of spike times, or one list a node")
        if len(train) and not (np.isfinite(train).all() and train.min() > 0):
            raise ValueError("spike times must be finite and above 0 ms")
    return trains  # type: ignore[return-value]


def _samples(raw: Any, unit: str | None, n: int) -> np.ndarray:
    """Samples shared by all nodes, shape (samples,), or with one column for each node, (samples, n)."""
    samples = value(raw, unit)
    shape = samples.shape if isinstance(samples, np.ndarray) else ()
    if not isinstance(samples, np.ndarray) or len(shape) == 0 or shape[1:] not in ((), (n,)):
        raise ValueError(f"has shape {shape}; must be a list of numbers for all nodes, or have one column for each node: (samples, {n})")
    return samples


def _check_entries(parameter: Parameter, entries: np.ndarray) -> None:
    """Raise a ValueError that names the first of the entries of a list that violates the bound of the parameter."""
    wrong = parameter.violating(entries)
    if wrong.any():
        raise ValueError(f"{entries.flat[np.argmax(wrong)]:g}; must be {parameter.bound}")


def relations(place: str, model: Model, given: Mapping[str, Any]) -> Iterable[Problem]:
    """Report violated conditions between parameters. Random parameters are checked when they are drawn."""
    values = {p.name: given.get(p.name, p.default) for p in model.parameters + model.states}
    return violations(place, model.checks, values, _shown)


def _shown(name: str, v: Any) -> str:
    """A parameter in a message: its value, or the range of an array."""
    if isinstance(v, (float, str)):
        return f"{name} = {v:g}" if isinstance(v, float) else f"{name} = {v!r}"
    v = np.asarray(v)
    return (
        f"{name} from {v.min():g} to {v.max():g}"
        if v.ndim == 1 and len(v) and v.dtype.kind == "f"
        else f"{name} with {counted(np.size(v), 'entry')}"
    )


def off_grid(place: str, model: Model, given: Mapping[str, Any], dt: float) -> Iterable[Problem]:
    """Report stimulus times that are not multiples of dt."""
    for p in model.parameters:
        v = given.get(p.name, p.default)
        if p.on_grid and not isinstance(v, Distribution):
            wrong = first_off_grid(v, dt)
            if wrong is not None:
                yield Problem(f"{place}.{p.name}", not_on_grid(wrong, dt), nearest_on_grid(wrong, dt))


def bad_intervals(place: str, model: Model, given: Mapping[str, Any], dt: float) -> Iterable[Problem]:
    """Report stimulus intervals shorter than a time step, or too long to be counted in steps."""
    for p in model.parameters:
        if p.unit != "ms" or p.bound != "> 0" or p.shape == "series" or model.role == "neuron" or p.name not in given:
            continue
        v = given[p.name]
        low, high = v.support if isinstance(v, Distribution) else (np.min(v), np.max(v))
        if p.on_grid and low < dt / 2:
            yield Problem(f"{place}.{p.name}", f"{low:g} ms is less than a step", f"at least dt = {dt:g} ms")
        elif p.shape == "number" and not NEAR * dt < low <= high < FARTHEST * dt:
            allowed = f"above {NEAR * dt:g} and below {FARTHEST * dt:g} ms (dt = {dt:g} ms)"
            yield Problem(f"{place}.{p.name}", f"{low:g} ms", allowed)


def bad_trains(place: str, given: Mapping[str, Any], n: int) -> Iterable[Problem]:
    """Report inconsistent spike times, ids and multiplicities of a spike_generator with `n` nodes."""
    trains, ids = given.get("spike_times", []), given.get("spike_ids", ())
    number = sum(map(len, trains))
    if len(ids):
        if len(trains) > 1:
            yield Problem(f"{place}.spike_ids", "given together with a list of times for each node", "only one of them")
        elif len(ids) != number:
            yield Problem(f"{place}.spike_ids", f"{len(ids)} ids for {number} spike times", "one id for each spike time")
        elif ((ids != np.floor(ids)) | (ids < 0) | (ids >= n)).any():
            wrong = ids[(ids != np.floor(ids)) | (ids < 0) | (ids >= n)][0]
            yield Problem(f"{place}.spike_ids", f"{wrong:g}", f"whole numbers from 0 to {n - 1}")
    many = given.get("spike_multiplicities", ())
    if len(many):
        if len(many) != number:
            yield Problem(f"{place}.spike_multiplicities", f"{len(many)} for {number} spike times", "one for each spike time")
        elif ((many != np.floor(many)) | (many < 0) | (many > 1e6)).any():
            wrong = many[(many != np.floor(many)) | (many < 0) | (many > 1e6)][0]
            yield Problem(f"{place}.spike_multiplicities", f"{wrong:g}", "whole numbers from 0 to 1000000")


def index_of(text: str, place: str) -> Any:
    """Parse the index of ``exc[0:10]``, ``exc[3]`` or ``exc[1,5,7]``; `text` is the part after the bracket."""
    body = text.removesuffix("]")
    try:
        if body == text or body.count(":") > 2:
            raise ValueError
        if ":" in body:
            return slice(*(int(x) if x.strip() else None for x in body.split(":")))
        ids = [int(x) for x in body.split(",")]
        return ids if len(ids) > 1 else ids[0]
    except ValueError:
        raise ModelError(place, f"[{text}", "an index such as exc[3], exc[0:10], exc[1,5,7]") from None


def with_neurons(populations: Mapping[str, Population]) -> Iterator[str]:
    """The names of the populations of neurons."""
    return (name for name, population in populations.items() if population.model.role == "neuron")
