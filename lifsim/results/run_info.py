"""Run metadata: the manifest, the extent of the data and the summary at the end of the run, as entries by name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lifsim.common.jsonable import plain
from lifsim.common.timegrid import times
from lifsim.results.manifest import Key, Manifest, ids_of, ms
from lifsim.results.recording import Recorded

DATA = {"spikes": "recorded_spikes", "traces": "recorded_traces"}  # /lifsim/traces is the data itself


def entries(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run, by name: its manifest, its extent, and the summary that it wrote at its end."""
    return concluded(described(recorded), recorded.summary)


def described(recorded: Recorded) -> dict[str, Any]:
    """The metadata of a run without the summary that it writes at its end."""
    manifest, totals = recorded.manifest, recorded.totals
    start, stop, duration = (float(t) for t in times(np.array([totals.start, totals.end, totals.end - totals.start]), manifest.dt))
    said = {DATA.get(key, key): plain(value) for key, value in vars(manifest).items() if key != "positions"}
    if recorded.ignored:
        said["ignored"] = f"{recorded.ignored:,} bytes at the end of the log: {recorded.reason}"
    return {**said, "t_start": start, "t_stop": stop, "duration": duration}


def concluded(described: Mapping[str, Any], summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """The same with what the run said at its end, if it came to it."""
    said = summary or {}
    return {**said, **described, "complete": bool(said.get("complete", summary is not None))}


def info_sha256(said: Mapping[str, Any]) -> str:
    """The digest of all that is said of a run."""
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def clip(entry: Mapping[str, Any], start: float, stop: float) -> tuple[float, float]:
    """The window (ms) of a recording's `entry` within a run from `start` to `stop`."""
    begin = min(max(start, ms(entry.get("start", 0.0))), stop)
    return begin, max(begin, min(stop, ms(entry.get("stop"))))


def trace_ids(manifest: Manifest, key: Key) -> np.ndarray:
    """The neuron of each column of a trace, int64; empty for "rate"."""
    if key[1] == "rate":
        return np.zeros(0, dtype=np.int64)
    return ids_of(manifest.trace(*key)["ids"], manifest.populations[key[0]]["n"])
