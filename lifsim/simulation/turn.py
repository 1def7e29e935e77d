"""Ensures that only one call at a time works on an object that threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar

from lifsim.common.errors import LifsimError

F = TypeVar("F", bound=Callable[..., Any])


class Turn:
    """Exclusive access to an object for one thread and, in this thread, for one call; `name` is the name of the object in errors.

    A second call does not wait but fails at once, since the first one may take hours.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()
        self._calls: list[str] = []  # names of the active calls, each made from within the one before
        self._refused: tuple[str, ...] = ()  # calls that are not allowed while the turn is lent

    @contextmanager
    def taken(self, call: str, reads: bool) -> Iterator[None]:
        """Access for `call`. A call that only `reads` may be made from within another, such as from the progress function of `run`.

        Raises
        ------
        LifsimError : another call is active.
        """
        if not self._lock.acquire(blocking=False):
            got = f"{call}() was called while {(self._calls or ['another call'])[0]}() is running in another thread"
            raise LifsimError(self._name, got, "one call at a time; use a separate object in each thread")
        try:
            if call in self._refused:
                got = f"{call}() was called from within the function that run() calls"
                raise LifsimError(self._name, got, "call it after run()")
            if self._calls and not reads:
                got = f"{call}() was called from within {self._calls[-1]}()"
                raise LifsimError(self._name, got, "only calls that read, such as get, are allowed there")
            self._calls.append(call)
            try:
                yield
            finally:
                self._calls.pop()
        finally:
            self._lock.release()

    @contextmanager
    def lent(self, refused: tuple[str, ...]) -> Iterator[None]:
        """Let a function that the active call calls make any call but those `refused`."""
        calls, before = self._calls, self._refused
        self._calls, self._refused = [], refused
        try:
            yield
        finally:
            self._calls, self._refused = calls, before


def alone(method: F) -> F:
    """Decorate a method that needs exclusive access to its object, whose attribute `_turn` is a `Turn`.

    A call fails while another decorated method of the object is running, unless that method lends its turn (`Turn.lent`).
    """
    return _in_turn(method, reads=False)


def reading(method: F) -> F:
    """Decorate a method that only reads its object, whose attribute `_turn` is a `Turn`.

    A call fails while another thread works on the object. In one thread, it may be made from within another method of the object.
    """
    return _in_turn(method, reads=True)


def _in_turn(method: F, reads: bool) -> F:
    @wraps(method)
    def called(self: Any, *args: Any, **named: Any) -> Any:
        with self._turn.taken(method.__name__, reads):
            return method(self, *args, **named)

    return called  # type: ignore[return-value]
