"""Writes tables as TOML text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, time
from typing import Any

import numpy as np


def dumps(document: Mapping[str, Any]) -> str:
    """The tables of a model file as TOML text. Tables in ``populations`` and in lists of tables have headers; others are inline."""
    blocks = [_lines({key: x for key, x in document.items() if not isinstance(x, dict) and not _is_tables(x)})]
    for key, x in document.items():
        if key == "populations" and isinstance(x, dict) and _is_tables(list(x.values())):
            blocks += [[f"[populations.{_key(name)}]", *_lines(table)] for name, table in x.items()]
        elif isinstance(x, dict):
            blocks.append([f"[{_key(key)}]", *_lines(x)])
        elif _is_tables(x):
            blocks += [[f"[[{_key(key)}]]", *_lines(table)] for table in x]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _is_tables(x: Any) -> bool:
    return isinstance(x, list) and all(isinstance(entry, dict) for entry in x)


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_inline(x)}" for key, x in table.items()]


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _text(key)


def _inline(x: Any) -> str:
    if isinstance(x, (np.ndarray, np.generic)):
        x = x.tolist()
    if isinstance(x, bool):
        return str(x).lower()
    if isinstance(x, str):
        return _text(x)
    if isinstance(x, Mapping):
        return "{ " + ", ".join(_lines(x)) + " }" if x else "{}"
    if isinstance(x, (list, tuple)):
        plain = set(map(type, x)) <= {int, float}  # long lists of numbers are written many times as fast
        return "[" + ", ".join(map(repr if plain else _inline, x)) + "]"
    if isinstance(x, (date, time)):
        return x.isoformat()
    return repr(x)  # Python's shortest representation that reads back as the same number is valid TOML


def _text(x: str) -> str:
    return json.dumps(x, ensure_ascii=False).replace("\x7f", "\\u007f")
