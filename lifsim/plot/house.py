"""The house style of figures: its style files, the width of figures in mm, and the decorator that gives both to plot functions.

The styles are matplotlib style files, also for figures of users: ``plt.style.use("lifsim.plot.styles.dark")``.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lifsim.common.errors import DataError, did_you_mean
from lifsim.plot import origins
from lifsim.plot.inline import shows
from lifsim.plot.palette import is_dark
from lifsim.plot.style import new_figure

STYLES = ("light", "dark")
_FOLDER = Path(__file__).with_name("styles")
_NARROWEST, _WIDEST = 40.0, 1000.0  # mm
_SAID = {
    "width_mm": "width of a new figure, mm: 85 for one column of a journal, 180 (default) for two.",
    "style": '"light" or "dark"; default: the one that suits the background of the given axes, or else of matplotlib\'s settings.',
}
T = TypeVar("T")


def pictured(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Decorate a plot function: it is `styled`, and notebooks show its figure."""
    return shows(styled(function))


def styled(function: Callable[..., T]) -> Callable[..., T]:
    """Decorate a plot function: it draws in the house style, and takes `width_mm` and `style`.

    The line ``width_mm, style`` of the docstring is replaced by the description of both.
    """
    signature = inspect.signature(function)

    @wraps(function)
    def called(*args: Any, width_mm: float | None = None, style: str | None = None, **options: Any) -> T:
        bound = signature.bind(*args, **options)
        with house_style(width_mm, style, bound.arguments.get("ax")), origins.gathering() as sources:
            made = function(*args, **options)
        if sources is not None and isinstance(made, Figure):
            shown = next(iter(bound.arguments.values()), None)
            given = dict(list(bound.arguments.items())[1:])
            origins.keep(made, sources, function.__name__, shown, {**given, "width_mm": width_mm, "style": style})
        return made

    kind = inspect.Parameter.KEYWORD_ONLY
    own = [inspect.Parameter("width_mm", kind, default=None, annotation="float | None")]
    own += [inspect.Parameter("style", kind, default=None, annotation="str | None")]
    called.__signature__ = signature.replace(parameters=[*signature.parameters.values(), *own])  # type: ignore[attr-defined]
    called.__doc__ = _documented(function.__doc__ or "")
    return called


@contextmanager
def house_style(width_mm: float | None = None, style: str | None = None, ax: Any = None) -> Iterator[None]:
    """Set matplotlib to the house style within a ``with`` block.

    Parameters
    ----------
    width_mm : width of new figures (None: 180 mm). style : "light", "dark", or None for the one that suits the background of `ax`.
    ax : the axes (or several of them) in which is drawn; None for a new figure.

    Raises
    ------
    DataError : there is no such style, the width is not from 40 to 1000 mm, or it is given although `ax` has a width.
    """
    if style is None:
        style = "dark" if is_dark(_background(ax)) else "light"
    if style not in STYLES:
        raise DataError("style", f"{style!r}", did_you_mean(str(style), STYLES) or "one of: light, dark")
    if width_mm is not None and ax is not None:
        raise DataError("width_mm", "given together with ax", "one of them: a figure of your own has a width")
    if width_mm is not None and not _NARROWEST <= width_mm <= _WIDEST:
        raise DataError("width_mm", f"{width_mm:g} mm", f"from {_NARROWEST:g} to {_WIDEST:g} mm")
    with matplotlib.rc_context(_settings(style)):
        if width_mm is not None:
            matplotlib.rcParams["figure.figsize"] = width_mm / 25.4, matplotlib.rcParams["figure.figsize"][1]
        yield


@lru_cache(len(STYLES))
def _settings(style: str) -> matplotlib.RcParams:
    return matplotlib.rc_params_from_file(_FOLDER / f"{style}.mplstyle", use_default_template=False)


def _background(ax: Any) -> Any:
    """The colour behind `ax`, or behind new figures."""
    while ax is not None and not isinstance(ax, Axes):
        ax = next(iter(ax), None)
    behind = [] if ax is None else [ax.get_facecolor(), new_figure(ax).get_facecolor()]
    behind += [] if behind else [matplotlib.rcParams["axes.facecolor"], matplotlib.rcParams["figure.facecolor"]]
    return next((colour for colour in behind if matplotlib.colors.to_rgba(colour)[3] > 0.5), "white")


def _documented(doc: str) -> str:
    lines = doc.split("\n")
    at = next((k for k, line in enumerate(lines) if line.strip() == "width_mm, style"), None)
    if at is None:
        return doc
    indent = lines[at][: -len(lines[at].lstrip())]
    said = [
        line
        for name, text in _SAID.items()
        for line in textwrap.wrap(f"{name} : {text}", 138, initial_indent=indent, subsequent_indent=indent + "    ")
    ]
    return "\n".join([*lines[:at], *said, *lines[at + 1 :]])
