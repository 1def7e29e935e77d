"""Selects the data of a result that a figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lifsim import analysis
from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot.palette import colours
from lifsim.plot.style import short_label
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes


@dataclass(frozen=True)
class Look:
    """How all figures of a result show a population: its colour and its label."""

    colour: str
    label: str


@dataclass(frozen=True)
class Shown(Look):
    """A population of which a figure shows `spikes`."""

    spikes: Spikes


def looks_of(result: Result) -> dict[str, Look]:
    """The look of each population of a result, whichever of them a figure shows.

    Generators come last, so that neurons have the first colours. Where shortened names are the same, their labels are numbered in the
    order of the model.
    """
    names = list(result.populations)
    ranked = sorted(names, key=lambda name: "generator" in str(result.populations[name].get("model", "")))
    colour = dict(zip(ranked, colours(ranked), strict=True))
    labels = [short_label(name) for name in names]
    unique = [label if labels.count(label) == 1 else f"{label} ({k + 1})" for k, label in enumerate(labels)]
    return {name: Look(colour[name], label) for name, label in zip(names, unique, strict=True)}


def result_of(result: Openable) -> Result:
    """`result` itself, or the result of what `lifsim.open` takes."""
    return open_result(result)


def spikes_of(result: Openable, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None) -> list[Shown]:
    """The given populations (None: all), with their spikes in the window t_start < t <= t_stop (ms)."""
    result = result_of(result)
    analysis.check_window(result, t_start, t_stop)
    order = [name for name in result.populations if name in result.spikes]
    names = population_names(populations, order, "spikes", "traces" if len(result.traces) else "")
    looks = looks_of(result)
    return [Shown(looks[name].colour, looks[name].label, result.spikes[name].window(t_start, t_stop)) for name in names]


def population_names(wanted: Sequence[str] | str | None, known: Sequence[str], what: str, instead: str = "") -> list[str]:
    """The `wanted` population names (None: all of `known`). DataError if one is not in `known`, or `known` is empty.

    `instead` is the kind of figure that the result has data for, if any.
    """
    if not known:
        raise DataError("plot", f"no {what} were recorded", f"record {what} in the model" + (f", or plot {instead}" if instead else ""))
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise DataError("populations", "an empty list", "at least one name, or None for all")
    for name in names:
        if name not in known:
            raise DataError("populations", f"there are no {what} of {name!r}", did_you_mean(name, known))
    return names
