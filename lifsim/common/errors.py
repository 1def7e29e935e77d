"""The errors that users can meet. Every message names the place, what was got and what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import accumulate, islice, product
from typing import Any

from lifsim.common.printable import one_line, printable

MOST_SHOWN, MOST_CHARACTERS = 100, 16_000  # limits of the list of problems in a message
_HINTED = MOST_SHOWN  # number of problems of one file that get a hint
_NAMED = 40  # number of names that a hint lists
_COMPARED = 100  # number of names with which a misspelt name is compared
_LONGEST = 100  # characters; longer names are not compared

_hints: ContextVar[Iterator[int] | None] = ContextVar("hints", default=None)
# What is allowed is either a thing, such as "a number above 0" (its message says "expected a number above 0"), or a sentence.
_FIRST_OF_A_THING = re.compile(
    r"""[(\['"]|(?:
    -?\d+|an?|one|two|any|each|at\ least|at\ most|above|below|whole|finite|plain|real|those|that|what\ the\ file
    |the\ (?:path|names?|same|group|step|fraction|checkpoint)|delays\ of|numbers?|times?|names?|values?|texts?|letters|digits
    |seconds|shape|arrays?|cells|rows|data|datasets?|neurons|layers|nodes|dense|float64|static_synapse|Unicode|True
    )(?![\w-])""",
    re.VERBOSE,
)
_VERB = re.compile(r"\b(?:must|needs?|takes|cannot|can be|is|are|was|were|has|have)\b")


@dataclass(frozen=True)
class Problem:
    """One problem in user input: its place `where` (``populations.exc.params.tau_m``), what was got, and what is allowed."""

    where: str
    got: str
    allowed: str = ""

    def __str__(self) -> str:
        return one_line(f"{self.where}: {self.text}")

    @property
    def text(self) -> str:
        """The message without the place."""
        if not self.allowed:
            return self.got
        beginning = re.split(r"[;:(]", self.allowed, maxsplit=1)[0]
        a_thing = _FIRST_OF_A_THING.match(self.allowed) and not _VERB.search(beginning)
        return f"{self.got}; {'expected ' if a_thing else ''}{self.allowed}"


class LifsimError(Exception):
    """Base class of errors in user input: models, files, options. The command line exits with code 2.

    `problems` lists every problem found, each with `where`, `got` and `allowed`.

    Parameters
    ----------
    where : place of the problem, or the whole message if `got` is empty. got : what was got. allowed : what is allowed.
    """

    def __init__(self, where: str, got: str = "", allowed: str = "") -> None:
        self.problems = [Problem(where, got, allowed)]
        super().__init__(str(self.problems[0]) if got else printable(where))


class ModelError(LifsimError):
    """The description of a network is not valid. `problems` lists every problem found, not only the first.

    Parameters
    ----------
    where : place of the problem, such as ``populations.exc.params.tau_m``. got : what was got. allowed : what is allowed.
    """

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> ModelError:
        """An error that reports `problems`, one on each line; the message of very many shows the first, and counts the others."""
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
    """A file of results, spikes or weights is missing, damaged or of another kind.

    Parameters
    ----------
    where : the file, or a place in it. got : what was got. allowed : what is allowed.
    """


class OutputError(LifsimError):
    """An output file exists already, or cannot be written.

    Parameters
    ----------
    where : the file. got : why it cannot be used. allowed : what is allowed.
    """


class RunError(Exception):
    """A run failed for a reason other than user input, such as a full disk. The command line exits with code 1.

    `result` holds what was recorded before the failure if `lifsim.run` recorded into memory; else None.
    """

    result: Any = None


@contextmanager
def few_hints() -> Iterator[None]:
    """Within this context, only the first problems get a hint, because `did_you_mean` is slow for thousands of problems."""
    token = _hints.set(iter(range(_HINTED)))
    try:
        yield
    finally:
        _hints.reset(token)


def problem_of(place: str, error: Exception | str) -> Problem:
    """The `Problem` for an error whose message is "what was got; what is allowed"."""
    got, _, allowed = str(error).partition("; ")
    return Problem(place, got, allowed)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt `word`: the most similar of the `known` names, or a list of them (the first, if there are many)."""
    left = _hints.get()
    if left is not None and next(left, None) is None:
        return ""
    words = list(known)
    near = nearest(word, words)
    if near:
        return f"did you mean {near!r}?"
    more = f" and {len(words) - _NAMED:,} more" if len(words) > _NAMED else ""
    return "allowed: " + ", ".join(words[:_NAMED]) + more if words else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The one of the `known` names that is most similar to `word`; "" if none is similar."""
    alike = _alike(word, list(known))
    near = difflib.get_close_matches(word, alike, n=1, cutoff=0.6)
    if not near:
        lower = {w.lower(): w for w in alike}
        near = [lower[w] for w in difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)]
    return near[0] if near else ""


def _alike(word: str, words: list[str]) -> list[str]:
    """The `words` that may be similar to `word`."""
    if len(word) > _LONGEST:
        return []
    if len(words) <= _COMPARED:
        return [w for w in words if len(w) <= _LONGEST]
    starts, ends = _in_any_case(word[:2]), _in_any_case(word[-2:])
    near = (w for w in words if (w.startswith(starts) or w.endswith(ends)) and abs(len(w) - len(word)) <= 3)
    return list(islice(near, _COMPARED))


def _in_any_case(letters: str) -> tuple[str, ...]:
    """`letters` with each of them small or capital."""
    return tuple({"".join(each) for each in product(*((c.lower(), c.upper()) for c in letters))})
