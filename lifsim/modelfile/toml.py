"""Reads TOML from untrusted sources, in time and memory proportional to its length.

The standard library's parser takes time quadratic in the number of parts of a dotted key, and later steps recurse into nested tables.
No model file needs long keys or deep nesting, so both are refused: keys are checked before the text is parsed, nesting afterwards.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lifsim.common import memory
from lifsim.common.errors import DataError, ModelError, Problem
from lifsim.common.text import shortened
from lifsim.files import untrusted
from lifsim.files.kinds import MAGIC, is_result
from lifsim.files.untrusted import reading

DEEPEST = 32  # greatest depth of nested tables and lists; greatest number of parts of a dotted key
LONGEST_KEY = 1000  # characters
_SHARE = 0.05  # fraction of the free memory that the text may take: parsed, it takes up to twenty times as much
# Strings and comments. One that is not terminated extends to the end of the text, so that no part is scanned twice.
_QUOTED = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']++|'{1,2}(?!'))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+",
    re.DOTALL,
)
_LONG_KEY = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{DEEPEST}}}")


def read_text(path: Path, kind: str = "a model file in TOML") -> str:
    """The text of a model file, or of a file of another `kind` (as named in messages).

    Raises
    ------
    DataError : the file cannot be read, is not text, is a result file, or is too large for the memory.
    """
    try:
        with reading(path) as file:
            start = file.read(4096)
            if is_result(start[: len(MAGIC)]):
                raise DataError(str(path), "is a result file, not a model", f"look at it with lifsim info {path}")
            if b"\0" in start:
                raise DataError(str(path), f"byte {start.index(0)} is not text", kind)
            size, room = file.seek(0, 2), _SHARE * memory.available()
            if size > room:
                raise DataError(
                    str(path), f"holds {memory.said(size)} of text", f"at most {memory.said(room)} with the memory that is free"
                )
        return untrusted.read_text(path)
    except UnicodeDecodeError as error:
        raise DataError(str(path), f"byte {error.start} is not UTF-8 text", kind) from None
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror})", kind) from None


def parsed(text: str, place: str) -> dict[str, Any]:
    """Parse the TOML `text`, which was read from `place`, into tables.

    Raises
    ------
    ModelError : the text is not valid TOML, or exceeds the limits of this module.
    """
    key = _LONG_KEY.search(_QUOTED.sub("s", text))
    if key:
        raise ModelError(place, f"a key of more than {DEEPEST} parts, {shortened(key[0], 20)}", f"at most {DEEPEST} parts")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, _, at = str(error).partition(" (at ")
        raise ModelError(f"{place}, {at.removesuffix(')')}" if at else place, f"not valid TOML: {shortened(message)}") from None
    except RecursionError:
        raise ModelError(place, "TOML whose tables or lists are nested too deeply", f"at most {DEEPEST} levels") from None
    except ValueError:
        raise ModelError(place, "TOML that holds a whole number of thousands of digits", "numbers of at most 64 bits") from None
    problems = list(beyond_limits(tables))
    if problems:
        raise ModelError.of(problems)
    return tables


def value(text: str) -> Any:
    """`text` as a TOML value, or `text` itself if it is not one (``dc``, ``20 ms``, ``= 2 * g``)."""
    try:
        found = parsed(f"x = {text}", "")
    except ModelError:
        return text
    simple = isinstance(found["x"], (bool, int, float, str, list, dict))
    return found["x"] if len(found) == 1 and simple else text


def beyond_limits(values: Mapping[str, Any], place: str = "") -> Iterator[Problem]:
    """Report where the table `values` is nested too deeply, has overlong keys, or holds integers of more than 64 bits."""
    waiting: list[tuple[str, Any, int]] = [(place, values, 1)]
    while waiting:
        where, held, depth = waiting.pop()
        if not isinstance(held, Mapping) and set(map(type, held)) <= {float}:  # long lists of numbers take no time
            continue
        for key, x in held.items() if isinstance(held, Mapping) else enumerate(held):
            if isinstance(key, str) and len(key) > LONGEST_KEY:
                yield Problem(f"{where}.{shortened(key)}", f"a key of {len(key):,} characters", f"at most {LONGEST_KEY:,}")
            elif isinstance(x, (Mapping, list, tuple)):
                if depth < DEEPEST:
                    waiting.append((_join(where, key), x, depth + 1))
                else:
                    yield Problem(_join(where, key), "tables or lists are nested too deeply", f"at most {DEEPEST} levels")
            elif isinstance(x, int) and x.bit_length() > 64:
                got = f"a whole number of {x.bit_length():,} bits"
                yield Problem(_join(where, key), got, "at most 64 bits; write a large number as 1e30")


def _join(place: str, key: Any) -> str:
    return f"{place}[{key}]" if isinstance(key, int) else f"{place}.{key}" if place else str(key)
