"""Classifier and Regressor as a user of scikit-learn expects them: on data, in scikit-learn's tools, with wrong input."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import lifsim as ls
from lifsim.ann import Classifier, Regressor, SpikingClassifier
from lifsim.common.errors import DataError, LifsimError

XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])


def spirals(n=200, seed=0):
    """Two spirals that wind around each other one and a half times."""
    rng = np.random.default_rng(seed)
    t = np.sqrt(rng.random(n)) * 3 * np.pi
    side = rng.integers(0, 2, n)
    x = np.stack([t * np.cos(t + np.pi * side), t * np.sin(t + np.pi * side)], axis=1) / 10
    return x + 0.01 * rng.normal(size=x.shape), np.where(side, "left", "right")


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "lif"])
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "mse"])
def test_xor(activation, loss):
    m = Classifier((16,), activation, loss=loss, learning_rate=0.03, batch_size=4, epochs=600, seed=1).fit(*XOR)
    assert m.score(*XOR) == 1.0
    np.testing.assert_allclose(m.predict_proba(XOR[0]).sum(axis=1), 1.0)


def test_two_spirals():
    x, y = spirals()
    m = Classifier((32, 32), learning_rate=5e-3, epochs=400, schedule="cosine").fit(x, y)
    assert m.score(x, y) > 0.99 and m.score(*spirals(seed=1)) > 0.95
    assert set(m.predict(x)) == {"left", "right"}


def test_regression_is_as_good_as_scikit_learns():
    X, y = load_diabetes(return_X_y=True)
    y = (y - y.mean()) / y.std()
    folds = KFold(5, shuffle=True, random_state=0)
    options = {"max_iter": 60, "batch_size": 32, "tol": 0.0, "n_iter_no_change": 1000, "random_state": 0}
    theirs = cross_val_score(MLPRegressor(hidden_layer_sizes=(64,), **options), X, y, cv=folds).mean()
    ours = cross_val_score(Regressor((64,), epochs=60), X, y, cv=folds).mean()
    assert ours > theirs - 0.01 and ours > 0.4


def test_scaling_belongs_to_the_network():
    X, y = load_diabetes(return_X_y=True)
    m = Regressor((32,), scale="standard", epochs=30).fit(1000 * X + 5, np.stack([y, 1e6 * y], axis=1))
    assert m.predict(1000 * X + 5).shape == (len(X), 2) and m.score(1000 * X + 5, np.stack([y, 1e6 * y], axis=1)) > 0.4


def test_early_stopping_keeps_the_best():
    X, y = load_digits(return_X_y=True)
    m = Classifier((32,), scale="max", learning_rate=0.01, epochs=200, early_stopping=True, patience=5).fit(X, y)
    losses = m.history["validation_loss"]
    assert len(losses) < 200 and np.argmin(losses) >= len(losses) - 15
    given = {"early_stopping": True, "patience": 5, "learning_rate": 0.01, "epochs": 200}
    kept = Classifier((32,), scale="max", **given).fit(X[:1400], y[:1400], validation=(X[1400:], y[1400:]))
    found = -np.log(kept.predict_proba(X[1400:])[np.arange(len(X) - 1400), y[1400:]]).mean()  # of the weights that are kept
    losses = kept.history["validation_loss"]
    assert found == pytest.approx(min(losses), rel=1e-4) and losses[-1] > 1.01 * min(losses)
    other = Classifier((32,), scale="max", learning_rate=0.01, epochs=3).fit(X[:900], y[:900], validation=(X[900:], y[900:]))
    assert other.history["validation_score"][-1] == pytest.approx(other.score(X[900:], y[900:]))


def test_schedule_and_weight_decay_act():
    X, y = load_iris(return_X_y=True)
    m = Classifier((8,), schedule="cosine", epochs=4).fit(X, y)
    np.testing.assert_allclose(m.history["learning_rate"], 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(4) / 4)))
    halved = Classifier((8,), schedule=lambda done: 0.5**done, epochs=2).fit(X, y)
    assert halved.history["learning_rate"] == pytest.approx([1e-3, 1e-3 * 0.5**0.5])
    free, held = (Classifier((8,), weight_decay=d, epochs=50, learning_rate=0.01).fit(X, y) for d in (0.0, 0.1))
    assert sum((W**2).sum() for W in held.weights) < 0.5 * sum((W**2).sum() for W in free.weights)


def test_the_seed_decides_everything():
    X, y = load_iris(return_X_y=True)
    a, b, c = (Classifier((8,), epochs=3, seed=seed).fit(X, y).layers_.theta for seed in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert (a != c).any() and a.dtype == np.float32


def test_initial_weights_have_the_variance_of_their_papers():
    from lifsim.ann.activations import Activation
    from lifsim.ann.layers import Layers

    net = Layers((400, 300, 10), (Activation("relu"), Activation("softmax")))
    for init, variances in (("he", (2 / 400, 2 / 300)), ("xavier", (2 / 700, 2 / 310)), ("auto", (2 / 400, 2 / 310))):
        net.initialise(np.random.default_rng(0), init=init)
        for W, variance in zip(net.weights, variances, strict=True):
            assert W.var() == pytest.approx(variance, rel=0.1)  # 3000 weights: 2 % standard error


# -- in scikit-learn's tools -----------------------------------------------------------------------


@pytest.mark.parametrize("m", [Classifier((8,), epochs=20), Regressor((8,), solver="momentum"), SpikingClassifier((8,))])
def test_clone_and_parameters(m):
    twin = clone(m)
    assert type(twin) is type(m) and twin.get_params() == m.get_params()
    assert twin.set_params(epochs=3).epochs == 3 and "epochs=3" in repr(twin)
    with pytest.raises(LifsimError, match="epochs"):
        m.set_params(epoch=3)


def test_pipeline_and_cross_validation():
    X, y = load_iris(return_X_y=True)
    pipe = make_pipeline(StandardScaler(), Classifier((16,), learning_rate=0.01, epochs=50))
    scores = cross_val_score(pipe, X, y, cv=KFold(3, shuffle=True, random_state=0))
    assert scores.mean() > 0.9
    assert pipe.fit(X, y).predict_proba(X).shape == (150, 3)


# -- files -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X / 16, y


@pytest.mark.parametrize(
    "m",
    [
        Classifier((8, 6), "lif", epochs=2, gain=3.0),
        Classifier((8,), loss="binary_cross_entropy", epochs=2, dtype="float64"),
        Classifier((), epochs=2, schedule=lambda done: 1.0),
        SpikingClassifier((8,), "latency", duration=10.0, window=5.0, epochs=1),
    ],
    ids=lambda m: type(m).__name__ + str(m.hidden),
)
@pytest.mark.parametrize("labels", ["numbers", "texts"])
def test_saved_and_loaded(tmp_path, digits, m, labels):
    X, y = digits[0][:200], digits[1][:200] if labels == "numbers" else np.array([f"digit {k}" for k in digits[1][:200]])
    m = clone(m).fit(X, y)
    m.save(tmp_path / "net.h5")
    again = ls.ann.load(tmp_path / "net.h5")
    np.testing.assert_array_equal(again.predict_proba(X), m.predict_proba(X))
    np.testing.assert_array_equal(again.predict(X), m.predict(X))
    assert again.history == m.history and type(again) is type(m)
    assert {k: v for k, v in again.get_params().items() if k != "schedule"} == {k: v for k, v in m.get_params().items() if k != "schedule"}
    with h5py.File(tmp_path / "net.h5") as file:  # plainly
        assert file["layer_1/weight"].shape[1] == 64 and file["layer_1/bias"].dtype == m.layers_.theta.dtype


def test_regressor_saved_and_loaded(tmp_path):
    X, y = load_diabetes(return_X_y=True)
    for target in (y, np.stack([y, -y], axis=1)):
        m = Regressor((8,), scale="standard", epochs=2).fit(X, target)
        m.save(tmp_path / "net.h5")
        np.testing.assert_array_equal(ls.ann.load(tmp_path / "net.h5").predict(X), m.predict(X))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda f: f["layer_1/weight"].__setitem__((0, 0), 9.0), "sha256"),
        (lambda f: f.pop("layer_1"), "layer_1"),
        (lambda f: f["layer_2"].move("weight", "w"), "weight"),
        (lambda f: f.attrs.__setitem__("activations", ["relu", "relu"]), "activations"),
        (lambda f: f.attrs.__setitem__("loss", "mse"), "loss"),
        (lambda f: f.attrs.__setitem__("classes", np.arange(3)), "classes"),
        (lambda f: f.attrs.__setitem__("parameters", "{"), "damaged"),
        (lambda f: f.attrs.__setitem__("parameters", '{"hidden": [8], "epoch": 1}'), "epoch"),
        (lambda f: f.attrs.__setitem__("parameters", '{"hidden": [9]}'), "hidden"),
        (lambda f: f.attrs.__setitem__("input_gain", np.zeros(64)), "scaling"),
        (lambda f: f.attrs.__delitem__("typical_example"), "typical"),
        (lambda f: f.attrs.__delitem__("kind"), "no dense network"),
        (lambda f: f.attrs.__setitem__("kind", "pickle"), "no dense network"),
    ],
)
def test_damaged_files_are_refused(tmp_path, digits, change, match):
    Classifier((8,), epochs=1).fit(*digits).save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5", "r+") as file:
        change(file)
    with pytest.raises(DataError, match=match):
        ls.ann.load(tmp_path / "net.h5")


# -- wrong input -----------------------------------------------------------------------------------

GOOD = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("X", "y", "match"),
    [
        ([[1, 2], [3, np.nan]], [0, 1], r"X\[1, 1\]: nan; expected finite numbers"),
        ([[1, np.inf], [3, 4]], [0, 1], r"X\[0, 1\]: inf"),
        ([[1, 2], [3]], [0, 1], "X: rows of different lengths"),
        ([["a"], ["b"]], [0, 1], "X: an array of texts; expected an array of real numbers"),
        ([1, 2, 3], [0, 1, 1], r"X: has shape \(3,\)"),
        (np.zeros((0, 2)), [], "X: has shape"),
        ([[1, 2], [3, 4]], [0, 1, 1], "y: has 3 entries for 2 samples"),
        ([[1, 2], [3, 4]], [0, np.nan], r"y\[1\]: nan"),
        ([[1, 2], [3, 4]], [[0], [1]], "y: .*one label for each sample"),
        ([[1, 2], [3, 4]], [{}, []], "y: .*one label for each sample"),
        ([[1, 2], [3, 4]], [1, 1], "y: one class only"),
    ],
)
def test_wrong_data_of_a_classifier(X, y, match):
    with pytest.raises(DataError, match=match):
        Classifier().fit(X, y)


@pytest.mark.parametrize(
    ("y", "match"),
    [
        (["a", "b", "c", "d", "e", "f"], "an array of texts"),
        ([1, 2, 3], "3 entries for 6 samples"),
        ([1, 2, 3, 4, 5, np.inf], r"y\[5\]: inf"),
        (np.zeros((6, 2, 2)), "shape"),
    ],
)
def test_wrong_data_of_a_regressor(y, match):
    with pytest.raises(DataError, match=match):
        Regressor().fit(GOOD[0], y)


def test_wrong_data_after_training():
    m, r = Classifier(epochs=1).fit(*GOOD), Regressor(epochs=1).fit(*GOOD)
    with pytest.raises(DataError, match="X: has 3 features; expected 2, as in training"):
        m.predict(np.zeros((1, 3)))
    with pytest.raises(DataError, match=r"y\[1\]: unknown label 7; .*0, 1"):
        m.score(GOOD[0], [0, 7, 0, 1, 0, 1])
    with pytest.raises(DataError, match="unknown label 'a'"):
        m.score(GOOD[0], list("abcdef"))
    with pytest.raises(DataError, match="shape"):
        r.score(GOOD[0], np.zeros((6, 2)))
    with pytest.raises(DataError, match="0 to 1"):
        Regressor(loss="binary_cross_entropy").fit(GOOD[0], GOOD[1] * 2)
    with pytest.raises(DataError, match="validation"):
        Classifier().fit(*GOOD, validation=(np.zeros((2, 3)), [0, 1]))
    for call in (lambda: Classifier().predict(GOOD[0]), lambda: Classifier().save("x.h5")):
        with pytest.raises(LifsimError, match="not trained yet; call fit first"):
            call()


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"activation": "relus"}, "activation: 'relus'; did you mean 'relu'"),
        ({"solver": "lbfgs"}, "solver"),
        ({"loss": "hinge"}, "loss"),
        ({"init": 3}, "init"),
        ({"scale": "robust"}, "scale"),
        ({"dtype": "int8"}, "dtype"),
        ({"schedule": "cosin"}, "schedule: 'cosin'; did you mean 'cosine'"),
        ({"hidden": (64, 0)}, "hidden"),
        ({"hidden": (2.5,)}, "hidden"),
        ({"hidden": "64"}, "hidden"),
        ({"learning_rate": 0}, "learning_rate: 0; expected a number above 0"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": "fast"}, "learning_rate"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_decay": -1}, "weight_decay: -1; expected a number from 0 on"),
        ({"batch_size": 0}, "batch_size: 0; expected a whole number from 1 on"),
        ({"epochs": 1.5}, "epochs"),
        ({"seed": -1}, "seed"),
        ({"validation_fraction": 1.0}, "validation_fraction"),
        ({"t_ref": -1.0}, "t_ref"),
        ({"gain": 0}, "gain"),
    ],
)
def test_wrong_parameters(params, match):
    with pytest.raises(LifsimError, match=match):
        Classifier(**params).fit(*GOOD)


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"encoding": "rate"}, "encoding"),
        ({"duration": 10.5}, "duration: 10.5 ms; expected a multiple of dt"),
        ({"encoding": "latency", "window": 60.0}, "window: 60 ms; expected at most the duration"),
        ({"tau_syn": 0.0}, "tau_syn"),
        ({"hidden": ()}, "hidden"),
        ({"beta": -1.0}, "beta"),
    ],
)
def test_wrong_parameters_of_spiking_neurons(params, match):
    with pytest.raises(LifsimError, match=match):
        SpikingClassifier(**params).fit(*GOOD)


def test_training_that_does_not_converge_says_so():
    rng = np.random.default_rng(0)
    with pytest.raises(LifsimError, match="learning_rate: 1000: training does not converge"):
        Regressor(learning_rate=1e3, solver="sgd").fit(100 * rng.random((100, 4)), rng.random(100))
