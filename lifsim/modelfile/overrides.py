"""Overrides: values that replace those of a model file, each given with its path, such as ``populations.exc.n``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifsim.common.errors import ModelError, Problem, did_you_mean
from lifsim.modelfile import toml
from lifsim.modelfile.paths import keys_of, path_hint


def put_overrides(document: dict[str, Any], overrides: Mapping[str, Any]) -> tuple[list[Problem], dict[str, Any]]:
    """Put values at their paths in `document`. Returns problems, and the values for ``[parameters]``, which are not put there."""
    problems, settings = [], {}
    for path, raw in overrides.items():
        keys = keys_of(path)
        value = toml.value(raw) if isinstance(raw, str) else raw
        if len(keys) == 2 and keys[0] == "parameters":
            settings[keys[1]] = value
            continue
        try:
            holder = _holder(document, keys, path)
            holder[_key(holder, keys[-1], path)] = value
        except ModelError as error:
            problems += [Problem(p.where, p.got, _hint(p.allowed, path, document)) for p in error.problems]
    return problems, settings


def _hint(allowed: str, path: str, document: Mapping[str, Any]) -> str:
    """`allowed`, unless it is a list of keys and there are similar paths."""
    hint = path_hint(path, document) if allowed.startswith("allowed: ") else ""
    return hint or allowed


def _holder(document: dict[str, Any], keys: list[str], path: str) -> Any:
    """The table or list that contains the last of `keys`."""
    here: Any = document
    if not keys:
        raise ModelError(repr(path), "is not a path", "for example run.dt")
    for key in keys[:-1]:
        if isinstance(here, dict) and key in ("run", "params", "initial"):
            here.setdefault(key, {})
        at = _key(here, key, path)
        if isinstance(here, dict) and at not in here:
            raise ModelError(path, f"there is no {key!r}", did_you_mean(key, here))
        here = here[at]
    return here


def _key(holder: Any, key: str, path: str) -> Any:
    if isinstance(holder, dict):
        return key
    if not isinstance(holder, list):
        raise ModelError(path, f"there is neither a table nor a list that could hold {key!r}", "a path such as run.dt or populations.exc.n")
    if not (key.isdecimal() and int(key) < len(holder)):
        raise ModelError(path, f"there is no entry {key!r}", f"0 to {len(holder) - 1}")
    return int(key)
