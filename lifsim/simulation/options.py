"""The options of a run, shared by `lifsim.run`, `lifsim.resume`, `Simulation` and the command line."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import Field, dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

from lifsim.common.errors import did_you_mean

Progress = Callable[..., None]
CHECKPOINT_WALL = 600.0  # seconds of wall time between checkpoints of a run that writes to a file
F = TypeVar("F", bound=Callable[..., Any])


def option(default: Any, doc: str) -> Any:
    """A field of `RunOptions` with its default and its description, which the docstrings of functions include."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """The options of a run, each with its description, which `takes_options` inserts into docstrings."""

    seed: int | None = option(
        None,
        "seed of all random numbers, 0 to 2⁶⁴ - 1 (default: that of the network, 1). The same seed gives the same result, bit for "
        "bit, for any number of threads.",
    )
    threads: int | str | None = option("auto", 'number of threads, or "auto" to choose it by the size of the network.')
    precision: str = option("float64", 'data type of state variables and sums, "float64" or "float32".')
    weights: str | None = option(
        None,
        'data type of stored weights: "float64", "float32" or "compact" (default: that of `precision`). Compact weights are 16-bit '
        "integers in steps of 1/32767 of the largest weight of the same sign.",
    )
    method: str | None = option(
        None,
        '"grid": spike times are multiples of dt; "precise": spike times are exact, as for the models whose names end in _ps. '
        'Default: the method of the network, or "precise" if it contains such a model.',
    )
    out: str | Path | None = option(None, "path of the HDF5 results file; None keeps the results in memory.")
    overwrite: bool = option(False, "replace an existing file or unfinished run at `out`, which is kept until the new file is complete.")
    progress: Progress | bool | None = option(
        None,
        "True: show progress bars, in a notebook as widgets. False: show nothing but Python warnings. A function is called as "
        '``progress(event, **facts)`` with the events "warning", "prepare", "making", "build", "compile", "step", "write", "done". '
        "Default: lengthy preparations are reported on a terminal and in a notebook. Without a function, all messages also go to the "
        'logger "lifsim".',
    )
    checkpoint_every: float | str | None = option(
        None, 'biological time between checkpoints (OUT.h5.ckpt), in ms or as a text such as "10 s"; with `out`.'
    )
    checkpoint_wall: float | str | None = option(
        CHECKPOINT_WALL,
        'wall time between checkpoints, in seconds or as a text such as "10 min"; None: none by wall time; with `out`.',
    )


_OPTIONS: dict[str, Field[Any]] = {f.name: f for f in fields(RunOptions)}


# Words of other simulators → what they are here.
_SYNONYMS = {
    **dict.fromkeys(("n_threads", "num_threads", "local_num_threads", "n_jobs", "workers", "cores"), "threads"),
    **dict.fromkeys(("rng_seed", "random_state", "random_seed"), "seed"),
    **dict.fromkeys(("simtime", "t_sim", "T", "t_stop", "tstop", "time", "t"), "duration"),
    **dict.fromkeys(("file", "filename", "output", "path", "save"), "out"),
    **dict.fromkeys(("dtype",), "precision"),
    **dict.fromkeys(("report", "verbose", "print_time", "progress_bar"), "progress"),
    **dict.fromkeys(("dt", "resolution"), "dt as an argument of lifsim.Network, or run.dt in the model file"),
}


def _hint(word: str, known: Iterable[str]) -> str:
    """The option that is meant by `word`, which is none of the `known` ones."""
    return f"write {_SYNONYMS[word]}" if word in _SYNONYMS else did_you_mean(word, known)


def takes_options(*names: str, **defaults: Any) -> Callable[[F], F]:
    """Decorate a function whose last parameter is ``**options``: its signature and docstring then list the options of a run.

    Parameters
    ----------
    names : the options that the function takes; all by default.
    defaults : defaults that differ from those of `RunOptions`.
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
                    raise TypeError(f"{function.__qualname__}() has no option {name!r}; {_hint(name, known)}".removesuffix("; "))
            return function(*args, **taken | given)

        public = [p for p in own if p not in private]
        called.__signature__ = signature.replace(parameters=[*public, *parameters])  # type: ignore[attr-defined]
        called.__doc__ = _documented(function.__doc__ or "", list(taken))
        return called  # type: ignore[return-value]

    return decorate


def _documented(doc: str, names: list[str]) -> str:
    """`doc` with the descriptions of the options in place of its line ``options``."""
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
