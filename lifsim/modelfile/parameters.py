"""The parameters of a model file: quantities, expressions that refer to other parameters, and settings that replace them."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lifsim.common import units
from lifsim.common.errors import Problem
from lifsim.common.text import shortened
from lifsim.modelfile.expressions import Budget, evaluate, is_expression
from lifsim.modelfile.functions import MOST_DIMENSIONS, Exhausted
from lifsim.modelfile.paths import path_hint

_LINKS = 40  # greatest depth of parameters that are computed within each other
_AS_LIST = 4  # memory of a number in a list, relative to one in an array
_PER_NUMBER = 8  # characters of a string that take as much memory as one number


class _Unknown(Exception):
    """The value of a name is unknown, and its problem is already reported."""


class _Missing:
    """Placeholder for a value that could not be computed, so that the other values can still be checked."""

    def __repr__(self) -> str:
        return "(unknown)"


MISSING = _Missing()


class Parameters(Mapping[str, Any]):
    """The values of the table ``[parameters]``; evaluates the expressions of a model file.

    `raw` holds the entries of the table as written. Each parameter is computed after those that it refers to, so that chains may have
    any length. Only if references are circular (``a = "= b if on else 1"``, ``b = "= 1 if on else a"``) is one computed within another.
    `problems` collects every problem. In the results of `filled`, values that cannot be computed are `MISSING`. All expressions share
    one `Budget`.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = [p for name in raw for p in _check_name(name)]
        self.budget, self.exhausted = Budget(), False
        self._values: dict[str, Any] = {}
        self._active: list[str] = []
        for name in _in_order(raw):
            if name not in self._values:
                self._compute(name)

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, name: str) -> Any:
        if name in self._active:
            raise ValueError("depends on itself: " + self._circle(name))
        if name not in self._values:
            if len(self._active) == _LINKS:
                raise ValueError("refers to itself, or to others through a chain that is too long: " + self._circle(self._active[0]))
            self._compute(name)
        if self._values[name] is MISSING:
            raise _Unknown
        return self._values[name]

    def _compute(self, name: str) -> None:
        self._active.append(name)
        self._values[name] = self._resolved(name)
        self._active.pop()

    def _circle(self, name: str) -> str:
        """The circle of parameters being computed from `name` on, beginning with the one that is first in the file."""
        names = self._active[self._active.index(name) :]
        first = names.index(next(x for x in self.raw if x in names))
        return " → ".join([*names[first:], *names[: first + 1]])

    def _resolved(self, name: str) -> Any:
        place = f"parameters.{name}"
        found = self.filled(self.raw[name], place)
        if holds_missing(found):
            return MISSING
        try:
            value = plain(found)
            if is_expression(self.raw[name]):
                self._keep(value, _AS_LIST)  # `resolved` converts arrays to lists
        except ValueError as error:
            self._note(Problem(place, str(error)), error)
            return MISSING
        return value

    def resolved(self) -> dict[str, Any]:
        """All values that could be computed, as Python numbers, strings, booleans and lists."""
        known = {name: self._values[name] for name in self if self._values[name] is not MISSING}
        return {name: x.tolist() if isinstance(x, np.ndarray) else x for name, x in known.items()}

    def filled(self, raw: Any, place: str) -> Any:
        """`raw`, a value or a tree of tables and lists, with each expression replaced by its value."""
        if isinstance(raw, dict):
            return {key: self.filled(x, f"{place}.{key}") for key, x in raw.items()}
        if isinstance(raw, list):
            return raw if _holds_no(raw, str, list, dict) else [self.filled(x, f"{place}[{i}]") for i, x in enumerate(raw)]
        if not is_expression(raw):
            return raw
        if self.exhausted:
            return MISSING
        try:
            value = evaluate(raw, self, self.budget)
            self._keep(value)
        except _Unknown:
            return MISSING
        except ValueError as error:
            self._note(Problem(place, shortened(repr(raw)), str(error)), error)
            return MISSING
        return value

    def _keep(self, value: Any, times: float = 1.0) -> None:
        """Charge the memory of `value` to the budget permanently."""
        if isinstance(value, np.ndarray):
            self.budget.hold(times * value.size)
        elif isinstance(value, str):
            self.budget.hold(len(value) / _PER_NUMBER)

    def _note(self, problem: Problem, error: ValueError) -> None:
        """Collect a problem. An exhausted budget is reported only once."""
        if not (self.exhausted and isinstance(error, Exhausted)):
            self.problems.append(problem)
        self.exhausted = self.exhausted or isinstance(error, Exhausted)


_WORD = re.compile(r"[^\W\d]\w*")


def _in_order(raw: Mapping[str, Any]) -> Iterator[str]:
    """The names of `raw`, each after the names that its expressions refer to, unless these are circular."""
    met: set[str] = set()
    for start in raw:
        waiting = [(start, iter((start,)))]
        while waiting:
            name, others = waiting[-1]
            other = next((x for x in others if x not in met), None)
            if other is not None:
                met.add(other)
                waiting.append((other, _named(raw[other], raw)))
            else:
                waiting.pop()
                if waiting:
                    yield name


def _named(value: Any, names: Mapping[str, Any]) -> Iterator[str]:
    """The `names` that may occur in the expressions of a value (found as words, so strings in expressions count, too)."""
    if isinstance(value, (list, dict)):
        for x in value.values() if isinstance(value, dict) else value:
            yield from _named(x, names)
    elif is_expression(value):
        yield from (x for x in _WORD.findall(value) if x in names)


def _holds_no(values: list[Any], *kinds: type) -> bool:
    """Whether no entry has one of these types."""
    return set(kinds).isdisjoint(map(type, values))


def holds_missing(value: Any) -> bool:
    """Whether `value` is `MISSING` or contains it."""
    if isinstance(value, dict):
        return any(map(holds_missing, value.values()))
    if isinstance(value, list):
        return not _holds_no(value, _Missing, list, dict) and any(map(holds_missing, value))
    return value is MISSING


def plain(raw: Any) -> Any:
    """Convert a parameter to a number, string, boolean or float64 array; ValueError for anything else."""
    if isinstance(raw, np.generic):
        raw = raw.item()
    if isinstance(raw, str):
        return units.parse(raw) if units.looks_like_quantity(raw) else raw
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, (int, float)):
        if raw != raw:
            raise ValueError("nan is not a number")
        if isinstance(raw, int) and abs(raw) > 2**63:
            raise ValueError("a whole number beyond 64 bits")
        return raw
    if isinstance(raw, (list, tuple, np.ndarray)):
        return _array(raw)
    raise ValueError(f"a {type(raw).__name__}; must be a number, a text, true or false, or an array of numbers")


def _array(raw: Any) -> np.ndarray:
    """Convert a nested list of numbers and quantities to an array; its rows must have equal length."""
    if isinstance(raw, np.ndarray) and raw.dtype.kind in "biuf" and raw.ndim <= MOST_DIMENSIONS:
        return _without_nan(raw.astype(np.float64))
    if set(map(type, raw)) <= {float}:
        return _without_nan(np.array(raw))
    items = [plain(x) for x in raw]
    if 0 < sum(isinstance(x, bool) for x in items) < len(items):
        raise ValueError("an array holds true or false beside numbers; must hold numbers")
    if any(isinstance(x, str) for x in items):
        raise ValueError("an array holds a text; must hold numbers")
    if len({np.shape(x) for x in items}) > 1:
        raise ValueError("an array whose rows differ in length")
    if any(np.ndim(x) >= MOST_DIMENSIONS for x in items):
        raise ValueError(f"an array of more than {MOST_DIMENSIONS} dimensions")
    return _without_nan(np.array(items, dtype=np.float64))


def _without_nan(array: np.ndarray) -> np.ndarray:
    if np.isnan(array).any():
        raise ValueError("an array holds nan")
    return array


def _check_name(name: str) -> Iterator[Problem]:
    if not name.isidentifier() or keyword.iskeyword(name):
        why = "a reserved word" if keyword.iskeyword(name) else "not a name"
        yield Problem(f"parameters.{name}", f"{shortened(repr(name))} is {why}", "letters, digits and _, as in lambda_")


# -- settings ------------------------------------------------------------------------------------


def with_settings(raw: Mapping[str, Any], given: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The entries `raw`, replaced by those in `given`; problems of these. Messages name values elsewhere in the `document`."""
    out, problems = dict(raw), []
    for name, setting in given.items():
        place = f"parameters.{name}"
        if name not in raw:
            hint = path_hint(name, document, list(raw)) or "the model has none"
            problems.append(Problem(place, f"there is no parameter {shortened(repr(name))}", hint))
            continue
        try:
            _check_kind(raw[name], setting)
            out[name] = setting
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    return out, problems


def _check_kind(default: Any, setting: Any) -> None:
    """Check that a setting has the kind (boolean, string, number of a dimension) of the value that it replaces (ValueError)."""
    if is_expression(default) or is_expression(setting):
        return
    for kind, called in ((bool, "true or false"), (str, "a text")):
        is_kind = [isinstance(x, kind) and not _is_quantity(x) for x in (default, setting)]
        if is_kind[0] != is_kind[1]:
            wanted = called if is_kind[0] else "a number or an array"
            raise ValueError(f"{shortened(repr(setting))}; must be {wanted}, like {shortened(repr(default))} in the model")
    if isinstance(setting, str) and _is_quantity(default) and _is_quantity(setting):
        units.parse(setting, units.coherent(units.split(default)[1]))


def _is_quantity(raw: Any) -> bool:
    return isinstance(raw, str) and units.looks_like_quantity(raw)
