"""Current waveforms: samples from an array or a file, resampled to the steps of a simulation."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable
from tokenize import TokenError
from typing import Any

import numpy as np

from lifsim.common import memory
from lifsim.common.errors import DataError, ModelError
from lifsim.common.text import brief
from lifsim.common.timegrid import on_grid, steps
from lifsim.files.untrusted import check_ordinary
from lifsim.network.population import Population

KINDS = "a file x.csv, x.npy or x.h5:dataset"
_COPIES = 8  # temporary arrays as large as the result while the means of all steps are computed


# Readers of NPY headers by version. Version 3 differs from 2 only in the encoding of field names, and there are no fields here.
_HEADERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    (3, 0): np.lib.format.read_array_header_2_0,
}


def waveform(population: Population, values: dict[str, Any], dt: float) -> tuple[np.ndarray, int]:
    """The samples (pA) of a waveform generator, shape (rows, columns), and the number of steps for which each row holds.

    Raises
    ------
    ModelError : the samples do not fit the population, or their means do not fit into memory. DataError : the file cannot be read.
    """
    place = f"populations.{population.name}"
    samples = np.asarray(values["waveform"])
    if values["waveform_file"]:
        samples = read_samples(values["waveform_file"], f"{place}.waveform_file")
        if samples.ndim not in (1, 2) or samples.shape[1:] not in ((), (1,), (population.n,)) or len(samples) == 0:
            allowed = f"(samples,), or (samples, {population.n}): one column for each node"
            raise ModelError(f"{place}.waveform_file", f"{values['waveform_file']} has shape {samples.shape}", allowed)
        if not np.isfinite(samples).all():
            raise ModelError(f"{place}.waveform_file", f"{values['waveform_file']} holds nan or infinite numbers", "finite numbers")
    columns = samples.reshape(len(samples), -1)
    interval = values["interval"]
    if on_grid(interval, dt) and steps(interval, dt) > 0 and not values["interpolate"]:
        return np.ascontiguousarray(columns), steps(interval, dt)
    needed = _COPIES * 8 * columns.shape[1] * len(columns) * interval / dt
    if needed > memory.available():
        got = f"{len(columns):,} samples, one in {interval:g} ms, need {memory.said(needed)} of memory as means over time steps"
        raise ModelError(f"{place}.interval", got, "give fewer samples, or an interval that is a multiple of dt, without interpolate")
    return means(columns, interval / dt, values["interpolate"]), 1


def means(samples: np.ndarray, interval: float, interpolate: bool) -> np.ndarray:
    """The mean of a waveform in each step; its `samples` are `interval` steps (not necessarily a whole number) apart.

    The integral Q of the waveform is known in closed form: a sum of rectangles, or of trapezia with `interpolate`. The mean in step k is
    Q(k + 1) - Q(k), so the injected charge is the same for any dt. The waveform is 0 in the rest of the last step.
    """
    height = np.vstack([samples, np.zeros_like(samples[:1])])
    slope = np.diff(samples, axis=0, append=samples[-1:]) / interval if interpolate else np.zeros_like(samples)
    intervals = len(samples) - 1 if interpolate else len(samples)
    area = interval * (samples + slope * interval / 2)[:intervals]
    before = np.vstack([np.zeros_like(samples[:1]), np.cumsum(area, axis=0)])
    edge = np.minimum(np.arange(np.ceil(intervals * interval - 1e-6) + 1), intervals * interval)
    q = np.minimum((edge / interval).astype(np.int64), intervals)
    past = (edge - q * interval)[:, None]
    slope = np.vstack([slope, np.zeros_like(samples[:1])])
    return np.diff(before[q] + past * (height[q] + slope[q] * past / 2), axis=0)


# -- files -----------------------------------------------------------------------------------------


def read_samples(reference: str, place: str) -> np.ndarray:
    """Read the numbers in a text file (.csv, .txt), an array (.npy) or a dataset (FILE.h5:NAME).

    Raises
    ------
    DataError : there is no such file, or it holds something else.
    """
    path, _, name = reference.rpartition(":") if ".h5:" in reference else (reference, "", "")
    try:
        if name or path.endswith((".npy", ".csv", ".txt")):
            check_ordinary(path)
        if name:
            return _dataset(path, name, place)
        if path.endswith(".npy"):
            return _npy(path, place)
        if path.endswith((".csv", ".txt")):
            return _text(path, place)
    except (OSError, ValueError) as error:  # ValueError: not a valid file name
        said = getattr(error, "strerror", None) or error
        raise DataError(place, f"{path} cannot be read ({said})", KINDS) from None
    raise DataError(place, f"{reference!r} is of a kind that lifsim does not read", KINDS)


def _text(path: str, place: str) -> np.ndarray:
    with open(path, encoding="utf-8-sig") as file:  # "sig": editors on Windows may write a byte order mark
        try:
            if not any(line.partition("#")[0].strip() for line in file):
                raise DataError(place, f"{path} holds no numbers", "a line for each sample")
            file.seek(0)
            return np.loadtxt(file, delimiter="," if path.endswith(".csv") else None, ndmin=2)
        except (ValueError, MemoryError) as error:
            raise DataError(place, f"{path} holds more than numbers ({error})", KINDS) from None


def _npy(path: str, place: str) -> np.ndarray:
    """Read an NPY file. The size in its header is checked against the file before data are read; objects are refused, never unpickled."""
    with open(path, "rb") as file:
        try:
            shape, fortran, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
            ends = [operator.index(n) for n in shape]
        except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError, EOFError, KeyError) as error:
            raise DataError(place, f"{path} is not an NPY file ({brief(str(error))})", KINDS) from None
        if dtype.kind not in "iuf":
            raise DataError(place, f"{path} holds entries of type {dtype}, not numbers", KINDS)
        held = os.fstat(file.fileno()).st_size - file.tell()
        if min(ends, default=0) < 0 or math.prod(ends) * dtype.itemsize != held:
            raise DataError(place, f"{path} should hold {dtype} of shape {shape}, but holds {held:,} bytes", "a complete file")
        flat = np.fromfile(file, dtype)
    return flat.reshape(ends, order="F" if fortran else "C").astype(np.float64, order="C")


def _dataset(path: str, name: str, place: str) -> np.ndarray:
    import h5py

    from lifsim.files.hdf5_reading import dataset

    with h5py.File(path, "r", locking="best-effort") as file:
        data = dataset(file, name, "iuf", None)
        return np.asarray(data[()], np.float64)
