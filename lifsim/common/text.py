"""Text: what may stand in metadata, and names of files that are no text.

On most systems a file's name is any bytes. Python keeps those that are not UTF-8 as lone surrogates (PEP 383), which HDF5, TOML and
terminals refuse. For display, and in metadata, they become escapes such as ``\\xff`` (`storable`); where the file must be found
again, the escapes can be read back (`spelled`, `named`). Plain JSON in ASCII keeps them as they are.
"""

from __future__ import annotations

import os
import re

_ESCAPED = re.compile(r"\\x(5c|[89a-f][0-9a-f])")  # a backslash, or a byte that is not ASCII


def storable(text: str) -> str:
    """`text` as Unicode that any format takes: ``\\xff`` in place of a byte that is no text, ``\\ud800`` of another lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", _escape, text)
    return text


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def spelled(path: str) -> str:
    """The name of a file as it is written in a model file; `named` gives it back. A name that is plain text stays as it is."""
    if os.name == "nt" or (storable(path) == path and "\\" not in path):
        return path
    return storable(path.replace("\\", "\\x5c"))


def is_portable(text: str) -> bool:
    """Whether the name of a file in a model file means the same everywhere: it has no backslash but those of escapes."""
    return "\\" not in (text if os.name == "nt" else _ESCAPED.sub("", text))


def named(text: str) -> str:
    """The name of a file that `spelled` wrote as `text`."""
    if os.name == "nt" or not _ESCAPED.search(text):
        return text
    return _ESCAPED.sub(lambda found: chr(code) if (code := int(found[1], 16)) < 0x80 else chr(0xDC00 + code), text)


_LONGEST_MESSAGE = 2000


def shortened(text: str, width: int = 60) -> str:
    """`text` cut to `width` characters, for a message."""
    return text if len(text) <= width else text[: width - 1] + "…"


def brief(message: str) -> str:
    """`message` with every long value that it quotes, a text or a list, cut short."""
    out = re.sub(r"""'[^']{61,}'|"[^"]{61,}"|\[[^][]{61,}\]""", lambda found: shortened(found[0]), message)
    return shortened(out, _LONGEST_MESSAGE)
