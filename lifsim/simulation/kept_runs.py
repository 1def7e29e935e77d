"""Runs for figures and comparisons, whose results files are kept and used again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifsim.common.progress_bar import close_bar
from lifsim.network import Network
from lifsim.results.result import Result
from lifsim.simulation.runs import run


def kept_run(
    net: Network, duration: float, out: Path, overwrite: bool = False, progress: Callable[..., None] | None = None, **options: Any
) -> Result:
    """Run a network with the results file `out`, or use what is there: a finished run is opened, an interrupted one is resumed.

    Parameters
    ----------
    net, duration, out : as for `run`. overwrite : run again, and replace what is there.
    progress : as for `run`; its bar is ended, also if the run fails.
    options : further options of `run`.

    Returns
    -------
    The result.

    Raises
    ------
    LifsimError : as for `run`; another run is at `out`.
    """
    try:
        return run(net, duration, out=out, overwrite=overwrite, resume=not overwrite, progress=progress, **options)
    finally:
        if progress is not None:
            close_bar(progress)
