"""Public docstrings name every parameter, and say which errors a function raises itself."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any

import lifsim as ls

MODULES = ("analysis", "ann", "demo", "nir", "plot", "report", "scans", "theory", "weights")


def public() -> Iterator[tuple[str, Any]]:
    """Functions and classes that users call, with the public methods of the classes; each once."""
    seen: set[int] = set()
    for home in (ls, *(getattr(ls, name) for name in MODULES)):
        names = (
            home.__all__
            if hasattr(home, "__all__")
            else [n for n, x in vars(home).items() if getattr(x, "__module__", "") == home.__name__]
        )
        for name in names:
            thing = getattr(home, name)
            if name.startswith("_") or inspect.ismodule(thing) or not callable(thing) or id(thing) in seen:
                continue
            seen.add(id(thing))
            place = f"{home.__name__}.{name}"
            yield place, thing
            if inspect.isclass(thing) and not issubclass(thing, Exception):
                for owner in thing.__mro__[:-1]:
                    for key, x in vars(owner).items():
                        method = getattr(x, "__func__", x)
                        if (
                            not key.startswith("_")
                            and inspect.isfunction(method)
                            and id(method) not in seen
                            and owner.__module__.startswith("lifsim")
                        ):
                            seen.add(id(method))
                            yield f"{place}.{key}", method


PUBLIC = dict(public())


def parameters(thing: Any) -> list[str]:
    """The names of the parameters that a caller gives."""
    try:
        signature = inspect.signature(thing)
    except ValueError:  # a class of C
        return []
    return [name for name in signature.parameters if name not in ("self", "cls") and not name.startswith("_")]


def raises(thing: Any) -> bool:
    """Whether the function itself has a ``raise`` (but for one that lets an error go on)."""
    made = next((vars(thing)[name] for name in ("__post_init__", "__init__") if inspect.isclass(thing) and name in vars(thing)), thing)
    function = inspect.unwrap(made)
    if not inspect.isfunction(function) or function.__code__.co_filename == "<string>":  # what a dataclass generates
        return False
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return any(isinstance(node, ast.Raise) and node.exc is not None for node in ast.walk(tree))


def named(parameter: str, doc: str) -> bool:
    return bool(re.search(rf"`{parameter}`|^\s*(?:\*\*)?(?:\w+, )*{parameter}(?:, \w+)* :|\. {parameter}(?:, \w+)* :", doc, re.M))


def test_every_parameter_is_named():
    assert len(PUBLIC) > 200
    missing = {place: [name for name in parameters(thing) if not named(name, thing.__doc__ or "")] for place, thing in PUBLIC.items()}
    assert not {place: names for place, names in missing.items() if names}


def test_errors_are_named():
    assert not [place for place, thing in PUBLIC.items() if raises(thing) and "Raises" not in (thing.__doc__ or "")]
