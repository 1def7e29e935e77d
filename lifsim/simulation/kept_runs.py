"""Runs for figures and comparisons, whose results files are kept and used again."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from lifsim.common.progress_bar import close_bar
from lifsim.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run

K = TypeVar("K", bound=Hashable)


class KeptRun(NamedTuple):
    """A run whose results file is kept: network, biological time (ms), the file, and options of its own, such as {"seed": 2}."""

    net: Network
    duration: float
    out: Path
    options: Mapping[str, Any] = {}


def kept_results(
    runs: Mapping[K, KeptRun], overwrite: bool = False, progress: Callable[[K], Any] | None = None, **options: Any
) -> Iterator[tuple[K, Result]]:
    """The results of several runs, one after the other: finished runs are opened, interrupted ones are resumed, others are made.

    Parameters
    ----------
    runs : name -> the run. overwrite : make all runs again, and replace what is there.
    progress : called with each name; returns the `progress` of its run, whose bar is ended after it, also if the run fails.
    options : further options of `lifsim.run`, for all runs.

    Returns
    -------
    Each name with its result.

    Raises
    ------
    LifsimError : as for `lifsim.run`, such as another run with the same file.
    """
    for name, (net, duration, out, own) in runs.items():
        shown = None if progress is None else progress(name)
        try:
            result = run(net, duration, out=out, overwrite=overwrite, resume=not overwrite, progress=shown, **{**options, **own})
        finally:
            if shown is not None:
                close_bar(shown)
        yield name, result
