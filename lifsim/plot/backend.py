"""Imports matplotlib whatever backend MPLBACKEND names.

A program started from a notebook inherits the notebook's backend, which need not be installed here, and matplotlib then refuses to be
imported. Figures are written to files by matplotlib's own canvases, so none is needed. A backend that there is, is kept for users who
open windows of their own.
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
