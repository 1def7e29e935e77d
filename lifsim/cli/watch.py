"""The command that shows a run while it goes on: watch."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifsim.cli.live_text import Screen, frame, one_liner, redrawn
from lifsim.cli.next_steps import command
from lifsim.cli.options import FILE, TimeType, WallTimeType
from lifsim.cli.program import DONE, UNFINISHED, Command, Talk, echo
from lifsim.cli.text import refuse_model
from lifsim.common.errors import DataError
from lifsim.files.run_files import log_path
from lifsim.simulation.signals import Stopped

if TYPE_CHECKING:
    from lifsim.results.log_following import Glimpse


@click.command(cls=Command)
@FILE
@click.option("--once", is_flag=True, help="Show the run as it is now, and end.")
@click.option("--every", type=WallTimeType(), default="1", show_default=True, help="Wall time between updates, in seconds or with a unit.")
@click.option("--window", type=TimeType(), default="200", show_default=True, help="Biological time that the raster shows, in ms.")
@click.pass_obj
def watch(talk: Talk, file: Path, once: bool, every: float, window: float) -> int:
    """Show the rates and a small raster of a run that goes on.

    FILE is the results file of the run, OUT.h5, which need not exist yet. The display is refreshed until the run ends;
    Ctrl-C leaves it, and the run goes on. Exit code 3 if the run was interrupted. Outside of a terminal, each update
    is one line.
    """
    if not window > 0:
        raise DataError("--window", f"{window:g} ms", "a time above 0")
    refuse_model(file)
    if file.name.endswith(".h5.log"):
        file = file.with_suffix("")
    watcher = _Watcher(file, window, _plain() and not once)
    try:
        while True:
            code = watcher.update(once)
            if once or code is not None:
                return DONE if code is None else code
            time.sleep(max(every, 0.05))
    except Stopped as stopped:
        if stopped.number != signal.SIGINT:
            raise
        talk.stopped = None
        echo(f"{file}: no longer watched")
        return DONE


def _plain() -> bool:
    """Whether standard output is no terminal on which lines can be replaced."""
    dumb = os.environ.get("TERM", "") in ("dumb", "") if os.name != "nt" else not os.environ.get("WT_SESSION")
    return not sys.stdout.isatty() or dumb


class _Watcher:
    """Looks at a run, and shows it.

    file : the results file. window : of the raster, ms. plain : a line for each update, in place of a display that is replaced.
    """

    def __init__(self, file: Path, window: float, plain: bool) -> None:
        from lifsim.results.log_following import LogFollower

        self._file, self._window, self._plain = file, window, plain
        self._follower = LogFollower(log_path(file), window)
        self._first: tuple[float, float] | None = None  # (wall time in s, biological time in ms) of the first look at the running run
        self._drawn = 0  # lines on the terminal that the next frame replaces
        self._said = ""

    def update(self, once: bool) -> int | None:
        """Show the run as it is now; returns the exit code if it has ended, else None."""
        written = self._follower.written  # before the look, so that nothing is missed that was appended before the end
        try:
            seen = self._follower.look()
        except FileNotFoundError:
            return self._without_log(once)
        if seen is None:
            if not written:
                return self._end(None, "the run was stopped before its first step", UNFINISHED)
            self._say("the run is being prepared")
            return None
        if written:
            status = "writing the results" if self._follower.ended else "running"
            self._show(seen, f"{_progress(seen)}, {status}{self._speed(seen)}")
            return None
        self._show(seen, f"{_progress(seen)}, not running")
        return self._end(None, f"the run was interrupted; it goes on with: {command('resume', self._file)}", UNFINISHED)

    def _without_log(self, once: bool) -> int | None:
        """Show the finished run, if there is one."""
        if self._file.exists():
            from lifsim.results.last_spikes import glimpse_of
            from lifsim.results.opening import opened

            result = opened(self._file)
            state = "finished" if result.complete else "not complete"
            return self._end(glimpse_of(result, self._window), f"the run is {state}; next: {command('stats', self._file)}", DONE)
        if once:
            raise DataError(str(self._file), "does not exist, and no run writes it", "the results file of a run, such as outputs/brunel.h5")
        if not self._file.absolute().parent.is_dir():
            raise DataError(str(self._file.parent), "is no folder", "the folder of the results file")
        self._say("waiting for the run to begin (Ctrl-C ends)")
        return None

    def _speed(self, seen: Glimpse) -> str:
        """The time left, and the real-time factor since the first look."""
        at = time.monotonic()
        if self._first is None or seen.now < self._first[1]:
            self._first = at, seen.now
        wall, biological = at - self._first[0], seen.now - self._first[1]
        if not (wall > 0 and biological > 0):
            return ""
        left = "" if seen.until is None else f", {wall * max(seen.until - seen.now, 0.0) / biological:.0f} s left"
        return f"{left}, real-time factor {1000 * wall / biological:.3g}"

    def _show(self, seen: Glimpse, status: str) -> None:
        if self._plain:
            self._say(one_liner(seen, status), "")
            return
        size = shutil.get_terminal_size()
        colour = not os.environ.get("NO_COLOR") and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        lines = frame(seen, status, Screen(max(size.columns - 1, 10), size.lines, colour, _has_braille()))
        live = not _plain()
        click.echo(redrawn(lines, self._drawn) if live else "\n".join(lines), nl=not live, color=live or colour)
        self._drawn, self._said = len(lines), ""

    def _say(self, text: str, place: str = "file") -> None:
        """Print a line, unless it was the last one."""
        if text != self._said:
            echo(f"{self._file}: {text}" if place else text)
            sys.stdout.flush()
            self._drawn, self._said = 0, text

    def _end(self, seen: Glimpse | None, text: str, code: int) -> int:
        if seen is not None:
            self._show(seen, _progress(seen))
        self._say(text)
        return code


def _progress(seen: Glimpse) -> str:
    if seen.until is None or not seen.until > seen.start:
        return f"{seen.now:g} ms"
    return f"{seen.now:g} of {seen.until:g} ms ({100 * (seen.now - seen.start) / (seen.until - seen.start):.0f} %)"


def _has_braille() -> bool:
    """Whether standard output has characters for the dots of the raster."""
    try:
        "⣿…".encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
