"""The network that a result stores as the text of its model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifsim.common.errors import DataError
from lifsim.modelfile.reader import loads
from lifsim.network.network import Network
from lifsim.results.result import Result


def stored_network(result: Result, folder: str | Path | None = None) -> Network:
    """The network of a run, with its seed and duration; parameters and errors as of `network_of_text`."""
    net = network_of_text(result.info, str(result.path or "result"), folder)
    net.name, net.seed, net.duration = result.name, max(result.seed, 0), result.duration or None
    return net


def network_of_text(info: Mapping[str, Any], place: str, folder: str | Path | None = None) -> Network:
    """The network that the model text in the metadata of a run describes.

    Parameters
    ----------
    info : the metadata, with "model_text" and "parameters". place : their file, for messages.
    folder : folder of the files that the text refers to; default: none.

    Raises
    ------
    DataError : there is no model text: the data are from another tool, or the network was built in Python. ModelError : the text cannot
        be read, such as one that refers to files and is given no `folder`.
    """
    text = str(info.get("model_text") or "")
    if not text:
        why = "holds no model text: it is from another tool, or the network was built in Python"
        raise DataError(place, why, "the result of a model file (lifsim run), or of a network that was read from one")
    given = {f"parameters.{name}": value for name, value in (info.get("parameters") or {}).items()}
    return loads(text, overrides=given, folder=folder)
