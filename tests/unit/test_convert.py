"""From trained networks to spiking ones: the same weights to the byte, the same answers; and what is refused."""

from __future__ import annotations

import hashlib
import tomllib

import h5py
import numpy as np
import pytest
from sklearn.datasets import load_digits

import lifsim as ls
from lifsim.ann import Classifier, Regressor, to_spiking
from lifsim.ann.spiking_network import Spiking
from lifsim.common.errors import DataError, LifsimError, OutputError

X, Y = load_digits(return_X_y=True)
X = X / 16
LEARN, TEST = slice(0, 1200), slice(1200, 1400)


@pytest.fixture(scope="module")
def relu():
    return Classifier((32,), learning_rate=5e-3, epochs=30).fit(X[LEARN], Y[LEARN])


@pytest.fixture(scope="module")
def deep():
    return Classifier((32, 24), learning_rate=5e-3, epochs=30).fit(X[LEARN], Y[LEARN])


@pytest.fixture(scope="module")
def lif():
    return Classifier((32,), "lif", learning_rate=5e-3, epochs=30).fit(X[LEARN], Y[LEARN])


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    """Error of the sums relative to their spread."""
    return float(np.sqrt(((found - expected) ** 2).mean()) / expected.std())


# -- what a layer of neurons does --------------------------------------------------------------------


def test_soft_reset_neurons_count_like_relu(relu):
    """With a constant current a neuron has fired floor(1/2 + t max(z, 0)/λ) times, which is known beforehand."""
    s = to_spiking(relu, X[LEARN], neuron="if")
    result = ls.run(s.network_for(X[TEST][:20]), 32.0)
    train = result.spikes["layer_1"]
    found = np.bincount(train.ids, minlength=20 * 32).reshape(20, 32)
    largest = np.percentile(relu.layers_.forward(relu._scaled(X[LEARN]))[1][1], 99.9)
    z = X[TEST][:20] @ relu.weights[0].T.astype(float) + relu.biases[0]
    steps = 32 - 2  # the first current acts in the third step
    expected = np.minimum(np.floor(0.5 + steps * np.maximum(z, 0) / largest + 1e-9), steps)
    assert np.abs(found - expected).max() <= 1 and (found == expected).mean() > 0.99


def test_leaky_neurons_fire_at_the_rates_that_were_trained(lif):
    """The activation is the rate of the engine's own neuron, but that its intervals are whole steps."""
    s = to_spiking(lif, dt=0.1)
    result = ls.run(s.network_for(X[TEST][:10]), 1000.0)
    rates = np.bincount(result.spikes["layer_1"].ids, minlength=320).reshape(10, 32) / 1.0
    a = lif.layers_.forward(lif._scaled(X[TEST][:10]))[1][1]
    passage = lif.tau_m / np.maximum(a * lif.gain, 1e-9) - lif.t_ref
    interval = lif.t_ref + 0.1 * np.ceil(passage / 0.1)
    fast = a * lif.gain / lif.tau_m > 0.02  # per ms; slower ones are on the smooth part of the curve
    assert fast.sum() > 50
    assert np.abs(rates - 1000 / interval)[fast].max() <= 1.0


@pytest.mark.parametrize(
    ("net", "options", "duration", "error"),
    [
        ("relu", {"neuron": "if"}, 32.0, 0.03),
        ("deep", {"neuron": "if"}, 64.0, 0.03),
        ("relu", {"neuron": "lif"}, 100.0, 0.05),
        ("deep", {"neuron": "lif"}, 100.0, 0.08),
        ("relu", {"neuron": "lif", "tau_m": 50.0, "dt": 0.2, "tau_syn": 8.0, "gain": 20.0}, 100.0, 0.05),
        ("lif", {}, 100.0, 0.03),
        ("lif", {"tau_syn": 2.0, "dt": 0.05}, 100.0, 0.03),
    ],
)
def test_sums_and_answers_are_those_of_the_dense_network(request, net, options, duration, error):
    m = request.getfixturevalue(net)
    s = to_spiking(m, X[LEARN], **options)
    labels = s.classify(X[TEST], duration)
    assert apart(s.answer.sums[-1], m.decision_function(X[TEST])) < error
    assert (labels == m.predict(X[TEST])).mean() > 0.98
    course = s.course(X[TEST], Y[TEST])
    assert course.same[-1] > 0.98 and abs(course.right[-1] - m.score(X[TEST], Y[TEST])) < 0.02
    assert 20 < s.spikes_per_sample < 5000


def test_without_the_current_of_half_a_threshold_it_goes_wrong(deep):
    wrong = to_spiking(deep, X[LEARN], half_threshold=False)
    wrong.run(X[TEST])
    assert apart(wrong.answer.sums[-1], deep.decision_function(X[TEST])) > 0.15


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "mse"])
def test_two_classes(loss):
    some = Y < 2
    m = Classifier((16,), loss=loss, epochs=20).fit(X[some], Y[some])
    s = to_spiking(m, neuron="if")
    assert (s.classify(X[some], 64.0) == m.predict(X[some])).mean() > 0.99


def test_a_regression_gives_its_outputs():
    m = Regressor((32,), epochs=30).fit(X[LEARN], Y[LEARN] / 10)
    s = to_spiking(m, neuron="if")
    s.run(X[TEST], 100.0)
    assert apart(s.answer.sums[-1][:, 0], m.predict(X[TEST])) < 0.1
    with pytest.raises(LifsimError, match="predicts numbers"):
        s.classify(X[TEST])


def test_samples_side_by_side_are_those_one_by_one(relu):
    s = to_spiking(relu, X[LEARN], neuron="lif")
    together = s.run(X[TEST][:5], 30.0)
    for k in range(5):
        alone = s.run(X[TEST][k : k + 1], 30.0)
        np.testing.assert_array_equal(alone.sums[:, 0], together.sums[:, k])
        assert alone.spikes[0] == together.spikes[k]


def test_the_network_is_an_ordinary_one(relu):
    s = to_spiking(relu, X[LEARN])
    assert isinstance(s.network, ls.Network)
    assert ls.run(s.network, 50.0).spikes["layer_1"].n_nodes == 32
    assert s.network_for(X[TEST][:3]).populations["layer_1"].n == 96


# -- the weights stay ------------------------------------------------------------------------------


def weights_of(path) -> list[str]:
    """SHA-256 of the bytes of W and b as another program reads them."""
    with h5py.File(path) as file:
        return [hashlib.sha256(file[f"{name}/{part}"][()].tobytes()).hexdigest() for name in sorted(file) for part in ("weight", "bias")]


@pytest.mark.parametrize("neuron", ["if", "lif"])
def test_weights_are_the_same_bytes_after_training_conversion_and_run(tmp_path, relu, neuron):
    relu.save(tmp_path / "net.h5")
    trained = weights_of(tmp_path / "net.h5")
    with ls.weights.WeightStore(tmp_path / "net.h5") as store:
        said = [m.sha256 for m in store.verify()]
    assert trained[0] == hashlib.sha256(relu.weights[0].tobytes()).hexdigest()
    to_spiking(relu, X[LEARN], neuron=neuron).save(tmp_path / "model.toml", tmp_path / "net.h5")
    assert weights_of(tmp_path / "net.h5") == trained
    s = Spiking.read(tmp_path / "model.toml")
    labels = s.classify(X[TEST], 32.0)
    ls.run(ls.load(tmp_path / "model.toml"), 20.0, out=tmp_path / "run.h5")
    assert weights_of(tmp_path / "net.h5") == trained
    with ls.weights.WeightStore(tmp_path / "net.h5") as store:
        assert [m.sha256 for m in store.verify()] == said
        notes = store.notes("layer_1")
    assert {"spiking_scale", "spiking_bias_scale", "spiking_V_th", "spiking_I_e", "spiking_model"} <= set(notes)
    in_memory = to_spiking(relu, X[LEARN], neuron=neuron).classify(X[TEST], 32.0)
    np.testing.assert_array_equal(labels, in_memory)
    text = tomllib.loads((tmp_path / "model.toml").read_text(encoding="utf-8"))
    assert text["projections"][0]["matrix"] == "net.h5:layer_1" and sorted(p.name for p in tmp_path.iterdir()) == [
        "model.toml",
        "net.h5",
        "run.h5",
    ]


def test_the_model_file_stays_beside_the_weights(tmp_path, relu):
    (tmp_path / "a").mkdir()
    relu.save(tmp_path / "net.h5")
    with pytest.raises(OutputError, match=r"its weights in .*net.h5 lie elsewhere"):
        to_spiking(relu).save(tmp_path / "a" / "model.toml", tmp_path / "net.h5")
    with pytest.raises(DataError, match="is no converted network"):
        Spiking.read("brunel")


# -- refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "identity"])
def test_what_cannot_be_a_rate_is_refused(activation):
    m = Classifier((4,), activation, epochs=1).fit(X[LEARN], Y[LEARN])
    with pytest.raises(LifsimError, match=f'activation: firing rates .* outputs of {activation} units: .*; expected "relu" or "lif"'):
        to_spiking(m)


@pytest.mark.parametrize(
    ("net", "options", "match"),
    [
        ("relu", {"neuron": "izhikevich"}, "neuron"),
        ("relu", {"percentile": 0.0}, "percentile"),
        ("relu", {"percentile": 101.0}, "percentile"),
        ("relu", {"gain": 0.0}, "gain"),
        ("relu", {"tau_m": -1.0}, "tau_m"),
        ("relu", {"tau_syn": 0.0}, "tau_syn"),
        ("relu", {"dt": 0.0}, "dt"),
        ("relu", {"neuron": "if", "t_ref": 2.0}, "t_ref: 2 ms for neurons without leak"),
        ("lif", {"neuron": "if"}, 'neuron: .if. for a network of lif units; set neuron="lif"'),
        ("lif", {"t_ref": 1.0}, "those that the network was trained with: tau_m = 20, t_ref = 2"),
        ("relu", {"X": np.zeros((3, 5))}, "5 features; expected 64"),
        ("relu", {"X": np.full((3, 64), np.nan)}, r"X\[0, 0\]: nan"),
    ],
)
def test_wrong_options(request, net, options, match):
    with pytest.raises(LifsimError, match=match):
        to_spiking(request.getfixturevalue(net), **options)


def test_relu_units_with_a_refractory_period_are_advised_to_be_lif(relu):
    with pytest.warns(UserWarning, match='t_ref = 2 ms fires at most every 2 ms: train with activation="lif"'):
        to_spiking(relu, t_ref=2.0)


def test_a_sample_by_its_number(relu):
    for number in (None, 0, 17):
        s = to_spiking(relu, X[TEST], sample=number)
        np.testing.assert_allclose(s.network.populations["input"].params["amplitude"], X[TEST][number or 0])
    course = s.watch(X[TEST], 17, Y[TEST])
    assert (
        course.predicted == s.classify(X[TEST][17:18])[0] and course.true == Y[TEST][17] and course.dense == relu.predict(X[TEST][17:18])[0]
    )
    result = ls.run(s.network)  # its stimulus is that sample
    np.testing.assert_array_equal(course.spikes["layer_1"][0], result.spikes["layer_1"].times)
    assert course.sums.shape == (len(course.times), 10) and course.sums[-1].argmax() == relu.classes_.tolist().index(course.predicted)


def test_a_sample_is_drawn(relu):
    from dataclasses import replace

    from lifsim.ann.plots import sample_course

    course = replace(to_spiking(relu, X[TEST]).watch(X[TEST], 17), predicted=3, true=5, dense=5)
    above, below = sample_course(course).axes
    assert above.get_title() == "sample 17: predicted 3, true class 5, dense network 5"
    assert sum(len(line.get_xdata()) for line in above.lines if line.get_marker() == "|") == len(course.spikes["layer_1"][0])
    assert len(below.lines) == 10 and [t.get_text() for t in below.get_legend().get_texts()] == ["3 (predicted)", "5 (true)"]
    two = Classifier((8,), loss="binary_cross_entropy", epochs=5).fit(X[LEARN], Y[LEARN] % 2)
    below = sample_course(to_spiking(two, X[TEST]).watch(X[TEST], 0, Y[TEST] % 2)).axes[1]
    assert len(below.lines) == 2  # the only output, and zero


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"sample": 3}, r"sample: 3, but no samples X; give the samples too"),
        ({"X": X[:5], "sample": 5}, "sample: 5, where there are 5 samples; expected a whole number from 0 to 4"),
        ({"X": X[:5], "sample": -1}, "sample: -1"),
        ({"X": X[:5], "sample": 1.0}, r"sample: 1\.0"),
        ({"X": X[:5], "half_threshold": "no"}, "half_threshold: 'no'; expected True or False"),
    ],
)
def test_wrong_samples(relu, given, match):
    with pytest.raises(LifsimError, match=match):
        to_spiking(relu, **given)


def test_what_is_no_network():
    with pytest.raises(LifsimError, match=r"m: an object of type str; expected a trained network of lifsim\.ann"):
        to_spiking("net.h5")


def test_without_hidden_layers_nothing_fires():
    with pytest.raises(LifsimError, match="no hidden layers"):
        to_spiking(Classifier((), epochs=1).fit(X[LEARN], Y[LEARN]))


def test_wrong_runs(relu):
    s = to_spiking(relu, neuron="if")
    with pytest.raises(LifsimError, match=r"duration: 2.* ms; expected above 3 ms"):
        s.run(X[TEST], 2.0)
    with pytest.raises(LifsimError, match="nothing was run yet"):
        _ = s.spikes_per_sample
    with pytest.raises(DataError, match="features"):
        s.classify(X[TEST][:, :5])
