"""Selects the data of a result that a figure shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lifsim import analysis
from lifsim.common.errors import DataError, did_you_mean
from lifsim.results.data import Spikes
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result


def result_of(result: Result | str | Path) -> Result:
    """`result` itself, or the result at that path."""
    return result if isinstance(result, Result) else open_result(result)


def spikes_of(
    result: Result | str | Path, populations: Sequence[str] | str | None, t_start: float | None, t_stop: float | None
) -> list[Spikes]:
    """The spikes of the given populations (None: all) in the window t_start < t <= t_stop (ms)."""
    result = result_of(result)
    analysis.check_window(result, t_start, t_stop)
    order = [name for name in result.populations if name in result.spikes]
    return [result.spikes[name].window(t_start, t_stop) for name in population_names(populations, order, "spikes")]


def population_names(wanted: Sequence[str] | str | None, known: Sequence[str], what: str) -> list[str]:
    """The `wanted` population names (None: all of `known`). DataError if one is not in `known`, or `known` is empty."""
    if not known:
        raise DataError("plot", f"no {what} were recorded", f"record {what} in the model")
    names = list(known) if wanted is None else [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in known:
            raise DataError("populations", f"there are no {what} of {name!r}", did_you_mean(name, known))
    return names


def rate_bin_of(shown: Sequence[Spikes]) -> float:
    """A round bin width in ms that gives about 200 bins (5 ms for 1 s), rounded to whole time steps."""
    duration = max(spikes.t_stop - spikes.t_start for spikes in shown)
    width = next((m * 10.0**k for k in range(0 if duration > 20 else -1, 9) for m in (1, 2, 5) if 300 * m * 10.0**k >= duration), 1e9)
    dt = shown[0].dt
    return max(1, round(width / dt)) * dt if dt > 0 else width
