"""Spikes and traces of a result as tables of pandas."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.optional import optional
from lifsim.common.printable import shown

KINDS = ("spikes", "traces")


def table(result: Any, what: str) -> Any:
    """The spikes or traces of `result` as a `pandas.DataFrame`; see `Result.to_pandas`."""
    if not isinstance(what, str) or what not in KINDS:
        raise DataError("what", shown(what), did_you_mean(str(what), KINDS) or "one of: spikes, traces")
    pandas = optional("pandas", "to_pandas")
    frame = (spikes if what == "spikes" else traces)(result, pandas)
    frame.attrs["units"] = {"time": "ms"}
    return frame


def spikes(result: Any, pandas: Any) -> Any:
    """All spikes, in order of time."""
    names = list(result.spikes)
    parts = [result.spikes[name] for name in names]
    time = np.concatenate([np.zeros(0), *(part.times for part in parts)])
    order = np.argsort(time, kind="stable")
    neuron = np.concatenate([np.zeros(0, np.int64), *(part.ids for part in parts)])
    columns = {"time": time[order], "population": _labels(pandas, names, [len(part) for part in parts], order), "neuron": neuron[order]}
    return pandas.DataFrame(columns)


def traces(result: Any, pandas: Any) -> Any:
    """All samples, one row each: trace by trace, in order of time, then of neuron."""
    keys = [(population, variable) for population in result.traces for variable in result.traces[population]]
    columns: dict[str, list[Any]] = {"time": [np.zeros(0)], "neuron": [], "source": [], "value": [np.zeros(0)]}
    sizes = []
    for population, variable in keys:
        of = result.traces[population]
        values = of[variable]
        sizes.append(values.size)
        columns["time"].append(np.repeat(of.times_of(variable), values.shape[1]))
        columns["value"].append(values.ravel())
        for key, ids in (("neuron", of.ids_of(variable)), ("source", of.sources_of(variable))):
            known = len(ids) == values.shape[1]  # a rate has no neuron, and only weights have a source
            columns[key].append(_whole(pandas, np.tile(ids, len(values)) if known else np.zeros(values.size, np.int64), known))
    units = [result.traces[population].unit_of(variable) for population, variable in keys]
    none = [_whole(pandas, np.zeros(0, np.int64), True)]
    frame = {
        "time": np.concatenate(columns["time"]),
        "population": _labels(pandas, [population for population, _ in keys], sizes),
        "variable": _labels(pandas, [variable for _, variable in keys], sizes),
        "neuron": pandas.concat([pandas.Series(x) for x in columns["neuron"] or none], ignore_index=True),
        "value": np.concatenate(columns["value"]),
        "unit": _labels(pandas, units, sizes),
    }
    if any(len(result.traces[population].sources_of(variable)) for population, variable in keys):
        frame["source"] = pandas.concat([pandas.Series(x) for x in columns["source"]], ignore_index=True)
    return pandas.DataFrame(frame)


def _whole(pandas: Any, numbers: np.ndarray, known: bool) -> Any:
    """Whole numbers that may be missing; all of them are if they are not `known`."""
    return pandas.arrays.IntegerArray(numbers, np.full(len(numbers), not known))


def _labels(pandas: Any, names: list[str], sizes: list[int], order: Any = slice(None)) -> Any:
    """A column of categories: each of `names` as often as its size says, in this order."""
    categories = list(dict.fromkeys(names))
    codes = np.array([categories.index(name) for name in names], np.int64)
    return pandas.Categorical.from_codes(np.repeat(codes, sizes)[order], categories=categories)
