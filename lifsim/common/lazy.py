"""Lazy imports: names of a package, and whole modules, are imported on first use, so that importing what mentions them is quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from lifsim.common.missing import no_attribute


def on_first_use(package: str, homes: Mapping[str, str], meant: Mapping[str, str] | None = None) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for `package`: the function that Python calls for names that the package does not define itself.

    Parameters
    ----------
    package : full name of the package (its ``__name__``).
    homes : for each name, the full name of the module that defines it. If the module is ``package.name``, the name is the
        module itself.
    meant : for names of other tools, what to write instead, for messages. Default: none.
    """

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise no_attribute(f"module {package!r}", name, meant or {}, homes)
        module = import_module(homes[name])
        return module if homes[name] == f"{package}.{name}" else getattr(module, name)

    return __getattr__


def public_names(module: str) -> Callable[[], list[str]]:
    """A function to be the ``__dir__`` of the module with this full name: the names in its ``__all__``, which prompts complete."""

    def __dir__() -> list[str]:
        return sorted(sys.modules[module].__all__)

    return __dir__


class LazyModule:
    """Stands for the module with this full name, which is imported when one of its names is first used."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
