"""Signals that stop a run: it ends between two slices, with everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal, such as SIGINT (Ctrl-C) or SIGTERM, stopped a run; a KeyboardInterrupt.

    Parameters
    ----------
    number : of the signal. saved : a message on what is saved and how to resume, "" if nothing is.
    """

    def __init__(self, number: int, saved: str = "") -> None:
        super().__init__(number, saved)
        self.number, self.saved = number, saved

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.number).name}" + (f"; {self.saved}" if self.saved else "")

    @property
    def exit_code(self) -> int:
        """The exit code of a program ended by this signal: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number


class StopRequest:
    """Whether a stop was requested: `number` is the number of the signal, None until one arrives."""

    number: int | None = None


@contextmanager
def handling(handler: Callable[[int, FrameType | None], Any]) -> Iterator[dict[int, Any]]:
    """Install `handler` for the stop signals, except ignored ones (nohup); yields the previous handlers by signal.

    Only the main thread can install handlers; in other threads nothing changes.
    """
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        own = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
        before = {number: signal.signal(number, handler) for number in own}
    try:
        yield before
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def deferred() -> Iterator[StopRequest]:
    """Defer stop signals: the first one is noted in the yielded request, a second one goes to the previous handler."""
    asked = StopRequest()

    def note(number: int, frame: FrameType | None) -> None:
        if asked.number is None:
            asked.number = number
        elif callable(before[number]):
            before[number](number, frame)
        else:
            signal.signal(number, before[number])
            signal.raise_signal(number)

    with handling(note) as before:
        yield asked
