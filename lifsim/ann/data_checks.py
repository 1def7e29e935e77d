"""Checks of input data: arrays of samples and targets."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePath
from typing import Any

import numpy as np

from lifsim.common.errors import DataError


def samples(x: Any, features: int | None = None, place: str = "X") -> np.ndarray:
    """`x` as an array of numbers, shape (samples, features); `features` is the required number, if known.

    Raises
    ------
    DataError : `x` has another shape, holds no numbers, or holds NaN or infinity.
    """
    array = _numbers(place, x)
    if array.ndim != 2:
        images = ": images are x.reshape(len(x), -1); only SpikingClassifier takes time courses, (samples, steps, features)"
        hint = ": one sample is x[None]" if array.ndim == 1 else images if array.ndim > 2 else ""
        raise DataError(place, f"has shape {array.shape}", f"(samples, features){hint}")
    if not array.size:
        raise DataError(place, f"has shape {array.shape}", "at least one sample and one feature")
    if features is not None and array.shape[1] != features:
        raise DataError(place, f"has {array.shape[1]} features", f"{features}, as in training")
    return _finite(place, array)


def courses(x: Any, steps: int, features: int | None = None, place: str = "X") -> np.ndarray:
    """`x` as an array of numbers, shape (samples, steps, features), that has a value for each time step.

    Raises
    ------
    DataError : as of `samples`.
    """
    array = _numbers(place, x)
    wanted = f"(samples, {steps}, {'features' if features is None else features}): samples, time steps (duration / dt), features"
    if array.ndim != 3 or array.shape[1] != steps or not array.size or (features is not None and array.shape[2] != features):
        raise DataError(place, f"has shape {array.shape}", wanted)
    return _finite(place, array)


def spikes(x: np.ndarray, place: str = "X") -> np.ndarray:
    """`x`, checked: 1 for a spike, 0 for none (DataError)."""
    wrong = np.argwhere((x != 0) & (x != 1))
    if len(wrong):
        at = tuple(map(int, wrong[0]))
        raise DataError(f"{place}[{', '.join(map(str, at))}]", f"{x[at]:g}", '0 (no spike) or 1 (a spike), the inputs of encoding="spikes"')
    return x


def numbers_for(y: Any, n: int, place: str = "y") -> np.ndarray:
    """The targets `y` of a regression, checked: shape (n,) or (n, outputs)."""
    array = _numbers(place, y)
    if array.ndim not in (1, 2) or not array.size:
        raise DataError(place, f"has shape {array.shape}", "(samples,) or (samples, outputs)")
    _as_many(place, len(array), n)
    return _finite(place, array)


def labels_for(y: Any, n: int, place: str = "y") -> np.ndarray:
    """The labels `y` of a classification, checked: shape (n,), numbers, texts or truth values."""
    _refuse_masks(place, y)
    try:
        array = np.asarray(y)
    except ValueError:
        array = np.empty((0, 0))
    array = _without_objects(array)
    if array.ndim != 1:
        hint = "" if array.ndim != 2 else ": y.ravel() of a column" if array.shape[1] == 1 else ": y.argmax(axis=1) of one-hot rows"
        raise DataError(place, f"has shape {array.shape}", f"one label for each sample, shape (samples,){hint}")
    if array.dtype.kind not in "biufU":
        raise DataError(place, f"an array of {_content(array)}", "one label for each sample: all numbers or all texts")
    _as_many(place, len(array), n)
    if array.dtype.kind == "f":
        _finite(place, array)
    return array


def one_hot(y: np.ndarray, classes: np.ndarray, place: str = "y") -> np.ndarray:
    """One-hot encoding, shape (len(y), len(classes)): row i has a 1 in the column of the class of y[i].

    Raises
    ------
    DataError : a label is not among `classes` (which are sorted).
    """
    alike = (classes.dtype.kind == "U") == (y.dtype.kind == "U")  # texts and numbers are never equal
    at = np.minimum(np.searchsorted(classes, y), len(classes) - 1) if alike else np.zeros(len(y), np.int64)
    wrong = np.flatnonzero(classes[at] != y) if alike else np.arange(len(y))
    if len(wrong):
        known = ", ".join(str(c) for c in classes[:20]) + (", …" if len(classes) > 20 else "")
        raise DataError(f"{place}[{wrong[0]}]", f"unknown label {y[wrong[0]].item()!r}", f"one of those of training: {known}")
    return np.eye(len(classes))[at]


def _without_objects(array: np.ndarray) -> np.ndarray:
    """An array of Python's texts, or of its numbers, as an array of texts or numbers; any other array as it is."""
    if array.dtype.kind == "O" and array.ndim == 1 and len(array):
        for kinds, dtype in ((str, np.str_), ((int, np.integer), np.int64), ((int, float, np.integer, np.floating), np.float64)):
            if all(isinstance(label, kinds) and not isinstance(label, bool) for label in array):
                return array.astype(dtype)
    return array


def _content(array: np.ndarray) -> str:
    """What an array holds that is not numbers, in words."""
    names = {"U": "texts", "S": "bytes", "O": "objects", "M": "dates", "m": "time differences", "c": "complex numbers"}
    return names.get(array.dtype.kind, str(array.dtype))


def _numbers(place: str, x: Any) -> np.ndarray:
    if x is None or isinstance(x, (str, bytes, PurePath, Mapping)):
        got = repr(x) if not isinstance(x, Mapping) else f"an object of type {type(x).__name__}"
        raise DataError(place, got, "an array of numbers")
    _refuse_masks(place, x)
    try:
        array = np.asarray(x.toarray() if hasattr(x, "toarray") else x)
    except ValueError:
        raise DataError(place, "rows of different lengths", "an array of numbers") from None
    if array.dtype.kind == "O":
        with suppress(TypeError, ValueError, OverflowError):  # objects that are not numbers
            array = array.astype(np.float64)
    if array.dtype.kind not in "biuf":  # refuses dates and complex numbers, too, which NumPy would convert
        raise DataError(place, f"an array of {_content(array)}", "an array of real numbers")
    return array


def _refuse_masks(place: str, x: Any) -> None:
    if isinstance(x, np.ma.MaskedArray):
        raise DataError(place, "a masked array", "an array without masks; fill it first")


def _as_many(place: str, got: int, n: int) -> None:
    if got != n:
        raise DataError(place, f"has {got} entries for {n} samples", "one entry for each sample")


def _finite(place: str, array: np.ndarray) -> np.ndarray:
    good = np.isfinite(array)
    if not good.all():
        at = tuple(int(i) for i in np.argwhere(~good)[0])
        raise DataError(f"{place}[{', '.join(map(str, at))}]", f"{array[at]}", "finite numbers")
    return array
