"""The standard streams of the command line: one that is closed, full or broken ends no run, and no message gets into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, TextIO

from lifsim.common.errors import RunError
from lifsim.common.text import storable


class Stream:
    """Standard output: text that its encoding lacks is written as escapes, and what cannot be written is a RunError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Whether somebody watches."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, OSError, ValueError):  # it was closed
            return False

    def write(self, text: str) -> int:
        """Write `text`."""
        try:
            self._stream.write(_encodable(text, getattr(self._stream, "encoding", None)))
        except (OSError, ValueError) as error:
            self.failed(error)
        return len(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.failed(error)

    def failed(self, error: OSError | ValueError) -> None:
        """What becomes of a failure; that nobody reads on (head) is for click to handle."""
        if isinstance(error, BrokenPipeError):
            raise error
        raise RunError(f"standard output: {getattr(error, 'strerror', None) or error}") from None


class Messages(Stream):
    """Standard error: a message that cannot be written is dropped."""

    def failed(self, error: OSError | ValueError) -> None:
        """Nothing."""


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        return storable(text).encode(encoding, "backslashreplace").decode(encoding)
    return text


def messages() -> TextIO:
    """Where messages for people go: standard error, or nowhere if there is none."""
    if isinstance(sys.stderr, Messages):
        return sys.stderr  # type: ignore[return-value]
    return Messages(sys.stderr if sys.stderr is not None else _nowhere())  # type: ignore[return-value]


@contextmanager
def guarded() -> Iterator[None]:
    """Within it, standard output and standard error are `Stream` and `Messages`, and no file gets the number of a closed one."""
    _occupy()
    before = sys.stdout, sys.stderr
    sys.stdout = Stream(_nowhere() if sys.stdout is None else sys.stdout)
    sys.stderr = messages()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                _settle(stream)


@lru_cache(1)
def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _occupy() -> None:
    """Open the null device where a standard stream is closed: a file that got its number would get what libraries write there."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)


def _settle(stream: TextIO) -> None:
    """Leave nothing in a buffer that Python would fail to write at its end, with a message and another exit code."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
