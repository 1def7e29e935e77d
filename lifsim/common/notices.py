"""Messages about a run in Python, if no `progress` function is given.

All messages go to the logger "lifsim" of the standard library. Compiling code and making many synapses take a while, so these two are
also printed on a terminal or in a notebook.
"""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

from lifsim.common.streams import messages

LOG = logging.getLogger("lifsim")
LOG.addHandler(logging.NullHandler())  # nothing is shown unless a program configures logging
MANY = 20_000_000  # synapses; making so many takes seconds


def notices(event: str, **facts: Any) -> None:
    """Report one event of a run; unknown events are ignored. A warning is issued by Python's `warnings`."""
    if event == "warning":
        warnings.warn(facts["text"], stacklevel=4)
    elif event == "compile":
        _say(compiling_text(facts["kept"]))
    elif event == "prepare" and facts["synapses"] >= MANY:
        _say(f"making {facts['synapses']:.2g} synapses …")
    elif event == "build":
        LOG.info("%s synapses made in %.2f s", f"{facts['synapses']:,}", facts["seconds"])


def compiling_text(kept: bool) -> str:
    """The message for compilation; `kept` says whether the compiled code can be cached for later runs."""
    if kept:
        return "compiling for this machine, once; later runs start at once …"
    return "compiling (compiled code cannot be cached here, so every run compiles) …"


def report(text: str) -> None:
    """Log a line that the user asked for, such as progress; it is printed to standard error unless logging shows it."""
    LOG.info(text)
    if not _logged():
        print(f"lifsim: {text}", file=messages(), flush=True)


def _say(text: str) -> None:
    LOG.info(text)
    if not _logged() and (messages().isatty() or "ipykernel" in sys.modules):
        print(f"lifsim: {text}", file=messages(), flush=True)


def _logged() -> bool:
    """Whether logging is configured to show messages of this logger."""
    return LOG.isEnabledFor(logging.INFO) and not all(isinstance(h, logging.NullHandler) for h in _handlers())


def _handlers() -> list[logging.Handler]:
    """The handlers that receive messages of this logger."""
    return [*LOG.handlers, *(logging.getLogger().handlers if LOG.propagate else [])]
