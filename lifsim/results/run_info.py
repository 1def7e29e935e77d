"""Run metadata: entries from the manifest, the extent of the data, and the summary at the end of the run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.jsonable import plain
from lifsim.common.timegrid import times
from lifsim.results.manifest import Key, Manifest, ids_of, ms, variable_of
from lifsim.results.recording import Recorded

DATA = {"spikes": "recorded_spikes", "traces": "recorded_traces"}  # renamed entries of the manifest: /lifsim/traces holds the data


def entries(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run: its manifest, the extent of its data, and the summary written at its end."""
    return concluded(described(recorded), recorded.summary)


def described(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run without the summary written at its end."""
    manifest, totals = recorded.manifest, recorded.totals
    start, stop, duration = (float(t) for t in times(np.array([totals.start, totals.end, totals.end - totals.start]), manifest.dt))
    info = {DATA.get(key, key): plain(value) for key, value in vars(manifest).items() if key != "positions"}
    if recorded.ignored:
        info["ignored"] = f"{recorded.ignored:,} bytes at the end of the log: {recorded.reason}"
    return {**info, "t_start": start, "t_stop": stop, "duration": duration}


def concluded(described: Mapping[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata `described`, with the `summary` of the end of the run (None if the run did not reach its end)."""
    final = summary or {}
    return {**final, **described, "complete": bool(final.get("complete", summary is not None))}


def info_sha256(info: Mapping[str, Any]) -> str:
    """The digest of all metadata of a run."""
    return hashlib.sha256(json.dumps(info, sort_keys=True).encode()).hexdigest()


def clip(entry: Mapping[str, Any], start: float, stop: float) -> tuple[float, float]:
    """The window (ms) of a recording, from its `entry` in the manifest, limited to a run from `start` to `stop`."""
    begin = min(max(start, ms(entry.get("start", 0.0))), stop)
    return begin, max(begin, min(stop, ms(entry.get("stop"))))


def trace_ids(manifest: Manifest, key: Key) -> np.ndarray:
    """The neuron of each column of a trace, int64; empty for "rate"."""
    entry = manifest.trace(*key)
    if variable_of(entry) == "rate":
        return np.zeros(0, dtype=np.int64)
    return ids_of(entry["ids"], manifest.populations[key[0]]["n"])
