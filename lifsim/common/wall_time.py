"""Wall time in seconds."""

from __future__ import annotations

import math
from typing import Any

from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.values import is_plain_number, number


def seconds(value: Any, place: str) -> float:
    """Convert a number of seconds, or a string with a unit, to seconds (LifsimError at `place` unless it is above 0)."""
    try:
        out = number(value, "ms") / 1000.0 if isinstance(value, str) and not is_plain_number(value) else number(value, None)
    except ValueError as error:
        raise LifsimError(place, str(error), "seconds, or a text such as '10 min'") from None
    if not 0 < out < math.inf:
        raise LifsimError(place, shown(value), "a time above 0, in seconds or as a text such as '10 min'")
    return out
