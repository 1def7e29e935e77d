"""Keyword arguments that a function does not have: the error says what is meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def known_keywords(hint: Callable[[str, list[str]], str]) -> Callable[[F], F]:
    """Decorate a function so that the TypeError for an unknown keyword argument says what to write instead.

    Parameters
    ----------
    hint : returns the advice for a keyword, given the names of the function's parameters.
    """

    def decorate(function: F) -> F:
        names = [name for name in inspect.signature(function).parameters if name != "self"]

        @wraps(function)
        def called(*args: Any, **given: Any) -> Any:
            wrong = next((name for name in given if name not in names), None)
            if wrong is not None:
                made = function.__name__ == "__init__"
                place = type(args[0]).__name__ if made else f"{type(args[0]).__name__}.{function.__name__}"
                raise TypeError(f"{place}() has no parameter {wrong!r}; {hint(wrong, names)}".removesuffix("; "))
            return function(*args, **given)

        return called  # type: ignore[return-value]

    return decorate
