"""Standard output and standard error of the command line.

A closed, full or broken stream does not end a run, and messages never get into other files.
"""

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
    """Standard output. Characters that its encoding lacks are written as escapes; a failing write raises RunError."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return bool(self._stream.isatty())
        except (AttributeError, OSError, ValueError):  # the stream is closed
            return False

    def write(self, text: str) -> int:
        """Write `text`."""
        try:
            self._stream.write(_encodable(text, getattr(self._stream, "encoding", None)))
        except (OSError, ValueError) as error:
            self.failed(error)
        return len(text)

    def flush(self) -> None:
        """Write buffered text."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as error:
            self.failed(error)

    def failed(self, error: OSError | ValueError) -> None:
        """Convert an error to a RunError, except for a broken pipe (as with ``head``), which click handles."""
        if isinstance(error, BrokenPipeError):
            raise error
        raise RunError(f"standard output: {getattr(error, 'strerror', None) or error}") from None


class Messages(Stream):
    """Standard error: a message that cannot be written is dropped."""

    def failed(self, error: OSError | ValueError) -> None:
        """Ignore the error."""


def _encodable(text: str, encoding: str | None) -> str:
    encoding = encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        return storable(text).encode(encoding, "backslashreplace").decode(encoding)
    return text


def messages() -> TextIO:
    """The stream for messages: standard error, or the null device if there is none."""
    if isinstance(sys.stderr, Messages):
        return sys.stderr  # type: ignore[return-value]
    return Messages(sys.stderr if sys.stderr is not None else _nowhere())  # type: ignore[return-value]


@contextmanager
def guarded() -> Iterator[None]:
    """Make standard output a `Stream` and standard error a `Messages`; a file cannot get the descriptor of a closed one."""
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
    """Open the null device in place of closed standard streams: a file with their descriptor would receive what libraries print."""
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)


def _settle(stream: TextIO) -> None:
    """Flush a stream; if that fails, discard its buffer, since Python would fail again at exit and change the exit code."""
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)
