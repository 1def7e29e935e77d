"""Style of all figures: sizes, colours, axes, legends. Saving figures."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from lifsim.common.errors import OutputError
from lifsim.common.printable import one_line
from lifsim.files import disk
from lifsim.files.outputs import check_output
from lifsim.results.data import Spikes

WIDTH = 180 / 25.4  # inches; two columns of a journal
# Okabe & Ito's palette, which colour-blind readers can distinguish
EXCITATORY, INHIBITORY = "#0072B2", "#D55E00"
OTHERS = ("#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
FONT = 8.0
SMALL = 7.0
TINY = 5.5
_LONGEST = 22  # characters of a label
_ENTRY = 0.105  # height of the smallest legend entry, inches
GREY = "0.35"


class Picture(Figure):
    """A figure that notebooks display without pyplot."""

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=150)
        return data.getvalue()


def spread_apart(places: np.ndarray, least: float) -> list[int]:
    """Indices of ascending `places` to keep so that neighbours are at least `least` apart."""
    kept: list[int] = []
    for k, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= least - 1e-9:
            kept.append(k)
    return kept


def short_label(name: str) -> str:
    """A name as a label. A long name loses its middle, as names often differ at their ends."""
    return label_axis(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}…{name[-8:]}")


def label_axis(text: str) -> str:
    """Text from a file as a literal label: "$" starts no formula, and legends do not skip a leading "_"."""
    text = one_line(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def figure_size(ax: Axes) -> tuple[float, float]:
    """Width and height of axes in inches, roughly (before the layout is known)."""
    box = ax.get_window_extent()
    dpi = new_figure(ax).get_dpi()
    return max(box.width / dpi, 0.5), max(box.height / dpi, 0.5)


def say_nothing(ax: Axes, why: str) -> None:
    """Write in empty axes why they are empty."""
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=FONT, color=GREY)


def add_legend(ax: Axes, shown: Sequence[Spikes]) -> None:
    """Add a legend beside the axes if there are several populations."""
    if len(shown) > 1:
        add_legend_beside(ax, SMALL if len(shown) < 5 else TINY)


def add_legend_beside(ax: Axes, size: float) -> None:
    """Add a legend to the right. Entries without room are left out; the last entry then gives their number."""
    handles, labels = ax.get_legend_handles_labels()
    room = max(4, int(1.25 * figure_size(ax)[1] / _ENTRY))
    names = labels
    if len(labels) > room:
        handles = [*handles[: room - 1], Line2D([], [], linestyle="none")]
        names = [*labels[: room - 1], f"… {len(labels) - room + 1} more"]
    place: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.005, 0.5), "frameon": False, "borderpad": 0}
    ax.legend(handles, names, fontsize=size, handlelength=1.0, labelspacing=0.15, **place)


def legend_height(entries: int, least: float) -> float:
    """Height in inches, at least `least`, of a panel whose legend has `entries` entries (at most 35 are drawn)."""
    return max(least, 0.35 + _ENTRY * min(entries, 35))


def colours(names: Sequence[str], shades: bool = True) -> list[str]:
    """A colour for each population: blue for excitatory names, vermilion for inhibitory names, other colours for the rest.

    Names such as "exc", "E" and "L4E" are excitatory; names such as "inh", "I" and "L4I" are inhibitory.

    Parameters
    ----------
    names : names of the populations.
    shades : several excitatory (or inhibitory) populations differ in lightness, from dark to light; otherwise they share one colour.

    Returns
    -------
    Colours as "#RRGGBB", in the order of `names`.
    """
    kinds = [_kind(name) for name in names]
    found: list[str] = []
    for k, kind in enumerate(kinds):
        rank, total = kinds[:k].count(kind), kinds.count(kind)
        base = palette_of()[rank % len(palette_of())] if kind is None else kind
        found.append(base if kind is None else _lightness(base, rank / (total - 1) if shades and total > 1 else 0.5))
    return found


def palette_of() -> tuple[str, ...]:
    """14 colours: `OTHERS`, then lighter versions of these, then darker ones (except of black)."""
    return (*OTHERS, *(_lightness(colour, 1.0) for colour in OTHERS), *(_lightness(colour, 0.0) for colour in OTHERS[1:]))


def _kind(name: str) -> str | None:
    if re.search(r"^(?i:inh)|(?i:inh)$|^I(?![A-Za-z])|^i$|I$", name):
        return INHIBITORY
    if re.search(r"^(?i:exc)|(?i:exc)$|^E(?![A-Za-z])|^e$|E$", name):
        return EXCITATORY
    return None


def _lightness(colour: str, x: float) -> str:
    """`colour`, from darkest (x = 0) to lightest (x = 1); unchanged at x = 0.5."""
    rgb = np.array(to_rgb(colour))
    mixed = rgb * (0.55 + 0.9 * x) if x < 0.5 else rgb + (1 - rgb) * (x - 0.5) * 0.8
    return to_hex(tuple(np.clip(mixed, 0, 1))).upper()


def time_axis(ax: Axes, shown: Sequence[Spikes]) -> tuple[float, float, float]:
    """Set limits and label of the time axis. Returns (start in ms, stop in ms, factor from ms to the unit of the axis)."""
    start, stop = min(s.t_start for s in shown), max(s.t_stop for s in shown)
    stop = stop if stop > start else start + 1.0
    return start, stop, time_label(ax, start, stop)


def time_label(ax: Axes, start: float, stop: float) -> float:
    """Label the time axis, in s if it is longer than 5 s, else in ms. Returns the factor from ms to that unit."""
    in_seconds = stop - start > 5000.0
    scale = 1e-3 if in_seconds else 1.0
    tidy_axes(ax)
    ax.set_xlim(start * scale, (stop if stop > start else start + 1.0) * scale)
    ax.set_xlabel("time (s)" if in_seconds else "time (ms)", fontsize=FONT)
    return scale


def write_note(ax: Axes, text: str, pad: float = 3) -> None:
    """Write a remark above the right end of the axes, `pad` points away."""
    ax.set_title(text, loc="right", fontsize=SMALL, color=GREY, pad=pad)


def new_figure(ax: Axes) -> Figure:
    """The figure of `ax`."""
    figure = ax.get_figure(root=True) if matplotlib.__version_info__ >= (3, 10) else ax.figure
    assert isinstance(figure, Figure)
    return figure


def tidy_axes(ax: Axes) -> None:
    """Apply the common style to labels, ticks and spines."""
    ax.tick_params(labelsize=FONT, width=0.6, length=3)
    ax.xaxis.label.set_fontsize(FONT)
    ax.yaxis.label.set_fontsize(FONT)
    for side, spine in ax.spines.items():
        spine.set_linewidth(0.6)
        spine.set_visible(side in ("left", "bottom"))


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure to a PNG (300 dpi), PDF or SVG file, replacing an existing one. In PDF and SVG, text stays text and the dots of
    spikes become pixels.

    Parameters
    ----------
    figure : the figure. path : the file, whose extension .png, .pdf or .svg decides the format.

    Returns
    -------
    The path.

    Raises
    ------
    OutputError : the extension is another one, or the file cannot be written. RunError : the disk is full; an existing file stays.
    """
    path = check_output(path, overwrite=True)
    if path.suffix.lower() not in (".png", ".pdf", ".svg"):
        raise OutputError(str(path), f"has the ending {path.suffix!r}", "allowed: .png, .pdf, .svg")
    picture = io.BytesIO()
    with matplotlib.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none"}):
        figure.savefig(picture, dpi=300, format=path.suffix[1:].lower())
    disk.put(path, picture.getbuffer())
    return path
