"""Figures of training and of classification with spiking neurons; `lifsim.plot.style.save` writes them to files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import lifsim.plot.backend  # noqa: F401

# isort: split
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from lifsim.ann.epoch_curves import draw_epochs
from lifsim.plot.inline import shows
from lifsim.plot.number_labels import NumberLabels
from lifsim.plot.palette import EXCITATORY, INHIBITORY
from lifsim.plot.style import Picture, line_widths, short_label
from lifsim.plot.typefaces import fit_fonts

if TYPE_CHECKING:
    from lifsim.ann.spiking_network import AnswerCourse

_NAMES = {"loss": "training", "validation_loss": "validation"}
_FONT = 8.0
_MOST = 30  # largest number of classes for which a confusion matrix shows its counts


@shows
def learning_curve(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Figure:
    """The training loss of each epoch, and the validation loss if there is one.

    The axis of losses is logarithmic if all are positive and the largest is more than five times the smallest.
    """
    ax = _axes(ax, 3.5, 2.6)
    draw_epochs(ax, {name: history[key] for key, name in _NAMES.items() if key in history}, "loss", _FONT, logarithmic=True)
    return _done(ax)


@shows
def confusion_matrix(y: Any, predicted: Any, classes: Sequence[Any] | np.ndarray | None = None, ax: Axes | None = None) -> Figure:
    """The confusion matrix: how often samples of each class (row) were assigned to each class (column)."""
    y, predicted = np.asarray(y), np.asarray(predicted)
    known = np.unique(np.concatenate([y, predicted])) if classes is None else np.asarray(classes)
    counts = np.zeros((len(known), len(known)), np.int64)
    np.add.at(counts, (np.searchsorted(known, y), np.searchsorted(known, predicted)), 1)
    ax = _axes(ax, 3.6, 3.4)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
    if len(known) <= _MOST:
        for i, j in np.argwhere(counts):
            ax.text(
                j, i, str(counts[i, j]), ha="center", va="center", fontsize=_FONT - 1.5, color="white" if share[i, j] > 0.5 else "black"
            )
        names = [short_label(str(c)) for c in known]
        ax.set_xticks(range(len(known)), names, rotation=90 if max(map(len, names)) > 3 else 0)
        ax.set_yticks(range(len(known)), names)
    ax.set_xlabel("predicted")
    ax.set_ylabel("class")
    ax.set_title(f"{np.mean(y == predicted):.2%} of {len(y)} right", fontsize=_FONT)
    return _done(ax)


@shows
def accuracy_over_time(course: AnswerCourse, ax: Axes | None = None) -> Figure:
    """The accuracy of the spiking network, and its agreement with the dense network, as functions of time."""
    ax = _axes(ax, 3.5, 2.6)
    curves = [course.same] if course.right is None else [course.same, course.right]
    widths = line_widths(curves, 1.0)
    ax.plot(course.times, 100 * course.same, color=INHIBITORY, lw=widths[0], label="same as dense network")
    if course.right is not None:
        ax.plot(course.times, 100 * course.right, color=EXCITATORY, lw=widths[1], label="right")
        ax.axhline(100 * course.dense, color="0.35", lw=0.8, ls="--", label="dense network right")
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("samples (%)")
    ax.set_xlim(0, course.times[-1])
    ax.set_ylim(top=100.5)
    ax.legend(frameon=False, fontsize=_FONT, loc="best")
    return _done(ax)


def _axes(ax: Axes | None, width: float, height: float) -> Axes:
    return Picture(figsize=(width, height), layout="constrained").add_subplot() if ax is None else ax


def _done(ax: Axes) -> Figure:
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(which="both", labelsize=_FONT)
    for label in (ax.xaxis.label, ax.yaxis.label):
        label.set_fontsize(_FONT)
    for axis in (ax.xaxis, ax.yaxis):
        if axis.get_scale() == "linear" and isinstance(axis.get_major_formatter(), ScalarFormatter):
            axis.set_major_formatter(NumberLabels())
    fit_fonts(ax)
    return ax.get_figure()  # type: ignore[return-value]
