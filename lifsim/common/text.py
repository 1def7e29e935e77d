"""Text for metadata, and file names that are not valid text.

On most systems a file name is a sequence of arbitrary bytes. Python represents bytes that are not UTF-8 as lone surrogates (PEP 383),
which HDF5, TOML and terminals refuse. In messages and metadata they are replaced by escapes such as ``\\xff`` (`storable`). File names in
model files have escapes that can be reversed (`spelled`, `named`). JSON in ASCII can hold surrogates unchanged.
"""

from __future__ import annotations

import os
import re

_ESCAPED = re.compile(r"\\x(5c|[89a-f][0-9a-f])")  # escape of a backslash, or of a byte that is not ASCII


def storable(text: str) -> str:
    """`text` as valid Unicode: a byte that is not UTF-8 becomes ``\\xff``, another lone surrogate ``\\ud800``."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", _escape, text)
    return text


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def spelled(path: str) -> str:
    """A file name as written in a model file; `named` reverses it. A name that is valid text without backslashes is unchanged."""
    if os.name == "nt" or (storable(path) == path and "\\" not in path):
        return path
    return storable(path.replace("\\", "\\x5c"))


def is_portable(text: str) -> bool:
    """Whether a file name in a model file means the same on all systems: it has no backslashes except those of escapes."""
    return "\\" not in (text if os.name == "nt" else _ESCAPED.sub("", text))


def named(text: str) -> str:
    """The file name that `spelled` converted to `text`."""
    if os.name == "nt" or not _ESCAPED.search(text):
        return text
    return _ESCAPED.sub(lambda found: chr(code) if (code := int(found[1], 16)) < 0x80 else chr(0xDC00 + code), text)


_LONGEST_MESSAGE = 2000


def shortened(text: str, width: int = 60) -> str:
    """`text` cut to `width` characters, for a message."""
    return text if len(text) <= width else text[: width - 1] + "…"


def brief(message: str) -> str:
    """`message` with every long quoted string or list shortened."""
    out = re.sub(r"""'[^']{61,}'|"[^"]{61,}"|\[[^][]{61,}\]""", lambda found: shortened(found[0]), message)
    return shortened(out, _LONGEST_MESSAGE)
