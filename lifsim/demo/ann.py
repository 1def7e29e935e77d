"""Artificial neural networks: one neuron by hand, XOR with a hidden layer, a regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifsim.ann.regressor import Regressor
from lifsim.demo import ann_figure, by_hand
from lifsim.demo.ann_figure import Trained
from lifsim.demo.by_hand import Step
from lifsim.demo.demonstration import Demonstration

ONE_X, ONE_Y, ONE_RATE = [[1.0, 2.0]], [1], 1.0
ONE_WEIGHTS = [([[0.5, -0.25]], [0.1])]
XOR_X, XOR_Y, XOR_RATE, XOR_STEPS = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], 1.0, 400
XOR_WEIGHTS = [([[0.8, -0.6], [-0.5, 0.9]], [0.1, -0.2]), ([[0.7, 0.6]], [-0.3])]
LINE_X, LINE_Y, LINE_RATE, LINE_STEPS = [[0.0], [1.0], [2.0]], [1.0, 2.0, 4.0], 0.1, 100
LINE_WEIGHTS = [([[1.0]], [0.0])]


def demonstrate() -> Demonstration:
    """A forward pass, the loss, every gradient and a step of gradient descent, three times; and where many steps lead."""
    one = by_hand.step(by_hand.classifier(ONE_X, ONE_Y, ONE_WEIGHTS, ONE_RATE), ONE_X, ONE_Y)
    xor, xor_losses, xor_step = _trained(by_hand.classifier(XOR_X, XOR_Y, XOR_WEIGHTS, XOR_RATE), XOR_X, XOR_Y, XOR_STEPS)
    line, line_losses, line_step = _trained(by_hand.regressor(LINE_X, LINE_Y, LINE_WEIGHTS, LINE_RATE), LINE_X, LINE_Y, LINE_STEPS)
    curve_x = np.linspace(-3, 3, 40)[:, None]
    curve_y = np.sin(curve_x[:, 0])
    curve = Regressor((8,), "tanh", learning_rate=0.05, schedule="cosine", batch_size=40, epochs=800, dtype="float64", seed=1).fit(
        curve_x, curve_y
    )
    numbers = {"one": one, "xor": xor_step, "line": line_step, "xor_losses": xor_losses, "line_losses": line_losses}
    numbers |= {"xor_classes": xor.predict(XOR_X).tolist(), "line_weights": (float(line.weights[0][0, 0]), float(line.biases[0][0]))}
    numbers |= {"curve_r2": curve.score(curve_x, curve_y)}
    pictures = (Trained(xor, XOR_X, XOR_Y, xor_losses), Trained(line, LINE_X, LINE_Y, line_losses))
    figure = ann_figure.draw(XOR_WEIGHTS, one, *pictures, Trained(curve, curve_x, curve_y, np.array(curve.history["loss"])))
    return Demonstration(figure, [*_one_lines(one), "", *_xor_lines(numbers), "", *_regression_lines(numbers)], numbers)


def _trained(m: Any, X: Any, y: Any, steps: int) -> tuple[Any, np.ndarray, Step]:
    """The network after `steps` steps, the loss before each step and after the last, and the first step."""
    first = by_hand.step(m, X, y)
    losses = by_hand.descend(m, X, y, steps - 1)
    last = m.layers_.gradient(np.asarray(X, float), np.asarray(y, float).reshape(len(X), -1))[0]
    return m, np.array([first.loss, *losses, last]), first


def _one_lines(s: Step) -> list[str]:
    (w, b), x = ONE_WEIGHTS[0], ONE_X[0]
    z, a, ((gW, gb),) = s.sums[0][0, 0], s.outputs[1][0, 0], s.gradients
    new_W, new_b = s.weights[0]
    return [
        "1. One neuron, by hand. Inputs x = (1, 2), weights w = (0.5, -0.25), bias b = 0.1, target y = 1.",
        f"  forward        z = w_1 x_1 + w_2 x_2 + b = {w[0][0]:g} * {x[0]:g} + ({w[0][1]:g} * {x[1]:g}) + {b[0]:g} = {z:.4f}",
        f"                 a = sigmoid(z) = 1 / (1 + exp(-z)) = {a:.4f}",
        f"  loss           L = -ln a = {s.loss:.4f}   (for y = 0 it would be -ln(1 - a))",
        f"  backward       dL/dz = a - y = {a - 1:.4f}",
        f"                 dL/dw_i = dL/dz * x_i = ({gW[0, 0]:.4f}, {gW[0, 1]:.4f}),  dL/db = dL/dz = {gb[0]:.4f}",
        f"  descent        w - {ONE_RATE:g} * dL/dw = ({new_W[0, 0]:.4f}, {new_W[0, 1]:.4f}),  b - {ONE_RATE:g} * dL/db = {new_b[0]:.4f}",
        f"                 the loss falls from {s.loss:.4f} to {s.loss_after:.4f}",
        '  in Python      ls.ann.Classifier((), loss="binary_cross_entropy", solver="sgd", learning_rate=1.0, dtype="float64")',
        f"                 partial_fit takes this step (largest difference of a gradient: {_difference(s):.0e})",
    ]


def _xor_lines(n: dict) -> list[str]:
    s: Step = n["xor"]
    (g1, gb1), (g2, gb2) = s.gradients
    (w1, c1), (w2, c2) = XOR_WEIGHTS
    hidden, out = s.outputs[1], s.outputs[2][:, 0]
    deltas = out - np.array(XOR_Y)
    return [
        "2. XOR, a classification with a hidden layer: 2 inputs, 2 hidden units (tanh), 1 output (sigmoid). No line separates the classes.",
        f"  weights        W1 = {_shown(w1)}, b1 = {_shown(c1)}, W2 = {_shown(w2)}, b2 = {_shown(c2)}",
        "  forward        h = tanh(W1 x + b1),  a = sigmoid(W2 h + b2)",
        *(
            f"                 x = ({x[0]}, {x[1]}): h = {_shown(h)}, a = {a:.4f}, y = {y}, loss {-np.log(a if y else 1 - a):.4f}"
            for x, y, h, a in zip(XOR_X, XOR_Y, hidden, out, strict=True)
        ),
        f"  loss           the mean: {s.loss:.4f}",
        f"  backward       d2 = (a - y) / 4 = {_shown(deltas / 4)} of the four samples",
        f"                 dL/dW2 = sum of d2 h = {_shown(g2)}, dL/db2 = sum of d2 = {_shown(gb2)}",
        "                 d1 = d2 W2 (1 - h^2): the error is passed back through W2 and the slope of tanh",
        f"                 dL/dW1 = sum of d1 x = {_shown(g1)}, dL/db1 = sum of d1 = {_shown(gb1)}",
        f"  descent        after one step (learning rate {XOR_RATE:g}): W1 = {_shown(s.weights[0][0])}, b1 = {_shown(s.weights[0][1])},",
        f"                 W2 = {_shown(s.weights[1][0])}, b2 = {_shown(s.weights[1][1])}; loss {s.loss_after:.4f} "
        f"(partial_fit: gradients differ by {_difference(s):.0e})",
        f"  training       {XOR_STEPS} steps: loss {n['xor_losses'][-1]:.4f}, classes {n['xor_classes']} (targets {XOR_Y})",
    ]


def _regression_lines(n: dict) -> list[str]:
    s: Step = n["line"]
    a = s.outputs[1][:, 0]
    errors = a - np.array(LINE_Y)
    (gW, gb), (new_W, new_b) = s.gradients[0], s.weights[0]
    w, b = n["line_weights"]
    return [
        "3. Regression: one linear unit a = w x + b and the mean squared error, w = 1, b = 0; points (0, 1), (1, 2), (2, 4).",
        f"  forward        a = {_shown(a)}, errors a - y = {_shown(errors)}",
        f"  loss           L = mean of (a - y)^2 = {s.loss:.4f}",
        f"  backward       dL/dw = mean of 2 (a - y) x = {gW[0, 0]:.4f},  dL/db = mean of 2 (a - y) = {gb[0]:.4f}",
        f"  descent        learning rate {LINE_RATE:g}: w = {new_W[0, 0]:.4f}, b = {new_b[0]:.4f}; loss {s.loss_after:.4f}",
        f"  training       {LINE_STEPS} steps: w = {w:.4f}, b = {b:.4f} (least squares: 1.5 and 0.8333), loss {n['line_losses'][-1]:.4f}",
        f"  A hidden layer of 8 units bends the line: it learns sin(x) with R^2 = {n['curve_r2']:.5f}.",
    ]


def _difference(s: Step) -> float:
    """The largest difference between the gradients and the step that `partial_fit` took."""
    return max(float(np.abs(a - b).max()) for one, other in zip(s.gradients, s.taken, strict=True) for a, b in zip(one, other, strict=True))


def _shown(values: Any) -> str:
    """Numbers in brackets, one pair of brackets for each row."""
    values = np.asarray(values, float)
    if values.ndim > 1:
        return f"[{', '.join(map(_shown, values))}]"
    return f"[{', '.join(f'{x:.4f}'.rstrip('0').rstrip('.') for x in values + 0.0)}]"
