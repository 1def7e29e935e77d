"""The paths of the values of a model, such as ``populations.exc.params.tau_m``, and hints that name the path of a misplaced value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from lifsim.common.errors import did_you_mean, nearest
from lifsim.network.model import MODELS
from lifsim.network.parameter_synonyms import meanings

RUN_KEYS = ("dt", "duration", "seed", "method")
_LISTED = 3  # number of paths in a hint
_SEARCHED = 2000  # number of values of a model that are searched


def keys_of(path: str) -> list[str]:
    """The keys of a path: ``projections[1].weight`` has three."""
    return [key for key in re.split(r"[.\[\]]+", path) if key]


def paths_of(document: Mapping[str, Any]) -> Iterator[str]:
    """The paths of everything that can be set in a model: the entries of its tables, and all parameters of its populations."""
    yield from (f"run.{key}" for key in RUN_KEYS)
    yield from (f"parameters.{name}" for name in _table(document.get("parameters")))
    for name, raw in _table(document.get("populations")).items():
        table = _table(raw)
        place, model = f"populations.{name}", MODELS.get(str(table.get("model")))
        yield from (f"{place}.{key}" for key in ("n", "model", "positions") if key != "positions" or key in table)
        if model:
            yield from (f"{place}.params.{p.name}" for p in model.parameters)
            yield from (f"{place}.initial.{p.name}" for p in model.of(_table(table.get("params"))).states)
    for key in ("projections", "record"):
        entries = document.get(key)
        for i, raw in enumerate(entries if isinstance(entries, list) else ()):
            yield from (f"{key}[{i}].{entry}" for entry in _table(raw))


def _table(raw: Any) -> Mapping[str, Any]:
    return raw if isinstance(raw, Mapping) else {}


def path_hint(path: str, document: Mapping[str, Any], others: Collection[str] = ()) -> str:
    """The paths in a model that may be meant by `path`: a name alone, or a path that leads nowhere.

    others : further names that may be meant, such as those of the parameters of the model.
    """
    *before, name = keys_of(path) or [""]
    by_name: dict[str, list[str]] = {}
    for found, _ in zip(paths_of(document), range(_SEARCHED), strict=False):
        by_name.setdefault(keys_of(found)[-1], []).append(found)
    if name not in by_name:
        near = next((x for x in meanings(name) if x in by_name), "") or nearest(name, [*others, *by_name])
        if near in others or near not in by_name:
            return did_you_mean(name, others)
        name = near
    paths = by_name[name]
    wanted = [found for found in paths if set(before) & set(keys_of(found)[:-1]) - {"populations", "params", "initial", "projections"}]
    return "write " + _either(wanted or paths)


def _either(paths: list[str]) -> str:
    if len(paths) > _LISTED:
        return f"{', '.join(paths[:_LISTED])} (or one of {len(paths) - _LISTED} more)"
    return " or ".join(filter(None, [", ".join(paths[:-1]), paths[-1]]))
