"""The manifest of a run: what it records, from which nodes and when, and how the run was set up."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from lifsim.common.indices import index_text, listed_text
from lifsim.common.jsonable import plain
from lifsim.common.timegrid import next_due, steps
from lifsim.results.weight_events import COLUMNS

FORMAT_VERSION = "1.2"  # readers accept any minor version of a major one
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Description of a run and its recordings; the first frame of its log, and part of every result.

    populations : name -> {"n": nodes, "model": name}, in the model's order.
    spikes : population -> {"ids": "all" or a list, "start": ms, "stop": ms}.
    traces : a list of {"population", "variable", "unit", "interval", "start", "stop", "ids"}; the
        first sample is at start + interval (ms). "variable" is the name of the trace, which no other trace of the population has; if it is
        not the recorded variable, that is in "of", such as "V_m" for the name "V_m[5:7]". A "rate" has one column and ids []; if it is that
        of a part of a population, the nodes are in "members". Weights have one column per synapse, with the postsynaptic neuron in "ids"
        and the presynaptic one in "sources".
    weight_events : a list of {"population", "variable", "unit", "source", "start", "stop", "ids", "sources"}: recorded transmitted weights,
        from the nodes "sources" of the population "source" to the neurons "ids" of "population". No trace of it has the name "variable".
    run : a unique name of the run, which its checkpoints contain too.
    network_sha256 : digest of everything that determines the behaviour of the network (`lifsim.checkpoint.network_archive`); "" in
        memory.
    positions : population -> positions of its nodes, (n, dimensions), mm; a dataset of its own in a file of results.

    A `stop` of inf or None means no limit.
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
    weight_events: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> str:
        """The manifest as JSON; infinite numbers and nan become strings such as "inf", as JSON does not have them."""
        return json.dumps(plain(vars(self)))

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest from the text of `to_json`; unknown entries, of later minor versions, are ignored."""
        known = {f.name for f in fields(cls)}
        return cls(**{key: value for key, value in json.loads(text).items() if key in known})

    def trace(self, population: str, variable: str) -> dict[str, Any]:
        """The entry of one trace (KeyError if it is not recorded)."""
        for entry in self.traces:
            if (entry["population"], entry["variable"]) == (population, variable):
                return entry
        raise KeyError((population, variable))

    def events(self, population: str) -> dict[str, dict[str, Any]]:
        """The entries of the transmitted weights recorded at `population`, by name."""
        return {entry["variable"]: entry for entry in self.weight_events if entry["population"] == population}

    @property
    def keys(self) -> list[Key]:
        """(population, variable) of each trace, in the order of the recordings."""
        return [(entry["population"], entry["variable"]) for entry in self.traces]

    def columns(self, key: Key) -> int:
        """Number of columns of a trace."""
        if key[1] in self.events(key[0]):
            return len(COLUMNS)
        entry = self.trace(*key)
        return 1 if variable_of(entry) == "rate" else len(ids_of(entry["ids"], self.populations[key[0]]["n"]))


def variable_of(entry: Mapping[str, Any]) -> str:
    """The recorded variable of a trace, such as "V_m" of a trace called "V_m[5:7]"."""
    return str(entry.get("of", entry["variable"]))


def full_names(entry: Mapping[str, Any]) -> list[str]:
    """The names of a trace that say which nodes, which interval, or both were recorded."""
    variable, interval = variable_of(entry), f"@{entry['interval']:.12g}"
    if "sources" in entry:
        return [variable + interval]
    ids = entry.get("members", "all") if variable == "rate" else entry["ids"]
    index = np.zeros(0, np.int64) if isinstance(ids, str) else np.asarray(ids, np.int64)
    nodes = ["[:]"] if isinstance(ids, str) else list(dict.fromkeys((listed_text(index), index_text(index))))
    return [variable + end for end in (interval, *nodes, *(text + interval for text in nodes))]


def ids_of(ids: Any, n: int) -> np.ndarray:
    """Ids from their form in a manifest, "all" (of `n`) or a list: int64."""
    return np.arange(n, dtype=np.int64) if isinstance(ids, str) else np.asarray(ids, dtype=np.int64)


def ms(time: Any) -> float:
    """A time of a manifest in ms, as a number; None is inf."""
    return math.inf if time is None else float(time)


def first_sample(entry: Mapping[str, Any], start: int, dt: float) -> tuple[int, int]:
    """(step of the first sample, interval in steps) of a trace, in a run that begins after step `start`."""
    every, begin = steps(entry["interval"], dt), steps(entry["start"], dt)
    return next_due(begin, every, start), every
