"""Progress bars of a run: for the synapses that are made, then for the time that is simulated.

In a notebook they are widgets, where ipywidgets is installed; on a terminal they are text. Where neither a terminal nor a notebook shows
them, a line is written every ten seconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from lifsim.common.errors import LifsimError
from lifsim.common.notebook import notebook
from lifsim.common.notices import compiling_text, factor, log, making_text, notices, silent, step_text
from lifsim.common.printable import one_line, printable, shown
from lifsim.common.streams import messages

LOG_EVERY = 10.0  # seconds between lines if there is neither a terminal nor a notebook
_MAKING = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} synapses{postfix}, {remaining} left"
_RUNNING = "{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} ms{postfix}, {remaining} left"


class ProgressBar:
    """A function for `lifsim.run(progress=…)`, which calls it with events, and which shows them as bars.

    All output outside notebooks goes to standard error; standard output remains free for results.

    Parameters
    ----------
    name : of the network, shown beside the bar. prefix : of messages. leave : whether the bar of a finished run stays.
    """

    def __init__(self, name: str, prefix: str = "lifsim", leave: bool = True) -> None:
        self._name, self._prefix, self._leave = one_line(name), printable(prefix), leave
        self._bar: Any = None
        self._kind = ""  # the event that the bar shows
        self._told = 0.0

    def __call__(self, event: str, **facts: Any) -> None:
        """Show one event; unknown events are ignored."""
        log(event, facts)
        self.show(event, facts)

    def show(self, event: str, facts: dict[str, Any]) -> None:
        """Show one event, if it is one that is shown."""
        show = getattr(self, f"_on_{event}", None)
        if show:
            show(**facts)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def say(self, text: str) -> None:
        """Print one line, above the bar if there is one."""
        from tqdm import tqdm

        tqdm.write(f"{self._prefix}: {printable(text)}", file=messages())

    def _on_prepare(self, **_: Any) -> None:
        self._told = 0.0

    def _on_compile(self, kept: bool = True, **_: Any) -> None:
        self.say(compiling_text(kept))

    def _on_making(self, **facts: Any) -> None:
        if not _seen():
            self._line(making_text(**facts), facts["wall_s"])
            return
        bar = self._open("making", f"{self._name}: building", facts["synapses"], _MAKING, unit_scale=True, leave=False)
        number, of = facts["projection"], facts["projections"]
        bar.set_postfix_str(f"projection {number + 1} of {of}" if number < of else "", refresh=False)
        _move(bar, facts["made"])

    def _on_build(self, **_: Any) -> None:
        self.close()
        self._told = 0.0

    def _on_step(self, **facts: Any) -> None:
        done, total = facts["done_ms"], facts["total_ms"]
        if not _seen():
            self._line(step_text(**facts), facts["wall_s"])
            return
        bar = self._open("step", self._name, total, _RUNNING, leave=self._leave)
        bar.set_postfix_str(f"real-time factor {factor(done, facts['wall_s'])}", refresh=False)
        _move(bar, done)
        if done >= total:
            self.close()

    def _on_write(self, **_: Any) -> None:
        self.close()

    def _on_done(self, **_: Any) -> None:
        self.close()

    def _open(self, kind: str, title: str, total: float, form: str, **options: Any) -> Any:
        """The bar for events of this kind."""
        if self._bar is None or self._kind != kind:
            self.close()
            self._kind = kind
            self._bar = bar_class()(total=total, desc=title, bar_format=form, file=messages(), **options)
        return self._bar

    def _line(self, text: str, wall_s: float) -> None:
        """Write a line if `LOG_EVERY` seconds have passed since the last one."""
        self._told = self._told if wall_s >= self._told else 0.0  # else a new run began
        if wall_s - self._told >= LOG_EVERY:
            self._told = wall_s
            self.say(text)


def progress_for(given: Any, name: str) -> Callable[..., None]:
    """The function that is called with the events of a run, for the argument `progress`: None, True, False or a function.

    Raises
    ------
    LifsimError : `given` is something else.
    """
    if given is None:
        return notices
    if isinstance(given, bool):
        return ProgressBar(name) if given else silent
    if not callable(given):
        raise LifsimError("progress", shown(given), "a function, True or False")
    return given


def close_bar(progress: Callable[..., None]) -> None:
    """End the bar of `progress`, if it shows one."""
    if isinstance(progress, ProgressBar):
        progress.close()


def bar_class() -> Any:
    """The class of progress bars: in a notebook a widget if ipywidgets is installed, else text."""
    from tqdm import TqdmWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TqdmWarning)  # without ipywidgets the bar is text, which needs no warning
        from tqdm.auto import tqdm
    return tqdm


def _seen() -> bool:
    """Whether somebody sees a bar: on a terminal or in a notebook."""
    return messages().isatty() or notebook() is not None


def _move(bar: Any, to: float) -> None:
    bar.update(to - bar.n)
