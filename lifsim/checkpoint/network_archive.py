"""Saves a network as a single file, the network image, for checkpoints, and reads it back.

The image is an uncompressed zip archive: the model file that `Network.save` writes, the stores of matrices and lists that belong to it,
and ``network.json``. Spike and waveform files that the network reads are not included: the image contains their paths and SHA-256.
"""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, ModelError, OutputError, Problem
from lifsim.common.jsonable import plain
from lifsim.common.text import shortened
from lifsim.files import disk
from lifsim.files.untrusted import reading
from lifsim.modelfile.writer import document, save
from lifsim.network.network import Network

_MODEL, _ABOUT = "network.toml", "network.json"
_MEMBERS = (_MODEL, "network.weights.h5", "network.synapses.h5", _ABOUT)
_FILES = ("spike_file", "waveform_file")  # parameters that name a file


SMALL = 64 << 20  # images below this size in bytes are kept in memory


class NetworkImage:
    """The image of a network, for the log and all checkpoints of a run; a small image is made only once."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self._raw: bytes | None = None

    @cached_property
    def _files(self) -> list[dict[str, str]]:
        """The descriptions of the files that the network reads (DataError if one is missing)."""
        return _described_all(self.net)

    def write_to(self, path: Path) -> None:
        """Write the image to `path`.

        Raises
        ------
        ModelError : a model file cannot describe the network. DataError : a file that the network reads is missing.
        """
        if self._raw is not None:
            path.write_bytes(self._raw)
            return
        write(self.net, path, self._files)
        if path.stat().st_size < SMALL:
            self._raw = path.read_bytes()

    def sha256(self) -> str:
        """A digest of everything that determines the behaviour of the network, independent of names and paths."""
        files = [{key: x for key, x in entry.items() if key != "path"} for entry in self._files]
        text = json.dumps([_tables(self.net), files], sort_keys=True, default=_hashable)
        return hashlib.sha256(text.encode()).hexdigest()


def _hashable(x: Any) -> Any:
    """The representation in a digest of a value that JSON does not support."""
    if isinstance(x, np.generic):
        return x.item()
    if isinstance(x, np.ndarray):
        return [x.dtype.str, x.shape, hashlib.sha256(np.ascontiguousarray(x).tobytes()).hexdigest()]
    return repr(x)


def write(net: Network, path: Path, files: list[dict[str, str]] | None = None) -> None:
    """Write the image of `net` to `path`; `files` describes the files that it reads, if this is known already."""
    inert = copy.copy(net)
    inert.populations = {name: replace(p, params={k: _nearby(k, v) for k, v in p.params.items()}) for name, p in net.populations.items()}
    about = {"text": net.text, "parameters": _plain(net.parameters), "files": _described_all(net) if files is None else files}
    with disk.scratch(path) as folder, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        save(inert, folder / _MODEL, lasting=False)
        (folder / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
        for member in sorted(folder.iterdir()):
            with archive.open(zipfile.ZipInfo(member.name), "w", force_zip64=True) as out, member.open("rb") as file:
                shutil.copyfileobj(file, out)


def read(path: Path, place: str, beside: Path) -> Network:
    """Read the network from the image at `path`, which is part of the file `place`; input files are also looked for in `beside`.

    Raises
    ------
    DataError : the file is no image, or a file that the network reads is missing or has changed.
    """
    from lifsim.modelfile.reader import load

    with disk.scratch(path) as folder:
        try:
            with zipfile.ZipFile(path) as archive:
                for member in archive.infolist():
                    if member.filename not in _MEMBERS or member.compress_type != zipfile.ZIP_STORED:
                        raise DataError(
                            place,
                            f"holds {member.filename!r} in its network image",
                            f"uncompressed entries, each one of: {', '.join(_MEMBERS)}",
                        )
                    archive.extract(member, folder)
            about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
            text, parameters, files = str(about["text"]), dict(about["parameters"]), list(about["files"])
        except (OSError, zipfile.BadZipFile, ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(place, f"holds a network that cannot be read ({error})") from None
        net = load(folder / _MODEL)
    net.text, net.parameters = text, parameters
    for entry in files:
        try:
            population, parameter = net.populations[entry["population"]], _FILES[_FILES.index(entry["parameter"])]
            population.params[parameter] = _found(entry, place, beside)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(place, f"holds a network with an invalid list of input files ({error})") from None
    return net


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return dict(plain(parameters))


# -- files that a network reads --------------------------------------------------------------------


def _inputs(net: Network) -> Iterator[tuple[str, str, str]]:
    """Population, parameter and value (a file reference) of each parameter of `net` that names a file."""
    for name, p in net.populations.items():
        yield from ((name, key, p.params[key]) for key in _FILES if p.params.get(key))


def _split(reference: str) -> tuple[Path, str]:
    """The file of a reference such as ``x.h5:dataset``, and the rest, ``:dataset``."""
    path, colon, name = reference.rpartition(":") if ".h5:" in reference else (reference, "", "")
    return Path(path), colon + name


def _nearby(parameter: str, value: Any) -> Any:
    """The value of a parameter; for the name of a file, the name without its folder."""
    if parameter not in _FILES or not value:
        return value
    path, rest = _split(value)
    return f"{path.name}{rest}"


def _described_all(net: Network) -> list[dict[str, str]]:
    return [_described(*entry) for entry in _inputs(net)]


def _described(population: str, parameter: str, reference: str) -> dict[str, str]:
    path, rest = _split(reference)
    entry = {"population": population, "parameter": parameter, "path": str(path.absolute()), "rest": rest}
    return {**entry, "sha256": _sha256(path, f"populations.{population}.{parameter}")}


def _sha256(path: Path, place: str) -> str:
    try:
        with reading(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(place, f"{path} cannot be read ({error.strerror})") from None


def _found(entry: Mapping[str, Any], place: str, beside: Path) -> str:
    """The reference to an unchanged input file, at its old place or in the folder `beside`."""
    path = Path(str(entry["path"]))
    known = f"populations.{entry['population']}.{entry['parameter']}"
    candidates = [p for p in (path, beside / path.name) if p.is_file()]
    if not candidates:
        raise DataError(known, f"{path} does not exist", f"restore the file with which {place} was made, or put it into {beside}")
    for candidate in candidates:
        if _sha256(candidate, known) == entry["sha256"]:
            return f"{candidate}{entry['rest']}"
    raise DataError(known, f"{candidates[0]} is not the file with which {place} was made", f"a file with SHA-256 {entry['sha256']}")


def check_not_an_input(out: Path, net: Network) -> None:
    """Check that `out` is not a file that the network reads (OutputError)."""
    if not out.exists():
        return
    read = [(f"populations.{name}.{key}", _split(reference)[0]) for name, key, reference in _inputs(net)]
    read += [(f"projections[{k}].file", _split(p.params["file"])[0]) for k, p in enumerate(net.projections) if "file" in p.params]
    read += [("the model", Path(path)) for path in net.read_files]
    for place, path in read:
        if path.exists() and path.samefile(out):
            raise OutputError(str(out), f"is an input file of the network ({place})", "choose another name for the results")


# -- comparison ------------------------------------------------------------------------------------


def differences(one: Network, other: Network) -> list[Problem]:
    """The first five differences between two networks that should be the same, as places in the model file."""
    found: list[Problem] = []
    _compare("", _tables(one), _tables(other), found)
    return found[:5]


def _tables(net: Network) -> dict[str, Any]:
    """The tables of the model file of `net`, without names, descriptions and paths, and with explicit synapses in full."""
    tables = {key: x for key, x in document(net).items() if key not in ("name", "description", "reference", "run")}
    for table, p in zip(tables["projections"], net.projections, strict=True):
        if table.pop("matrix", None) or table.pop("file", None):
            rows = p.params["given"].by_target()
            table |= {"ptr": rows.ptr, "sources": rows.sources, "weight": rows.sorted(p.weight), "delay": rows.sorted(p.delay)}
    for table in tables["populations"].values():
        table["params"] = {key: _nearby(key, x) for key, x in table.get("params", {}).items()}
    return {"run.dt": net.dt, **tables}


def _compare(place: str, a: Any, b: Any, found: list[Problem]) -> None:
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            _compare(f"{place}.{key}" if place else str(key), a.get(key), b.get(key), found)
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            _compare(f"{place}[{i}]", x, y, found)
    elif not _same(a, b):
        found.append(Problem(place, f"{_short(b)}", f"{_short(a)} in the checkpoint"))


def _same(a: Any, b: Any) -> bool:
    return bool(np.array_equal(a, b)) if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) else type(a) is type(b) and bool(a == b)


def _short(x: Any) -> str:
    return "not there" if x is None else shortened(str(x))


def refuse_another(one: Network, other: Network, place: str) -> None:
    """Check that `other` is the network `one` of the checkpoint at `place` (ModelError with the differences)."""
    problems = differences(one, other)
    if problems:
        raise ModelError.of([Problem(place, "was saved from a different network", "the same network"), *problems])
