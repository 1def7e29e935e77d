"""The figure of the demonstration "ann"."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lifsim.demo.by_hand import Step, Weights
from lifsim.demo.drawing import BLUE, GREEN, GREY, RED, add_key, name_axes, panels, signed
from lifsim.plot.style import FONT, SMALL


class Trained(NamedTuple):
    """A network, its samples and targets, and the losses of training."""

    m: Any
    X: Any
    y: Any
    losses: np.ndarray


def draw(weights: Weights, one: Step, xor: Trained, line: Trained, curve: Trained) -> Figure:
    """Layers, one neuron's loss, decision boundary, regressions, and losses."""
    figure, ((diagram, boundary, xor_loss), (neuron, fit, fit_loss)) = panels(2, 3, height=2.4)
    _draw_layers(diagram, weights)
    _draw_step(neuron, one)
    _draw_boundary(boundary, xor)
    _draw_regressions(fit, line, curve)
    _draw_losses(xor_loss, {"XOR": xor.losses}, "XOR: loss", "steps of gradient descent")
    _draw_losses(fit_loss, {"line": line.losses, "sin(x)": curve.losses}, "Regressions: loss", "steps, or epochs")
    return figure


def _draw_layers(ax: Axes, weights: Weights) -> None:
    """Units as circles, weights as lines: blue if positive, red if negative; the wider, the larger."""
    sizes = [np.shape(weights[0][0])[1], *(len(b) for _, b in weights)]
    places = [[(2 * k, y) for y in ((0.0,) if n == 1 else np.linspace(1, -1, n))] for k, n in enumerate(sizes)]
    for layer, (W, b) in enumerate(weights):
        for j, row in enumerate(np.asarray(W)):
            for i, w in enumerate(row):
                (x0, y0), (x1, y1) = places[layer][i], places[layer + 1][j]
                ax.plot([x0, x1], [y0, y1], color=BLUE if w > 0 else RED, lw=2.5 * abs(w), zorder=1)
                at = 0.5 if y0 == y1 or len(W) == 1 else 0.68
                box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"}
                place = x0 + at * (x1 - x0), y0 + at * (y1 - y0)
                ax.text(*place, signed(w), fontsize=SMALL, ha="center", va="center", bbox=box)
            x1, y1 = places[layer + 1][j]
            ax.text(x1, y1 + (0.5 if y1 > 0 else -0.5), f"b = {signed(b[j])}", fontsize=SMALL, ha="center", va="center", color=GREY)
    for layer, units in enumerate(places):
        for k, (x, y) in enumerate(units):
            ax.plot(x, y, "o", ms=17, mfc="white", mec=GREY, zorder=2)
            ax.text(x, y, ("x", "h", "a")[layer] + (f"$_{k + 1}$" if len(units) > 1 else ""), ha="center", va="center", fontsize=FONT)
    for x, name in enumerate(("inputs", "hidden layer\n(tanh)", "output\n(sigmoid)")):
        ax.text(2 * x, 1.85, name, ha="center", va="bottom", fontsize=SMALL)
    ax.set_xlim(-0.5, 4.7)
    ax.set_ylim(-1.7, 2.5)
    ax.set_axis_off()


def _draw_step(ax: Axes, s: Step) -> None:
    """The loss of the single neuron along its gradient: the slope at 0 is minus the squared gradient."""
    squared = sum(float((g**2).sum()) for pair in s.gradients for g in pair)
    z, (gW, gb) = s.sums[0][0, 0], s.gradients[0]
    along = float(gW[0] @ s.outputs[0][0] + gb[0])  # change of z for a step of 1
    rate = np.linspace(0, 2, 200)
    ax.plot(rate, np.log1p(np.exp(-(z - rate * along))), color=BLUE, label="loss")
    ax.plot(rate[:60], s.loss - rate[:60] * squared, color=GREY, lw=1, ls="--", label="slope −|gradient|²")
    ax.plot([0, 1], [s.loss, s.loss_after], "o", ms=5, color=RED)
    ax.annotate("one step", (1, s.loss_after), (3, 6), textcoords="offset points", fontsize=SMALL)
    ax.set_ylim(0, 0.85)
    add_key(ax)
    name_axes(ax, "learning rate", "loss after a step", "One neuron: a step down the gradient")


def _draw_boundary(ax: Axes, xor: Trained) -> None:
    side = np.linspace(-0.4, 1.4, 200)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    p = xor.m.predict_proba(grid)[:, 1].reshape(len(side), -1)
    shades = LinearSegmentedColormap.from_list("classes", ["#F6CBB0", "white", "#B5D6EA"])
    ax.pcolormesh(side, side, p, cmap=shades, vmin=0, vmax=1, rasterized=True)
    ax.contour(side, side, p, [0.5], colors=GREY, linewidths=1)
    X, y = np.asarray(xor.X), np.asarray(xor.y)
    for c, colour in ((0, RED), (1, BLUE)):
        ax.plot(*X[y == c].T, "o", ms=7, color=colour)
        for at in X[y == c]:
            ax.annotate(f"class {c}", at, (0, -6), textcoords="offset points", ha="center", va="top", fontsize=SMALL)
    name_axes(ax, "x$_1$", "x$_2$", "XOR; line: where a = 1/2")


def _draw_regressions(ax: Axes, line: Trained, curve: Trained) -> None:
    for t, colour, label in ((line, GREEN, "line"), (curve, BLUE, "sin(x), 8 hidden units")):
        X = np.asarray(t.X, float)
        x = np.linspace(X.min(), X.max(), 200)
        ax.plot(X[:, 0], t.y, "o", ms=3, color=colour)
        ax.plot(x, t.m.predict(x[:, None]), color=colour, lw=1, label=label)
    ax.set_ylim(-1.3, 5.6)
    add_key(ax, "upper left")
    name_axes(ax, "x", "y", "Regressions")


def _draw_losses(ax: Axes, losses: dict[str, np.ndarray], title: str, x: str) -> None:
    for (name, values), colour in zip(losses.items(), (GREEN, BLUE) if len(losses) > 1 else (BLUE,), strict=True):
        ax.plot(np.arange(len(values)), values, color=colour, label=name)
    if len(losses) > 1:
        add_key(ax)
    name_axes(ax, x, "", title)
    ax.set_yscale("log")
