"""Writes files of spikes: SONATA (HDF5), NPZ and CSV.

SONATA and NPZ keep everything: the number of neurons, the recorded window and neurons, and dt. CSV keeps times, ids and populations.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import OutputError
from lifsim.files import disk, hdf5
from lifsim.files.outputs import check_output, expanded, make_folder
from lifsim.results.spike_columns import mark_as_sonata, new_columns
from lifsim.results.spike_populations import by_population
from lifsim.results.spikes import Spikes

HEADER = "time (ms),id,population"
_ROWS = 1 << 17  # lines of text that are made at a time


def write_spikes(path: str | Path, spikes: Any, overwrite: bool = False) -> Path:
    """Write spikes to a file, which `lifsim.open` reads.

    Parameters
    ----------
    path : the file. Its ending is its format: .h5 or .hdf5 (SONATA), .npz, .csv.
    spikes : {population: `Spikes`}, such as ``result.spikes``; or `Spikes`. A pair (times in ms, ids) may stand for `Spikes`; the number of
        neurons is the largest id + 1 then.
    overwrite : replace an existing file.

    Returns
    -------
    The path.

    Raises
    ------
    DataError : something else is given as spikes. OutputError : the file exists and `overwrite` is false, it cannot be written, or its
        ending is another. RunError : the disk is full.
    """
    path = expanded(path, "path", OutputError)
    writer = _WRITERS.get(path.suffix.lower())
    if writer is None:
        raise OutputError(str(path), f"ends in {path.suffix or 'nothing'!r}", "a name that ends in " + ", ".join(SUFFIXES))
    given = by_population(spikes)
    path = check_output(path, overwrite)
    make_folder(path)
    writer(path, given)
    return path


def write_sonata(path: Path, spikes: Mapping[str, Spikes]) -> None:
    """Write a SONATA file. What SONATA has no place for are attributes of the population, and its dataset recorded_ids."""
    with hdf5.replacing(path, disk.UNCHANGED) as file:
        mark_as_sonata(file)
        file.create_group("spikes", track_order=True)  # the order of the populations
        for name, each in spikes.items():
            timestamps, node_ids = new_columns(file, name, len(each), each.n_nodes, (each.t_start, each.t_stop))
            if len(each):
                timestamps[...], node_ids[...] = each.times, each.ids
            group = file[f"spikes/{name}"]
            if each.dt > 0:
                group.attrs["dt"] = each.dt
            if not _all_recorded(each):
                group["recorded_ids"] = each.recorded_ids.astype("<u8")


def _write_npz(path: Path, spikes: Mapping[str, Spikes]) -> None:
    arrays: dict[str, Any] = {}
    for name, each in spikes.items():
        said: dict[str, Any] = {"n_nodes": each.n_nodes, "t_start": each.t_start, "t_stop": each.t_stop}
        said |= {"dt": each.dt} if each.dt > 0 else {}
        said |= {} if _all_recorded(each) else {"recorded_ids": each.recorded_ids}
        arrays |= {f"{name}/{key}": value for key, value in {"times": each.times, "ids": each.ids, **said}.items()}
    with disk.replacing(path, disk.UNCHANGED) as fd, os.fdopen(os.dup(fd), "wb") as file:
        np.savez(file, **arrays)


def _write_csv(path: Path, spikes: Mapping[str, Spikes]) -> None:
    with disk.replacing(path, disk.UNCHANGED) as fd:
        disk.write(fd, f"{HEADER}\n".encode())
        for text in _lines(spikes):
            disk.write(fd, text.encode())


def _lines(spikes: Mapping[str, Spikes]) -> Iterator[str]:
    """Lines of all spikes, in order of time, then of population."""
    ends = [f",{_quoted(name)}\n" for name in spikes]
    at = np.concatenate([np.zeros(0), *(each.times for each in spikes.values())])
    ids = np.concatenate([np.zeros(0, np.int64), *(each.ids for each in spikes.values())])
    of = np.repeat(np.arange(len(spikes)), [len(each) for each in spikes.values()])
    order = np.argsort(at, kind="stable")
    for a in range(0, len(order), _ROWS):
        rows = order[a : a + _ROWS]
        columns = at[rows].tolist(), ids[rows].tolist(), of[rows].tolist()
        yield "".join([f"{t!r},{i}{ends[k]}" for t, i, k in zip(*columns, strict=True)])


def _quoted(name: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow([name])
    return f'"{name}"' if "#" in name and '"' not in name else text.getvalue()  # outside of quotes, # begins a remark


def _all_recorded(spikes: Spikes) -> bool:
    return len(spikes.recorded_ids) == spikes.n_nodes and bool((spikes.recorded_ids == np.arange(spikes.n_nodes)).all())


_WRITERS: dict[str, Callable[[Path, Mapping[str, Spikes]], None]] = {
    ".h5": write_sonata,
    ".hdf5": write_sonata,
    ".npz": _write_npz,
    ".csv": _write_csv,
}
SUFFIXES = tuple(_WRITERS)


def lost(path: Path, spikes: Mapping[str, Spikes]) -> list[str]:
    """What the format of `path` cannot hold, of each population for which that matters: "exc: n_nodes 400, t_stop 1000 ms"."""
    if path.suffix.lower() != ".csv":
        return []
    out = []
    for name, each in spikes.items():
        if not len(each):
            out.append(f"population {name} (no spikes)")
            continue
        kept = Spikes(each.times, each.ids, int(each.ids.max(initial=-1)) + 1)  # as it will be read
        gone = [f"n_nodes {each.n_nodes:,}"] if kept.n_nodes != each.n_nodes else []
        gone += [] if _all_recorded(each) else ["recorded_ids"]
        gone += [f"{key} {getattr(each, key):g} ms" for key in ("t_start", "t_stop") if getattr(each, key) != getattr(kept, key)]
        gone += [f"dt {each.dt:g} ms"] if each.dt > 0 else []
        if gone:
            out.append(f"{name}: {', '.join(gone)}")
    return out
