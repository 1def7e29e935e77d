"""A run that is to be reproduced: what a result, or the provenance of a figure, says about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.common.errors import DataError, ModelError
from lifsim.description.stored import network_of_text
from lifsim.network.network import Network
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result

BITS = ("lifsim", "numpy", "numba", "llvmlite")  # packages whose version decides the bits of a run


@dataclass(frozen=True)
class FormerRun:
    """A run of which the metadata are known, and the data if the file of results is there.

    Parameters
    ----------
    place : the file of results, or the figure. info : metadata, with the keys of `Result.info`. result : the data, if they are there.
    """

    place: str
    info: Mapping[str, Any]
    result: Result | None

    @classmethod
    def of_result(cls, path: Path) -> FormerRun:
        """The run whose results are in a file, every byte of which is verified (DataError if it was damaged or changed)."""
        result = open_result(path)
        if "settings" not in result.info:
            raise DataError(str(path), "is not from lifsim", "the file of a run of lifsim")
        if not result.complete or result.path is None or result.path.suffix == ".log":
            raise DataError(str(path), "is not complete", f"a finished run; go on with: lifsim resume {path}")
        result.verify()
        return cls(str(path), result.info, result)

    @classmethod
    def of_source(cls, figure: Path, source: Mapping[str, Any]) -> FormerRun:
        """The run that a figure shows. Its data are there if its file is where it was, or beside the figure, and holds what it held."""
        info = {**source, "t_stop": float(source.get("t_start", 0.0)) + float(source.get("duration", 0.0))}
        return cls(str(figure), info, _found(figure, source))

    @property
    def name(self) -> str:
        """The name of the model."""
        return str(self.info.get("name") or "network")

    @property
    def digest(self) -> str:
        """The SHA-256 of all recorded data; "" for a run in memory."""
        return str(self.info.get("content_sha256") or "")

    @property
    def options(self) -> dict[str, Any]:
        """The options of the run that decide its bits."""
        settings = self.info.get("settings") or {}
        return {"seed": int(self.info["seed"]), **{key: settings.get(key) for key in ("precision", "weights", "method")}}

    def network(self, folder: Path | None) -> Network:
        """The network of the run (DataError, ModelError: it cannot be had; says why)."""
        changes = self.info.get("changes")
        if changes:
            number = changes if isinstance(changes, int) else len(changes)
            got = f"a program changed {number} variable(s) during the run, which the file does not hold"
            raise DataError(self.place, got, "a run without changes; run the program again")
        net = network_of_text(self.info, self.place, folder)
        known = self.info.get("network_sha256")
        if known and NetworkImage(net).sha256() != known:
            got = "the model text does not describe the network of the run: the network was changed in Python after it was read, "
            raise ModelError(self.place, got + "a file that it reads is another one, or another version of lifsim reads it differently")
        return net

    def other_versions(self, here: Mapping[str, str]) -> Iterator[str]:
        """The packages whose versions differ from those `here`, in words."""
        for name in BITS:
            there = (self.info.get("versions") or {}).get(name)
            if there and there != here.get(name):
                yield f"{name} {there}, here {here.get(name)}"


def _found(figure: Path, source: Mapping[str, Any]) -> Result | None:
    name, digest = str(source.get("file") or ""), source.get("content_sha256")
    for path in (Path(name), figure.parent / Path(name).name) if name and digest else ():
        if path.is_file():
            try:
                result = open_result(path)
            except DataError:
                continue
            if result.info.get("content_sha256") == digest:
                return result
    return None
