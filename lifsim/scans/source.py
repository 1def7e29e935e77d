"""Where the networks of a scan come from: a model file, or a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from lifsim.checkpoint.network_archive import NetworkImage
from lifsim.common.errors import LifsimError, ModelError
from lifsim.common.printable import shown
from lifsim.modelfile import toml
from lifsim.modelfile.reader import loads
from lifsim.modelfile.shipped import find
from lifsim.network.network import Network


class Source(Protocol):
    """Makes the network of a point."""

    def network(self, values: Mapping[str, Any]) -> Network:
        """The network with these values of the scanned parameters (ModelError if they are not allowed)."""


@dataclass(frozen=True)
class ModelSource:
    """A model file: its text, the file's name and folder, and what replaces its values at all points.

    Parameters
    ----------
    text, place, folder : as of `lifsim.modelfile.loads`. parameters : of the table ``[parameters]``. overrides : others, by path.
    """

    text: str
    place: str
    folder: str | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def network(self, values: Mapping[str, Any]) -> Network:
        """See `Source.network`."""
        paths = {name: x for name, x in values.items() if is_path(name)}
        parameters = {name: x for name, x in values.items() if name not in paths}
        return loads(
            self.text,
            place=self.place,
            folder=self.folder,
            overrides={**self.overrides, **paths},
            **{**self.parameters, **parameters},
        )


@dataclass(frozen=True)
class FunctionSource:
    """A function that takes the scanned parameters as keywords and returns a network."""

    make: Callable[..., Network]

    def network(self, values: Mapping[str, Any]) -> Network:
        """See `Source.network`; LifsimError if the function returns something else."""
        net = self.make(**values)
        if not isinstance(net, Network):
            raise LifsimError("net", f"the function returned {shown(net)}", "a function that returns a lifsim.Network")
        return net


def is_path(name: str) -> bool:
    """Whether `name` is a path in the model, such as "run.dt", and not a declared parameter."""
    return "." in name or "[" in name


def model_source(model: str | Path, parameters: Mapping[str, Any], overrides: Mapping[str, Any]) -> ModelSource:
    """The source of a model file, or of a shipped model (DataError if there is none)."""
    path = find(model)
    return ModelSource(toml.read_text(path), str(path), str(path.parent.absolute()), parameters, overrides)


def network_source(net: Network, folder: Path) -> ModelSource:
    """The source of a network made in Python: its model file if that describes it fully, else one that is written to `folder`.

    Raises
    ------
    ModelError : no model file can describe the network.
    """
    if net.text:
        own = ModelSource(net.text, net.name, None, net.parameters)
        try:
            if NetworkImage(own.network({})).sha256() == NetworkImage(net).sha256():
                return own
        except LifsimError:  # the text refers to files, or was changed since
            pass
    path = folder / "model.toml"
    try:
        net.save(path)
    except ModelError as error:
        raise ModelError("net", f"cannot be written to a model file ({error})", "a function that returns the network") from None
    return ModelSource(toml.read_text(path), net.name, str(folder.absolute()))
