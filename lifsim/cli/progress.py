"""Shows the progress of a run: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from lifsim.common.notices import compiling_text
from lifsim.common.printable import printable
from lifsim.common.streams import messages

LOG_EVERY = 10.0  # seconds between lines if standard error is not a terminal


class Progress:
    """A function for `lifsim.run(progress=…)`, which calls it with events, at most once per slice of steps.

    All output goes to standard error; standard output remains free for results.
    """

    def __init__(self, name: str, *, quiet: bool = False, verbose: bool = False) -> None:
        self.name, self.quiet, self.verbose = printable(name), quiet, verbose
        self._bar: tqdm | None = None
        self._told = 0.0

    def __call__(self, event: str, **facts: Any) -> None:
        """Show one event; unknown events are ignored."""
        show = getattr(self, f"_on_{event}", None)
        if show and not self.quiet:
            show(**facts)

    def close(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def say(self, text: str) -> None:
        """Print one line, above the bar if there is one."""
        tqdm.write(f"{self.name}: {printable(text)}", file=messages())

    def _on_warning(self, text: str, **_: Any) -> None:
        self.say(f"warning: {text}")

    def _on_compile(self, kept: bool = True, **_: Any) -> None:
        self.say(compiling_text(kept))

    def _on_build(self, synapses: int = 0, seconds: float = 0.0, **_: Any) -> None:
        if self.verbose:
            self.say(f"{synapses:,} synapses made in {seconds:.2f} s")

    def _on_step(self, done_ms: float, total_ms: float, wall_s: float, **_: Any) -> None:
        if messages().isatty():
            self._advance(done_ms, total_ms, wall_s)
        elif wall_s - self._told >= LOG_EVERY:
            self._told = wall_s
            left = wall_s * (total_ms - done_ms) / done_ms if done_ms else float("nan")
            self.say(f"{done_ms:.0f} of {total_ms:.0f} ms, real-time factor {factor(done_ms, wall_s)}, {left:.0f} s left")

    def _advance(self, done_ms: float, total_ms: float, wall_s: float) -> None:
        if self._bar is None:
            form = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} ms{postfix}, {remaining} left"
            self._bar = tqdm(total=total_ms, desc=self.name, bar_format=form, file=messages(), leave=False)
        self._bar.set_postfix_str(f"real-time factor {factor(done_ms, wall_s)}", refresh=False)
        self._bar.update(done_ms - self._bar.n)

    def _on_write(self, **_: Any) -> None:
        self.close()
        if self.verbose:
            self.say("writing the results …")

    def _on_done(self, **_: Any) -> None:
        self.close()


def factor(biological_ms: float, wall_s: float) -> str:
    """The real-time factor, wall time / biological time, as text."""
    return f"{1000 * wall_s / biological_ms:.3g}" if biological_ms > 0 else "–"
