"""Spikes in one or several text files. Those of NEST, one for each thread, are called LABEL-RECORDER-THREAD.dat."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lifsim.common.errors import DataError
from lifsim.results.spike_hints import Hints
from lifsim.results.spike_tables import Columns
from lifsim.results.text_table import SpikeTable, read_table

SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".gdf")
_OF_NEST = re.compile(r"(?P<label>.+)-(?P<recorder>\d+)-(?P<thread>\d+)\.(?:dat|gdf)")
_WILD = re.compile(r"[*?\[]")


def files_for(path: Path) -> list[Path]:
    """The text files that `path` means if it is no file: a pattern with *, a folder with files of NEST, or the beginning of their names.

    That is ``out/exc`` for ``out/exc-7-0.dat``, ``out/exc-7-1.dat`` …. Empty if there are none.
    """
    if path.exists() and not path.is_dir():
        return []
    if _WILD.search(path.name):
        return sorted(path.parent.glob(path.name))
    folder = path if path.is_dir() else path.parent
    files = sorted(folder.glob("*.dat")) + sorted(folder.glob("*.gdf")) if folder.is_dir() else []
    if path.is_dir():
        return files
    own = [(file, _OF_NEST.fullmatch(file.name)) for file in files]
    return [file for file, m in own if m and path.name in (m["label"], f"{m['label']}-{m['recorder']}")]


def read_text(paths: Sequence[Path], hints: Hints) -> tuple[dict[str, Columns], list[str]]:
    """Read the spikes in text files. Of several files, those that hold no spikes (samples of a multimeter) are left out.

    Returns
    -------
    population -> its columns; and warnings.

    Raises
    ------
    DataError : a file cannot be read, none holds spikes, or two hold the same population.
    """
    tables, failed = [], []
    for path in paths:
        try:
            tables.append(read_table(path, hints.step))
        except DataError as error:
            failed.append(error)
    if not tables:
        raise failed[0]
    remarks = [_siblings(paths[0])] if len(paths) == 1 else []
    remarks += [f"{len(failed)} of {len(paths)} files are left out: {failed[0]}"] if failed else []
    return _grouped(tables), [text for text in remarks if text]


def _siblings(path: Path) -> str:
    """A warning if other threads of the same recorder wrote files beside this one."""
    own = _OF_NEST.fullmatch(path.name)
    prefix = f"{own['label']}-{own['recorder']}-" if own else ""
    others = [p for p in path.parent.glob("*") if own and p != path and p.name.startswith(prefix) and _OF_NEST.fullmatch(p.name)]
    return f"other threads wrote spikes, too: to read all {len(others) + 1} files, give {path.parent / prefix[:-1]}" if others else ""


def _grouped(tables: Sequence[SpikeTable]) -> dict[str, Columns]:
    """The columns of each population: those of a table, or of all the tables that a recorder of NEST wrote."""
    parts: dict[tuple[str, str], list[SpikeTable]] = defaultdict(list)
    for table in tables:
        of_nest = _OF_NEST.fullmatch(table.path.name) if table.from_nest else None
        parts[(of_nest["label"], of_nest["recorder"]) if of_nest else (table.path.stem, "")].append(table)
    labels = [label for label, _ in parts]
    found: dict[str, Columns] = {}
    for (label, recorder), own in parts.items():
        if len(own) > 1 and not recorder:
            raise DataError(str(own[1].path), f"has the same name as {own[0].path}", "files of different names")
        name = f"{label}-{recorder}" if labels.count(label) > 1 else label
        at, ids = (np.concatenate([getattr(table, key) for table in own]) for key in ("at", "ids"))
        named = own[0].population
        if named is None:
            new = {name: Columns(at, ids, {}, own[0].from_nest)}
        else:
            index, names = named
            order = np.argsort(index, kind="stable")
            ends = np.cumsum(np.bincount(index, minlength=len(names)))[:-1]
            pieces = zip(np.split(at[order], ends), np.split(ids[order], ends), strict=True)
            new = {each: Columns(*piece, {}, own[0].from_nest) for each, piece in zip(names, pieces, strict=bool(names))}
            new = new or {name: Columns(at, ids, {}, own[0].from_nest)}  # a file without spikes names no population
        for each in new:
            if each in found:
                raise DataError(str(own[0].path), f"holds the population {each!r}, as another of the files", "each population in one file")
        found |= new
    return found
