"""What the process of `ahead.Helper` does: it compiles the parts that it can claim, and stores their code."""

from __future__ import annotations

import gc
import json
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from lifsim.engine.compiler import ahead
from lifsim.engine.compiler.parts import Calls, Known


def main() -> None:
    """Read the folder of the claims and the wanted parts from the standard input, and compile."""
    gc.disable()  # as `listening.Compiling`
    folder, wanted = json.load(sys.stdin)
    for each in map(ahead.WantedPart._make, wanted):
        with suppress(Exception):  # the other process compiles it, then, and says what is wrong
            part, data = getattr(import_module(each.module), each.part), ahead.made(each.data)
            if part.wanted(data, Known()) == each and ahead.claim(Path(folder), each.name):
                Calls([(part, data)], Known())
