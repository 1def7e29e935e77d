"""The changes that a program made to a simulation, for its metadata."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.printable import shown

FEW = 16  # values of a list that are told
MOST = 1000  # most entries that are kept


class Changes:
    """Which values were set during a run, and when.

    Setting the same variables of the same nodes again adds to their entry, so that the list stays short in a loop.

    Parameters
    ----------
    number : of changes so far. entries : of earlier parts of the run.
    """

    def __init__(self, number: int = 0, entries: list[dict[str, Any]] | None = None) -> None:
        self.number = number
        self._entries = {(entry["of"], entry["set"]): dict(entry) for entry in entries or ()}

    def note(self, of: str, name: str, value: Any, time: float) -> None:
        """Note that `name` of the nodes or synapses `of` was set to `value` at `time` (ms)."""
        key = of, name
        if key in self._entries or len(self._entries) < MOST:
            first = {"of": of, "set": name, "first": time, "number": 0}
            entry = self._entries.setdefault(key, first)
            entry |= {"last": time, "number": entry["number"] + 1, "value": said(value)}

    def keep(self, *names: str) -> None:
        """Forget all changes but those of `names`."""
        self._entries = {key: entry for key, entry in self._entries.items() if key[1] in names}

    def entries(self) -> list[dict[str, Any]]:
        """One entry for each variable: of, set, times of the first and the last change (ms), number of changes, and the last value."""
        return list(self._entries.values())


def said(value: Any) -> Any:
    """A value in short, for JSON."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if callable(value):
        return f"function {getattr(value, '__name__', type(value).__name__)}"
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" and value.size:
        return value.item() if value.size == 1 else f"array {value.shape}, {np.min(value):g} to {np.max(value):g}"
    if isinstance(value, (list, tuple, np.ndarray)) and len(value) > FEW:
        return f"{len(value)} values"
    return shown(value)[:100]
