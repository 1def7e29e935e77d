"""The course of a training: its history, callbacks, one epoch at a time (`partial_fit`), and what is shown meanwhile."""

from __future__ import annotations

import logging
import sys
import time

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import cross_val_score

import lifsim as ls
from lifsim.ann import Classifier, Regressor, SpikingClassifier, epoch_progress
from lifsim.common.errors import DataError, LifsimError
from lifsim.common.streams import Messages

X, Y = load_digits(return_X_y=True)
X = X / 16
LEARN, ASIDE = slice(0, 500), slice(500, 700)
SMALL = {"epochs": 4, "learning_rate": 0.01}


def spiking(**options):
    return SpikingClassifier((8,), duration=10.0, window=5.0, **options)


# -- history ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "mse"])
@pytest.mark.parametrize("classes", [2, 10])
def test_history_of_a_classifier(loss, classes):
    """Without steps that change anything, the numbers of an epoch are those of the network as scikit-learn computes them."""
    y = Y % classes
    m = Classifier((16,), loss=loss, epochs=3, learning_rate=1e-30, dtype="float64").fit(X, y, validation=(X[ASIDE], y[ASIDE]))
    names = {"loss", "accuracy", "learning_rate", "validation_loss", "validation_accuracy", "validation_score"}
    assert set(m.history) == names and {len(x) for x in m.history.values()} == {3}
    assert m.history["accuracy"] == pytest.approx([accuracy_score(y, m.predict(X))] * 3)
    assert m.history["validation_accuracy"] == pytest.approx([accuracy_score(y[ASIDE], m.predict(X[ASIDE]))] * 3)
    assert m.history["validation_score"] == m.history["validation_accuracy"]
    if loss == "cross_entropy":
        assert m.history["loss"] == pytest.approx([log_loss(y, m.predict_proba(X))] * 3)
        assert m.history["validation_loss"] == pytest.approx([log_loss(y[ASIDE], m.predict_proba(X[ASIDE]), labels=m.classes_)] * 3)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("loss", ["mse", "binary_cross_entropy"])
def test_history_of_a_regressor(outputs, loss):
    x, y = load_diabetes(return_X_y=True)
    y = y / y.max() if outputs == 1 else np.stack([y / y.max(), 1 - 0.5 * y / y.max()], axis=1)
    scale = "standard" if loss == "mse" else "none"
    m = Regressor((8,), loss=loss, scale=scale, epochs=2, learning_rate=1e-30, dtype="float64").fit(x, y, validation=(x[:90], y[:90]))
    assert set(m.history) == {"loss", "r2", "learning_rate", "validation_loss", "validation_r2", "validation_score"}
    assert m.history["r2"] == pytest.approx([r2_score(y, m.predict(x))] * 2)
    assert m.history["validation_r2"] == pytest.approx([r2_score(y[:90], m.predict(x[:90]))] * 2)


def test_history_of_a_spiking_classifier():
    m = spiking(epochs=2, learning_rate=1e-30, dtype="float64").fit(X[LEARN], Y[LEARN])
    assert m.history["accuracy"] == pytest.approx([accuracy_score(Y[LEARN], m.predict(X[LEARN]))] * 2)


def test_accuracy_counts_each_sample_before_the_step_of_its_batch():
    """A batch of all samples: the accuracy of an epoch is that of the network before it."""
    found = []
    m = Classifier((16,), batch_size=500, **SMALL)
    m.fit(X[LEARN], Y[LEARN], callbacks=[lambda epoch, numbers: found.append(m.score(X[LEARN], Y[LEARN]))])
    assert m.history["accuracy"][1:] == pytest.approx(found[:-1])


# -- callbacks -------------------------------------------------------------------------------------


def test_callbacks_get_epoch_and_numbers_and_may_stop(tmp_path):
    seen = []

    def watch(epoch, numbers):
        seen.append((epoch, numbers))
        assert m.history["loss"] == [numbers["loss"] for _, numbers in seen]
        m.save(tmp_path / f"{epoch}.h5")
        return epoch == 3

    m = Classifier((8,), epochs=10).fit(X, Y)
    m.fit(X[LEARN], Y[LEARN], validation=(X[ASIDE], Y[ASIDE]), callbacks=[watch, lambda epoch, numbers: len(seen)])  # 1 is not True
    assert [epoch for epoch, _ in seen] == [1, 2, 3] and len(m.history["loss"]) == 3
    assert seen[-1][1] == {key: values[-1] for key, values in m.history.items()}
    short = Classifier((8,), epochs=10).fit(X[LEARN], Y[LEARN], callbacks=[lambda epoch, _: epoch == 2])
    kept = ls.ann.load(tmp_path / "2.h5")
    np.testing.assert_array_equal(kept.layers_.theta, short.layers_.theta)
    np.testing.assert_allclose(kept.typical_.activations, short.typical_.activations)
    np.testing.assert_array_equal(ls.ann.load(tmp_path / "3.h5").layers_.theta, m.layers_.theta)


def test_callbacks_in_scikit_learns_tools():
    calls = []
    own = {"callbacks": [lambda epoch, numbers: calls.append(epoch)]}
    cross_val_score(Classifier((4,), epochs=2), X[:100], Y[:100] % 2, cv=2, params=own)
    assert calls == [1, 2, 1, 2]


def test_a_training_that_is_interrupted_leaves_a_network():
    def interrupt(epoch, numbers):
        if epoch == 2:
            raise KeyboardInterrupt

    m = Classifier((8,), epochs=10)
    with pytest.raises(KeyboardInterrupt):
        m.fit(X[LEARN], Y[LEARN], callbacks=[interrupt])
    two = Classifier((8,), epochs=2).fit(X[LEARN], Y[LEARN])
    np.testing.assert_array_equal(m.predict_proba(X), two.predict_proba(X))
    assert m.history == two.history and (m.typical_.activations == two.typical_.activations).all()


# -- partial_fit -----------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("options", [{}, {"schedule": "cosine", "weight_decay": 0.01}, {"scale": "standard", "batch_size": 64}])
def test_n_calls_are_n_epochs(solver, options):
    m = Classifier((8,), solver=solver, **SMALL | options).fit(X[LEARN], Y[LEARN])
    steps = Classifier((8,), solver=solver, **SMALL | options)
    for k in range(4):
        assert steps.partial_fit(X[LEARN], Y[LEARN], classes=np.arange(10) if k == 0 else None) is steps
    np.testing.assert_array_equal(steps.layers_.theta, m.layers_.theta)
    assert steps.history == m.history
    np.testing.assert_array_equal(steps.typical_.activations, m.typical_.activations)


def test_partial_fit_of_the_others():
    x, y = load_diabetes(return_X_y=True)
    m, steps = (Regressor((8,), scale="standard", **SMALL) for _ in range(2))
    m.fit(x, y)
    for _ in range(4):
        steps.partial_fit(x, y)
    np.testing.assert_array_equal(steps.predict(x), m.predict(x))
    m, steps = (spiking(recurrent=True, epochs=2) for _ in range(2))
    m.fit(X[LEARN], Y[LEARN])
    for _ in range(2):
        steps.partial_fit(X[LEARN], Y[LEARN], np.arange(10))
    np.testing.assert_array_equal(steps.layers_.theta, m.layers_.theta)


def test_partial_fit_goes_on_after_fit_and_after_load(tmp_path):
    m = Classifier((8,), epochs=2).fit(X[LEARN], Y[LEARN])
    whole = Classifier((8,), epochs=4).fit(X[LEARN], Y[LEARN])
    m.save(tmp_path / "net.h5")
    m.partial_fit(X[LEARN], Y[LEARN]).partial_fit(X[LEARN], Y[LEARN])
    np.testing.assert_array_equal(m.layers_.theta, whole.layers_.theta)
    assert m.history == whole.history
    again, twin = ls.ann.load(tmp_path / "net.h5"), ls.ann.load(tmp_path / "net.h5")
    for net in (again, twin):
        net.partial_fit(X[LEARN], Y[LEARN])
    np.testing.assert_array_equal(again.layers_.theta, twin.layers_.theta)
    assert again.history["loss"][:2] == whole.history["loss"][:2] and again.history["loss"][2] < again.history["loss"][1]


def test_partial_fit_with_data_that_arrive_in_parts():
    m = Classifier((32,), learning_rate=5e-3)
    for _ in range(10):
        for first in range(0, 1400, 200):
            m.partial_fit(X[first : first + 200], Y[first : first + 200], classes=np.arange(10))
    assert m.score(X[1400:], Y[1400:]) > 0.88 and len(m.history["accuracy"]) == 70


def test_the_learning_rate_remains_after_the_schedule():
    m = Classifier((4,), epochs=2, schedule="linear")
    for _ in range(4):
        m.partial_fit(X[:50], Y[:50], np.arange(10))
    assert m.history["learning_rate"] == pytest.approx([1e-3, 5e-4, 5e-4, 5e-4])


def test_numbers_that_an_epoch_does_not_have_are_nan():
    m = Classifier((4,), epochs=2).fit(X[:50], Y[:50], validation=(X[:50], Y[:50])).partial_fit(X[:50], Y[:50])
    assert {len(x) for x in m.history.values()} == {3} and np.isnan(m.history["validation_loss"][2])


def test_a_solver_that_is_changed_starts_anew():
    m = Classifier((4,), solver="sgd", epochs=1).fit(X[:50], Y[:50])
    m.set_params(solver="adam").partial_fit(X[:50], Y[:50])
    assert m._solver.steps[0] == 2  # of Adam: two batches


@pytest.mark.parametrize(
    ("made", "given", "match"),
    [
        ({}, {}, "classes: not given in the first call"),
        ({}, {"classes": [0]}, r"classes: one class only \(0\)"),
        ({}, {"classes": [0, 1]}, "unknown label 2"),
        ({"early_stopping": True}, {"classes": range(10)}, "early_stopping: True in partial_fit"),
    ],
)
def test_wrong_first_calls(made, given, match):
    given = {key: np.array(value) for key, value in given.items()}
    with pytest.raises(LifsimError, match=match):
        Classifier((4,), **made).partial_fit(X[:50], Y[:50], **given)


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"hidden": (5,)}, r"hidden: \(5,\) in partial_fit; expected \(4,\)"),
        ({"activation": "tanh"}, "units or its loss were changed"),
        ({"dtype": "float64"}, "dtype: 'float64' in partial_fit"),
    ],
)
def test_a_network_that_is_changed_between_calls(changed, match):
    m = Classifier((4,), epochs=1).fit(X[:50], Y[:50])
    with pytest.raises(LifsimError, match=match):
        m.set_params(**changed).partial_fit(X[:50], Y[:50])


def test_other_wrong_calls():
    m = Classifier((4,), epochs=1).fit(X[:50], Y[:50])
    with pytest.raises(DataError, match="classes: 0, 1; expected those of the earlier training"):
        m.partial_fit(X[:50], Y[:50], classes=[0, 1])
    with pytest.raises(DataError, match="X: has 3 features; expected 64"):
        m.partial_fit(X[:50, :3], Y[:50])
    with pytest.raises(LifsimError, match=r"callbacks: .*expected a list of functions"):
        m.fit(X, Y, callbacks=print)
    with pytest.raises(LifsimError, match=r"callbacks\[1\]: 3; expected a function"):
        m.fit(X, Y, callbacks=[print, 3])
    with pytest.raises(DataError, match="validation: an object of type float; expected a pair"):
        m.fit(X, Y, validation=0.2)
    with pytest.raises(LifsimError, match="schedule: the function returned None for 0"):
        Classifier(schedule=lambda done: None).fit(X[:50], Y[:50])
    with pytest.raises(LifsimError, match="early_stopping: 'no'; expected True or False"):
        Classifier(early_stopping="no").fit(X[:50], Y[:50])
    wild = Regressor(learning_rate=1e3, solver="sgd")
    with pytest.raises(LifsimError, match="does not converge"):
        wild.fit(100 * X[:100], Y[:100])
    with pytest.raises(LifsimError, match="not trained yet"):
        wild.predict(X)


# -- progress --------------------------------------------------------------------------------------


def slow(epoch, numbers):
    time.sleep(0.15)  # tqdm draws ten times a second


def test_a_bar_on_a_terminal(terminal, monkeypatch):
    monkeypatch.setattr(sys, "stderr", Messages(terminal))
    Classifier((4,), epochs=3, progress=True).fit(X[:50], Y[:50], callbacks=[slow])
    out = terminal.getvalue()
    assert "training" in out and "accuracy=" in out


def test_lines_elsewhere(monkeypatch, capsys, caplog):
    monkeypatch.setattr(epoch_progress, "LOG_EVERY", 0.0)
    Classifier((4,), epochs=3, progress=True).fit(X[:50], Y[:50])
    lines = capsys.readouterr().err.splitlines()
    assert (
        len(lines) == 3
        and lines[1].startswith("lifsim: epoch 2 of 3, loss ")
        and ", accuracy 0." in lines[1]
        and lines[1].endswith(" s left")
    )
    with caplog.at_level(logging.INFO, "lifsim"):
        Classifier((4,), epochs=3, progress=True).fit(X[:50], Y[:50])
    assert len([r for r in caplog.records if "epoch" in r.getMessage()]) == 3 and not capsys.readouterr().err
    monkeypatch.setattr(epoch_progress, "LOG_EVERY", 10.0)
    Classifier((4,), epochs=3, progress=True).fit(X[:50], Y[:50])
    Classifier((4,), epochs=3).fit(X[:50], Y[:50])
    assert not capsys.readouterr().err


def test_notebooks_get_the_bar_of_tqdm_auto(monkeypatch, capsys):
    import tqdm.auto

    made = []

    class Bar(tqdm.auto.tqdm):
        def __init__(self, **options):
            made.append(options)
            super().__init__(**options)

    monkeypatch.setattr(epoch_progress, "notebook", lambda: True)
    monkeypatch.setattr(epoch_progress, "bar_class", lambda: Bar)
    Classifier((4,), epochs=3, progress=True).fit(X[:50], Y[:50], callbacks=[slow])
    assert [bar["total"] for bar in made] == [3] and "2/3" in capsys.readouterr().err


def test_learning_curves():
    from lifsim.ann.plots import learning_curve

    m = Classifier((4,), epochs=3).fit(X[:50], Y[:50], validation=(X[ASIDE], Y[ASIDE]))
    left, right = learning_curve(m.history).axes
    assert left.get_ylabel() == "loss" and right.get_ylabel() == "accuracy"
    np.testing.assert_array_equal(right.lines[1].get_ydata(), m.history["validation_accuracy"])
    assert len(learning_curve({"loss": [1.0, 0.5]}).axes) == 1  # files of earlier versions
    r = Regressor((4,), epochs=3).fit(X[:50], Y[:50])
    assert learning_curve(r.history).axes[1].get_ylabel() == "R²"
