"""Lets one call at a time work on an object that threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from lifsim.common.errors import LifsimError

F = TypeVar("F", bound=Callable[..., Any])


class Turn:
    """Whose turn it is to work on an object called `name` in errors: that of one thread, and there of one call.

    Nothing waits: what one call is at work on may take hours, and another thread that needs it then is better told so.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()
        self._calls: list[str] = []  # at work now, each called from the one before

    @contextmanager
    def taken(self, call: str, reads: bool) -> Iterator[None]:
        """Take the turn for `call`. One that only `reads` may come from within another, such as from the progress function of `run`.

        Raises
        ------
        LifsimError : another call is at work.
        """
        if not self._lock.acquire(blocking=False):
            got = f"{call}() was called while {(self._calls or ['another call'])[0]}() is at work in another thread"
            raise LifsimError(self._name, got, "one call at a time; in several threads at once each with an object of its own")
        try:
            if self._calls and not reads:
                raise LifsimError(self._name, f"{call}() was called from within {self._calls[-1]}()", "there it can be read, not changed")
            self._calls.append(call)
            try:
                yield
            finally:
                self._calls.pop()
        finally:
            self._lock.release()


def alone(method: F) -> F:
    """A method of an object with a `_turn` during which no other may work on the object."""
    return _in_turn(method, reads=False)


def reading(method: F) -> F:
    """A method of an object with a `_turn` that may also be called from within another of the same thread."""
    return _in_turn(method, reads=True)


def _in_turn(method: F, reads: bool) -> F:
    @wraps(method)
    def called(self: Any, *args: Any, **named: Any) -> Any:
        with self._turn.taken(method.__name__, reads):
            return method(self, *args, **named)

    return called  # type: ignore[return-value]
