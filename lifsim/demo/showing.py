"""Makes and shows demonstrations."""

from __future__ import annotations

from importlib import import_module

from matplotlib.figure import Figure

from lifsim.demo.demonstration import Demonstration
from lifsim.demo.entries import entry_of
from lifsim.plot.house import house_style
from lifsim.plot.inline import shows


def make(name: str) -> Demonstration:
    """Run a demonstration.

    Parameters
    ----------
    name : one of `names`.

    Returns
    -------
    Its figure, its lines, and the numbers behind them.

    Raises
    ------
    LifsimError : there is no such demonstration.

    Examples
    --------
    >>> d = lifsim.demo.make("threshold")
    >>> d.numbers["rheobase"]
    375.0
    """
    entry = entry_of(name)
    with house_style(style="light"):
        made: Demonstration = import_module(entry.module).demonstrate()
    return made


@shows
def show(name: str) -> Figure:
    """Run a demonstration and print its lines; returns its figure, which notebooks show.

    Parameters
    ----------
    name : one of `names`.

    Returns
    -------
    The figure, which `lifsim.plot.save` writes to a file.

    Raises
    ------
    LifsimError : there is no such demonstration.
    """
    made = make(name)
    print(made.text)
    return made.figure
