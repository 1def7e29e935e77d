"""The command line of this program, as figures and reports show it."""

from __future__ import annotations

import shlex
import sys

from lifsim.common.notebook import notebook
from lifsim.common.text import storable


def command_line() -> str:
    """The command line without the folder of the program; "" in a notebook, whose kernel has one that says nothing."""
    return "" if notebook() is not None else without_folders(storable(shlex.join(sys.argv)))


def without_folders(command: str) -> str:
    """A command line whose first word, the program, has no folder."""
    program, space, rest = command.partition(" ")
    program = program.replace("\\", "/")
    return ("lifsim" if program.endswith("lifsim/__main__.py") else program.rpartition("/")[2]) + space + rest
