"""Libraries that only some functions need, and that need not be installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lifsim.common.errors import LifsimError


def optional(library: str, place: str, extra: str = "") -> Any:
    """Import `library`, which the function or file `place` needs and which the `extra` of this package installs, if there is one.

    Raises
    ------
    LifsimError : the library is not installed; says how to install it.
    """
    way = f", or lifsim[{extra}]" if extra else ""
    try:
        return import_module(library)
    except ModuleNotFoundError as error:
        if error.name != library:  # the library is there, but not one that it needs itself
            raise LifsimError(place, f"{library} cannot be imported: {error}", f"pip install {error.name}") from error
        raise LifsimError(place, f"needs {library}, which is not installed", f"pip install {library}{way}") from None
