"""Style of all figures: sizes, axes, legends, labels. Saving figures."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.animation import TimedAnimation
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from lifsim.common.errors import OutputError
from lifsim.common.printable import one_line
from lifsim.files import disk
from lifsim.files.outputs import check_output
from lifsim.plot import origins
from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.palette import grey
from lifsim.plot.typefaces import showable

NARROW = 140 / 25.4  # inches; in narrower figures, panels stand below each other
FONT = 8.0
SMALL = 7.0
TINY = 5.5
_LONGEST = 22  # characters of a label
_ENTRY = 0.105  # height of the smallest legend entry, inches
CHARACTER = 0.6  # mean width of a character over the size of the font
_BELOW = 30.0  # points from the axes down to a legend below them: ticks, their labels and the label of the axis
MUTED = 0.35  # the grey of remarks, between text (0) and background (1)
DPI = 300  # of saved figures


class Picture(Figure):
    """A figure that notebooks display without pyplot."""

    def savefig(self, *args: Any, **options: Any) -> None:
        """Save the figure, laid out twice: the first layout changes the ticks and broken lines that the second then has room for."""
        engine = self.get_layout_engine()
        if isinstance(engine, ConstrainedLayoutEngine):
            engine.execute(self)
        super().savefig(*args, **options)

    def draw(self, renderer: RendererBase) -> None:
        """Draw the figure. Before a figure is saved, matplotlib draws it without a result, for the layout: only that is then done."""
        engine = self.get_layout_engine()
        if isinstance(engine, ConstrainedLayoutEngine) and self.canvas.is_saving():
            engine.execute(self)  # matplotlib draws again, now without layout
        else:
            super().draw(renderer)

    def _repr_png_(self) -> bytes:
        data = io.BytesIO()
        self.savefig(data, format="png", dpi=150)
        return data.getvalue()


def page_width() -> float:
    """Width of new figures in inches."""
    return float(matplotlib.rcParams["figure.figsize"][0])


def is_narrow() -> bool:
    """Whether new figures are too narrow for panels side by side."""
    return page_width() < NARROW


def one_panel(height: float, width: float = 1.0) -> Axes:
    """Axes in a new figure of this height (inches) and share of the page's width."""
    return Picture(figsize=(page_width() * (1.0 if is_narrow() else width), height), layout="constrained").add_subplot()


def panels_beside(height: float, *ratios: float) -> list[Axes]:
    """Axes side by side in a new figure, `height` inches high, their widths in these `ratios`; in narrow figures one below the other."""
    n = len(ratios)
    figure = Picture(figsize=(page_width(), n * height if is_narrow() else height), layout="constrained")
    grid = figure.subplots(n, 1, squeeze=False) if is_narrow() else figure.subplots(1, n, squeeze=False, width_ratios=ratios)
    return list(grid.flat)


def spread_apart(places: np.ndarray, least: float) -> list[int]:
    """Indices of ascending `places` to keep so that neighbours are at least `least` apart."""
    kept: list[int] = []
    for k, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= least - 1e-9:
            kept.append(k)
    return kept


def short_label(name: str) -> str:
    """A name as a label. A long name loses its middle, as names often differ at their ends; a blank one is quoted."""
    text = showable(one_line(name))
    return literal(_cut(text, _LONGEST)) if text.strip() else f'"{text}"'


def names_beside(ax: Axes, labels: Sequence[str], size: float) -> list[str]:
    """Labels for names of `size` points to the left of the axes, so short that they take at most about 30 % of the width of the panel.

    Labels that become the same are numbered.
    """
    room = 0.39 * 72 * figure_size(ax)[0]  # before the layout, axes have 77 % of the width
    most = max(6, int(room / (CHARACTER * size)))
    return numbered([literal(_cut(label.replace(r"\$", "$").strip(), most)) for label in labels])


def numbered(labels: Sequence[str]) -> list[str]:
    """The labels, with numbers in their order behind those that occur several times."""
    return [label if labels.count(label) == 1 else f"{label} ({k + 1})" for k, label in enumerate(labels)]


def _cut(text: str, most: int) -> str:
    """`text`, its middle replaced by "…" if it has more than `most` characters."""
    end = 8 * most // _LONGEST
    return text if len(text) <= most else f"{text[: most - 1 - end]}…{text[-end:]}"


def label_axis(text: str) -> str:
    """Text from a file as a literal label, with escapes for characters that no font has."""
    return literal(showable(one_line(text)))


def literal(text: str) -> str:
    """`text` as matplotlib takes it literally: "$" starts no formula, and legends do not skip a leading "_"."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def figure_size(ax: Axes) -> tuple[float, float]:
    """Width and height of axes in inches, roughly (before the layout is known)."""
    box = ax.get_window_extent()
    dpi = new_figure(ax).get_dpi()
    return max(box.width / dpi, 0.5), max(box.height / dpi, 0.5)


def say_nothing(ax: Axes, why: str) -> None:
    """Write in empty axes why they are empty."""
    text = ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", fontsize=FONT, color=grey(MUTED))
    wrap_within(text, lambda: ax.get_window_extent().width)


def add_legend(ax: Axes, populations: int) -> None:
    """Add a legend beside the axes if there are several populations."""
    if populations > 1:
        add_legend_beside(ax, SMALL if populations < 5 else TINY)


def add_legend_beside(ax: Axes, size: float, title: str = "") -> None:
    """Add a legend to the right; one that is wider than half of the axes, as in narrow figures, is put below them.

    Entries without room are left out; the last entry then gives their number.
    """
    handles, labels = ax.get_legend_handles_labels()
    room = max(4, int(1.25 * figure_size(ax)[1] / _ENTRY))
    names = labels
    if len(labels) > room:
        handles = [*handles[: room - 1], Line2D([], [], linestyle="none")]
        names = [*labels[: room - 1], f"… {len(labels) - room + 1} more"]
    look: dict[str, Any] = {"fontsize": size, "title_fontsize": size, "title": title or None, "handlelength": 1.0, "labelspacing": 0.15}
    look |= {"frameon": False, "borderpad": 0}
    legend = ax.legend(handles, names, loc="center left", bbox_to_anchor=(1.005, 0.5), **look)
    width, axes = legend.get_window_extent().width, ax.get_window_extent().width
    if width > 0.5 * axes:
        below = ax.transAxes + ScaledTranslation(0, -_BELOW / 72, new_figure(ax).dpi_scale_trans)
        columns = max(1, min(len(names), int(1.2 * axes / width)))
        place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "bbox_transform": below, "borderaxespad": 0}
        ax.legend(handles, names, ncols=columns, columnspacing=1.0, **place, **look)


def legend_height(entries: int, least: float) -> float:
    """Height in inches, at least `least`, of a panel whose legend has `entries` entries (at most 35 are drawn)."""
    return max(least, 0.35 + _ENTRY * min(entries, 35))


def time_label(ax: Axes, start: float, stop: float) -> float:
    """Label the time axis, in s if it is longer than 5 s, else in ms. Returns the factor from ms to that unit."""
    in_seconds = stop - start > 5000.0
    scale = 1e-3 if in_seconds else 1.0
    tidy_axes(ax)
    ax.set_xlim(start * scale, (stop if stop > start else start + 1.0) * scale)
    ax.set_xlabel("time (s)" if in_seconds else "time (ms)", fontsize=FONT)
    return scale


def write_note(ax: Axes, text: str, pad: float = 3) -> None:
    """Write a remark above the right end of the axes, `pad` points away, in as many lines as the width of the axes requires."""
    note = ax.set_title(text, loc="right", fontsize=SMALL, color=grey(MUTED), pad=pad)
    letter = ax._left_title  # type: ignore[attr-defined]  # of the panel; it stands in the same line

    def room() -> float:
        return ax.get_window_extent().width - (letter.get_window_extent().width + SMALL if letter.get_text() else 0.0)

    wrap_within(note, room)


def wrap_within(text: Text, room: Callable[[], float]) -> None:
    """Break the lines of `text` at spaces so that they are no longer than `room` (pixels), which is asked when the text is drawn.

    The layout regards the height of titles and labels of axes, but not their length: without breaks, the figure's edge cuts them.
    Matplotlib itself breaks lines at the figure's edge only.
    """
    text.set_wrap(True)
    text._get_wrap_line_width = room  # type: ignore[attr-defined]


def draw_stairs(ax: Axes, values: np.ndarray, edges: np.ndarray, baseline: float | None = 0.0, **look: Any) -> None:
    """`Axes.stairs`, which looks for extrema of every line as if it were a curve, and so takes long: only of the first bin here."""
    patch = ax.stairs(values[:1], edges[:2], baseline=baseline, **look)
    patch.set_data(values, edges, baseline)
    ax.update_datalim(patch.get_path().vertices)


def line_widths(curves: Sequence[np.ndarray], thin: float) -> list[float]:
    """Widths of lines drawn one after the other: a line that later ones cover for the most part is wider, so that it stays visible.

    One curve covers another if over half of their values differ by no more than 2 % of the range of all curves.
    """
    curves = [np.asarray(curve, float) for curve in curves]
    finite = [curve[np.isfinite(curve)] for curve in curves]
    every = np.concatenate(finite) if finite else np.zeros(0)
    slack = 0.02 * (every.max() - every.min()) if len(every) else 0.0

    def covers(upper: np.ndarray, lower: np.ndarray) -> bool:
        with np.errstate(invalid="ignore"):
            return upper.shape == lower.shape and upper.size > 0 and bool(np.mean(np.abs(upper - lower) <= slack) > 0.5)

    above = [sum(covers(later, curve) for later in curves[k + 1 :]) for k, curve in enumerate(curves)]
    return [thin + 1.2 * min(n, 4) for n in above]


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
    wrap_within(ax.xaxis.label, lambda: ax.get_window_extent().width)
    wrap_within(ax.yaxis.label, lambda: 1.25 * ax.get_window_extent().height)  # there is room above and below
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(NumberLabels())
    for side, spine in ax.spines.items():
        spine.set_linewidth(0.6)
        spine.set_visible(side in ("left", "bottom"))


def save(figure: Figure | TimedAnimation, path: str | Path) -> Path:
    """Write a figure to a PNG (300 dpi), PDF or SVG file, or an animation to a GIF file, replacing an existing one.

    Fonts are embedded in PDF. In PDF and SVG, text stays text and the dots of spikes become pixels. The metadata of the file hold the
    provenance of the figure, which `provenance` reads (not in GIF): command, seed, versions, model text, and digest of the result.

    Parameters
    ----------
    figure : the figure or animation.
    path : the file, whose extension decides the format: .png, .pdf or .svg; of an animation, .gif (120 dpi).

    Returns
    -------
    The path.

    Raises
    ------
    OutputError : the extension is another one, or the file cannot be written. RunError : the disk is full; an existing file stays.
    """
    path = check_output(path, overwrite=True)
    moving = isinstance(figure, TimedAnimation)
    allowed = (".gif",) if moving else (".png", ".pdf", ".svg")
    if path.suffix.lower() not in allowed:
        raise OutputError(str(path), f"has the ending {path.suffix!r}", f"allowed: {', '.join(allowed)}")
    disk.put(path, _gif(figure) if isinstance(figure, TimedAnimation) else picture(figure, path.suffix[1:].lower()))
    return path


def picture(figure: Figure, kind: str, about: Mapping[str, Any] | None = None) -> bytes:
    """A figure as the bytes of a file of a `kind`: "png", "pdf" or "svg", with its provenance (or the one given as `about`)."""
    data = io.BytesIO()
    told = origins.metadata(origins.of_figure(figure) if about is None else about, kind)
    with matplotlib.rc_context({"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "lifsim"}):
        figure.savefig(data, dpi=DPI, format=kind, metadata=told)
    return data.getvalue()


def _gif(animation: TimedAnimation) -> bytes:
    with tempfile.TemporaryDirectory() as folder:  # matplotlib writes animations to files only
        path = Path(folder) / "animation.gif"
        animation.save(path, writer="pillow", dpi=120)
        return path.read_bytes()
