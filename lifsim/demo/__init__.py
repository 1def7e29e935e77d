"""Demonstrations: what an artificial neuron, a network of them and a leaky integrate-and-fire neuron do, each as a figure and a few lines.

    ls.demo.names()           # the demonstrations
    ls.demo.show("leak")      # prints the lines; the figure appears in notebooks
    ls.demo.write_page("sliders.html")

The numbers in the lines are computed from the run that the figure shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Demonstration", "make", "names", "show", "write_page"]

if TYPE_CHECKING:
    from lifsim.demo.demonstration import Demonstration
    from lifsim.demo.entries import names
    from lifsim.demo.page import write_page
    from lifsim.demo.showing import make, show

__getattr__ = on_first_use(
    __name__,
    {
        "Demonstration": "lifsim.demo.demonstration",
        "make": "lifsim.demo.showing",
        "names": "lifsim.demo.entries",
        "show": "lifsim.demo.showing",
        "write_page": "lifsim.demo.page",
    },
)

__dir__ = public_names(__name__)
