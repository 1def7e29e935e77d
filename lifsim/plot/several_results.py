"""What figures of several results have in common: a panel, or a group of panels, with a letter and a title for each result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from matplotlib.axes import Axes

from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.plot.style import FONT, label_axis
from lifsim.results.opening import Openable

P = TypeVar("P")
Windows = Mapping[str, tuple[float, float]] | tuple[float, float] | None

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def beside(
    results: Mapping[str, Openable], windows: Windows, given: Sequence[P] | None, new: Callable[[int], Sequence[P]], kind: str
) -> Iterator[tuple[str, Openable, tuple[float | None, float | None], P]]:
    """Each title and result, with its window (t_start, t_stop; None: the whole run) and its axes.

    Parameters
    ----------
    results : title -> result. windows : a window for all, or by title.
    given : axes for each result (`kind` says which, such as "pairs of axes"); None: those that `new` makes for that number of results.

    Raises
    ------
    DataError : there are no results, or not as many axes.
    """
    if not results:
        raise DataError("results", "an empty mapping", "at least one result")
    panels = list(new(len(results)) if given is None else given)
    if len(panels) != len(results):
        raise DataError("ax", f"{len(panels)} {kind} for {counted(len(results), 'result')}", "one for each result")
    for (title, result), panel in zip(results.items(), panels, strict=True):
        window = windows.get(title) if isinstance(windows, Mapping) else windows
        yield title, result, window or (None, None), panel


def write_title(ax: Axes, k: int, title: str) -> None:
    """Write the letter and the title of result k above its axes."""
    ax.set_title(f"{_LETTERS[k % 26]}   {label_axis(title)}", loc="left", fontsize=FONT, pad=4)
