"""Results that commands read: opened with their warnings, and the populations that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.cli.program import Talk
from lifsim.cli.text import refuse_model
from lifsim.common.errors import LifsimError, did_you_mean

if TYPE_CHECKING:
    from lifsim.results.result import Result


def opened(talk: Talk, file: Path, hints: dict[str, Any]) -> Result:
    """The results in `file`; warns on standard error if the run is in progress, or if a newer run is unfinished."""
    refuse_model(file)
    from lifsim.results import opening

    result = opening.open(file, **hints)
    if result.note:
        talk.warn(f"{file}: {result.note}")
    return result


def chosen(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    """The populations given by --population (LifsimError if one is not known)."""
    names = list(known)
    for name in wanted:
        if name not in names:
            raise LifsimError("--population", f"there is no population {name!r}", did_you_mean(name, names))
    return list(wanted)
