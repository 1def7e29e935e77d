"""A dense network as spiking neurons, run on samples: all samples of a batch in one run, each with its own copy of the network."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.ann.data_checks import labels_for
from lifsim.ann.model_text import INPUT, OUTPUT, STORE
from lifsim.ann.parameter_checks import check_sample
from lifsim.common.errors import DataError, LifsimError, OutputError
from lifsim.common.overview import Fact, Overview, Overviewed
from lifsim.common.text import named, spelled
from lifsim.files import disk
from lifsim.modelfile.shipped import find
from lifsim.modelfile.toml import parsed
from lifsim.simulation.runs import run
from lifsim.simulation.settings import check_duration
from lifsim.weights.store import WeightStore

if TYPE_CHECKING:
    from lifsim.ann.dense_network import DenseNetwork
    from lifsim.network.network import Network
    from lifsim.simulation.options import Progress

SIDE_BY_SIDE, SYNAPSES = 400, 20_000_000  # largest number of samples and of synapses in a run: enough work for the engine, little memory


@dataclass(frozen=True, eq=False)
class Answer:
    """The output of the spiking network for samples.

    times : ms, shape (n,). sums : weighted sums of the output layer, estimated from the time up to each of `times` (0 before any spike
    arrives), shape (n, samples, outputs). spikes : number of spikes of each sample's network, shape (samples,).
    """

    times: np.ndarray
    sums: np.ndarray
    spikes: np.ndarray


@dataclass(frozen=True, eq=False)
class AnswerCourse:
    """Accuracy as a function of time.

    times : ms, shape (n,). same : fraction of samples with the answer of the dense network. right : fraction of samples with the
    correct answer; None without targets. dense : accuracy of the dense network; NaN without targets.
    """

    times: np.ndarray
    same: np.ndarray
    right: np.ndarray | None
    dense: float


@dataclass(frozen=True, eq=False)
class SampleCourse:
    """One sample, as it is classified by the spiking network.

    sample : its number. spikes : for each hidden layer, times (ms) and numbers of neurons of its spikes. units : neurons of each hidden
    layer. times : ms, shape (n,). sums : weighted sums of the output layer, shape (n, outputs). classes : of the outputs. predicted,
    dense : the class by the spiking and by the dense network. true : its class; None if it is not known.
    """

    sample: int
    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    units: dict[str, int]
    times: np.ndarray
    sums: np.ndarray
    classes: np.ndarray
    predicted: Any
    dense: Any
    true: Any = None


class Spiking(Overviewed):
    """A trained network as spiking neurons, made by `lifsim.ann.to_spiking`, or read from a model file by `read`.

    Parameters
    ----------
    m : the trained network. text : the text of the model file.
    stores : the stores of the weights, by file name, or None if they are files in `folder`.

    Attributes
    ----------
    answer : the output in the last run, None before.
    """

    def __init__(self, m: DenseNetwork, text: str, stores: dict[str, WeightStore] | None = None, folder: Path | None = None) -> None:
        self.m, self.text, self.stores, self.folder = m, text, stores, folder
        self.answer: Answer | None = None
        self._last: Any = None  # the result of the last run

    def _overview(self) -> Overview:
        layers = " → ".join(map(str, self.m.layers_.sizes))
        facts = [Fact("made from", type(self.m).__name__), Fact("layers", layers)]
        facts += [Fact("neurons", self.network.populations["layer_1"].model.name)] if "layer_1" in self.network else []
        facts += [Fact("samples in the last run", f"{len(self.answer.spikes):,}")] if self.answer is not None else []
        return Overview("Spiking network", "", facts)

    @classmethod
    def read(cls, path: str | Path) -> Spiking:
        """Read a model file that `save` or ``lifsim convert`` wrote.

        Parameters
        ----------
        path : of the model file; the file of the weights must lie where the model file says.

        Raises
        ------
        DataError : the file is no such model file.
        """
        from lifsim.ann import loading
        from lifsim.modelfile.reader import load

        path = find(path)
        text = path.read_text(encoding="utf-8", errors="replace")
        wrong = DataError(str(path), "is no converted network", "a model file that lifsim convert made")
        references = [str(p.get("matrix", "")) for p in parsed(text, str(path)).get("projections", ()) if isinstance(p, dict)]
        weights = next((x.removesuffix(":layer_1") for x in references if x.endswith(":layer_1")), None)
        if weights is None:
            raise wrong
        net = load(path)
        if not {INPUT, OUTPUT, "layer_1"} <= set(net.populations) or not {"begins", "copies"} <= set(net.parameters):
            raise wrong
        return cls(loading.load(path.parent / named(weights)), text, folder=path.parent)

    def save(self, path: str | Path, store: str | Path) -> None:
        """Write the model file, and add the parameters of the conversion to the file of the weights.

        Parameters
        ----------
        path : of the model file.
        store : the file of the trained network, in the folder of the model file or below. Its weights are not changed.

        Raises
        ------
        OutputError : `store` lies elsewhere, or a file cannot be written.
        """
        path, store = Path(path), Path(store)
        try:
            inside = store.resolve().relative_to(path.parent.resolve()).as_posix()
        except ValueError:
            raise OutputError(str(path), f"its weights in {store} lie elsewhere", f"a model file in the folder {store.parent}") from None
        with WeightStore(store, "a") as file:
            for layer, notes in enumerate(self._choices(), start=1):
                file.note(f"layer_{layer}", **notes)
        own = json.dumps(spelled(inside), ensure_ascii=False)[:-1]
        disk.put(path, self.text.replace(f'"{STORE}:', f"{own}:").encode())

    def _choices(self) -> list[dict[str, Any]]:
        """Scales, thresholds and offsets of each layer, from the model file."""
        scales = {(p["target"], p["source"]): p["scale"] for p in tomllib.loads(self.text)["projections"]}
        names = [name for name in self.network.populations if name.startswith("layer_")] + [OUTPUT]
        out = []
        for number, (before, name) in enumerate(zip([INPUT, *names[:-1]], names, strict=True), start=1):
            population = self.network.populations[name]
            notes = {"spiking_model": population.model.name, "spiking_scale": scales[name, before]}
            notes |= {"spiking_bias_scale": scales[name, f"bias_{number}"], "spiking_V_th": float(population.params["V_th"])}
            out.append(notes | {"spiking_I_e": float(population.params.get("I_e", 0.0))})
        return out

    @cached_property
    def begins(self) -> float:
        """The time at which spikes begin to reach the output, ms."""
        return float(self.network.parameters["begins"])

    @cached_property
    def network(self) -> Network:
        """The `lifsim.Network` for one sample: the first sample given to `to_spiking`, or the mean of the training data."""
        return self._load()

    def network_for(self, X: Any) -> Network:
        """The `lifsim.Network` for all samples `X`, as of `run`: neuron k of a layer of n belongs to sample k // n."""
        x = self.m._samples(X)
        shown = {f"populations.{INPUT}.params.{key}": value for key, value in self.m.shown(x).items()}
        return self._load(overrides=shown, copies=len(x))

    def _load(self, **changes: Any) -> Network:
        from lifsim.modelfile.reader import loads

        return loads(self.text, stores=self.stores, folder=self.folder, **changes)

    def run(
        self, X: Any, duration: float | None = None, *, threads: int | str = "auto", seed: int = 1, progress: Progress | bool | None = None
    ) -> Answer:
        """Present each sample to its own copy of the network, and return the output.

        Parameters
        ----------
        X : samples, shape (samples, features); (samples, steps, features) if the network was trained with a value for each time step.
        duration : presentation time, ms (default: that of the model file).
        threads, seed, progress : as of `lifsim.run`.

        Raises
        ------
        LifsimError : `duration` is too short for spikes to reach the output. DataError : `X` is wrong.
        """
        x = self.m._samples(X)
        duration = check_duration(self.network, duration)
        if not duration > self.begins:
            raise LifsimError("duration", f"{duration} ms", f"above {self.begins:g} ms, when spikes begin to reach the output")
        parts = []
        n = min(max(SYNAPSES // len(self.m.layers_.theta), 1), SIDE_BY_SIDE)
        for first in range(0, len(x), n):
            some = x[first : first + n]
            result = run(self.network_for(some), duration, seed=seed, threads=threads, progress=progress)
            parts.append(self._answer(result, len(some)))
            self._last = result
        self.answer = Answer(parts[0].times, np.concatenate([p.sums for p in parts], axis=1), np.concatenate([p.spikes for p in parts]))
        return self.answer

    def _answer(self, result: Any, n: int) -> Answer:
        trace = result.traces[OUTPUT]
        since = np.maximum(trace.times - self.begins, 0.0)[:, None, None]
        # The potential grows stepwise as sum × t. The slope of a line fitted to all values so far has a smaller error than the last value.
        line = np.cumsum(since * trace["V_m"].reshape(len(since), n, -1), axis=0) / np.maximum(np.cumsum(since**2, axis=0), 1e-300)
        sizes = self.m.layers_.sizes
        fired = (np.bincount(s.ids // sizes[int(name.removeprefix("layer_"))], minlength=n) for name, s in result.spikes.items())
        return Answer(trace.times, line, np.sum(list(fired), axis=0))

    def classify(self, X: Any, duration: float | None = None, **options: Any) -> np.ndarray:
        """The class of each sample, shape (samples,).

        Parameters
        ----------
        X, duration : as of `run`. **options : the other arguments of `run`.

        Raises
        ------
        LifsimError : the network is not a classifier, or as of `run`.
        """
        if not hasattr(self.m, "classes_"):
            raise LifsimError("classify", "the network predicts numbers", "a network trained by Classifier; `run` gives the outputs")
        return self.labels(self.run(X, duration, **options).sums[-1])

    def watch(self, X: Any, sample: int = 0, y: Any = None, duration: float | None = None, **options: Any) -> SampleCourse:
        """Classify one sample, and return its spikes and the output over time; `lifsim.ann.plots.sample_course` draws them.

        Parameters
        ----------
        X : samples, as of `run`. sample : the number of the one to be classified, from 0 on.
        y : the classes of all samples, if known. duration : as of `run`. **options : threads, seed and progress, as of `run`.

        Raises
        ------
        LifsimError : there is no such sample, or as of `classify`. DataError : `X` or `y` is wrong.
        """
        x = self.m._samples(X)
        check_sample(sample, len(x))
        known = None if y is None else labels_for(y, len(x))
        predicted = self.classify(x[sample : sample + 1], duration, **options)[0]
        answer, result = self.last_answer(), self._last
        after = answer.times > self.begins
        hidden = {name: (train.times, train.ids) for name, train in result.spikes.items()}
        units = {name: self.network.populations[name].n for name in hidden}
        true = None if known is None else known[sample]
        own = self.m.classes_, predicted, self.m.predict(x[sample : sample + 1])[0]  # type: ignore[attr-defined]
        return SampleCourse(sample, hidden, units, answer.times[after], answer.sums[after, 0], *own, true)

    def labels(self, sums: np.ndarray) -> np.ndarray:
        """The classes for weighted sums of the output layer, shape (..., outputs)."""
        found = (sums[..., 0] > 0).astype(int) if sums.shape[-1] == 1 else sums.argmax(axis=-1)
        return self.m.classes_[found]  # type: ignore[attr-defined]

    def course(self, X: Any, y: Any = None) -> AnswerCourse:
        """Accuracy as a function of time in the last run.

        Parameters
        ----------
        X : the samples of that run. y : their classes, if known.

        Raises
        ------
        LifsimError : nothing was run yet.
        """
        answer = self.last_answer()
        answered = answer.times > self.begins
        found, dense = self.labels(answer.sums[answered]), self.m.predict(X)
        right = None if y is None else np.mean(found == y, axis=1)
        own = float("nan") if y is None else float(np.mean(dense == y))
        return AnswerCourse(answer.times[answered], np.mean(found == dense, axis=1), right, own)

    def last_answer(self) -> Answer:
        """The answer of the last call of `classify`.

        Raises
        ------
        LifsimError : `classify` was not called yet.
        """
        if self.answer is None:
            raise LifsimError("classify", "nothing was run yet", "call classify first")
        return self.answer

    @property
    def spikes_per_sample(self) -> float:
        """Mean number of spikes per sample in the last run."""
        return float(self.last_answer().spikes.mean())
