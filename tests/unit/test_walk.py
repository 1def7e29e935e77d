"""The way of a network through the code, from `lifsim run` to the result: data flow downwards, with few returns.

A network (or a part of it: a population, a view, a projection, a recording) is passed on from function to function. Each function is
noted when it gets one for the first time. The way climbs where the next function lies in a package on a higher storey of the table of
imports than the one before. `python tests/unit/test_walk.py [MODEL]` prints the way.
"""

from __future__ import annotations

import inspect
import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from itertools import pairwise
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple

import pytest
from test_architecture import ALLOWED, ROOT, storey

from lifsim.cli.main import main
from lifsim.network import Network, Population, Projection, Recording, View

PARTS = (Network, Population, View, Projection, Recording)


class Stay(NamedTuple):
    """A function that got the network, and the package that it is in."""

    package: str
    function: str


def way_of(*words: str) -> list[Stay]:
    """The functions that the network is passed on to while a command runs, in the order in which they first get it."""
    stays: dict[CodeType, Stay] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code in stays or not code.co_filename.startswith(f"{ROOT}{os.sep}"):
            return
        arguments = inspect.getargvalues(frame)
        given = [arguments.locals.get(name) for name in arguments.args]
        given += [x for x in given if isinstance(x, (list, tuple)) for x in x[:1]]
        if any(isinstance(x, PARTS) for x in given):
            inner = Path(code.co_filename).relative_to(ROOT)
            stays[code] = Stay(inner.parts[0].removesuffix(".py"), f"{inner.with_suffix('').as_posix()}: {code.co_qualname}")

    sys.setprofile(note)
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            main.main([*words], standalone_mode=False)
    except SystemExit as ended:
        assert not ended.code
    finally:
        sys.setprofile(None)
    return list(stays.values())


def climbs(way: list[Stay]) -> int:
    """How often the next stay is in a package on a higher storey."""
    floors = [storey(stay.package) for stay in way]
    return sum(after > before for before, after in pairwise(floors))


@pytest.mark.parametrize("model", ["single_neuron", "brunel"])
def test_the_network_flows_downwards(model, tmp_path):
    way = way_of("run", model, "--duration", "1", "-o", str(tmp_path / "x.h5"))
    assert {"modelfile", "network", "building", "simulation"} <= {stay.package for stay in way}
    assert climbs(way) <= 12


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        found = way_of("run", *(sys.argv[1:] or ["brunel"]), "--duration", "1", "-o", f"{folder}/x.h5")
    last = 0
    for stay in found:
        floor = storey(stay.package)
        print(f"{'up  ' if last and floor > last else '    '}{floor:2} {'  ' * floor}{stay.function}")
        last = floor
    print(f"{climbs(found)} climbs, {len(found)} functions, storeys of {', '.join(f'{name} {storey(name)}' for name in ALLOWED)}")
