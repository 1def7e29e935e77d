"""Shows the progress of a training: a bar on a terminal and in a notebook, otherwise a line every ten seconds."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from lifsim.common.notebook import notebook
from lifsim.common.notices import report
from lifsim.common.progress_bar import bar_class
from lifsim.common.streams import messages

LOG_EVERY = 10.0  # seconds between lines where no bar can be shown
_HIDDEN = ("learning_rate", "validation_score")  # entries of the history that are not shown

History = Mapping[str, Sequence[float]]


def counted(epochs: int, history: History, progress: bool) -> Iterator[int]:
    """Yields the epochs from 0 on; with `progress`, shows how many are done and the last numbers of `history`."""
    if not progress:
        yield from range(epochs)
    elif messages().isatty() or notebook():
        yield from _with_bar(epochs, history)
    else:
        yield from _with_lines(epochs, history)


def _with_bar(epochs: int, history: History) -> Iterator[int]:
    with bar_class()(total=epochs, desc="training", unit="epoch", leave=False, file=messages()) as bar:
        for epoch in range(epochs):
            yield epoch
            bar.set_postfix({key: f"{values[-1]:.3g}" for key, values in _shown(history)}, refresh=False)
            bar.update()


def _with_lines(epochs: int, history: History) -> Iterator[int]:
    began = told = time.monotonic()
    for epoch in range(epochs):
        yield epoch
        now, done = time.monotonic(), epoch + 1
        if now - told >= LOG_EVERY:
            told = now
            numbers = ", ".join(f"{key.replace('_', ' ')} {values[-1]:.3g}" for key, values in _shown(history))
            report(f"epoch {done} of {epochs}, {numbers}, {(now - began) * (epochs - done) / done:.0f} s left")


def _shown(history: History) -> list[tuple[str, Sequence[float]]]:
    return [(key, values) for key, values in history.items() if values and key not in _HIDDEN]
