"""Which one of several projections between two populations is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lifsim.common.errors import ModelError, did_you_mean
from lifsim.common.printable import shown
from lifsim.network.population import View
from lifsim.network.projection import Projection

Choice: TypeAlias = "str | int | Projection | None"


def between(projections: Sequence[Projection], source: View, target: View) -> list[int]:
    """The numbers in `projections` of those between the populations of two views."""
    ends = source.population, target.population
    return [i for i, p in enumerate(projections) if (p.source.population, p.target.population) == ends]


def chosen(place: str, projections: Sequence[Projection], source: View, target: View, given: Choice) -> int:
    """The number in `projections` of the projection between two populations that `given` denotes.

    Parameters
    ----------
    place : for messages. projections : of the network. source, target : of the projection, or parts of these populations.
    given : the name of a projection, its number in the network, or the `Projection`; None if there is a single one.

    Raises
    ------
    ModelError : there is none, `given` denotes none, or there are several and `given` is None.
    """
    found = between(projections, source, target)
    names = [projections[i].name for i in found]
    if not found:
        raise ModelError(place, f"there are no synapses from {source.name} to {target.name}", "connect them first")
    if given is None and len(found) == 1:
        return found[0]
    if isinstance(given, Projection) and any(given is projections[i] for i in found):
        return number_of(projections, given)
    if isinstance(given, str) and given and given in names:
        return found[names.index(given)]
    if isinstance(given, (int, np.integer)) and not isinstance(given, bool) and int(given) in found:
        return int(given)
    known = ", ".join(f"{name!r}" if name else f"{i}" for i, name in zip(found, names, strict=True))
    got = f"{len(found)} projections, and none is named" if given is None else f"there is no projection {shown(given)}"
    hint = did_you_mean(given, [name for name in names if name]) if isinstance(given, str) else ""
    raise ModelError(place, got, hint or f"projection=, one of: {known} (name, or number in the network)")


def label_of(projections: Sequence[Projection], one: Projection | None) -> str:
    """What a projection is called beside others: its name, or else its number; "" for None."""
    return "" if one is None else one.name or str(number_of(projections, one))


def number_of(projections: Sequence[Projection], one: Projection) -> int:
    """The number of a projection in `projections`, of which it is one."""
    return next(i for i, p in enumerate(projections) if p is one)
