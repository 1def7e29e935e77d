"""Summary statistics of populations: of one run, and over runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lifsim.analysis.population_sums import DEFAULT, MEASURES, Conventions, PopulationSums
from lifsim.analysis.windows import after_warmup, check_window
from lifsim.common.errors import DataError, did_you_mean
from lifsim.results.opening import Openable
from lifsim.results.opening import open as open_result


class Summary(dict[str, dict[str, float]]):
    """Statistics of each population, as `statistics` returns them: population -> {key: value}.

    Parameters
    ----------
    values : the statistics of each population.
    names : which statistics, as for `statistics`.
    conventions : what the numbers depend on; `footer` says it in words.
    """

    def __init__(self, values: Mapping[str, dict[str, float]], names: Sequence[str], conventions: Conventions) -> None:
        super().__init__(values)
        self.names, self.conventions = tuple(names), conventions

    def only(self, populations: Iterable[str], names: Sequence[str] | None = None) -> Summary:
        """The statistics of some populations.

        Parameters
        ----------
        populations : their names.
        names : which statistics, of those of this summary; default: all.
        """
        kept = self.names if names is None else names
        left_out = {key for name in self.names if name not in kept for key in MEASURES[name].heads}
        values = {name: {key: x for key, x in self[name].items() if key not in left_out} for name in populations}
        return Summary(values, kept, self.conventions)

    def footer(self) -> str:
        """The conventions as a line of text."""
        c = self.conventions
        window = f"window ({c.t_start:g}, {c.t_stop:g}] ms"
        window += f", {c.discard:g} ms discarded" if c.discard else ""
        notes: dict[str, list[str]] = {}
        for name in self.names:
            for label, texts in MEASURES[name].notes.items():
                for text in texts:
                    notes.setdefault(text.format(c=c), []).append(label)
        said = [f"{', '.join(labels)}: {text}" for text, labels in notes.items()]
        return "; ".join([window, *said, f"bins {c.edges}"])


def statistics(
    result: Openable,
    t_start: float | None = None,
    t_stop: float | None = None,
    bin: float = 2.0,
    *,
    discard: float = 0.0,
    neurons: int = 250,
    names: str | Iterable[str] = DEFAULT,
    seed: int = 0,
) -> Summary:
    """Summary statistics of each population whose spikes were recorded.

    The spikes are read in pieces, so that the memory needed does not grow with their number.

    Parameters
    ----------
    result : the result of a run, or what `lifsim.open` takes: a path, `Spikes`, {population: `Spikes`}, ….
    t_start, t_stop : limits of the window, ms; default: the whole run.
    bin : width of the bins of spike counts, ms.
    discard : length of a warm-up, ms: times up to the start of the run + `discard` are left out.
    neurons : the mean correlation is over all pairs of this number of neurons, drawn at random among those with spikes; all of them if
        they are fewer.
    names : which statistics, or "all": "rate", "cv", "fano", "correlation" (the default), "cv2", "lv", "lvr", "fano_neuron",
        "synchrony", "oscillation".
    seed : seed of the random sample of neurons.

    Returns
    -------
    population -> {"neurons" (recorded), "spikes", then for each of `names`:

    - rate: "rate" (mean over neurons, spikes/s), "rate_sd" (standard deviation over neurons, spikes/s);
    - cv: "cv_isi" (mean of `cv_isi` over neurons), "cv_neurons" (number of neurons with a CV);
    - cv2, lv, lvr: "cv2", "lv", "lvr" (means over neurons of the functions of these names, with at least `MIN_ISIS` intervals);
    - fano: "fano" (`fano_factor`); fano_neuron: "fano_neuron" (mean of `fano_factors` over neurons with spikes);
    - correlation: "correlation" (`correlation`); synchrony: "synchrony" (`synchrony`);
    - oscillation: "peak_frequency" (Hz) and "peak_ratio" (`oscillation_peak`); nan if the window is shorter than half a second}.

    Undefined values are nan. The return value has the attributes `names` and `conventions`, which say what the numbers depend on.

    Raises
    ------
    DataError : the window is empty or lies outside the run, `bin` is not above 0, `discard` is negative, `neurons` is below 2, or a
        statistic is not known.
    """
    names = chosen_names(names, "names")
    sums, conventions = sums_of(result, names, t_start, t_stop, bin, discard=discard, neurons=neurons, seed=seed)
    return Summary({name: _values(each, names) for name, each in sums}, names, conventions)


def sums_of(
    result: Openable,
    names: Sequence[str],
    t_start: float | None,
    t_stop: float | None,
    bin: float,
    *,
    discard: float,
    neurons: int,
    seed: int,
) -> tuple[Iterator[tuple[str, PopulationSums]], Conventions]:
    """The sums from which the statistics `names` of each population follow, by its name, and the conventions; arguments and errors are
    those of `statistics`.
    """
    if neurons < 2:
        raise DataError("neurons", f"{neurons}", "2 or more: correlations are of pairs")
    given = open_result(result)
    t_start = after_warmup(given.t_start, t_start, discard)
    check_window(given, t_start, t_stop)
    start = given.t_start if t_start is None else max(t_start, given.t_start)
    stop = given.t_stop if t_stop is None else min(t_stop, given.t_stop)
    conventions = Conventions(start, stop, discard, bin, sample=neurons, seed=seed)
    sums = ((name, PopulationSums(given.stream(name).window(t_start, t_stop), names, conventions)) for name in given.spikes)
    return sums, conventions


def chosen_names(names: str | Iterable[str], place: str) -> list[str]:
    """The statistics `names`, each once ("all": all of them), in the order of `MEASURES` (DataError at `place` if one is not known)."""
    wanted = list(MEASURES) if names == "all" else [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in MEASURES:
            hint = did_you_mean(str(name), list(MEASURES)) or "one of: " + ", ".join(MEASURES)
            raise DataError(place, f"there is no statistic {name!r}", hint)
    if not wanted:
        raise DataError(place, "none is named", "one of: " + ", ".join(MEASURES))
    return [name for name in MEASURES if name in wanted]


def _values(sums: PopulationSums, names: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {"neurons": len(sums.spikes.recorded_ids), "spikes": int(sums.neurons.totals.number.sum())}
    for name in names:
        found |= dict(zip(MEASURES[name].heads, MEASURES[name].values(sums), strict=True))
    return found


# -- over runs --------------------------------------------------------------------------------------


class Spread(NamedTuple):
    """A value over runs.

    Parameters
    ----------
    mean : mean over the runs in which the value is defined; nan without any.
    sd : their standard deviation (divided by n - 1); nan with fewer than two.
    values : the value of each run, nan where it is undefined.
    """

    mean: float
    sd: float
    values: tuple[float, ...]


def over_runs(summaries: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, Spread]]:
    """Mean and standard deviation of statistics over runs, such as those of one model with several seeds.

    Parameters
    ----------
    summaries : the return values of `statistics` for each run, with the same `names`.

    Returns
    -------
    population -> {key: `Spread`}, for all populations of any run, in the order in which they appear. `values` has an entry for each run
    that has the population. `mean` and `sd` leave out undefined values; with one value, `sd` is nan, with none, both are.
    """
    populations = dict.fromkeys(name for one in summaries for name in one)
    return {name: _over_runs([one[name] for one in summaries if name in one]) for name in populations}


def _over_runs(entries: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    found = {}
    for key in entries[0]:
        values = tuple(entry[key] for entry in entries)
        known = [value for value in values if not math.isnan(value)]
        mean = float(np.mean(known)) if known else math.nan
        found[key] = Spread(mean, float(np.std(known, ddof=1)) if len(known) > 1 else math.nan, values)
    return found
