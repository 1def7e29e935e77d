"""Surrogate gradients: against central differences, torch and plain NumPy; and what was trained runs in the engine."""

from __future__ import annotations

import json
from itertools import pairwise

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_digits

import lifsim as ls
from lifsim.ann.activations import Activation
from lifsim.ann.losses import loss_and_gradient
from lifsim.ann.surrogate import COUNT, LifNeurons, SpikingEpochs, SpikingLayers
from lifsim.ann.training import Recipe
from lifsim.common.errors import DataError, LifsimError

SIZES = [(6, 5, 3), (6, 5, 4, 3)]
ENCODINGS = ["current", "current in steps", "latency", "spikes"]
STEPS = 30


def network(sizes, encoding, smooth=False, through_reset=True, beta=4.0, recurrent=False) -> SpikingLayers:
    rng = np.random.default_rng(0)
    activations = (*(Activation("identity") for _ in sizes[2:]), Activation("softmax"))
    neurons = LifNeurons(encoding.split()[0], float(STEPS), beta=beta)
    own = (recurrent, *(True for _ in sizes[3:])) if recurrent else ()
    options = {"neurons": neurons, "smooth": smooth, "through_reset": through_reset, "recurrent": own}
    net = SpikingLayers(sizes, activations, "cross_entropy", **options)
    net.initialise(rng, init="he")
    net.theta += 0.1 * rng.normal(size=len(net.theta))
    return net


def data(encoding, n=7):
    rng = np.random.default_rng(1)
    shape = (n, STEPS, 6) if encoding in ("current in steps", "spikes") else (n, 6)
    x = rng.random(shape)
    x[x < 0.2] = 0  # which send no spike
    if encoding == "spikes":
        x = (x > 0.9).astype(float)
    return x, np.eye(3)[rng.integers(0, 3, n)]


def apart(a, b) -> float:
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("recurrent", [False, True])
def test_gradient_of_the_smoothed_network_is_that_of_central_differences(encoding, sizes, recurrent):
    net, (x, y), h = network(sizes, encoding, smooth=True, recurrent=recurrent), data(encoding), 1e-5
    assert len(net.theta) == sum(a * b + b for a, b in pairwise(sizes)) + recurrent * sum(n * n for n in sizes[1:-1])
    expected = np.empty_like(net.theta)
    for i, own in enumerate(net.theta.copy()):
        pair = []
        for there in (own + h, own - h):
            net.theta[i] = there
            pair.append(loss_and_gradient(net.loss, net.activations[-1], net.forward(x)[0][-1], y)[0])
        net.theta[i] = own
        expected[i] = (pair[0] - pair[1]) / (2 * h)
    assert apart(net.gradient(x, y)[1], expected) < 1e-7
    assert apart(SpikingEpochs(net, Recipe(batch_size=7), x, y).gradient(np.arange(7))[1], expected) < 1e-7


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("through_reset", [True, False])
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_compiled_form_is_the_plain_one(encoding, sizes, through_reset, recurrent):
    net, (x, y) = network(sizes, encoding, through_reset=through_reset, recurrent=recurrent), data(encoding)
    assert sum(s.sum() for _, s in net.hidden(x)) > 20
    loss, expected = net.gradient(x, y)
    epochs = SpikingEpochs(net, Recipe(batch_size=7), x, y)
    found, gradient = epochs.gradient(np.arange(7))
    assert found == pytest.approx(loss, rel=1e-13) and apart(gradient, expected) < 1e-13
    part = epochs.gradient(np.array([2, 5]))[1]
    assert apart(part, net.gradient(x[[2, 5]], y[[2, 5]])[1]) < 1e-13


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("through_reset", [True, False])
@pytest.mark.parametrize("recurrent", [False, True])
def test_the_surrogate_gradient_is_that_of_torch(encoding, sizes, through_reset, recurrent):
    """The equations once more, step by step, with a spike function whose backward pass is the surrogate."""
    torch = pytest.importorskip("torch")
    net, (x, y) = network(sizes, encoding, through_reset=through_reset, recurrent=recurrent), data(encoding)
    n = net.neurons

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, u):
            ctx.save_for_backward(u)
            return (u >= 0).to(u.dtype)

        @staticmethod
        def backward(ctx, gradient):
            (u,) = ctx.saved_tensors
            return gradient / (1 + n.beta * u.abs()) ** 2

    leaves = [(torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)) for W, b in net.views(net.theta.copy())]
    own = [None if V is None else torch.tensor(V.copy(), requires_grad=True) for V in net.feedback(net.theta)]
    P22, P21, P11, to_v = n.propagators
    v, i, last = [0.0] * len(leaves), [0.0] * len(leaves), [None] * len(leaves)
    counted = 0.0
    for t in range(n.steps):
        before = torch.tensor(n.spikes(x)[t - 1].astype(float)) if t and n.encoding != "current" else None
        given = torch.tensor(x if x.ndim == 2 else x[:, t])
        for k, (W, b) in enumerate(leaves[:-1]):
            current = n.gain * b + (n.scale(0) * (given @ W.T) if k == 0 and n.encoding == "current" else 0.0)
            u = P22 * v[k] + P21 * i[k] + to_v * current
            i[k] = P11 * i[k]
            if before is not None and not (k == 0 and n.encoding == "current"):
                i[k] = i[k] + n.scale(k) * (before @ W.T)
            if own[k] is not None and last[k] is not None:
                i[k] = i[k] + n.scale(1) * (last[k] @ own[k].T)
            s = Spike.apply(u - 1) + torch.zeros(len(x), len(b), dtype=torch.float64)
            v[k] = u * (1 - (s if through_reset else s.detach()))
            before, last[k] = last[k], s
        counted = counted + n.count[t] * s
    W, b = leaves[-1]
    loss = torch.nn.functional.cross_entropy(counted @ W.T + b, torch.tensor(y))
    loss.backward()
    expected = np.concatenate(
        [leaf.grad.numpy().ravel() for pair in leaves for leaf in pair] + [V.grad.numpy().ravel() for V in own if V is not None]
    )
    found, gradient = net.gradient(x, y)
    assert found == pytest.approx(loss.item(), rel=1e-12)
    assert apart(gradient, expected) < 1e-12


def test_counts_are_the_slope_of_a_line():
    n = LifNeurons(duration=12.0)
    spikes = np.array([0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0.0])
    t, sums = np.arange(1.0, 13), np.cumsum(spikes)
    slope = np.linalg.lstsq(t[:, None], sums, rcond=None)[0][0]
    assert n.count @ spikes == pytest.approx(COUNT * slope) and n.count.sum() == pytest.approx(COUNT)


def test_latency_code():
    n = LifNeurons("latency", window=20.0)
    np.testing.assert_array_equal(n.when(np.array([1.0, 2.0, 0.5, 1e-9, 0.0, -1.0])), [0, 0, 10, 19, -1, -1])


def presented(encoding, x, steps):
    """Samples for an encoding: as they are, or with a value for each step."""
    rng = np.random.default_rng(5)
    if encoding == "spikes":
        return (rng.random((len(x), steps, x.shape[1])) < 0.3 * x[:, None]).astype(float)
    return x[:, None] * (1 + np.sin(np.arange(steps) / 3 + rng.random((len(x), 1)))[..., None]) if encoding == "current in steps" else x


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(
    ("hidden", "recurrent", "dt"),
    [
        ((12, 8), False, 1.0),
        ((16,), True, 1.0),
        ((12, 8), True, 0.5),
        *(
            pytest.param(*case, marks=pytest.mark.slow)  # each of these numbers of layers, feedbacks and steps is in one of the above
            for case in [((16,), False, 1.0), ((12, 8), True, 1.0), ((16,), True, 0.5)]
        ),
    ],
)
def test_what_was_trained_runs_in_the_engine_spike_by_spike(encoding, hidden, recurrent, dt):
    X, y = load_digits(return_X_y=True)
    X = presented(encoding, X / 16, round(30 / dt))
    options = {"duration": 30.0, "dt": dt, "epochs": 1, "batch_size": 10, "dtype": "float64", "recurrent": recurrent}
    m = ls.ann.SpikingClassifier(hidden, encoding.split()[0], **options).fit(X[:300], y[:300])
    s, some = ls.ann.to_spiking(m), X[600:610]
    result = ls.run(s.network_for(some))
    for k, (_, spikes) in enumerate(m.layers_.hidden(m.input_(some)), start=1):
        found = np.zeros_like(spikes)
        train = result.spikes[f"layer_{k}"]
        step = np.round(train.times / dt).astype(int) - 3  # the first current acts in the third step
        inside = step < len(spikes)
        np.add.at(found, (step[inside], train.ids[inside] // hidden[k - 1], train.ids[inside] % hidden[k - 1]), 1)
        assert spikes.sum() > 5 * len(some)
        np.testing.assert_array_equal(found, spikes)
    assert (s.classify(some) == m.predict(some)).all()
    np.testing.assert_allclose(s.answer.sums[-1], m.decision_function(some), atol=1e-12)


def test_the_stimulus_of_the_network_is_the_chosen_sample():
    X, y = load_digits(return_X_y=True)
    for encoding in ENCODINGS:
        x = presented(encoding, X[:30] / 16, 20)
        m = ls.ann.SpikingClassifier((8,), encoding.split()[0], duration=20.0, epochs=1, dtype="float64").fit(x, y[:30])
        chosen, alone = ls.run(ls.ann.to_spiking(m, x, sample=7).network), ls.run(ls.ann.to_spiking(m).network_for(x[7:8]))
        np.testing.assert_array_equal(chosen.spikes["layer_1"].times, alone.spikes["layer_1"].times)
        assert len(chosen.spikes["layer_1"].times)
        assert len(ls.run(ls.ann.to_spiking(m).network).spikes["layer_1"].times)  # of the mean sample


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_epoch_of_a_recurrent_network_is_that_of_plain_numpy(encoding):
    """Gradient descent with weight decay, two batches."""
    net, (x, y) = network((6, 5, 4, 3), encoding, through_reset=False, recurrent=True), data(encoding)
    twin = network((6, 5, 4, 3), encoding, through_reset=False, recurrent=True)
    order = np.random.default_rng(2).permutation(7)
    for some in (order[:4], order[4:]):
        gradient = twin.gradient(x[some], y[some])[1]
        decaying = [x for W, b in twin.views(twin.theta) for x in (W.ravel(), 0 * b)] + [V.ravel() for V in twin.feedback(twin.theta)]
        twin.theta -= 0.1 * (gradient + 0.01 * np.concatenate(decaying))
    SpikingEpochs(net, Recipe(solver="sgd", batch_size=4, weight_decay=0.01), x, y)(order, 0.1)
    assert apart(net.theta, twin.theta) < 1e-12


def test_recurrent_networks_learn():
    """Whether two stimuli, 8 ms apart, are the same, by neurons that forget within 2 ms."""
    rng = np.random.default_rng(0)
    cues = rng.integers(0, 2, (600, 2))
    x, y = np.zeros((600, 24, 2)), cues[:, 0] ^ cues[:, 1]
    for i, (first, second) in enumerate(cues):
        x[i, 2:6, first] = x[i, 14:18, second] = 1
    m = ls.ann.SpikingClassifier((64,), duration=24.0, tau_m=2.0, tau_syn=2.0, recurrent=True, epochs=20, learning_rate=0.01, seed=1)
    start = ls.ann.SpikingClassifier((64,), duration=24.0, tau_m=2.0, tau_syn=2.0, recurrent=True, epochs=1, learning_rate=1e-30, seed=1)
    m.fit(x[:400], y[:400])
    assert m.score(x[400:], y[400:]) > 0.9
    assert m.recurrent_weights[0].std() > 1.5 * start.fit(x[:400], y[:400]).recurrent_weights[0].std()


def test_recurrent_weights_in_files(tmp_path):
    X, y = load_digits(return_X_y=True)
    X, y = presented("spikes", X[:40] / 16, 10), y[:40]
    made = ls.ann.SpikingClassifier((6, 5), "spikes", duration=10.0, window=5.0, epochs=1, recurrent=(False, True))
    m = made.fit(X, y)
    assert m.recurrent_weights[0] is None and m.recurrent_weights[1].shape == (5, 5)
    m.save(tmp_path / "net.h5")
    again = ls.ann.load(tmp_path / "net.h5")
    assert again.timed_ and again.recurrent == (False, True)
    np.testing.assert_array_equal(again.predict_proba(X), m.predict_proba(X))
    s = ls.ann.to_spiking(m)
    s.save(tmp_path / "snn.toml", tmp_path / "net.h5")
    np.testing.assert_array_equal(type(s).read(tmp_path / "snn.toml").classify(X), s.classify(X))
    for change in (lambda f: f.pop("recurrent_2"), lambda f: f.move("recurrent_2", "recurrent_1")):
        m.save(tmp_path / "net.h5")
        with h5py.File(tmp_path / "net.h5", "r+") as file:
            change(file)
        with pytest.raises(DataError, match=r"damaged: .*recurrent"):
            ls.ann.load(tmp_path / "net.h5")


def test_files_of_versions_without_recurrent_layers_are_read(tmp_path):
    X, y = load_digits(return_X_y=True)
    m = ls.ann.SpikingClassifier((6,), duration=10.0, window=5.0, epochs=1).fit(X[:100], y[:100])
    m.save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        params = json.loads(file.attrs["parameters"])
        del params["recurrent"], file.attrs["timed"], file.attrs["history_accuracy"]
        file.attrs["parameters"] = json.dumps(params)
    again = ls.ann.load(tmp_path / "net.h5")
    np.testing.assert_array_equal(again.predict_proba(X), m.predict_proba(X))
    assert not again.recurrent and not again.timed_


def test_the_seed_decides_recurrent_training_too():
    X, y = load_digits(return_X_y=True)
    made = {"duration": 10.0, "window": 5.0, "epochs": 2, "recurrent": True}
    a, b, c = (ls.ann.SpikingClassifier((6,), seed=seed, **made).fit(X[:100], y[:100]).layers_.theta for seed in (1, 1, 2))
    assert (a == b).all() and (a != c).any()


IN_STEPS = np.zeros((6, 50, 2))


@pytest.mark.parametrize(
    ("made", "x", "match"),
    [
        ({"encoding": "spikes"}, np.zeros((6, 2)), r"X: has shape \(6, 2\); expected \(samples, 50, features\)"),
        ({"encoding": "spikes"}, np.zeros((6, 20, 2)), r"expected \(samples, 50, features\)"),
        ({"encoding": "spikes"}, IN_STEPS + 2, r"X\[0, 0, 0\]: 2; expected 0 \(no spike\) or 1"),
        ({"encoding": "spikes", "scale": "max"}, IN_STEPS, "scale: 'max' of inputs that are spikes"),
        ({"encoding": "latency"}, IN_STEPS, r"\(samples, features\) with encoding='latency'"),
        ({"recurrent": "yes"}, np.ones((6, 2)), "recurrent: 'yes'; expected True or False"),
        ({"recurrent": (True, False)}, np.ones((6, 2)), r"one for each hidden layer \(1\)"),
    ],
)
def test_wrong_inputs_in_steps(made, x, match):
    with pytest.raises(LifsimError, match=match):
        ls.ann.SpikingClassifier((4,), **made).fit(x, [0, 1] * 3)


def test_samples_are_presented_as_in_training():
    x = np.random.default_rng(0).random((6, 50, 2))
    steps, constant = (ls.ann.SpikingClassifier((4,), epochs=1).fit(z, [0, 1] * 3) for z in (x, x[:, 0]))
    with pytest.raises(DataError, match=r"X: has shape \(6, 2\); expected \(samples, 50, 2\)"):
        steps.predict(x[:, 0])
    with pytest.raises(DataError, match=r"expected \(samples, features\), as in training"):
        constant.predict(x)
