"""The structure of a model file: its tables and their keys. `Network` checks the values."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from lifsim.common.errors import Problem
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.common.text import shortened
from lifsim.common.values import number
from lifsim.modelfile.key_synonyms import key_hint
from lifsim.modelfile.toml_writing import dumps


def _names(raw: Any) -> Any:
    texts = raw if isinstance(raw, list) else [raw]
    if not texts or not all(isinstance(x, str) for x in texts):
        raise ValueError("must be a name in quotes, or a list of them")
    return raw


def _duration(raw: Any) -> float:
    out = number(raw, "ms")
    if not 0 <= out < math.inf:
        raise ValueError("must be a finite time, at least 0 ms")
    return out


def _seed(raw: Any) -> int:
    seed = int(raw) if isinstance(raw, float) and raw.is_integer() else raw  # expressions return floats
    if not is_seed(seed):
        raise ValueError(f"must be {SEEDS}")
    return int(seed)


def _rule(raw: Any) -> Any:
    if isinstance(raw, dict):
        raise ValueError("write its entries in this table: " + ", ".join(dumps(raw).split("\n")[:-1]))
    return raw


Names = Annotated[Any, BeforeValidator(_names)]


class TomlTable(BaseModel):
    """A table of a model file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    def given(self) -> dict[str, Any]:
        """The values given in the file, without defaults."""
        return {key: getattr(self, key) for key in type(self).model_fields if key in self.model_fields_set}


class RunTable(TomlTable):
    """The table ``[run]``."""

    dt: Any = 0.1
    duration: Annotated[Any, BeforeValidator(_duration)] = None
    seed: Annotated[Any, BeforeValidator(_seed)] = 1
    method: str | None = None


class PopulationTable(TomlTable):
    """A table ``[populations.NAME]``."""

    n: Any
    model: str
    positions: Any = None
    params: dict[str, Any] = {}
    initial: dict[str, Any] = {}


class ProjectionTable(TomlTable):
    """A table of the list ``[[projections]]``."""

    source: Names
    target: Names
    rule: Annotated[str, BeforeValidator(_rule)] = ""
    p: Any = None
    indegree: Any = None
    outdegree: Any = None
    N: Any = None
    sources: Any = None
    targets: Any = None
    file: Any = None
    edge_types: Any = None
    matrix: Any = None
    copies: Any = None
    scale: Any = None
    weight: Any = None
    delay: Any = None
    synapse: Any = None
    allow_autapses: Any = None
    allow_multapses: Any = None
    receptor_type: Any = None
    name: Any = None


class RecordTable(TomlTable):
    """A table of the list ``[[record]]``."""

    populations: Names = None
    source: str = ""
    target: str = ""
    variable: Names = "spikes"
    interval: Any = None
    start: Any = None
    stop: Any = None
    name: str = ""
    events: Any = False
    projection: Any = None


class ModelFile(TomlTable):
    """The whole file. Its tables are checked one by one, so that problems of one do not hide those of another."""

    name: str = ""
    description: str = ""
    reference: str = ""
    run: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    populations: dict[str, dict[str, Any]] = {}
    projections: list[dict[str, Any]] = []
    record: list[dict[str, Any]] = []
    scan: dict[str, Any] = {}  # of `lifsim scan`; runs ignore it


AnyTable = TypeVar("AnyTable", bound=TomlTable)


def check(kind: type[AnyTable], raw: dict[str, Any], place: str = "") -> tuple[AnyTable | None, list[Problem]]:
    """Convert `raw` to a table of `kind`; returns it and its problems.

    Wrong entries are left out of the table, so that the others can be checked further. The table is None if
    a required entry is wrong or missing.
    """
    try:
        return kind.model_validate(raw), []
    except ValidationError as error:
        found = error.errors()
    problems = [_problem(kind, place, e) for e in found]
    wrong = {e["loc"][0] for e in found if e["loc"]}
    try:
        return kind.model_validate({key: x for key, x in raw.items() if key not in wrong}), problems
    except ValidationError:
        return None, problems


_EXPECTED = {
    "string_type": "must be a text in quotes",
    "dict_type": "must be a table",
    "list_type": "must be a list of tables, each headed [[…]]",
}


def _problem(kind: type[TomlTable], place: str, error: Any) -> Problem:
    where = join(place, *error["loc"])
    if error["type"] == "extra_forbidden":
        return Problem(where, "there is no such key", key_hint(kind.__name__, str(error["loc"][-1]), kind.model_fields, place))
    if error["type"] == "missing":
        return Problem(where, "missing")
    got = repr(error["input"])
    if error["type"] == "value_error" and str(error["ctx"]["error"]).startswith(got):
        return Problem(where, str(error["ctx"]["error"]))
    allowed = str(error["ctx"]["error"]) if error["type"] == "value_error" else _EXPECTED.get(error["type"], error["msg"])
    return Problem(where, shortened(got), allowed)


def join(place: str, *keys: str | int) -> str:
    """The path of `keys` below `place`: ``projections[2].delay``."""
    for key in keys:
        place += f"[{key}]" if isinstance(key, int) else f".{key}" if place else str(key)
    return place
