"""The manifest of a run: what it records, of which nodes, when, and how the run was made."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lifsim.common.jsonable import plain
from lifsim.common.timegrid import steps

FORMAT_VERSION = "1.2"  # readers accept any minor version of a major one
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a run is and what it records; the first thing in its log, and part of every result.

    populations : name -> {"n": nodes, "model": name}, in the model's order.
    spikes : population -> {"ids": "all" or a list, "start": ms, "stop": ms}.
    traces : a list of {"population", "variable", "unit", "interval", "start", "stop", "ids"}; the
        first sample is at start + interval (ms). "rate" of a population has one column and ids []. Weights have
        a column a synapse, its target in "ids" and its source in "sources".
    run : a name that no other run has; those of its checkpoints say it too.
    network_sha256 : digest of everything that decides what the network does (`lifsim.checkpoint.network_archive`); "" in memory.
    positions : population -> where its nodes lie, (n, dimensions), mm; in a file of results a dataset of its own.

    An endless `stop` is inf or None.
    """

    dt: float
    populations: dict[str, dict[str, Any]]
    spikes: dict[str, dict[str, Any]] = field(default_factory=dict)
    traces: list[dict[str, Any]] = field(default_factory=list)
    name: str = "network"
    description: str = ""
    reference: str = ""
    seed: int = 1
    model_text: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    host: str = ""
    run: str = ""
    network_sha256: str = ""
    started: str = ""
    format_version: str = FORMAT_VERSION
    positions: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """JSON text; infinite and undefined numbers become strings ("inf"), as JSON has none."""
        return json.dumps(plain(vars(self)))

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest of `to_json`; entries of later minor versions are left out."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})

    def trace(self, population: str, variable: str) -> dict[str, Any]:
        """The entry of one trace (KeyError if it is not recorded)."""
        for entry in self.traces:
            if (entry["population"], entry["variable"]) == (population, variable):
                return entry
        raise KeyError((population, variable))

    @property
    def keys(self) -> list[Key]:
        """(population, variable) of each trace, in the order of the recordings."""
        return [(entry["population"], entry["variable"]) for entry in self.traces]

    def columns(self, key: Key) -> int:
        """Number of columns of a trace."""
        return 1 if key[1] == "rate" else len(ids_of(self.trace(*key)["ids"], self.populations[key[0]]["n"]))


def ids_of(ids: Any, n: int) -> np.ndarray:
    """The ids that a manifest writes as "all" or a list: int64."""
    return np.arange(n, dtype=np.int64) if isinstance(ids, str) else np.asarray(ids, dtype=np.int64)


def ms(time: Any) -> float:
    """A time of a manifest as a number of ms; None is endless."""
    return math.inf if time is None else float(time)


def first_sample(entry: Mapping[str, Any], start: int, dt: float) -> tuple[int, int]:
    """(first, interval) in steps: where the first sample of a trace lies in a run that begins after step `start`."""
    every, begin = steps(entry["interval"], dt), steps(entry["start"], dt)
    return begin + every * (max(0, start - begin) // every + 1), every
