"""Shows figures in notebooks: each figure that a call made appears once, below its cell.

A figure is shown when its cell ends, or before that if the cell displays it itself, for example as the value of its last line. Figures
that pyplot made (with axes that the user gave) are displayed by matplotlib's inline backend at the end of the cell, too; there they are
left out if the cell has shown them already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from matplotlib.figure import Figure

from lifsim.common.notebook import notebook

F = TypeVar("F", bound=Callable[..., Figure])

_waiting: list[Figure] = []  # figures of the current cell that are not shown yet
_shown: list[Figure] = []  # figures of pyplot that the current cell has shown
_followed: list[Any] = []  # the shell whose cells are followed


def shows(function: F) -> F:
    """Decorate a function that returns a figure: in a notebook, the figure is shown."""

    @wraps(function)
    def called(*args: Any, **options: Any) -> Figure:
        figure = function(*args, **options)
        shell = notebook()
        if shell is not None:
            _follow(shell)
            if not _inline_shows(figure) and not any(figure is other for other in _waiting):
                _waiting.append(figure)
            figure._ipython_display_ = partial(display, figure)  # type: ignore[attr-defined]
        return figure

    return called  # type: ignore[return-value]


def display(figure: Figure) -> None:
    """Show a figure in the notebook now; it is then not shown again at the end of the cell."""
    shell = notebook()
    _waiting[:] = [other for other in _waiting if other is not figure]
    if shell is None or any(figure is other for other in _shown):
        return
    figure._ipython_display_ = None  # type: ignore[attr-defined] # else the formatter would call this function again
    try:
        data, metadata = shell.display_formatter.format(figure)
    finally:
        del figure._ipython_display_  # type: ignore[attr-defined] # from now on the figure is displayed as any other
    if _inline_shows(figure):  # at the end of the cell, once more
        _shown.append(figure)
        figure._ipython_display_ = partial(display, figure)  # type: ignore[attr-defined]
    shell.display_pub.publish(data=data, metadata=metadata)


def _follow(shell: Any) -> None:
    """Call `_forget` before each cell of the shell, and `_show_waiting` after it."""
    if not any(shell is other for other in _followed):
        _followed[:] = [shell]
        shell.events.register("pre_execute", _forget)
        shell.events.register("post_execute", _show_waiting)


def _forget() -> None:
    while _shown:
        vars(_shown.pop()).pop("_ipython_display_", None)


def _show_waiting() -> None:
    while _waiting:
        display(_waiting[0])


def _inline_shows(figure: Figure) -> bool:
    """Whether the inline backend of pyplot will show the figure when the cell ends."""
    pyplot, manager = sys.modules.get("matplotlib.pyplot"), getattr(figure.canvas, "manager", None)
    return pyplot is not None and manager is not None and pyplot.fignum_exists(manager.num) and "inline" in pyplot.get_backend()
