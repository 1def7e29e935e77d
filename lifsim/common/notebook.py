"""Whether this program is a notebook, as far as one can know without importing IPython."""

from __future__ import annotations

import sys
from typing import Any


def notebook() -> Any:
    """The IPython shell of the notebook that runs this code; None in other programs, such as IPython on a terminal."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell if hasattr(shell, "kernel") else None
