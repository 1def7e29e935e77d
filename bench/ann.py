"""Compares lifsim, scikit-learn and torch in training small dense networks on one thread: time of an epoch, and accuracy.

    python bench/ann.py                   # digits, 64-64-10 and 64-64-32-10, SGD (with momentum) and Adam, batches of 32
    python bench/ann.py --accuracy        # 5 x 5 repeated stratified cross-validation instead
    python bench/ann.py --dtype float64

Requires scikit-learn; torch (eager mode, CPU) is compared if it is installed. The libraries run in one process, in turn (lifsim,
scikit-learn, torch, torch, scikit-learn, lifsim …), through their ordinary calls. The time of an epoch is the time of a whole `fit`
divided by its number of epochs; compilation is not included. The table shows medians (smallest–largest); ratios are computed for each
round of runs.
"""

# ruff: noqa: E402 (libraries read the number of threads when they are loaded)

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import importlib.util
import itertools
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import machine
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import RepeatedStratifiedKFold
from sklearn.neural_network import MLPClassifier
from table import line, summary

from lifsim.ann import Classifier

SOLVERS = {"SGD": ("momentum", 0.1), "Adam": ("adam", 1e-3)}  # lifsim's name, learning rate
HIDDEN = ((64,), (64, 32))
Fit = Callable[[np.ndarray, np.ndarray, int, int], Callable[[np.ndarray], np.ndarray]]  # X, y, epochs, seed → predict


def lifsim(hidden: tuple[int, ...], solver: str, dtype: str) -> Fit:
    name, rate = SOLVERS[solver]

    def fit(X: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> Any:
        return Classifier(hidden, solver=name, learning_rate=rate, epochs=epochs, seed=seed, dtype=dtype).fit(X, y).predict

    return fit


def scikit_learn(hidden: tuple[int, ...], solver: str, dtype: str) -> Fit:
    def fit(X: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> Any:
        own = {"solver": solver.lower(), "learning_rate_init": SOLVERS[solver][1], "nesterovs_momentum": False}
        never = {"tol": 0.0, "n_iter_no_change": 10 * epochs}
        return MLPClassifier(hidden, batch_size=32, max_iter=epochs, random_state=seed, **own, **never).fit(X, y).predict

    return fit


def torch(hidden: tuple[int, ...], solver: str, dtype: str) -> Fit:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    kind, rate = getattr(torch, dtype), SOLVERS[solver][1]

    def fit(X: np.ndarray, y: np.ndarray, epochs: int, seed: int) -> Any:
        torch.manual_seed(seed)
        sizes = (X.shape[1], *hidden, 10)
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())][:-1]
        model = nn.Sequential(*layers).to(kind)
        make = (
            torch.optim.Adam(model.parameters(), lr=rate)
            if solver == "Adam"
            else torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
        )
        x, t, loss = torch.tensor(X, dtype=kind), torch.tensor(y), nn.CrossEntropyLoss()
        for _ in range(epochs):
            for some in torch.randperm(len(x)).split(32):
                make.zero_grad()
                loss(model(x[some]), t[some]).backward()
                make.step()

        def predict(found: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return model(torch.tensor(found, dtype=kind)).argmax(dim=1).numpy()

        return predict

    return fit


LIBRARIES: dict[str, Callable[..., Fit]] = {"lifsim": lifsim, "scikit-learn": scikit_learn, "torch": torch}


def time_epochs(libraries: list[str], dtype: str, epochs: int, repeats: int) -> None:
    X, y = load_digits(return_X_y=True)
    X, y = (X[:1437] / 16).astype(dtype), y[:1437]
    print(line(["Network", "Solver", "Library", "ms / epoch", "times lifsim's"]), line(["---"] * 5), sep="\n")
    for hidden, solver in itertools.product(HIDDEN, SOLVERS):
        fits = {name: LIBRARIES[name](hidden, solver, dtype) for name in libraries}
        times: dict[str, list[float]] = {name: [] for name in libraries}
        for fit in fits.values():
            fit(X, y, 2, 0)
        for k in range(repeats):
            for name in libraries if k % 2 == 0 else reversed(libraries):
                start = time.perf_counter()
                fits[name](X, y, epochs, k)
                times[name].append((time.perf_counter() - start) / epochs * 1e3)
        for name in libraries:
            ratio = "" if name == "lifsim" else summary([b / a for a, b in zip(times["lifsim"], times[name], strict=True)])
            print(line(["-".join(map(str, (64, *hidden, 10))), solver, name, summary(times[name]), ratio]), flush=True)


def cross_validate(libraries: list[str], dtype: str, epochs: int) -> None:
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(dtype)
    print(line(["Network", "Solver", "Library", "accuracy (%)", "lifsim's less this (paired standard error)"]), line(["---"] * 5), sep="\n")
    for hidden, solver in itertools.product(HIDDEN, SOLVERS):
        scores: dict[str, list[float]] = {}
        for name in libraries:
            fit = LIBRARIES[name](hidden, solver, dtype)
            folds = RepeatedStratifiedKFold(n_splits=5, n_repeats=5, random_state=0).split(X, y)
            scores[name] = [100 * float(np.mean(fit(X[a], y[a], epochs, k)(X[b]) == y[b])) for k, (a, b) in enumerate(folds)]
            apart = [a - b for a, b in zip(scores["lifsim"], scores[name], strict=True)]
            said = "" if name == "lifsim" else f"{statistics.mean(apart):+.3f} ({statistics.stdev(apart) / len(apart) ** 0.5:.3f})"
            print(line(["-".join(map(str, (64, *hidden, 10))), solver, name, f"{statistics.mean(scores[name]):.2f}", said]), flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", action="store_true")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--epochs", type=int, help="20, and for the accuracy 100")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    libraries = [name for name in LIBRARIES if name != "torch" or importlib.util.find_spec("torch")]
    print(machine.facts())
    if options.accuracy:
        cross_validate(libraries, options.dtype, options.epochs or 100)
    else:
        time_epochs(libraries, options.dtype, options.epochs or 20, options.repeats)


if __name__ == "__main__":
    main()
