"""Reads model files: TOML to `Network`. (`lifsim.modelfile.writer` writes them.)

In a model file, a string that starts with ``=`` is an expression in which the names of the table ``[parameters]`` may occur. All
problems are collected and reported at once, each with its place in the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.common.errors import ModelError, Problem, few_hints
from lifsim.common.text import brief, shortened, storable
from lifsim.modelfile import toml
from lifsim.modelfile.assembler import Assembler
from lifsim.modelfile.overrides import put_overrides
from lifsim.modelfile.shipped import find
from lifsim.modelfile.toml_writing import dumps
from lifsim.network.network import Network

if TYPE_CHECKING:
    from lifsim.weights.store import WeightStore

_LONGEST_PLACE = 200


def load(model: str | Path, /, *, overrides: Mapping[str, Any] | None = None, **parameters: Any) -> Network:
    """Read a network from a model file.

    Parameters
    ----------
    model : path of a model file, or name of a shipped model (``"brunel"``).
    overrides : values that replace others in the file, each with its path: ``{"run.dt": "0.05", "populations.exc.n": 100}``.
        A string that is a valid TOML value is read as such. Default: none.
    **parameters : values that replace those in the table ``[parameters]`` of the file.

    Raises
    ------
    ModelError : lists every problem found, each with its place in the file.
    DataError : the file does not exist or cannot be read.

    Examples
    --------
    >>> net = load("brunel", g=4.5, eta=0.9)
    """
    path = find(model)
    return loads(toml.read_text(path), place=str(path), folder=path.parent, overrides=overrides, **parameters)


def loads(
    text: str,
    /,
    *,
    place: str = "model",
    folder: str | Path | None = None,
    stores: Mapping[str, WeightStore] | None = None,
    overrides: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> Network:
    """Read a network from the text of a model file. ``loads(net.text, **net.parameters)`` restores the network `net`.

    Parameters
    ----------
    text : the text. place : name of the file in error messages. folder : folder of the files that the text refers to; default: none.
    stores : open weight stores by the file name in the text; other stores are opened in `folder`.
    overrides, **parameters : as in `load`.

    Raises
    ------
    ModelError : lists every problem found, each with its place in the file.
    """
    document = toml.parsed(text, place)
    problems, settings = put_overrides(document, overrides or {})
    settings |= parameters
    beyond = [*toml.beyond_limits(settings, "parameters"), *toml.beyond_limits(overrides or {})]
    if beyond:
        raise ModelError.of(beyond)
    own = _own_words({**(overrides or {}), **settings})
    with few_hints():
        network, found = Assembler(document, settings, Path(folder) if folder else None, stores or {}, own).build()
    problems += found
    if problems:
        raise ModelError.of(Problem(shortened(p.where, _LONGEST_PLACE), brief(p.got), brief(p.allowed)) for p in problems)
    network.name = network.name or storable(Path(place).stem)
    network.text = text if all(path.startswith("parameters.") for path in overrides or {}) else dumps(document)
    return network


def load_with_settings(model: str | Path, settings: Iterable[str]) -> Network:
    """As `load`, with settings in the form of the command line: ``g=4.5`` (a parameter) or ``run.dt=0.05`` (a path)."""
    parameters, overrides = split_settings(settings)
    return load(model, overrides=overrides, **parameters)


def split_settings(settings: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings in the form of the command line as the arguments `parameters` and `overrides` of `load` (ModelError if one is wrong)."""
    parameters: dict[str, Any] = {}
    overrides: dict[str, Any] = {}
    problems = []
    for setting in settings:
        name, equals, raw = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            problems.append(Problem("--set", shortened(repr(setting)), "name=value, for example g=4.5 or run.dt=0.05"))
        elif "." in name or "[" in name:
            overrides[name] = raw
        else:
            parameters[name] = toml.value(raw)
    if problems:
        raise ModelError.of(problems)
    return parameters, overrides


def _own_words(values: Any) -> set[str]:
    """All strings in the settings `values` that a user gave."""
    if isinstance(values, (str, Path)):
        read = toml.value(str(values))
        return {str(values)} | ({read} if isinstance(read, str) else _own_words(read))
    if isinstance(values, (Mapping, list, tuple)):
        held = values.values() if isinstance(values, Mapping) else values
        return set() if set(map(type, held)) <= {int, float} else set().union(*map(_own_words, held))
    return set()
