"""Makes text from files and values from users safe for messages, terminals and figures."""

from __future__ import annotations

import re
from typing import Any

# C0 and C1 control characters except line feed and tab, direction marks and invisible characters, line and paragraph separators,
# tags, and surrogates that stand for bytes that are not UTF-8. Joiners are not included, because scripts and emoji need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)

_BREAKS = re.compile(r"(?<![ \r])[ \r]*+[\n\t]\s*+")  # possessive: long white space is scanned only once


def printable(text: str) -> str:
    r"""`text` with every control character or invisible character replaced by an escape such as ``\u001b``.

    Line feeds, tabs and all other Unicode characters are kept. A byte that is not UTF-8 becomes an escape such as ``\xff``.
    """
    return _HIDDEN.sub(_escape, text)


def one_line(text: str) -> str:
    """`printable` text with every line feed and tab, and the white space around it, replaced by one space."""
    return printable(_BREAKS.sub(" ", text))


def shown(value: Any, width: int = 60) -> str:
    """A value as quoted in messages: its `repr`, cut to `width` characters, or its type if `repr` fails."""
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
