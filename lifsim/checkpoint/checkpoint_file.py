"""The checkpoint file, which holds everything needed to continue a run with bit-identical results.

A checkpoint is an HDF5 file with a checksum of the whole file (`lifsim.files.seal`). It contains ``about``, the metadata (JSON);
``network``, an archive of the network (`lifsim.checkpoint.network_archive`); ``arrays/<k>``, the state, ordered by neuron number and so
independent of the number of threads; and ``chunks/<k>``, the data recorded so far, if they were kept in memory. Data recorded to a file
are in the log of that file. A checkpoint contains every plastic weight, but no synapses that can be drawn again from the seed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO

import h5py
import numpy as np

from lifsim.checkpoint import network_archive
from lifsim.common.errors import DataError
from lifsim.common.jsonable import plain
from lifsim.common.printable import shown
from lifsim.common.timegrid import LONGEST_DELAY
from lifsim.files import disk, seal, unfailing
from lifsim.files.hdf5_reading import dataset, readable
from lifsim.network.network import Network

FORMAT = 2  # networks in files of format 1 may have been interpreted differently: `lifsim.checkpoint.compatibility`
STATE, COLLECTED, STIMULI, WEIGHTS = "state:", "collected:", "stimuli:", "weights:"  # prefixes of the names of arrays


@dataclass(frozen=True, kw_only=True)
class About:
    """The metadata of a checkpoint.

    step : number of steps that were simulated. until : last step of the run, None if unknown.
    seed, dt : seed and time step (ms) of the network. settings : precision, weights, method and threads.
    run : the name of the run, also stored in its log. out : the results file, None if results are kept in memory.
    every, wall : interval between checkpoints in biological time (ms) and in wall time (s).
    changes : number of calls of `Simulation.set`. changed : the values that these calls set (`lifsim.simulation.changes`).
    redrawn : the seed of everything but the synapses, None unless `Simulation.reset` changed it.
    looked : the steps in which `Simulation.spikes` and `Simulation.samples` were last called, by name of the method.
    timings : seconds spent on each part of the work. versions : those of lifsim and its dependencies.
    arrays : names of the arrays in the file. chunks : number of chunks of recorded data in the file. format : version of the file format.
    """

    step: int
    seed: int
    dt: float
    run: str
    settings: dict[str, Any]
    until: int | None = None
    out: str | None = None
    every: float | None = None
    wall: float | None = None
    changes: int = 0
    changed: list[dict[str, Any]] = field(default_factory=list)
    redrawn: int | None = None
    looked: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    arrays: list[str] = field(default_factory=list)
    chunks: int = 0
    format: int = FORMAT


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint in memory: its metadata `about`, the arrays by name, and recorded chunks as bytes."""

    path: Path
    about: About
    arrays: dict[str, np.ndarray]
    chunks: list[bytes]

    def part(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays whose names begin with `prefix`, by name without the prefix."""
        return {key.removeprefix(prefix): x for key, x in self.arrays.items() if key.startswith(prefix)}

    def network(self) -> Network:
        """The network that was simulated (DataError if a file that it reads is missing or has changed)."""
        with disk.scratch(self.path) as folder:
            image = folder / "image"
            with image.open("wb") as out:
                self.copy_image(out)
            net = network_archive.read(image, str(self.path), self.path.absolute().parent)
        if net.dt != self.about.dt:
            raise DataError(
                str(self.path), f"has dt = {self.about.dt:g} ms, but its network has dt = {net.dt:g} ms", "a checkpoint as lifsim writes it"
            )
        return net

    def copy_image(self, out: BinaryIO) -> None:
        """Write the image of the network (`lifsim.checkpoint.network_archive`) to an open file."""
        with h5py.File(self.path, "r") as file:
            data = dataset(file, "network", "u", 1)
            for a in range(0, len(data), 1 << 20):
                out.write(data[a : a + (1 << 20)].tobytes())


_KEPT = "earlier checkpoints are unchanged"


def write(path: Path, about: About, arrays: Mapping[str, Any], chunks: list[bytes], image: Path, previous: Path | None = None) -> int:
    """Write a checkpoint; an existing file at `path` is renamed to `previous` if that is given. Returns the size in bytes.

    Raises
    ------
    RunError : the disk is full or failing; existing files are unchanged.
    """
    said = plain(asdict(about) | {"arrays": list(arrays), "chunks": len(chunks)})
    facts = json.dumps(said | {"out": about.out}).encode()  # `out` is unchanged even if it is not valid text, so that the file can be found
    with disk.replacing(path, _KEPT, previous) as fd:
        below = unfailing.Unfailing(fd)
        with h5py.File(below, "w", libver=("earliest", "v110")) as file:
            file.create_dataset("about", data=np.frombuffer(facts, np.uint8))
            _put_network(file, image)
            for name, values in (("arrays", arrays.values()), ("chunks", (np.frombuffer(x, np.uint8) for x in chunks))):
                group = file.create_group(name)
                for k, x in enumerate(values):
                    _put(group, str(k), x)
        below.check()
        seal.put(fd, [])
        return below.tell()


def _put(group: h5py.Group, name: str, x: Any) -> None:
    """Write a dataset from an array, or from an object that yields an array in pieces along its last axis."""
    if not hasattr(x, "pieces"):
        group.create_dataset(name, data=np.asarray(x, order="C"))
        return
    out, at = group.create_dataset(name, x.shape, x.dtype), 0
    for piece in x.pieces():
        out[..., at : at + piece.shape[-1]] = piece
        at += piece.shape[-1]


def _put_network(file: h5py.File, image: Path) -> None:
    out, at = file.create_dataset("network", (image.stat().st_size,), np.uint8), 0
    with image.open("rb") as parts:
        while part := parts.read(1 << 20):
            out[at : at + len(part)] = np.frombuffer(part, np.uint8)
            at += len(part)


def read(path: Path) -> Checkpoint:
    """Read the checkpoint at `path` and verify its checksum.

    Raises
    ------
    DataError : there is no checkpoint, or it is damaged or of a newer format.
    """
    try:
        if not path.is_file():
            raise DataError(str(path), "does not exist", "a checkpoint, which Simulation.save or lifsim run --checkpoint-every makes")
        if not seal.check(path):
            raise DataError(str(path), "is not a checkpoint, or is incomplete")
        with readable(path), h5py.File(path, "r") as file:
            about = _about(_bytes(file, "about"), str(path))
            arrays = {key: _array(file, f"arrays/{k}") for k, key in enumerate(about.arrays)}
            chunks = [_bytes(file, f"chunks/{k}") for k in range(about.chunks)]
            dataset(file, "network", "u", 1)
    except OSError as error:
        raise DataError(str(path), f"cannot be read ({error.strerror or error})") from None
    return Checkpoint(path, about, arrays, chunks)


def _array(file: h5py.File, name: str) -> np.ndarray:
    data = dataset(file, name, "biuf", None)
    if data.chunks is not None or (data.id.get_storage_size() != data.nbytes):
        raise DataError(f"{file.filename}/{name}", "is not stored contiguously", "a checkpoint as lifsim writes it")
    return np.asarray(data[()])


def _bytes(file: h5py.File, name: str) -> bytes:
    return _array(file, name).astype(np.uint8, copy=False).tobytes()


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda x: type(x) is int and least <= x <= most


def _time(x: Any) -> bool:
    return type(x) in (int, float) and 0 < x < math.inf


def _table(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: isinstance(x, dict) and all(map(kind, x.values()))


def _text(x: Any) -> bool:
    return isinstance(x, str)


def _setting(x: Any) -> bool:
    return x is None or isinstance(x, str) or _whole(1, 1 << 16)(x)


def _or_none(kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda x: x is None or kind(x)


def _change(x: Any) -> bool:
    return isinstance(x, dict) and all(isinstance(x.get(key), str) for key in ("of", "set")) and _whole(1, 2**63)(x.get("number"))


# for each entry of `About`, a function that tells whether a value is valid
_ALLOWED: dict[str, Callable[[Any], bool]] = {
    "step": _whole(0, LONGEST_DELAY),
    "seed": _whole(0, 2**64 - 1),
    "dt": _time,
    "run": _text,
    "settings": _table(_setting),
    "until": _or_none(_whole(0, LONGEST_DELAY)),
    "out": _or_none(_text),
    "every": _or_none(_time),
    "wall": _or_none(_time),
    "changes": _whole(0, 2**63),
    "redrawn": _or_none(_whole(0, 2**64 - 1)),
    "looked": _table(_whole(0, LONGEST_DELAY)),
    "changed": lambda x: isinstance(x, list) and all(map(_change, x)),
    "timings": _table(lambda x: type(x) in (int, float) and 0 <= x < math.inf),
    "versions": _table(_text),
    "arrays": lambda x: isinstance(x, list) and all(map(_text, x)) and len(set(x)) == len(x),
    "chunks": _whole(0, LONGEST_DELAY + 1),
    "format": _whole(1, FORMAT),
}


def _about(text: bytes, path: str) -> About:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        facts = None
    version = facts.get("format") if isinstance(facts, dict) else None
    if type(version) is not int or version > FORMAT:
        raise DataError(
            path, f"has format {shown(version)}", f"this version of lifsim reads format {FORMAT}: update lifsim to read newer formats"
        )
    known = {f.name: facts[f.name] for f in fields(About) if f.name in facts}
    missing = [f.name for f in fields(About) if f.name not in known and f.default is MISSING and f.default_factory is MISSING]
    wrong = [*missing, *(name for name, x in known.items() if not _ALLOWED[name](x))]
    if not wrong:
        about = About(**known)
        wrong += ["until"] if about.until is not None and about.until < about.step else []
        wrong += ["chunks"] if about.chunks > about.step + 1 else []
    if wrong:
        raise DataError(path, f"has invalid metadata ({', '.join(wrong)})", "a checkpoint as lifsim writes it")
    return about


def latest(paths: tuple[Path, ...], usable: Callable[[Checkpoint], str]) -> tuple[Checkpoint | None, list[str]]:
    """The first usable checkpoint among `paths`, and why those before it are not. `usable` returns "" or what is wrong."""
    reasons = []
    for path in paths:
        if not path.exists():
            continue
        try:
            found = read(path)
        except DataError as error:
            reasons.append(str(error))
            continue
        reason = usable(found)
        if not reason:
            return found, reasons
        reasons.append(f"{path}: {reason}")
    return None, reasons
