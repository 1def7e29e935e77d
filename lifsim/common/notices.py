"""What a run says of itself in Python, unless it is given a `progress`.

All of it goes to the logger "lifsim" of the standard library. That code is compiled, or that many synapses are made, takes a while: on a
terminal and in a notebook a line says so, too.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

from lifsim.common.streams import messages

LOG = logging.getLogger("lifsim")
LOG.addHandler(logging.NullHandler())  # nothing is shown unless a program asks for it
MANY = 20_000_000  # synapses, which take seconds to make


def notices(event: str, **facts: Any) -> None:
    """Say one event of a run; those not known here are ignored. A warning goes Python's way."""
    if event == "warning":
        warnings.warn(facts["text"], stacklevel=4)
    elif event == "compile":
        _say(compiling_text(facts["kept"]))
    elif event == "prepare" and facts["synapses"] >= MANY:
        _say(f"making {facts['synapses']:.2g} synapses …")
    elif event == "build":
        LOG.info("%s synapses made in %.2f s", f"{facts['synapses']:,}", facts["seconds"])


def compiling_text(kept: bool) -> str:
    """What is said when code is compiled, which is kept for later runs or not."""
    if kept:
        return "compiling for this machine, once; later runs start at once …"
    return "compiling (no compiled code can be kept, so every run does) …"


def _say(text: str) -> None:
    LOG.info(text)
    logged = LOG.isEnabledFor(logging.INFO) and not all(isinstance(h, logging.NullHandler) for h in _handlers())
    if not logged and (messages().isatty() or "ipykernel" in sys.modules):
        print(f"lifsim: {text}", file=messages(), flush=True)


def _handlers() -> list[logging.Handler]:
    """Those that get what is logged here."""
    return [*LOG.handlers, *(logging.getLogger().handlers if LOG.propagate else [])]
