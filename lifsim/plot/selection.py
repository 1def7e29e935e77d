"""Selects the data of a result that a figure shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lifsim import analysis
from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot.origins import note
from lifsim.plot.palette import colours
from lifsim.plot.style import numbered, short_label
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes

_LARGE = 500e6  # bytes


@dataclass(frozen=True)
class Look:
    """How all figures of a result show a population: its colour and its label."""

    colour: str
    label: str


@dataclass(frozen=True)
class Shown(Look):
    """A population of which a figure shows `spikes`."""

    spikes: Spikes

    @property
    def number(self) -> int:
        """Number of spikes."""
        return len(self.spikes)


@dataclass(frozen=True)
class ShownInPieces(Look):
    """A population of which a figure shows `number` spikes that are read in pieces, since they may exceed the memory."""

    spikes: SpikeStream
    number: int


def looks_of(result: Result) -> dict[str, Look]:
    """The look of each population of a result, whichever of them a figure shows."""
    return looks({name: str(about.get("model", "")) for name, about in result.populations.items()})


def looks(models: Mapping[str, str]) -> dict[str, Look]:
    """The look of each of all populations of a network, given the names of their models.

    Generators come last, so that neurons have the first colours. Where shortened names are the same, their labels are numbered in the
    order of the model.
    """
    names = list(models)
    ranked = sorted(names, key=lambda name: "generator" in models[name])
    colour = dict(zip(ranked, colours(ranked), strict=True))
    labels = [short_label(name) for name in names]
    return {name: Look(colour[name], label) for name, label in zip(names, numbered(labels), strict=True)}


def result_of(result: Openable) -> Result:
    """`result` itself, or the result of what `lifsim.open` takes."""
    opened = open_result(result)
    note(opened)
    return opened


def spikes_of(result: Openable, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None) -> list[Shown]:
    """The given populations (None: all), with their spikes in the window t_start < t <= t_stop (ms)."""
    result = result_of(result)
    looks = _looks_of(result, populations, t_start, t_stop)
    return [Shown(look.colour, look.label, result.spikes[name].window(t_start, t_stop)) for name, look in looks.items()]


def spikes_or_streams_of(
    result: Openable, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None, few: int
) -> Sequence[Shown | ShownInPieces]:
    """As `spikes_of`, but more than `few` spikes of a file of more than 500 MB are not read into memory."""
    result = result_of(result)
    if result.file is None or result.path is None or result.path.stat().st_size <= _LARGE:
        return spikes_of(result, populations, t_start, t_stop)
    looks = _looks_of(result, populations, t_start, t_stop)
    streams = {name: result.stream(name).window(t_start, t_stop) for name in looks}
    numbers = {name: sum(map(len, stream.pieces())) for name, stream in streams.items()}
    if sum(numbers.values()) <= few:
        return [Shown(look.colour, look.label, _gathered(streams[name])) for name, look in looks.items()]
    return [ShownInPieces(look.colour, look.label, streams[name], numbers[name]) for name, look in looks.items()]


def _looks_of(result: Result, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None) -> dict[str, Look]:
    """The looks of the given populations (None: all with spikes), when they and the window have been checked."""
    analysis.check_window(result, t_start, t_stop)
    order = [name for name in result.populations if name in result.spikes]
    names = population_names(populations, order, "spikes", "traces" if len(result.traces) else "")
    looks = looks_of(result)
    return {name: looks[name] for name in names}


def too_short(shown: Sequence[Shown], bin: float) -> str:
    """A remark if the window of `shown` spikes holds fewer than two bins of `bin` ms, over which no counts can vary; else ""."""
    duration = max(one.spikes.t_stop - one.spikes.t_start for one in shown)
    return f"a window of {duration:g} ms holds fewer than two bins of {bin:g} ms" if 2 * bin > duration * (1 + 1e-9) else ""


def _gathered(stream: SpikeStream) -> Spikes:
    pieces = list(stream.pieces())
    at = np.concatenate([np.empty(0), *(piece.times for piece in pieces)])
    ids = np.concatenate([np.empty(0, np.int64), *(piece.ids for piece in pieces)])
    return Spikes(at, ids, stream.n_nodes, stream.t_start, stream.t_stop, stream.recorded_ids, stream.dt, stream.name)


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


def same_share(shown: Sequence[Shown], most: int, seed: int = 0) -> list[Shown]:
    """`shown` with the spikes of at most about `most` neurons in all: the same share of each population, but at least one neuron."""
    share = min(1.0, most / max(sum(len(one.spikes.recorded_ids) for one in shown), 1))
    return [replace(one, spikes=sample_of(one.spikes, max(1, round(share * len(one.spikes.recorded_ids))), seed)) for one in shown]


def sample_of(spikes: Spikes, n: int | None, seed: int = 0) -> Spikes:
    """The spikes of `n` neurons drawn at random from the recorded ones, without replacement; of all if they are no more (or n is None)."""
    if n is None or len(spikes.recorded_ids) <= n:
        return spikes
    return analysis.select(spikes, np.sort(np.random.default_rng(seed).choice(spikes.recorded_ids, max(n, 1), replace=False)))
