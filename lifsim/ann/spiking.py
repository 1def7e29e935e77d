"""A dense network as spiking neurons, run on samples: all of a batch side by side, each with a network of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.ann import arrays
from lifsim.errors import LifsimError

if TYPE_CHECKING:
    from lifsim.ann.convert import Conversion
    from lifsim.ann.estimators import DenseNetwork
    from lifsim.network import Network

INPUT, OUTPUT = "input", "output"
SIDE_BY_SIDE = 400  # samples a run: enough to keep the engine busy, few enough for any memory


@dataclass(frozen=True, eq=False)
class Answer:
    """What the spiking network said of samples.

    times : ms, shape (n,). sums : weighted sums of the output layer as they were until then (0 before any spike arrives),
    shape (n, samples, outputs). spikes : how many each sample's network fired, shape (samples,).
    """

    times: np.ndarray
    sums: np.ndarray
    spikes: np.ndarray


class Spiking:
    """A trained network `m` as spiking neurons; made by `lifsim.ann.to_spiking`.

    `text` is the model file, `conversion` the scales. After `classify`: `answer`.
    """

    def __init__(self, m: DenseNetwork, conversion: Conversion, text: str) -> None:
        self.m, self.conversion, self.text = m, conversion, text
        self.answer: Answer | None = None

    @property
    def begins(self) -> float:
        """When spikes begin to reach the output, ms."""
        return self.conversion.begins(len(self.m.layers_.sizes) - 1)

    @cached_property
    def network(self) -> Network:
        """The ordinary `lifsim.Network` of one sample, the first of those given for the conversion."""
        return self.network_for(None)

    def network_for(self, X: Any) -> Network:
        """The network of the samples `X` side by side: neuron k of a layer of n belongs to sample k // n."""
        from lifsim.modelfile import loads

        if X is None:
            return loads(self.text, stores={"net.h5": self._store})
        x = self.m.input_(arrays.samples(X, self.m.n_features_in_))
        amplitude = {f"populations.{INPUT}.params.amplitude": x.ravel()}
        return loads(self.text, stores={"net.h5": self._store}, overrides=amplitude, copies=len(x))

    @cached_property
    def _store(self) -> Any:
        """The weights, in memory as they are in the file of `m`."""
        from lifsim.ann import netfile
        from lifsim.weights import WeightStore

        store = WeightStore()
        netfile.fill(store, self.m)
        return store

    def run(self, X: Any, duration: float = 100.0, *, threads: int | str = "auto", seed: int = 1) -> Answer:
        """Show each sample of `X` (samples, features) for `duration` ms."""
        from lifsim.simulation import run

        x = arrays.samples(X, self.m.n_features_in_)
        if not duration > self.begins:
            raise LifsimError("duration", f"{duration} ms", f"above {self.begins:g} ms, when spikes begin to reach the output")
        parts = []
        for first in range(0, len(x), SIDE_BY_SIDE):
            some = x[first : first + SIDE_BY_SIDE]
            parts.append(self._answer(run(self.network_for(some), duration, seed=seed, threads=threads), len(some)))
        self.answer = Answer(parts[0].times, np.concatenate([p.sums for p in parts], axis=1), np.concatenate([p.spikes for p in parts]))
        return self.answer

    def _answer(self, result: Any, n: int) -> Answer:
        trace = result.traces[OUTPUT]
        since = np.maximum(trace.times - self.begins, 0.0)[:, None, None]
        # The potential grows as the sum times t, in steps; the line through all of it so far errs less than its last point.
        line = np.cumsum(since * trace["V_m"].reshape(len(since), n, -1), axis=0) / np.maximum(np.cumsum(since**2, axis=0), 1e-300)
        sizes = self.m.layers_.sizes
        fired = (np.bincount(s.ids // sizes[int(name.removeprefix("layer_"))], minlength=n) for name, s in result.spikes.items())
        return Answer(trace.times, line, np.sum(list(fired), axis=0))

    def classify(self, X: Any, duration: float = 100.0, *, threads: int | str = "auto", seed: int = 1) -> np.ndarray:
        """The class of each sample after `duration` ms, shape (samples,)."""
        if not hasattr(self.m, "classes_"):
            raise LifsimError("classify", "the network predicts numbers", "a network trained by Classifier; `run` gives the outputs")
        return self.labels(self.run(X, duration, threads=threads, seed=seed).sums[-1])

    def labels(self, sums: np.ndarray) -> np.ndarray:
        """Classes from weighted sums of the output layer, shape (..., outputs)."""
        found = (sums[..., 0] > 0).astype(int) if sums.shape[-1] == 1 else sums.argmax(axis=-1)
        return self.m.classes_[found]  # type: ignore[attr-defined]

    @property
    def spikes_per_sample(self) -> float:
        """Spikes of a sample's network in the last run, the mean."""
        if self.answer is None:
            raise LifsimError("spikes_per_sample", "nothing was run yet", "call classify first")
        return float(self.answer.spikes.mean())

    def save(self, path: str | Path, store: str) -> None:
        """Write the model file; `store` is the file of the network as seen from its folder."""
        Path(path).write_text(self.text.replace('"net.h5:', f'"{store}:'), encoding="utf-8")
