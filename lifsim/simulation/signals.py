"""Signals that ask a run to stop: it ends between two slices, with everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGXCPU", "SIGBREAK") if hasattr(signal, name)]


class Stopped(KeyboardInterrupt):
    """A signal stopped the work. `number` is that of the signal, `saved` says what is kept and how to go on."""

    def __init__(self, number: int, saved: str = "") -> None:
        super().__init__(number, saved)
        self.number, self.saved = number, saved

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.number).name}" + (f"; {self.saved}" if self.saved else "")

    @property
    def exit_code(self) -> int:
        """That of a program which a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + self.number


class StopRequest:
    """The number of the signal that asked to stop, None if none did."""

    number: int | None = None


@contextmanager
def handling(handler: Callable[[int, FrameType | None], Any]) -> Iterator[dict[int, Any]]:
    """Let `handler` have the signals that ask to stop, except ignored ones (nohup); yields who had them before.

    Only the main thread can do so; in others signals go where they went.
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
    """Within it the first signal is noted, for the one in charge to look at; a second one goes where it would have gone."""
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
