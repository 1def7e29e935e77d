"""What `fit` and `partial_fit` of the estimators do: data and parameters are checked, layers are made and trained, statistics kept.

`m` is a `lifsim.ann.Classifier`, `Regressor` or `SpikingClassifier`; its attributes are set here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lifsim.ann.parameter_checks import check_callbacks, widths
from lifsim.ann.scaling import scaling
from lifsim.ann.training import Callback, Diverged, Recipe, append, recipe_of, train, train_epoch
from lifsim.ann.typical import typical_of
from lifsim.common.errors import DataError, LifsimError
from lifsim.common.notices import notices
from lifsim.engine import can_keep_code, compiling

Targets = Callable[[int], np.ndarray]  # number of samples → targets, shape (samples, outputs)


def fit(m: Any, X: Any, targets: Targets, validation: Any, callbacks: Any) -> None:
    """Train from new initial weights, for all epochs."""
    m.check_parameters()
    calls = check_callbacks(callbacks)
    x = m._new_samples(X)
    rng = np.random.Generator(np.random.Philox(m.seed))
    x, target, aside = _split(m, x, targets(len(x)), validation, rng)
    _begin(m, x, target, rng)
    data = m._scaled(x), target.astype(m.dtype)
    kept = (m._scaled(aside[0]), aside[1].astype(m.dtype)) if aside else None
    score = (lambda layers: m._score_aside(layers, *kept)) if kept else None
    with _training(m, x, data[0]) as recipe:
        trainer = m._epochs(recipe, *data)
        m.history = train(trainer, recipe, rng, score, m.progress, _with_history(m, calls))
    m._solver, m._rng = trainer.solver, rng


def partial_fit(m: Any, X: Any, targets: Targets) -> None:
    """Train for one more epoch, from the present weights and the present state of the solver."""
    m.check_parameters()
    if m.early_stopping:
        raise LifsimError("early_stopping", "True in partial_fit, which trains for one epoch", "set it to False, or call fit")
    if m.is_trained:
        _check_same_network(m)
    x = m._samples(X) if m.is_trained else m._new_samples(X)
    target = targets(len(x))
    if not m.is_trained:
        _begin(m, x, target, np.random.Generator(np.random.Philox(m.seed)))
    epoch = len(m.history["loss"]) if m.history else 0
    if m._rng is None:  # the network comes from a file, which has no state of the solver
        m._rng = np.random.Generator(np.random.Philox([m.seed, epoch]))
    data = m._scaled(x), target.astype(m.dtype)
    with _training(m, x, data[0]) as recipe:
        trainer = m._epochs(recipe, *data, m._solver)
        append(m.history, train_epoch(trainer, recipe, m._rng, epoch))
    m._solver = trainer.solver


def _begin(m: Any, x: np.ndarray, target: np.ndarray, rng: np.random.Generator) -> None:
    """Make the layers with initial weights drawn from `rng`, and the scaling of the inputs."""
    m.input_ = scaling(m.scale, x)
    m.layers_ = m._layers((x.shape[-1], *widths(m.hidden), target.shape[1]))
    m.layers_.initialise(rng, m.dtype, m.init)
    m.history, m._solver, m._rng = {}, None, rng


@contextmanager
def _training(m: Any, x: np.ndarray, scaled: np.ndarray) -> Iterator[Recipe]:
    """The context in which layers are trained on `x`: compilation is announced, and statistics of the data are kept at the end.

    Meanwhile `m.typical_` is computed when it is asked for, so that callbacks can save the network.
    """
    m._current = x, scaled
    try:
        with compiling(lambda: notices("compile", kept=can_keep_code())):
            yield recipe_of(m.get_params())
    except Diverged as error:
        del m.layers_  # its numbers are of no use: predict then says that the network is not trained
        raise LifsimError("learning_rate", f"{m.learning_rate:g}: training does not converge, {error}", "a smaller one") from None
    finally:  # also when a callback or Ctrl-C ends the training: the network can then be used as it is
        m._current = None
        if m.is_trained:
            m.typical_ = typical_of(m.layers_, x, scaled)


def _with_history(m: Any, callbacks: Sequence[Callback]) -> list[Callback]:
    """The callbacks, after one that keeps `m.history` up to date: they may read it or save the network, and training may be interrupted."""

    def keep(epoch: int, numbers: dict[str, float]) -> None:
        append(m.history, numbers)

    return [keep, *callbacks]


def _split(m: Any, x: np.ndarray, target: np.ndarray, validation: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, Any]:
    """Samples and targets to train on, and the held-out data (None if there are none)."""
    if validation is not None:
        if not isinstance(validation, (tuple, list)) or len(validation) != 2:
            raise DataError(
                "validation", f"an object of type {type(validation).__name__}", "a pair (X, y) of held-out samples and their targets"
            )
        other = m._same_samples(validation[0], x, "validation[0]")
        return x, target, (other, m._targets(validation[1], len(other), "validation[1]"))
    if not m.early_stopping:
        return x, target, None
    order, n = rng.permutation(len(x)), max(round(m.validation_fraction * len(x)), 1)
    if n >= len(x):
        got = f"validation_fraction={m.validation_fraction:g} keeps {n} of {len(x)} samples aside"
        raise DataError("X", got, "at least one sample must be left to train on")
    return x[order[n:]], target[order[n:]], (x[order[:n]], target[order[:n]])


def _check_same_network(m: Any) -> None:
    """Check that the parameters still describe the trained layers (LifsimError)."""
    old, new = m.layers_, m._layers((m.layers_.sizes[0], *widths(m.hidden), m.layers_.sizes[-1]))
    anew = "call fit to train other layers from new weights"
    if old.sizes != new.sizes:
        raise LifsimError("hidden", f"{new.sizes[1:-1]} in partial_fit", f"{old.sizes[1:-1]}, as in the training so far; {anew}")
    if str(old.theta.dtype) != m.dtype:
        raise LifsimError("dtype", f"{m.dtype!r} in partial_fit", f'"{old.theta.dtype}", as in the training so far; {anew}')
    if old.description != new.description:
        raise LifsimError(type(m).__name__, "its units or its loss were changed since the last training", anew)
