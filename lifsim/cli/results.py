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


def named_groups(files: tuple[Path, ...], groups: tuple[tuple[str, list[Path]], ...]) -> dict[str, list[Path]]:
    """name -> files; the name is "" if there are no groups."""
    if bool(files) == bool(groups):
        got = "both are given" if files else "neither is given"
        raise LifsimError("FILE, --group", got, "one FILE or more, or groups of them: --group NAME=FILE,FILE")
    if files:
        return {"": list(files)}
    twice = [name for k, (name, _) in enumerate(groups) if name in [other for other, _ in groups[:k]]]
    if twice:
        raise LifsimError("--group", f"{twice[0]!r} is given twice", "a name of its own for each group")
    refuse_repeated([path for _, paths in groups for path in paths])
    return dict(groups)


def refuse_repeated(files: Iterable[Path]) -> None:
    """Refuse a run that is given twice and would count as two (LifsimError)."""
    known: set[Path] = set()
    for file in files:
        if file.resolve() in known:
            raise LifsimError(str(file), "is given twice", "each run once")
        known.add(file.resolve())
