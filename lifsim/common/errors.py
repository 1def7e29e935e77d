"""Errors a user can meet. Every message says where, what was got and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate, islice
from typing import Any

from lifsim.common.printable import one_line, printable

MOST_SHOWN, MOST_CHARACTERS = 100, 16_000  # problems that a message lists
_HINTED = MOST_SHOWN  # problems of one file that get a hint
_NAMED = 40  # names that a hint lists
_COMPARED = 100  # names that a misspelt one is compared with
_LONGEST = 100  # characters of a name that is compared

_hints: ContextVar[Iterator[int] | None] = ContextVar("hints", default=None)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `where` is a place (``populations.exc.params.tau_m``)."""

    where: str
    got: str
    allowed: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.got}"
        return one_line(f"{text}; {self.allowed}" if self.allowed else text)


class LifsimError(Exception):
    """Base class of errors in what a user gives: models, files, options (the command line exits with 2)."""

    def __init__(self, where: str, got: str = "", allowed: str = "") -> None:
        self.problems = [Problem(where, got, allowed)]
        super().__init__(str(self.problems[0]) if got else printable(where))


class ModelError(LifsimError):
    """The description of a network is wrong. Holds every problem found, not only the first."""

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ModelError:
        """An error that reports all `problems`, one line each; of a great many the first, and how many there are more."""
        found = list(problems)
        lines = [str(p) for p in found[:MOST_SHOWN]]
        ends = accumulate(map(len, lines))
        lines = [line for line, end in zip(lines, ends, strict=True) if end <= MOST_CHARACTERS] or lines[:1]
        if len(found) > len(lines):
            lines.append(f"… and {len(found) - len(lines):,} more problems")
        error = cls("\n".join(lines))
        error.problems = found
        return error


class DataError(LifsimError):
    """A file of results, spikes or weights is missing, damaged or of another kind."""


class OutputError(LifsimError):
    """The place for the output cannot be used: it exists already, or cannot be written."""


class RunError(Exception):
    """A run failed for a reason that is not the caller's description (exit code 1).

    `result` holds what was recorded until then, where `lifsim.run` records into memory; else None.
    """

    result: Any = None


@contextmanager
def few_hints() -> Iterator[None]:
    """Within this, only the first problems get a hint: `did_you_mean` compares with all names, which nobody reads for thousands."""
    token = _hints.set(iter(range(_HINTED)))
    try:
        yield
    finally:
        _hints.reset(token)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `word`: the nearest of `known`, or all of them (of many, the first)."""
    left = _hints.get()
    if left is not None and next(left, None) is None:
        return ""
    words = list(known)
    alike = _alike(word, words)
    near = difflib.get_close_matches(word, alike, n=1, cutoff=0.6)
    if not near:
        lower = {w.lower(): w for w in alike}
        near = [lower[w] for w in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)]
    if near:
        return f"did you mean {near[0]!r}?"
    more = f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else ""
    return "allowed: " + ", ".join(words[:_NAMED]) + more if words else ""


def _alike(word: str, words: list[str]) -> list[str]:
    """Those of `words` that are worth comparing with `word`."""
    if len(word) > _LONGEST:
        return []
    if len(words) <= _COMPARED:
        return [w for w in words if len(w) <= _LONGEST]
    start, end = word[:2].lower(), word[-2:].lower()
    near = (w for w in words if abs(len(w) - len(word)) <= 3 and (w[:2].lower() == start or w[-2:].lower() == end))
    return list(islice(near, _COMPARED))
