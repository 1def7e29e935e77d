"""Shows the progress of a scan: a bar on a terminal and in a notebook, otherwise a line every ten seconds."""

from __future__ import annotations

import time
from typing import Any

from lifsim.common.notebook import notebook
from lifsim.common.notices import report
from lifsim.common.progress_bar import LOG_EVERY, bar_class
from lifsim.common.streams import messages

_BAR = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} runs{postfix}, {remaining} left"


class ScanProgress:
    """Shows how many of `total` runs are done, `before` of them earlier.

    Parameters
    ----------
    name : of the model. quiet : show nothing.
    """

    def __init__(self, name: str, total: int, before: int, quiet: bool = False) -> None:
        self._total, self._before, self._quiet = total, before, quiet
        self._done = self._failed = 0
        self._began = self._told = time.monotonic()
        self._bar: Any = None
        if not quiet and total > before and (messages().isatty() or notebook() is not None):
            self._bar = bar_class()(total=total, initial=before, desc=name, bar_format=_BAR, file=messages(), leave=False)
            self._bar.refresh()

    def add(self, failed: bool) -> None:
        """Note a finished run."""
        self._done, self._failed = self._done + 1, self._failed + failed
        if self._bar is not None:
            if self._failed:
                self._bar.set_postfix_str(f"{self._failed} failed", refresh=False)
            self._bar.update()
        elif not self._quiet and self._before + self._done < self._total and time.monotonic() - self._told >= LOG_EVERY:
            self._told = time.monotonic()
            report(f"{self._before + self._done} of {self._total} runs{self._failures()}, {self._left()} left")

    def say(self, text: str) -> None:
        """Print one line, above the bar if there is one."""
        if self._bar is not None:
            self._bar.write(f"lifsim: {text}", file=messages())
        elif not self._quiet:
            report(text)

    @property
    def count(self) -> int:
        """The number of runs that are done and did not fail."""
        return self._before + self._done - self._failed

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def _failures(self) -> str:
        return f", {self._failed} failed" if self._failed else ""

    def _left(self) -> str:
        """The time that the other runs take if they are like those so far."""
        seconds = round((time.monotonic() - self._began) / self._done * (self._total - self._before - self._done))
        return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
