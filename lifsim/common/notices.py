"""Messages about a run in Python, if no `progress` function is given.

All messages go to the logger "lifsim" of the standard library: warnings at the level WARNING, what a run does at INFO, how far it is
at DEBUG. Compiling code and making many synapses take a while, so these two are also printed on a terminal or in a notebook.
"""

from __future__ import annotations

import logging
import time
import warnings
from typing import Any

from lifsim.common.notebook import notebook
from lifsim.common.overview import counted
from lifsim.common.streams import messages

LOG = logging.getLogger("lifsim")
LOG.addHandler(logging.NullHandler())  # nothing is shown unless a program configures logging
MANY = 20_000_000  # synapses; making so many takes seconds
EVERY = 10.0  # seconds between messages about synapses that are being made

_told = 0.0  # time (of `time.monotonic`) of the last such message


def notices(event: str, **facts: Any) -> None:
    """Report one event of a run; unknown events are ignored. A warning is issued by Python's `warnings`, too."""
    text = log(event, facts)
    if text and event in ("compile", "prepare", "making"):
        _say(text)


def silent(event: str, **facts: Any) -> None:
    """Report one event of a run to the logger alone, and warnings to Python's `warnings`."""
    log(event, facts)


def log(event: str, facts: dict[str, Any]) -> str:
    """Send an event to the logger, and a warning to Python's `warnings` as well. Returns the message, "" if there is none."""
    level, text = _message(event, facts)
    if text:
        LOG.log(level, "%s", text)
    if event == "warning":
        warnings.warn(text, stacklevel=5)
    return text


def _message(event: str, facts: dict[str, Any]) -> tuple[int, str]:
    """Level and text of the message about an event; the text is "" if there is nothing to say."""
    global _told
    match event:
        case "warning":
            return logging.WARNING, str(facts["text"])
        case "compile":
            return logging.INFO, compiling_text(facts["kept"])
        case "prepare":
            _told = time.monotonic()
            return logging.INFO, f"making {facts['synapses']:.2g} synapses …" if facts["synapses"] >= MANY else ""
        case "making" if time.monotonic() - _told >= EVERY:
            _told = time.monotonic()
            return logging.INFO, making_text(**facts)
        case "build":
            return logging.INFO, f"{counted(facts['synapses'], 'synapse')} made in {facts['seconds']:.2f} s"
        case "step" if LOG.isEnabledFor(logging.DEBUG):
            return logging.DEBUG, step_text(**facts)
        case "done":
            return logging.INFO, f"{facts['duration']:.10g} ms simulated in {facts['timings']['simulate']:.2f} s"
    return logging.NOTSET, ""


def compiling_text(kept: bool) -> str:
    """The message for compilation; `kept` says whether the compiled code can be cached for later runs."""
    if kept:
        return "compiling for this machine, once; later runs start at once …"
    return "compiling (compiled code cannot be cached here, so every run compiles) …"


def making_text(made: int, synapses: float, projection: int, projections: int, wall_s: float) -> str:
    """The message about synapses that are being made: how many there are, or which projection is prepared; the facts of the event."""
    if projection < projections:
        return f"preparing projection {projection + 1} of {projections} …"
    left = f", {wall_s * (synapses - made) / made:.0f} s left" if made else ""
    return f"{made:,} of {synapses:,.0f} synapses made ({100 * made / max(synapses, 1):.0f} %){left}"


def step_text(done_ms: float, total_ms: float, wall_s: float) -> str:
    """The message about the biological time that is simulated; the facts of the event."""
    left = wall_s * (total_ms - done_ms) / done_ms if done_ms else float("nan")
    return f"{done_ms:.0f} of {total_ms:.0f} ms, real-time factor {factor(done_ms, wall_s)}, {left:.0f} s left"


def factor(biological_ms: float, wall_s: float) -> str:
    """The real-time factor, wall time / biological time, as text."""
    return f"{1000 * wall_s / biological_ms:.3g}" if biological_ms > 0 else "–"


def report(text: str) -> None:
    """Log a line that the user asked for, such as progress; it is printed to standard error unless a handler of the logger shows it."""
    LOG.info(text)
    if not _logged():
        print(f"lifsim: {text}", file=messages(), flush=True)


def _say(text: str) -> None:
    """Print a message on a terminal or in a notebook, unless a handler of the logger shows it."""
    if not _logged() and (messages().isatty() or notebook()):
        print(f"lifsim: {text}", file=messages(), flush=True)


def _logged() -> bool:
    """Whether logging is configured to show messages of this logger."""
    return LOG.isEnabledFor(logging.INFO) and not all(isinstance(h, logging.NullHandler) for h in _handlers())


def _handlers() -> list[logging.Handler]:
    """The handlers that receive messages of this logger."""
    return [*LOG.handlers, *(logging.getLogger().handlers if LOG.propagate else [])]
