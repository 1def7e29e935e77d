"""Imports matplotlib even if the backend named by MPLBACKEND is not installed.

A program started from a notebook inherits the notebook's MPLBACKEND. If that backend is not installed, importing matplotlib fails.
lifsim needs no backend: matplotlib's own canvases write figures to files. A backend that is installed stays selected, for users who
open windows themselves.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

if "matplotlib" not in sys.modules:
    _named = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib
    finally:
        if _named is not None:
            os.environ["MPLBACKEND"] = _named
    if _named:
        with suppress(ValueError):
            matplotlib.rcParams["backend"] = _named
