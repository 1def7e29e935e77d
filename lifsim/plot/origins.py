"""The provenance of a figure: which runs it shows, and how it was drawn.

Plot functions note it, `save` writes it into the metadata of the file as JSON, and `provenance` reads it back:

- PNG: the text chunk ``lifsim`` (and ``Description``, ``Software``);
- PDF: ``Keywords`` of the document information (and ``Subject``, ``Creator``);
- SVG: ``dc:source`` of the metadata (and ``dc:description``, ``dc:creator``).

No time is written, so that the same figure is the same file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from matplotlib.figure import Figure

from lifsim.common.command import command_line, without_folders
from lifsim.common.errors import DataError
from lifsim.common.jsonable import plain
from lifsim.common.version import __version__
from lifsim.files.outputs import expanded
from lifsim.network.network import Network
from lifsim.results.result import Result

KINDS = ("png", "pdf", "svg")
_LONGEST_MODEL = 200_000  # characters of a model text with its parameters; a longer one is left out
_ATTRIBUTE = "_lifsim_provenance"
_KEPT = ("name", "seed", "t_start", "duration", "content_sha256", "network_sha256", "settings", "versions", "command")
_DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
_noted: ContextVar[list[dict[str, Any]] | None] = ContextVar("noted", default=None)


@contextmanager
def gathering() -> Iterator[list[dict[str, Any]] | None]:
    """Gather the sources that a plot function notes; None inside of another such function, which gathers them already."""
    if _noted.get() is not None:
        yield None
        return
    sources: list[dict[str, Any]] = []
    token = _noted.set(sources)
    try:
        yield sources
    finally:
        _noted.reset(token)


def note(shown: Result | Network) -> None:
    """Note that the figure that is being drawn shows a result, or a network."""
    sources = _noted.get()
    if sources is None:
        return
    source = _of_result(shown) if isinstance(shown, Result) else _of_network(shown)
    if source not in sources:
        sources.append(source)


def _of_result(result: Result) -> dict[str, Any]:
    info = result.info
    source = {"kind": "run", "file": _place(result.path), **{key: plain(info[key]) for key in _KEPT if info.get(key) not in (None, "", {})}}
    if "command" in source:
        source["command"] = without_folders(source["command"])
    if info.get("changes"):
        source["changes"] = len(info["changes"])
    return source | _model(str(info.get("model_text") or ""), info.get("parameters"))


def _of_network(net: Network) -> dict[str, Any]:
    return {"kind": "model", "name": net.name, "seed": net.seed, **_model(net.text, net.parameters)}


def _model(text: str, parameters: Any) -> dict[str, Any]:
    """The model file and its parameters, unless they are very long."""
    model = {"model_text": text, "parameters": plain(parameters or {})}
    return model if text and len(json.dumps(model)) <= _LONGEST_MODEL else {}


def _place(path: Path | None) -> str:
    """The path of a result: relative to the current folder if it is below it, else its name, so that no folders are told."""
    if path is None:
        return ""
    full = Path(path).absolute()
    return full.relative_to(Path.cwd()).as_posix() if full.is_relative_to(Path.cwd()) else full.name


def keep(figure: Figure, sources: list[dict[str, Any]], function: str, shown: Any, options: Mapping[str, Any]) -> None:
    """Keep with a figure what it shows, and the call that drew it, of `shown`; a figure that had something before has no such call."""
    earlier = getattr(figure, _ATTRIBUTE, {"sources": []})["sources"]
    given = {name: value for name, value in options.items() if value is not None}
    names = list(shown) if isinstance(shown, Mapping) else []
    call: dict[str, Any] = {"function": function, "options": plain(given)}
    if len(names) > 1:
        call["names"] = names
    alone = not earlier and "ax" not in given and _storable([*given.values(), *names]) and len(sources) == max(len(names), 1)
    every = [*earlier, *(each for each in sources if each not in earlier)]
    setattr(figure, _ATTRIBUTE, {"sources": every, "drawing": call if alone else None})


def _storable(value: Any) -> bool:
    """Whether JSON can hold a value from which the same figure can be drawn."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _storable(entry) for key, entry in value.items())
    if isinstance(value, (list, tuple, np.ndarray)):
        return all(map(_storable, value))
    if isinstance(value, np.generic):
        value = value.item()
    return value is None or isinstance(value, (bool, int, str)) or (isinstance(value, float) and math.isfinite(value))


def of_figure(figure: Figure) -> dict[str, Any]:
    """The provenance of a figure: lifsim's and matplotlib's version, command, sources and drawing."""
    kept = getattr(figure, _ATTRIBUTE, {"sources": [], "drawing": None})
    return {"lifsim": __version__, "matplotlib": matplotlib_version(), "command": command_line(), **kept}


@cache
def matplotlib_version() -> str:
    """The version of matplotlib, which decides the pixels."""
    return version("matplotlib")


def metadata(about: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The provenance `about` a figure in the form that matplotlib writes to a file of a kind."""
    text, said, program = json.dumps(about, sort_keys=True), _in_words(about), f"lifsim {about['lifsim']}"
    if kind == "png":
        return {"Software": program, "Description": said, "lifsim": text}
    if kind == "pdf":
        return {"Creator": program, "Subject": said, "Keywords": text, "CreationDate": None}
    return {"Creator": [program], "Description": said, "Source": text, "Date": None}


def _in_words(about: Mapping[str, Any]) -> str:
    """What people read in the properties of a file."""
    parts = [f"lifsim {about['lifsim']}"]
    for source in about["sources"]:
        digest = f", content SHA-256 {source['content_sha256']}" if source.get("content_sha256") else ""
        parts.append(f"{source['kind']} {source.get('name', '')}, seed {source.get('seed', 'unknown')}{digest}")
    parts += [f"command: {about['command']}"] if about["command"] else []
    return "; ".join(parts).encode("ascii", "backslashreplace").decode()


def provenance(path: str | Path) -> dict[str, Any]:
    """Read the provenance that `save` has written into a figure.

    Parameters
    ----------
    path : the PNG, PDF or SVG file.

    Returns
    -------
    A dictionary: "lifsim" and "matplotlib" (versions), "command" (the command line), "sources": for each run that the figure shows, its
    "file", "content_sha256", "seed", "duration", "settings", "versions", "parameters" and "model_text" as in `Result.info`, as far as
    they are known ("kind" is "run", or "model" for figures of networks); "drawing": "function" and "options" of the call of `lifsim.plot`
    that drew it (and the "names" that it gave to several runs), or None if there was more than one call.

    Raises
    ------
    DataError : the file is missing, of another kind, damaged, or has no provenance.
    """
    path = expanded(path, "figure", DataError)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in KINDS:
        raise DataError(str(path), f"has the ending {path.suffix!r}", "a figure: .png, .pdf or .svg")
    try:
        text = {"png": _in_png, "pdf": _in_pdf, "svg": _in_svg}[kind](path)
    except (OSError, SyntaxError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DataError(str(path), f"cannot be read ({reason})", f"a {kind.upper()} file") from None
    try:
        about = json.loads(text)
        if not isinstance(about["sources"], list) or not isinstance(about["lifsim"], str):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        why = "has no provenance: lifsim.plot.save did not write it, or another program changed it"
        raise DataError(str(path), why, "a figure of lifsim") from None
    return about


def _in_png(path: Path) -> str:
    from PIL import Image

    with Image.open(path, formats=("PNG",)) as image:
        image.load()  # metadata may be behind the pixels
        return str(image.text.get("lifsim", ""))  # type: ignore[attr-defined]


def _in_pdf(path: Path) -> str:
    """The entry ``Keywords``, a literal string in the uncompressed document information that matplotlib writes."""
    data = path.read_bytes()
    if not data.startswith(b"%PDF-"):
        raise ValueError("it is no PDF")
    found = re.search(rb"/Keywords\s*\(((?:[^\\()]|\\.)*)\)", data, re.DOTALL)
    return re.sub(rb"\\(.)", lambda m: {b"n": b"\n", b"r": b"\r"}.get(m[1], m[1]), found[1]).decode("latin-1") if found else ""


def _in_svg(path: Path) -> str:
    found = ElementTree.parse(path).find(f".//{_DUBLIN_CORE}source")
    return "" if found is None else found.text or ""
