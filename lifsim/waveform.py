"""Current waveforms: samples from an array or a file, brought to the steps of a simulation."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.errors import DataError, ModelError
from lifsim.grid import on_grid, steps
from lifsim.populations import Population
from lifsim.untrusted import check_ordinary

KINDS = "x.csv, x.npy or x.h5:dataset"


def waveform(population: Population, values: dict[str, Any], dt: float) -> tuple[np.ndarray, int]:
    """The samples of a waveform generator, shape (rows, columns), and how many steps each row holds.

    Raises
    ------
    ModelError : the samples in the file do not fit the population. DataError : the file cannot be read.
    """
    place = f"populations.{population.name}"
    samples = np.asarray(values["waveform"])
    if values["waveform_file"]:
        samples = read_samples(values["waveform_file"], f"{place}.waveform_file")
        if samples.ndim not in (1, 2) or samples.shape[1:] not in ((), (1,), (population.n,)) or len(samples) == 0:
            allowed = f"(samples,), or (samples, {population.n}): a column a node"
            raise ModelError(f"{place}.waveform_file", f"{values['waveform_file']} has shape {samples.shape}", allowed)
        if not np.isfinite(samples).all():
            raise ModelError(f"{place}.waveform_file", f"{values['waveform_file']} holds nan or infinite numbers", "finite numbers")
    columns = samples.reshape(len(samples), -1)
    interval = values["interval"]
    if on_grid(interval, dt) and not values["interpolate"]:
        return np.ascontiguousarray(columns), steps(interval, dt)
    return means(columns, interval / dt, values["interpolate"]), 1


def means(samples: np.ndarray, interval: float, interpolate: bool) -> np.ndarray:
    """The mean of a waveform in each step; `samples` follow each other after `interval` steps (not necessarily whole ones).

    The integral Q of the waveform is known in closed form: of steps, it is a sum of rectangles, of straight lines one of
    trapezia. The mean in step k is Q(k + 1) - Q(k), so that the same charge flows for any dt. The last step is filled with 0.
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
    """The numbers in a text file (.csv, .txt), an array (.npy) or a dataset (FILE.h5:NAME).

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
            samples = np.load(path, allow_pickle=False)
        elif path.endswith((".csv", ".txt")):
            with open(path, encoding="utf-8") as file:
                samples = np.loadtxt(file, delimiter="," if path.endswith(".csv") else None, ndmin=2)
        else:
            raise DataError(place, f"{reference!r} is of no kind that can be read", KINDS)
    except OSError as error:
        raise DataError(place, f"{path} cannot be read ({error.strerror or error})", KINDS) from None
    except (ValueError, MemoryError) as error:  # text or pickled objects, or a shape that nothing stands behind
        raise DataError(place, f"{path} does not hold numbers alone ({error})", KINDS) from None
    if samples.dtype.kind not in "iuf":
        raise DataError(place, f"{path} holds {samples.dtype}", "numbers")
    return samples.astype(np.float64)


def _dataset(path: str, name: str, place: str) -> np.ndarray:
    import h5py

    from lifsim.resultfile import dataset

    with h5py.File(path, "r", locking="best-effort") as file:
        data = dataset(file, name, "iuf", None)
        return np.asarray(data[()], np.float64)
