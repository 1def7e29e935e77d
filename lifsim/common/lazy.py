"""Names of a package that are imported on first use, so that importing the package is quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of `package`, by which Python asks for a name that the package does not define itself.

    Parameters
    ----------
    package : full name of the package (its ``__name__``).
    homes : for each name, the full name of the module that defines it. A name that is the last part of its home stands for
        the module itself.
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name])
        return module if homes[name] == f"{package}.{name}" else getattr(module, name)

    return __getattr__
