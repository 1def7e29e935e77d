"""Text from files and values of users, made fit for messages, terminals and figures."""

from __future__ import annotations

import re
from typing import Any

# C0 and C1 control characters but for line feed and tab, marks that change the direction of writing or are not seen, line and
# paragraph separators, tags, and what stands for bytes that are no UTF-8. Joiners, which scripts and emoji need, are not among them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_BREAKS = re.compile(r"(?<![ \r])[ \r]*+[\n\t]\s*+")  # white space is looked through once, however long it is


def printable(text: str) -> str:
    r"""`text` with every character that a terminal would obey, or that nobody sees, as an escape such as ``\u001b``.

    Line feeds and tabs stay, and so does all other Unicode. A byte that was no UTF-8 becomes ``\xff``.
    """
    return _HIDDEN.sub(_escape, text)


def one_line(text: str) -> str:
    """`text`, printable, with a space in place of every line feed and tab (and the white space around it)."""
    return printable(_BREAKS.sub(" ", text))


def shown(value: Any, width: int = 60) -> str:
    """A value as messages quote it: its `repr`, cut to `width` characters, or its type where it has none that can be had."""
    try:
        text = repr(value)
    except Exception:  # a number of thousands of digits, a list that holds itself, an object of the user's
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= width else text[: width - 1] + "…"


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
