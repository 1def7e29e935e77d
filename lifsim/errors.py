"""Errors a user can meet. Every message says where, what was got and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: `where` is a place (``populations.exc.params.tau_m``)."""

    where: str
    got: str
    allowed: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.got}"
        return f"{text}; {self.allowed}" if self.allowed else text


class LifsimError(Exception):
    """Root of all errors that are the caller's to mend (the command line exits with 2)."""

    def __init__(self, where: str, got: str = "", allowed: str = "") -> None:
        self.problems = [Problem(where, got, allowed)]
        super().__init__(str(self.problems[0]) if got else where)


class ModelError(LifsimError):
    """The description of a network is wrong. Holds every problem found, not only the first."""

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ModelError:
        """An error that reports all `problems`, one line each."""
        found = list(problems)
        error = cls("; ".join(map(str, found)))
        error.problems = found
        error.args = ("\n".join(map(str, found)),)
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


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `word`: the nearest of `known`, or all of them."""
    words = list(known)
    near = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if not near:
        lower = {w.lower(): w for w in words}
        near = [lower[w] for w in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)]
    if near:
        return f"did you mean {near[0]!r}?"
    return "allowed: " + ", ".join(words) if words else ""
