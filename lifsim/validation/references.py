"""Reference data: distributions of statistics, from results of any simulator or from files that hold the distributions alone."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.analysis.distribution import STATISTICS, RunDistributions, SampleDistribution, distributions
from lifsim.analysis.population_sums import Conventions
from lifsim.common.errors import DataError
from lifsim.files import disk
from lifsim.files.outputs import check_output, expanded
from lifsim.files.untrusted import NPZ_ERRORS, read_text, reading, unpacks_too_much
from lifsim.results.opening import open as open_result

POINTS = 128  # values that a stored distribution has at most
_FORMAT = "lifsim reference 1"
_LISTS = {"rate": "rates.json", "cv": "spike_cvs.json", "correlation": "spike_ccs.json"}
_HERE = Path(__file__).parent


@dataclass(frozen=True, eq=False)
class ReferenceData:
    """What the activity of a model is compared with.

    Parameters
    ----------
    runs : the distributions of each run. source : where they come from.
    coarse : whether they were reduced to `POINTS` values each, as in files that hold distributions alone.
    """

    runs: Sequence[RunDistributions]
    source: str
    coarse: bool = False


def published(means: Mapping[str, Mapping[str, float]], source: str) -> ReferenceData:
    """A reference of which only means are known."""

    def known(value: float) -> SampleDistribution:
        return SampleDistribution(np.array([value]), np.array([1]), shape_known=False)

    populations = {name: {key: known(value) for key, value in of.items()} for name, of in means.items()}
    return ReferenceData([RunDistributions(populations)], source)


def shipped_reference(name: str, source: str) -> ReferenceData:
    """A reference that comes with lifsim."""
    return ReferenceData(_read_distributions(_HERE / name)[0], source, coarse=True)


def read_reference(paths: Sequence[str | Path], bin: float = 2.0, *, discard: float = 0.0, neurons: int = 250) -> ReferenceData:
    """Read reference data.

    Parameters
    ----------
    paths : one of these:

        - results, one file for each seed, of any kind that `lifsim.open` reads;
        - a file that `write_reference` wrote (.npz);
        - a folder with rates.json, spike_cvs.json and spike_ccs.json, {seed: {population: [values]}}, as the scripts of the repository
          INM-6/microcircuit-PD14-model write them.
    bin, discard, neurons : as for `lifsim.analysis.distributions`, for results.

    Returns
    -------
    The reference.

    Raises
    ------
    DataError : a file does not exist, is damaged or of another kind.
    """
    places = [expanded(path, "reference", DataError) for path in paths]
    if not places:
        raise DataError("reference", "no path", "one file or more")
    source = ", ".join(map(str, places))
    if len(places) == 1 and places[0].is_dir():
        return ReferenceData(_read_lists(places[0]), source)
    if len(places) == 1 and _holds_distributions(places[0]):
        runs, said = _read_distributions(places[0])
        return ReferenceData(runs, said or source, coarse=True)
    runs = [distributions(open_result(path), bin=bin, discard=discard, neurons=neurons) for path in places]
    return ReferenceData(runs, source)


def write_reference(path: str | Path, runs: Sequence[RunDistributions], source: str = "", overwrite: bool = False) -> Path:
    """Write distributions to a small file (NPZ), for later comparisons.

    Of each distribution at most 128 values are kept, each the mean of as many neighbours (`SampleDistribution.coarse`), as float32.

    Parameters
    ----------
    path : the file, which ends in .npz.
    runs : the distributions of each run (`lifsim.analysis.distributions`).
    source : where they come from. overwrite : replace an existing file.

    Returns
    -------
    The path.

    Raises
    ------
    OutputError : the file exists and `overwrite` is false, or it cannot be written. DataError : it does not end in .npz.
    """
    path = check_output(path, overwrite)
    if path.suffix.lower() != ".npz":
        raise DataError(str(path), f"ends in {path.suffix or 'nothing'!r}", "a name that ends in .npz")
    about = {
        "format": _FORMAT,
        "source": source,
        "runs": [
            {
                "conventions": None if run.conventions is None else asdict(run.conventions),
                "populations": {
                    name: {key: len(one.coarse(POINTS).values) for key, one in of.items()} for name, of in run.populations.items()
                },
            }
            for run in runs
        ],
    }
    every = [one.coarse(POINTS) for run in runs for of in run.populations.values() for one in of.values()]
    arrays: dict[str, Any] = {  # few, since each costs hundreds of bytes
        "about": np.frombuffer(json.dumps(about).encode(), np.uint8),
        "values": np.concatenate([np.empty(0), *(one.values for one in every)]).astype(np.float32),
        "counts": np.concatenate([np.empty(0, np.int64), *(one.counts for one in every)]).astype(np.uint32),
    }
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    disk.put(path, packed.getbuffer())
    return path


def _holds_distributions(path: Path) -> bool:
    if path.suffix.lower() != ".npz" or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "about.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _read_distributions(path: Path) -> tuple[list[RunDistributions], str]:
    """The runs in a file of `write_reference`, and their source."""
    try:
        if unpacks_too_much(path):
            raise DataError(str(path), unpacks_too_much(path), "a file that write_reference wrote")
        with reading(path) as file, np.load(file, allow_pickle=False) as stored:
            about, values, counts = json.loads(stored["about"].tobytes()), stored["values"], stored["counts"]
            if about["format"] != _FORMAT:
                raise DataError(str(path), f"has the format {about['format']!r}", f"{_FORMAT!r}")
            pieces = _Pieces(values.astype(np.float64), counts.astype(np.int64))
            return [_stored_run(pieces, facts) for facts in about["runs"]], str(about["source"])
    except NPZ_ERRORS as error:
        raise DataError(str(path), f"is no file of distributions ({error})", "a file that write_reference wrote") from None


class _Pieces:
    """Values and counts of distributions that are stored one behind the other."""

    def __init__(self, values: np.ndarray, counts: np.ndarray) -> None:
        self._values, self._counts, self._next = values, counts, 0

    def take(self, length: int) -> SampleDistribution:
        """The next distribution, of `length` values (ValueError if the file does not hold it)."""
        own = slice(self._next, self._next + length)
        values, counts = self._values[own], self._counts[own]
        if len(values) < length or len(counts) < length or not np.isfinite(values).all() or (np.diff(values) < 0).any():
            raise ValueError("values are missing, or are not ascending numbers")
        self._next += length
        return SampleDistribution(values, counts)


def _stored_run(pieces: _Pieces, facts: Mapping[str, Any]) -> RunDistributions:
    populations = {
        name: {key: pieces.take(int(length)) for key, length in of.items() if key in STATISTICS}
        for name, of in facts["populations"].items()
    }
    conventions = facts["conventions"]
    return RunDistributions(populations, None if conventions is None else Conventions(**conventions))


def _read_lists(folder: Path) -> list[RunDistributions]:
    """The runs in a folder of JSON files, one for each statistic."""
    found: dict[str, dict[str, dict[str, SampleDistribution]]] = {}
    for key, name in _LISTS.items():
        path = folder / name
        try:
            for seed, populations in json.loads(read_text(path)).items():
                for population, values in populations.items():
                    sample = [math.nan if value is None else float(value) for value in values]
                    found.setdefault(seed, {}).setdefault(population, {})[key] = SampleDistribution.of(sample)
        except FileNotFoundError:
            raise DataError(str(folder), f"has no {name}", "a folder with " + ", ".join(_LISTS.values())) from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise DataError(str(path), f"cannot be read ({error})", "a JSON file {seed: {population: [values]}}") from None
    if not found:
        raise DataError(str(folder), "holds no runs", "JSON files {seed: {population: [values]}}")
    return [RunDistributions(populations) for populations in found.values()]
