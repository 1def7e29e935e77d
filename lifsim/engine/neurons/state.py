"""The arrays in which kernels find the state and the constants of neurons."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lifsim.engine.compiler.jit import inlined
from lifsim.engine.compiler.overloads import is_array, overload


class Held(NamedTuple):
    """The refractory neurons: for piece p, which begins at place lo, the entries lo … lo + number[p] - 1.

    offset : place, counted from lo. until : the first step after the refractory period. v : the potential at which a neuron is held, mV.
    """

    offset: np.ndarray
    until: np.ndarray
    v: np.ndarray
    number: np.ndarray


class Neurons(NamedTuple):
    """All neurons, by place.

    state : state variables, shape (n_variables, n_places); arriving weights are added to the first `channels` rows. until : the first step
    after the refractory period. drive : constant input, mV per step. reset : value of v after a spike, mV. refractory : refractory
    period, steps. held : the refractory neurons. marks : work space of models with `DRIVEN`, else empty.
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
    """The neurons in the places lo … hi - 1 of piece `p`, and the current step. The piece begins at place `first` with the neuron of global
    id `id`.
    """

    p: int
    first: int
    lo: int
    hi: int
    id: int
    step: np.int32


THETA = 0  # index of the threshold among the constants of every model
LINE = 16  # every 16th place begins at a cache line, in float64 and in float32


@inlined
def by_line(lo, hi, place):
    """Split the range lo … hi - 1 at the first cache line, into two ranges that may be empty; `place` is the place of `lo`.

    Loops that change neurons run over both ranges in turn, because vectors that lie across two cache lines take twice as long to write.
    """
    line = lo + min(-place & (LINE - 1), hi - lo)
    return (lo, line), (line, hi)


VIEW: Any = {"jit_options": {"_nrt": True}}  # options of functions that return a part of an array, which kernels cannot do


def constant(c: Any, j: int, lo: int, hi: int) -> Any:
    """Constant j: one number for all neurons if `c` is a vector, else the values for the places lo … hi - 1."""
    return c[j] if c.ndim == 1 else c[j, lo:hi]


@overload(constant, **VIEW)
def _constant(c, j, lo, hi):
    if c.ndim == 1:
        return lambda c, j, lo, hi: c[j]
    return lambda c, j, lo, hi: c[j, lo:hi]


def at(x: Any, i: int) -> Any:
    """Entry i if `x` is an array, else the number x, which applies to all."""
    return x[i] if isinstance(x, np.ndarray) else x


@overload(at)
def _at(x, i):
    if is_array(x):
        return lambda x, i: x[i]
    return lambda x, i: x


def part(x: Any, a: int, b: int) -> Any:
    """Entries a … b - 1 if `x` is an array, else the number x, which applies to all."""
    return x[a:b] if isinstance(x, np.ndarray) else x


@overload(part, **VIEW)
def _part(x, a, b):
    if is_array(x):
        return lambda x, a, b: x[a:b]
    return lambda x, a, b: x


def like(x: Any, number: float) -> Any:
    """`number` in the precision of x (a number or an array)."""
    return np.asarray(x).dtype.type(number)


@overload(like)
def _like(x, number):
    kind = x.dtype if is_array(x) else x
    return lambda x, number: kind(number)


def of_all(x: Any) -> Any:
    """A constant that is the same for all neurons: x, or the first entry if `x` is an array."""
    return x[0] if isinstance(x, np.ndarray) else x


@overload(of_all)
def _of_all(x):
    if is_array(x):
        return lambda x: x[0]
    return lambda x: x
