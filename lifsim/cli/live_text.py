"""Draws what a run has recorded as text: rates and a small raster of each population."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lifsim.common.printable import one_line
from lifsim.common.text import shortened

if TYPE_CHECKING:
    import numpy as np

    from lifsim.results.log_following import Glimpse
    from lifsim.results.spikes import Spikes

MOST_ROWS = 4  # lines of the raster of a population
_COLOURS = (34, 31, 32, 35, 36, 33)  # of ANSI terminals: blue, red, green, magenta, cyan, yellow
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of a braille character, by row and column


@dataclass(frozen=True)
class Screen:
    """The place for text: columns, lines, and whether it shows colours and characters other than ASCII."""

    width: int = 80
    height: int = 24
    colour: bool = False
    braille: bool = True


def frame(seen: Glimpse, status: str, screen: Screen) -> list[str]:
    """Lines that show the `status` of a run and, for each population, its rates and a raster of its last spikes."""
    names = list(seen.spikes)
    rows, shown = _room(len(names), screen)
    lines = [shortened(f"{one_line(seen.name)}: {status}", screen.width)]
    for k, name in enumerate(names[:shown]):
        own = seen.spikes[name]
        lines.append(shortened(_heading(seen, name), screen.width))
        lines += [_coloured(line, k, screen.colour) for line in raster(own, screen.width - 2, rows, screen.braille)]
    if shown < len(names):
        lines.append(shortened(f"… and {len(names) - shown} more populations", screen.width))
    if not names:
        lines.append(shortened("no spikes are recorded", screen.width))
    elif rows:
        own = seen.spikes[names[0]]
        lines.append(_axis(f"{own.t_start:.6g} ms", f"{own.t_stop:.6g} ms", screen.width - 2))
    return lines


def one_liner(seen: Glimpse, status: str) -> str:
    """The status of a run and the rates of its populations in one line."""
    rates = ", ".join(f"{one_line(name)} {_number(seen.rate(name))}" for name in seen.spikes)
    return f"{one_line(seen.name)}: {status}" + (f"; spikes/s: {rates}" if rates else "")


def _room(populations: int, screen: Screen) -> tuple[int, int]:
    """(lines of each raster, number of populations that have room)."""
    free = max(screen.height - 4, 1)  # status, time axis, remark, cursor
    rows = min(MOST_ROWS, free // max(populations, 1) - 1)
    return (rows, populations) if rows >= 1 else (0, min(populations, free))


def _heading(seen: Glimpse, name: str) -> str:
    now, mean = _number(seen.rate(name)), _number(seen.mean_rate(name))
    return f"{one_line(name)}: {now} spikes/s, {mean} since the start; n = {len(seen.spikes[name].recorded_ids):,}"


def _number(rate: float) -> str:
    return "-" if math.isnan(rate) else f"{rate:.3g}" if rate < 1000 else f"{rate:.0f}"


def _coloured(line: str, k: int, colour: bool) -> str:
    return f"  \x1b[{_COLOURS[k % len(_COLOURS)]}m{line}\x1b[0m" if colour else f"  {line}"


def _axis(first: str, last: str, width: int) -> str:
    gap = width - len(first) - len(last)
    return f"  {first}{' ' * gap}{last}" if gap > 0 else f"  {shortened(last, max(width, 1))}"


def raster(spikes: Spikes, width: int, rows: int, braille: bool = True) -> list[str]:
    """A raster in `rows` lines of `width` characters, over the whole window of the spikes.

    A row of dots is one neuron, evenly chosen from the recorded ones; a braille character has four of them, and two bins of time.
    Without `braille`, a line is one neuron.
    """
    if rows < 1 or width < 1:
        return []
    down, across = (4, 2) if braille else (1, 1)
    rows = min(rows, max(1, -(-len(spikes.recorded_ids) // down)))
    dots = _dots(spikes, rows * down, width * across)
    if not braille:
        return ["".join("|" if dot else "." for dot in line) for line in dots.tolist()]
    codes = 0x2800 + sum((dots[r::4, c::2] * bit for r, pair in enumerate(_DOTS) for c, bit in enumerate(pair)), 0 * dots[::4, ::2])
    return ["".join(map(chr, line)) for line in codes.tolist()]


def _dots(spikes: Spikes, rows: int, columns: int) -> np.ndarray:
    """Whether each of at most `rows` neurons spiked in each of `columns` bins, int64 (rows, columns)."""
    import numpy as np

    dots = np.zeros((rows, columns), np.int64)
    ids = np.sort(spikes.recorded_ids)
    length = spikes.t_stop - spikes.t_start
    if not len(ids) or not length > 0:
        return dots
    chosen = ids[np.linspace(0, len(ids) - 1, min(rows, len(ids))).round().astype(int)]
    row = np.minimum(np.searchsorted(chosen, spikes.ids), len(chosen) - 1)
    kept = chosen[row] == spikes.ids
    column = np.ceil((spikes.times[kept] - spikes.t_start) / length * columns - 1e-9).astype(np.int64) - 1
    dots[row[kept], np.clip(column, 0, columns - 1)] = 1
    return dots


def redrawn(lines: Sequence[str], before: int) -> str:
    """The text that replaces the last `before` lines of a terminal by `lines` (ANSI)."""
    up = f"\x1b[{before}A" if before else ""
    return "\r" + up + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J"
