"""Shows the progress of a run of the command line: a bar on a terminal, otherwise a line every ten seconds."""

from __future__ import annotations

from typing import Any

from lifsim.common.overview import counted
from lifsim.common.progress_bar import ProgressBar


class Progress(ProgressBar):
    """A function for `lifsim.run(progress=…)`, which calls it with events, at most once per slice of steps.

    All output goes to standard error; standard output remains free for results.
    """

    def __init__(self, name: str, *, quiet: bool = False, verbose: bool = False) -> None:
        super().__init__(name, prefix=name, leave=False)
        self.quiet, self.verbose = quiet, verbose

    def __call__(self, event: str, **facts: Any) -> None:
        """Show one event; unknown events are ignored."""
        if not self.quiet:
            self.show(event, facts)

    def _on_warning(self, text: str, **_: Any) -> None:
        self.say(f"warning: {text}")

    def _on_build(self, synapses: int = 0, seconds: float = 0.0, **_: Any) -> None:
        super()._on_build()
        if self.verbose:
            self.say(f"{counted(synapses, 'synapse')} made in {seconds:.2f} s")

    def _on_write(self, **_: Any) -> None:
        super()._on_write()
        if self.verbose:
            self.say("writing the results …")
