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
from lifsim.plot.style import Picture, label_axis, line_widths, short_label
from lifsim.plot.typefaces import fit_fonts

if TYPE_CHECKING:
    from lifsim.ann.spiking_network import AnswerCourse, SampleCourse

_NAMES = {"": "training", "validation_": "validation"}  # prefix of the names in a history
_SCORES = {"accuracy": "accuracy", "r2": "R²"}
_FONT = 8.0
_MOST = 30  # largest number of classes for which a confusion matrix shows its counts


@shows
def learning_curve(history: Mapping[str, Sequence[float]], ax: Axes | None = None) -> Figure:
    """The loss of each epoch, and beside it the accuracy or R², of the training and of the validation data if there are any.

    The axis of losses is logarithmic if all are positive and the largest is more than five times the smallest.

    Parameters
    ----------
    history : of a `Classifier`, `Regressor` or `SpikingClassifier`. ax : axes for the loss alone; a new figure if not given.
    """
    score = next((key for key in _SCORES if key in history), None)
    if ax is not None or score is None:
        return _curves(history, "loss", "loss", _axes(ax, 3.5, 2.6))
    left, right = Picture(figsize=(6.6, 2.6), layout="constrained").subplots(1, 2)
    _curves(history, "loss", "loss", left)
    return _curves(history, score, _SCORES[score], right)


def _curves(history: Mapping[str, Sequence[float]], key: str, name: str, ax: Axes) -> Figure:
    """One entry of the history, of the training and of the validation data, against the number of epochs."""
    found = {text: history[prefix + key] for prefix, text in _NAMES.items() if prefix + key in history}
    draw_epochs(ax, found, name, _FONT, logarithmic=key == "loss")
    if key == "r2":
        ax.set_ylim(bottom=max(min(map(np.nanmin, found.values())), -1.0))  # R² of the first epochs can be far below 0
    return _done(ax)


@shows
def confusion_matrix(y: Any, predicted: Any, classes: Sequence[Any] | np.ndarray | None = None, ax: Axes | None = None) -> Figure:
    """The confusion matrix: how often samples of each class (row) were assigned to each class (column).

    Parameters
    ----------
    y, predicted : the true and the predicted class of each sample. classes : all classes, sorted (default: those that occur).
    ax : axes to draw into; a new figure if not given.
    """
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
    """The accuracy of the spiking network, and its agreement with the dense network, as functions of time.

    Parameters
    ----------
    course : what `Spiking.course` returned. ax : axes to draw into; a new figure if not given.
    """
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


@shows
def sample_course(course: SampleCourse) -> Figure:
    """One sample: above, the spikes of the hidden layers; below, the weighted sum of each output over time. The title says which class
    was predicted, and the true class if it is known; both are coloured.

    Parameters
    ----------
    course : what `Spiking.watch` returned.
    """
    above, below = Picture(figsize=(4.2, 4.4), layout="constrained").subplots(2, 1, sharex=True, height_ratios=(3, 2))
    _draw_spikes(course, above)
    above.set_title(_verdict(course), fontsize=_FONT)
    _draw_outputs(course, below)
    below.set_xlabel("time (ms)")
    below.set_xlim(0, course.times[-1])
    _done(above)
    return _done(below)


def _draw_spikes(course: SampleCourse, ax: Axes) -> None:
    """The spikes of the hidden layers, the first layer at the top."""
    first, middles = 0, []
    for name, (times, ids) in course.spikes.items():
        n = course.units[name]
        ax.plot(times, first + ids, "|", ms=2.5, mew=0.8, color="0.2", rasterized=True)
        middles.append((first + n / 2 - 0.5, f"{short_label(name)}\nn = {n}"))
        first += n
        ax.axhline(first - 0.5, color="0.8", lw=0.6)
    ax.set_yticks([at for at, _ in middles], [text for _, text in middles])
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(first - 0.5, -0.5)


def _verdict(course: SampleCourse) -> str:
    parts = [f"sample {course.sample}: predicted {course.predicted}"]
    parts += [] if course.true is None else [f"true class {course.true}"]
    parts += [f"dense network {course.dense}"] if course.dense != course.predicted else []
    return label_axis(", ".join(parts))


def _draw_outputs(course: SampleCourse, ax: Axes) -> None:
    """A line for each class; a single output is the sum for the second class against the first."""
    single = course.sums.shape[1] == 1
    for k, sums in enumerate(course.sums.T):
        name = course.classes[1] if single else course.classes[k]
        colour, label = "0.75", None
        if single or name == course.predicted:
            as_said = "predicted, true" if name == course.true else "predicted"
            colour, label = EXCITATORY, f"{name} ({as_said})" if name == course.predicted else f"{name}"
        elif name == course.true:
            colour, label = INHIBITORY, f"{name} (true)"
        ax.plot(course.times, sums, color=colour, lw=1.2 if label else 0.8, zorder=3 if label else 2, label=label and short_label(label))
    if single:
        ax.axhline(0, color="0.6", lw=0.6)
    settled = course.sums[len(course.sums) // 5 :]  # the first estimates, from a few spikes, can be far off
    low, high = float(settled.min()), float(settled.max())
    ax.set_ylim(low - 0.3 * (high - low) - 1e-9, high + 0.3 * (high - low) + 1e-9)
    ax.set_ylabel("output (weighted sum)")
    ax.legend(frameon=False, fontsize=_FONT, loc="best")


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
