"""State and constants of neurons as kernels see them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from lifsim.engine.compiler.jit import inlined


class Held(NamedTuple):
    """The refractory neurons of piece p, which begins at lo: ``offset[lo:lo + number[p]]`` from lo, the first step in
    which each moves again, and the potential it is held at.
    """

    offset: np.ndarray
    until: np.ndarray
    v: np.ndarray
    number: np.ndarray


class Neurons(NamedTuple):
    """All neurons: state variables × neurons, the first step in which each moves again, constant input
    (mV a step), reset value of v, steps of refractoriness; who is held; room for marks of
    neurons, empty if no model needs it. Weights that arrive are added to
    the first `channels` state variables.
    """

    state: np.ndarray
    until: np.ndarray
    drive: np.ndarray
    reset: np.ndarray
    refractory: np.ndarray
    held: Held
    marks: np.ndarray
    channels: int


class Where(NamedTuple):
    """The neurons in the places lo … hi - 1 of the piece `p`, which begins at the place `first` with the number `id`; the step that is
    made.
    """

    p: int
    first: int
    lo: int
    hi: int
    id: int
    step: np.int32


THETA = 0  # the number of the threshold among the constants of every model
LINE = 16  # neurons: the place of each 16th begins a cache line, in float64 and in float32


@inlined
def by_line(lo, hi, place):
    """The range lo … hi - 1 in two, either of which may be empty: what lies before the next cache line, then the rest; lo has this place.

    Loops that change neurons are run for one after the other: vectors that lie across two lines take twice as long to write.
    """
    line = lo + min(-place & (LINE - 1), hi - lo)
    return (lo, line), (line, hi)


VIEW: Any = {"jit_options": {"_nrt": True}}  # of functions that return a part of an array, which kernels cannot


def constant(c: Any, j: int, lo: int, hi: int) -> Any:
    """Constant j: of all (from a vector) or of each of the neurons lo … hi - 1 (from a table)."""
    return c[j] if c.ndim == 1 else c[j, lo:hi]


@overload(constant, **VIEW)
def _constant(c, j, lo, hi):
    if c.ndim == 1:
        return lambda c, j, lo, hi: c[j]
    return lambda c, j, lo, hi: c[j, lo:hi]


def at(x: Any, i: int) -> Any:
    """Entry i of an array, or the number that holds for all."""
    return x[i] if isinstance(x, np.ndarray) else x


@overload(at)
def _at(x, i):
    if isinstance(x, types.Array):
        return lambda x, i: x[i]
    return lambda x, i: x


def part(x: Any, a: int, b: int) -> Any:
    """Entries a … b - 1 of an array, or the number that holds for all."""
    return x[a:b] if isinstance(x, np.ndarray) else x


@overload(part, **VIEW)
def _part(x, a, b):
    if isinstance(x, types.Array):
        return lambda x, a, b: x[a:b]
    return lambda x, a, b: x


def like(x: Any, number: float) -> Any:
    """`number` in the precision of x (a number or an array)."""
    return np.asarray(x).dtype.type(number)


@overload(like)
def _like(x, number):
    kind = x.dtype if isinstance(x, types.Array) else x
    return lambda x, number: kind(number)


def of_all(x: Any) -> Any:
    """A constant that is the same for all neurons, from an array of it or the number itself."""
    return x[0] if isinstance(x, np.ndarray) else x


@overload(of_all)
def _of_all(x):
    if isinstance(x, types.Array):
        return lambda x: x[0]
    return lambda x: x
