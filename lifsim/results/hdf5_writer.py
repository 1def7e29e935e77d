"""Writes the HDF5 file of a result (layout: `lifsim.results.hdf5_reader`)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from lifsim.common.errors import RunError
from lifsim.common.timegrid import times
from lifsim.files import disk, seal, unfailing
from lifsim.results.column_writer import Column, attribute, fixed, reserved, scalar
from lifsim.results.hdf5_reader import ResultFile
from lifsim.results.manifest import Key, first_sample, variable_of
from lifsim.results.recording import Recorded
from lifsim.results.run_info import clip, concluded, described, info_sha256, trace_ids
from lifsim.results.spike_columns import mark_as_sonata, new_columns
from lifsim.results.weight_events import COLUMNS

_SHORT = ("format_version", "content_sha256", "info_sha256")
_BLOCK, _BLOCKS = (1 << 16, 1 << 21), 1 << 25  # buffer of a dataset, bytes: least and most; all buffers together


def write(recorded: Recorded, path: Path, summary: Callable[[], dict[str, Any]] | None = None) -> ResultFile:
    """Write `recorded` to a new file, which then replaces `path`, so that `path` never holds an incomplete file.

    Memory use does not depend on the duration. `summary` is called when all data are on the disk, so that it can say how long that
    took.

    Raises
    ------
    RunError : the disk is full or failing.
    """
    need, free = _bytes_needed(recorded), disk.free(path.parent)
    if free < need:
        raise RunError(f"{path}: the disk is full ({free:,} bytes free, {need:,} needed); {_KEPT}")
    with disk.replacing(path, _KEPT) as fd, disk.reopened(path) as data, ThreadPoolExecutor(2) as executor:
        below = unfailing.Unfailing(fd)
        with h5py.File(below, "w", libver=("earliest", "v110")) as file:
            columns = _fill(file, recorded, unfailing.Unfailing(data), executor)
            known = described(recorded)
            _describe(file, known)  # while the last data are written
            for column in columns:
                column.finish()
            file.flush()
            disk.sync(fd)
            info = concluded({**known, "content_sha256": _content_sha256(columns)}, recorded.summary if summary is None else summary())
            last = {key: value for key, value in info.items() if key not in known}
            _describe(file, {**last, "info_sha256": info_sha256(info)})
            regions = seal.regions_of(column.dataset for column in columns)
        below.check()
        seal.put(fd, regions)
    return ResultFile(path, written=(info, list(recorded.manifest.positions)))


_KEPT = "no recorded data are lost: they are in the log beside the file, which lifsim can read; lifsim resume writes the file from it"


def _bytes_needed(recorded: Recorded) -> int:
    totals, manifest = recorded.totals, recorded.manifest
    values = sum(n * manifest.columns(key) for key, n in totals.samples.items())
    return 16 * sum(totals.spikes.values()) + 12 * values + (1 << 16)


# -- data -------------------------------------------------------------------------------------------


def _fill(file: h5py.File, recorded: Recorded, place: unfailing.Unfailing, executor: Executor) -> list[Column]:
    """Create all datasets and start writing their data to `place`. The caller must `finish` the columns."""
    manifest = recorded.manifest
    mark_as_sonata(file)
    spikes = {name: _spike_columns(file, recorded, name) for name in manifest.spikes}
    traces = {key: _trace_columns(file, recorded, key) for key in manifest.keys}
    traces |= {(entry["population"], entry["variable"]): [_events_column(file, recorded, entry)] for entry in manifest.weight_events}
    positions = {name: _positions_column(file, name, np.shape(places)) for name, places in manifest.positions.items()}
    columns = [*positions.values(), *(x for pair in spikes.values() for x in pair), *(x for both in traces.values() for x in both)]
    least, most = _BLOCK
    for column in columns:
        column.open(max(least, min(most, _BLOCKS // len(columns))), place, executor)
    for name, places in manifest.positions.items():
        positions[name].append(np.asarray(places))
    for chunk in recorded.chunks:
        for name in chunk.spikes:
            timestamps, node_ids = spikes[name]
            for room, these in timestamps.room(len(chunk.spikes[name][0])):
                chunk.spike_times(name, manifest.dt, these, room)
            node_ids.append(chunk.spikes[name][1])
        for key, rows in chunk.traces.items():
            for column in traces[key]:
                column.append(rows)
    for column in columns:
        column.end()
    return columns


def _spike_columns(file: h5py.File, recorded: Recorded, name: str) -> tuple[Column, Column]:
    """``/spikes/<name>``."""
    n, nodes = recorded.totals.spikes.get(name, 0), recorded.manifest.populations[name]["n"]
    timestamps, node_ids = new_columns(file, name, n, nodes, _window(recorded, recorded.manifest.spikes[name]))
    return Column(name, timestamps), Column(name, node_ids)


def _window(recorded: Recorded, entry: Mapping[str, Any]) -> tuple[float, float]:
    """The recorded window (ms): that of the recording, limited to that of the run."""
    start, stop = (float(t) for t in times(np.array([recorded.totals.start, recorded.totals.end]), recorded.manifest.dt))
    return clip(entry, start, stop)


def _trace_columns(file: h5py.File, recorded: Recorded, key: Key) -> list[Column]:
    """``/lifsim/traces/<population>/<variable>``, and a float32 copy as a SONATA report (libsonata does not read float64)."""
    population, variable = key
    manifest = recorded.manifest
    entry = manifest.trace(*key)
    recorded_variable = variable_of(entry)
    step, interval = first_sample(entry, recorded.totals.start, manifest.dt)
    start, first, every = (float(t) for t in times(np.array([step - interval, step, interval]), manifest.dt))
    shape = (recorded.totals.samples.get(key, 0), manifest.columns(key))
    group = file.require_group(f"lifsim/traces/{population}")
    data = reserved(group, variable, shape, "<f8")
    ids = group.require_group("node_ids").create_dataset(variable, data=trace_ids(manifest, key).astype("<u8"))
    attributes = {"unit": entry["unit"], "units": entry["unit"], "interval": every, "start": start, "node_ids": f"node_ids/{variable}"}
    if recorded_variable != variable:
        attributes["variable"] = recorded_variable
    data.attrs.update({**attributes, "times": "row k was taken at start + (k + 1) * interval, in ms"})
    if "sources" in entry:
        group["node_ids"].create_dataset(f"{variable}_sources", data=np.asarray(entry["sources"], "<u8"))
        data.attrs["source_ids"] = f"node_ids/{variable}_sources"
    column = Column("/".join(key), data)
    if recorded_variable == "rate" or "sources" in entry:
        return [column]
    name = population if f"report/{population}" not in file else f"{population}.{variable}"
    report = file.create_group(f"report/{name}")
    copy = reserved(report, "data", shape, "<f4")
    copy.attrs.update({"units": entry["unit"], "variable": recorded_variable})
    mapping = report.create_group("mapping")
    mapping["node_ids"] = ids
    mapping["index_pointers"] = np.arange(shape[1] + 1, dtype="<u8")
    mapping["index_pointer"] = mapping["index_pointers"]  # the name that bmtk uses
    mapping["element_ids"] = np.zeros(shape[1], dtype="<u4")
    mapping["element_pos"] = np.zeros(shape[1], dtype="<f4")
    mapping["time"] = np.array([first, first + shape[0] * every, every])
    mapping["time"].attrs["units"] = "ms"
    return [column, Column("", copy)]


def _events_column(file: h5py.File, recorded: Recorded, entry: Mapping[str, Any]) -> Column:
    """``/lifsim/traces/<population>/<name>``, a row for each transmitted weight, in the order of arrival."""
    key = entry["population"], entry["variable"]
    shape = recorded.totals.samples.get(key, 0), len(COLUMNS)
    data = reserved(file.require_group(f"lifsim/traces/{key[0]}"), key[1], shape, "<f8")
    data.attrs.update({"columns": ", ".join(COLUMNS), "unit": entry["unit"], "source": entry["source"]})
    data.attrs["rows"] = "the weights that spikes transmitted; time is when the spike was sent; in the order of arrival"
    return Column("/".join(key), data)


def _positions_column(file: h5py.File, name: str, shape: tuple[int, ...]) -> Column:
    """``/lifsim/positions/<population>``, (n, dimensions), mm."""
    data = reserved(file.require_group("lifsim/positions"), name, shape, "<f8")
    data.attrs.update({"unit": "mm", "units": "mm"})
    return Column(f"positions/{name}", data)


# -- metadata ---------------------------------------------------------------------------------------


def _content_sha256(columns: list[Column]) -> str:
    digests = (f"{column.name} {column.digest}" for column in columns if column.name)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _describe(file: h5py.File, entries: Mapping[str, Any]) -> None:
    """Write metadata to ``/lifsim``: numbers and short texts as attributes; long texts, and lists and tables as JSON, as scalar
    datasets, since an attribute holds at most 64 KiB.
    """
    group = file.require_group("lifsim")
    for name, value in entries.items():
        if isinstance(value, (bool, int, float)):
            attribute(group, name, value)
        elif name in _SHORT:
            attribute(group, name, fixed(value))
        else:
            data = scalar(group, name, fixed(value if isinstance(value, str) else json.dumps(value)))
            attribute(data, "json", not isinstance(value, str))
