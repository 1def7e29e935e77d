"""The options of a run, which `lifsim.run`, `lifsim.resume`, `Simulation` and the command line share."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from lifsim.common.errors import did_you_mean

Progress = Callable[..., None]
CHECKPOINT_WALL = 600.0  # seconds of wall time between checkpoints of a run that writes to a file
F = TypeVar("F", bound=Callable[..., Any])


def option(default: Any, doc: str) -> Any:
    """A field of `RunOptions`: its default, and what it is, which the docstrings of all functions that take it say."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How a network is run. (What each option is stands beside it; `takes_options` puts it into the docstrings of functions.)"""

    seed: int | None = option(
        None,
        "what all random numbers follow from, 0 to 2⁶⁴ - 1 (default: the network's, 1). The same seed gives the same result, bit for "
        "bit, for any number of threads.",
    )
    threads: int | str | None = option("auto", 'number of threads, or "auto" for one that suits the size of the network.')
    precision: str = option("float64", '"float64" or "float32", of the state and of sums.')
    weights: str | None = option(
        None,
        'how weights are stored: "float64", "float32" or "compact"; None follows `precision`. Compact weights are whole numbers of '
        "16 bits, in steps of 1/32767 of the largest weight of their sign.",
    )
    method: str | None = option(
        None,
        '"grid": spike times are multiples of dt; "precise": they are exact, as those of the models whose names end in _ps. None: '
        'the network\'s method, or "precise" if it holds such a model.',
    )
    out: str | Path | None = option(None, "path of the HDF5 file to write; None keeps the results in memory.")
    overwrite: bool = option(False, "replace an existing file, or an unfinished run, at `out`. Both stay until the new file is complete.")
    progress: Progress | None = option(
        None,
        'called as ``progress(event, **facts)`` with the events "warning", "prepare", "build", "compile", "step", "write", "done". '
        'None: what takes long before the first step is said on a terminal, in a notebook and to the logger "lifsim".',
    )
    checkpoint_every: float | str | None = option(
        None, 'with `out`: biological time, in ms or as a text such as "10 s", after which a checkpoint (OUT.h5.ckpt) is written.'
    )
    checkpoint_wall: float | str | None = option(
        CHECKPOINT_WALL,
        'with `out`: wall time, in seconds or as a text such as "10 min", after which a checkpoint is written; None: not by wall time.',
    )


_OPTIONS: dict[str, Field[Any]] = {f.name: f for f in fields(RunOptions)}


def takes_options(*names: str, **defaults: Any) -> Callable[[F], F]:
    """A function whose last parameter is ``**options``: options of a run, which thereby stand in its signature and in its docstring.

    Parameters
    ----------
    names : which options the function takes; all unless any is named.
    defaults : those whose defaults differ here from the ones of `RunOptions`.
    """
    taken = {name: defaults.get(name, _OPTIONS[name].default) for name in names or _OPTIONS}

    def decorate(function: F) -> F:
        signature = inspect.signature(function)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        parameters = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=x, annotation=_OPTIONS[name].type) for name, x in taken.items()
        ]
        private = [p for p in own if p.name.startswith("_")]

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            known = {*taken, *(p.name for p in own)}
            for name in given:
                if name not in known:
                    raise TypeError(f"{function.__qualname__}() has no option {name!r}; {did_you_mean(name, known)}".removesuffix("; "))
            return function(*args, **taken | given)

        public = [p for p in own if p not in private]
        called.__signature__ = signature.replace(parameters=[*public, *parameters])  # type: ignore[attr-defined]
        called.__doc__ = _documented(function.__doc__ or "", list(taken))
        return called  # type: ignore[return-value]

    return decorate


def _documented(doc: str, names: list[str]) -> str:
    """`doc` with what the options are in place of its line ``options``."""
    lines = doc.split("\n")
    at = next((i for i, line in enumerate(lines) if line.strip() == "options"), None)
    if at is None:
        return doc
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    said = [
        line
        for name in names
        for line in textwrap.wrap(
            f"{name} : {_OPTIONS[name].metadata['doc']}",
            130,
            initial_indent=indent,
            subsequent_indent=indent + "    ",
            break_on_hyphens=False,
        )
    ]
    return "\n".join([*lines[:at], *said, *lines[at + 1 :]])
