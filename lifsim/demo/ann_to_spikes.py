"""A trained network, and the same weights as leaky integrate-and-fire neurons."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from lifsim.ann import plots
from lifsim.ann.classifier import Classifier
from lifsim.ann.conversion import to_spiking
from lifsim.ann.spiking_network import AnswerCourse, SampleCourse, Spiking
from lifsim.demo.demonstration import Demonstration
from lifsim.demo.digit_pictures import digits
from lifsim.demo.drawing import BLUE, RED, name_axes, panels

TRAINED, TESTED = 1400, 200
HIDDEN, EPOCHS, DURATION = 64, 30, 100.0


def demonstrate() -> Demonstration:
    """Train on pictures of digits, run the weights as spiking neurons, and compare the answers."""
    X, y, source = digits()
    train, test = slice(0, TRAINED), slice(TRAINED, TRAINED + TESTED)
    m = Classifier((HIDDEN,), "lif", scale="max", learning_rate=5e-3, epochs=EPOCHS, seed=0).fit(X[train], y[train])
    s = to_spiking(m, X[train], neuron="lif")
    labels = s.classify(X[test], duration=DURATION)
    course = s.course(X[test], y[test])
    spikes = s.spikes_per_sample
    dense = m.predict(X[test])
    watched = s.watch(X[test], 0, y[test], duration=DURATION)
    numbers = {
        "dense": float(np.mean(dense == y[test])),
        "spiking": float(np.mean(labels == y[test])),
        "same": float(np.mean(labels == dense)),
        "spikes": spikes,
        "source": source,
        "first": float(course.times[np.argmax(course.same >= 0.99)]) if (course.same >= 0.99).any() else np.nan,
        "loss": (m.history["loss"][0], m.history["loss"][-1]),
        "same_weights": _same_weights(m, s),
    }
    return Demonstration(_draw(X[test][0], m, watched, course), _lines(numbers), numbers)


def _same_weights(m: Classifier, s: Spiking) -> bool:
    """Whether the matrices that the spiking network reads are those of the dense one, bit for bit."""
    (store,) = (s.stores or {}).values()
    return all(np.array_equal(store.get(f"layer_{k}"), W) for k, W in enumerate(m.weights, start=1))


def _draw(picture: np.ndarray, m: Classifier, watched: SampleCourse, course: AnswerCourse) -> Figure:
    figure, ((image, raster, loss), (bars, sums, accuracy)) = panels(2, 3, height=2.3)
    image.imshow(picture.reshape(8, 8), cmap="Greys")
    image.set_axis_off()
    image.set_title(f"One sample, a {watched.true}", fontsize=8, loc="left")
    (times, ids), n = watched.spikes["layer_1"], watched.units["layer_1"]
    raster.plot(times, ids, "|", ms=2.5, mew=0.7, color=RED)
    raster.set_ylim(n - 0.5, -0.5)
    name_axes(raster, "time (ms)", "hidden neuron", "Its spikes in the hidden layer")
    z = m.decision_function(picture[None])[0]
    bars.barh(range(len(z)), z, color=[BLUE if k == z.argmax() else "0.75" for k in range(len(z))])
    bars.set_yticks(range(len(z)), [str(c) for c in m.classes_])
    bars.invert_yaxis()
    name_axes(bars, "output", "class", "Dense network: numbers")
    bars.set_yticks(range(len(z)), [str(c) for c in m.classes_])
    for k, course_of in enumerate(watched.sums.T):
        sums.plot(watched.times, course_of, color=RED if k == z.argmax() else "0.75", lw=1.2 if k == z.argmax() else 0.8)
        sums.plot(watched.times[-1] * 1.03, z[k], "<", ms=4, color=BLUE if k == z.argmax() else "0.6", clip_on=False)
    span = np.ptp(z)
    sums.set_ylim(z.min() - 0.6 * span, z.max() + 0.6 * span)
    name_axes(sums, "time (ms)", "output (weighted sum)", "Spiking network; triangles: dense")
    plots.learning_curve(m.history, ax=loss)
    loss.set_title("Training of the dense network", fontsize=8, loc="left")
    plots.accuracy_over_time(course, ax=accuracy)
    accuracy.set_title("Spiking network, all samples", fontsize=8, loc="left")
    return figure


def _lines(n: dict) -> list[str]:
    return [
        f"A network of 64 inputs, {HIDDEN} hidden units and 10 outputs learns {n['source']}.",
        f'  Its activation "lif" is the f-I curve of the neurons that run it later. {TRAINED} samples, {EPOCHS} epochs: '
        f"the loss falls from {n['loss'][0]:.3f} to {n['loss'][1]:.4f}.",
        f"  {TESTED} samples that it has not seen: {n['dense']:.1%} right.",
        f"  Then the same weights ({'equal bit for bit' if n['same_weights'] else 'not equal'}) connect leaky integrate-and-fire "
        "neurons; pixels and biases become currents.",
        f"  After {DURATION:g} ms the spiking network gives the answer of the dense one for {n['same']:.1%} of the samples,",
        f"  {n['spiking']:.1%} are right; {n['spikes']:.0f} spikes a sample. For 99 % the same answer it takes {n['first']:.1f} ms.",
        "  The dense network has its answer at once, as numbers. The spiking one collects evidence: the longer it runs, the surer it is.",
        "  Bottom row: the outputs for one sample as numbers, and as weighted sums of spikes that settle at the same numbers.",
        "  More of this: docs/ann.md; lifsim train, convert, classify.",
    ]
