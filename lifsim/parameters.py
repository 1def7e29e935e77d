"""Parameters of a model file: quantities, references to each other, settings from outside."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from lifsim import units
from lifsim.errors import Problem, did_you_mean
from lifsim.expressions import MOST_DIMENSIONS, evaluate, is_expression, shortened

RUN_KEYS = ("dt", "duration", "seed")


class _Unknown(Exception):
    """A name whose own problem is reported already."""


class _Missing:
    """Stands where a value could not be computed, so that the rest can be checked all the same."""

    def __repr__(self) -> str:
        return "(unknown)"


MISSING = _Missing()


class Parameters(Mapping[str, Any]):
    """The table ``[parameters]``: each value is computed when it is first asked for.

    `raw` are its entries as written. Problems found on the way gather in `problems`; what cannot
    be computed is `MISSING` in what `filled` returns.
    """

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.problems: list[Problem] = [p for name in raw for p in _check_name(name)]
        self._values: dict[str, Any] = {}
        self._active: list[str] = []

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def __iter__(self) -> Iterator[str]:
        return iter(self.raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, name: str) -> Any:
        if name in self._active:
            raise ValueError("depends on itself: " + " → ".join([*self._active[self._active.index(name) :], name]))
        if name not in self._values:
            self._active.append(name)
            self._values[name] = self._resolved(name)
            self._active.pop()
        if self._values[name] is MISSING:
            raise _Unknown
        return self._values[name]

    def _resolved(self, name: str) -> Any:
        place = f"parameters.{name}"
        found = self.filled(self.raw[name], place)
        if holds_missing(found):
            return MISSING
        try:
            return plain(found)
        except ValueError as error:
            self.problems.append(Problem(place, str(error)))
            return MISSING

    def resolved(self) -> dict[str, Any]:
        """All values that could be computed, as plain Python numbers, texts, booleans and lists."""
        out = {}
        for name in self:
            try:
                value = self[name]
            except _Unknown:
                continue
            out[name] = value.tolist() if isinstance(value, np.ndarray) else value
        return out

    def filled(self, raw: Any, place: str) -> Any:
        """`raw`, a value or a tree of tables and lists, with each expression replaced by its value."""
        if isinstance(raw, dict):
            return {key: self.filled(x, f"{place}.{key}") for key, x in raw.items()}
        if isinstance(raw, list):
            return [self.filled(x, f"{place}[{i}]") for i, x in enumerate(raw)]
        if not is_expression(raw):
            return raw
        try:
            return evaluate(raw, self)
        except _Unknown:
            return MISSING
        except ValueError as error:
            self.problems.append(Problem(place, shortened(repr(raw)), str(error)))
            return MISSING


def holds_missing(value: Any) -> bool:
    """Whether `value` or anything in it is `MISSING`."""
    if isinstance(value, dict):
        return any(map(holds_missing, value.values()))
    if isinstance(value, list):
        return any(map(holds_missing, value))
    return value is MISSING


def plain(raw: Any) -> Any:
    """A parameter as number, text, boolean or float64 array; ValueError for anything else."""
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
    """A nested list of numbers and quantities; rows equally long."""
    items = raw if isinstance(raw, np.ndarray) else [plain(x) for x in raw]
    if any(isinstance(x, str) for x in items):
        raise ValueError("an array holds a text; must hold numbers")
    if len({np.shape(x) for x in items}) > 1:
        raise ValueError("an array whose rows differ in length")
    if any(np.ndim(x) >= MOST_DIMENSIONS for x in items):
        raise ValueError(f"an array of more than {MOST_DIMENSIONS} dimensions")
    array = np.array(items, dtype=np.float64)
    if np.isnan(array).any():
        raise ValueError("an array holds nan")
    return array


def _check_name(name: str) -> Iterator[Problem]:
    if not name.isidentifier() or keyword.iskeyword(name):
        why = "a reserved word" if keyword.iskeyword(name) else "not a name"
        yield Problem(f"parameters.{name}", f"{shortened(repr(name))} is {why}", "letters, digits and _, as in lambda_")


# -- settings from outside -----------------------------------------------------------------------


def with_settings(raw: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The entries `raw` with those `given` in their place, and what is wrong with these."""
    out, problems = dict(raw), []
    for name, setting in given.items():
        place = f"parameters.{name}"
        if name not in raw:
            hint = f"did you mean run.{name}?" if name in RUN_KEYS else did_you_mean(name, raw)
            problems.append(Problem(place, f"there is no parameter {shortened(repr(name))}", hint or "the model has none"))
            continue
        try:
            _check_kind(raw[name], setting)
            out[name] = setting
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    return out, problems


def _check_kind(default: Any, setting: Any) -> None:
    """A setting is of the kind (flag, text, number of a dimension) of the value that it replaces."""
    if is_expression(default) or is_expression(setting):
        return
    for kind, called in ((bool, "true or false"), (str, "a text")):
        is_kind = [isinstance(x, kind) and not _is_quantity(x) for x in (default, setting)]
        if is_kind[0] != is_kind[1]:
            raise ValueError(
                f"{shortened(repr(setting))}; must be {called if is_kind[0] else 'a number or an array'}, as {shortened(repr(default))}"
            )
    if isinstance(setting, str) and _is_quantity(default) and _is_quantity(setting):
        units.parse(setting, units.coherent(units.split(default)[1]))


def _is_quantity(raw: Any) -> bool:
    return isinstance(raw, str) and units.looks_like_quantity(raw)
