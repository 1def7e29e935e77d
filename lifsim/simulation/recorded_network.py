"""A built network whose spikes and samples are recorded, and read while it is simulated."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifsim.common.errors import LifsimError
from lifsim.common.printable import shown
from lifsim.common.seeds import SEEDS, is_seed
from lifsim.common.timegrid import time_of
from lifsim.network import Network
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes
from lifsim.simulation.changes import Changes
from lifsim.simulation.connected_network import ConnectedNetwork
from lifsim.simulation.news import News, SampledVariable
from lifsim.simulation.options import Progress
from lifsim.simulation.settings import Settings
from lifsim.simulation.sinks import MemorySink, Sink
from lifsim.simulation.turn import alone
from lifsim.simulation.weight_samples import RecordedWeights, recorded_weights

_WITHOUT_OUT = "a simulation made without the argument out (Result.save writes its results to a file)"


class RecordedNetwork(ConnectedNetwork):
    """A built network that records to a sink.

    Parameters
    ----------
    net, settings, progress : as of `BuiltNetwork`.
    """

    _sink: Sink
    _wall: float  # when this simulation was created

    def __init__(self, net: Network, settings: Settings, progress: Progress) -> None:
        super().__init__(net, settings, progress)
        self._news = News(self._sink, self._engine)
        self._progress = progress
        self._closed = False
        self._until: int | None = None  # the last step of the run
        self._learned = False  # whether `reset` kept weights, so that the first step does not follow from the seed
        self._before = 0.0  # seconds that earlier processes spent on the run

    def _recorded_weights(self) -> list[RecordedWeights]:
        """The recorders of weights; also completes the manifest, since the synapses are known only after building."""
        out, more = recorded_weights(self.net, self._engine, self._first, self.matrix)
        if more:
            known = self._sink.manifest
            traces = [entry | more.get((entry["population"], entry["variable"]), {}) for entry in known.traces]
            self._sink.describe(replace(known, traces=traces))
        return out

    # -- time --------------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """Number of steps done."""
        return int(self._engine.step)

    @property
    def time(self) -> float:
        """Biological time reached, ms."""
        return time_of(self.step, self.net.dt)

    @property
    def done(self) -> bool:
        """Whether the last call of `run` reached its end."""
        return self._until is None or self.step >= self._until

    @property
    def path(self) -> Path | None:
        """The results file, None if results are kept in memory."""
        return self._sink.path if self._sink.path is None else Path(self._sink.path)

    def _check_open(self) -> None:
        if self._closed:
            raise LifsimError("simulation", "is closed", "make a new one")

    # -- data --------------------------------------------------------------------------------------

    @alone
    def spikes(self) -> dict[str, Spikes]:
        """The spikes recorded since the last call of `spikes`, or since the beginning.

        Returns
        -------
        Population -> `Spikes`, whose `t_start` and `t_stop` are the times of the last and of this call.

        Raises
        ------
        LifsimError : the simulation is closed.
        """
        self._check_open()
        return self._news.spikes()

    @alone
    def samples(self) -> dict[str, dict[str, SampledVariable]]:
        """The samples recorded since the last call of `samples`, or since the beginning.

        Returns
        -------
        Population -> variable -> `SampledVariable`, with `times` (ms), `values` (n_samples, n_neurons), `ids` and `unit`.

        Raises
        ------
        LifsimError : the simulation is closed.
        """
        self._check_open()
        return self._news.samples()

    @alone
    def result(self) -> Result:
        """The `Result` with all data recorded so far; with `out`, this writes the results file. Further runs and results may follow.

        Raises
        ------
        LifsimError : the simulation is closed. RunError : the disk is full.
        """
        self._check_open()
        self._progress("write")
        start = time.perf_counter()

        def summary() -> dict[str, Any]:
            return self._summary(time.perf_counter() - start)

        result = self._sink.finish(summary)
        self.timings["record"] += time.perf_counter() - start
        self._progress("done", **self._summary(0.0))
        return result

    def _summary(self, finishing: float) -> dict[str, Any]:
        """The summary of the run so far; `finishing` is the time in seconds spent on the results file, not yet in `timings`."""
        done = self.time
        timings = {**self.timings, "record": self.timings["record"] + finishing, "total": self._total()}
        return {
            "steps": self.step,
            "duration": done,
            "neurons": self._engine.plan.n_neurons,
            "synapses": self._engine.plan.n_synapses,
            "threads": self._engine.threads,
            "timings": timings,
            "real_time_factor": (timings["simulate"] + timings["record"]) * 1000.0 / done if done else None,
            "complete": self.done,
            "changes": self._changes.entries(),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _total(self) -> float:
        """Wall time of the run, s, without the time between an interruption and `resume`."""
        return self._before + time.perf_counter() - self._wall

    @alone
    def take_values(self, net: Network) -> None:
        """Let the next `reset` begin with the parameters and initial states of another network, of which only these differ (for scans).

        After that, the results are those of a new simulation of `net`. The values replace those of the network of this simulation, which
        must not be in use elsewhere.

        Parameters
        ----------
        net : a network with the same nodes, synapses and recordings. That its synapses are the same is not checked.

        Raises
        ------
        LifsimError : its populations have other names, sizes or models, or a parameter that the synapses or stored spikes depend on
            differs; nothing is changed. Also if the simulation is closed.
        """
        self._check_open()
        self._take_values(net)
        self.net.text, self.net.parameters, self.net.name = net.text, net.parameters, net.name
        told = replace(self._sink.manifest, model_text=net.text, parameters=net.parameters, name=net.name)
        self._sink.describe(replace(told, run=uuid.uuid4().hex, started=datetime.now(UTC).isoformat(timespec="seconds")))

    @alone
    def reset(self, seed: int | None = None, keep: str | None = None) -> None:
        """Return to time 0, with the state that the network had when it was built, and discard the recorded data.

        The network is not built again: its synapses stay those of the first seed. The results are those of a new simulation.

        Parameters
        ----------
        seed : draw everything else anew: values from distributions, initial states, and the random numbers of the run. Default: the
            present seed, with which the simulation repeats itself.
        keep : "weights": the weights stay as they are now, plastic ones and those that `set_weights` set, and so do delays that
            `set_delays` set. None (default): they are those that the network was built with.

        Raises
        ------
        LifsimError : an argument is wrong, the simulation is closed, or it writes to a file. ModelError : a drawn value is not allowed.
        """
        self._check_open()
        if not isinstance(self._sink, MemorySink):
            raise LifsimError("reset", f"the simulation writes to {self.path}", _WITHOUT_OUT)
        if keep not in (None, "weights"):
            raise LifsimError("keep", shown(keep), 'None or "weights"')
        if seed is not None and not is_seed(seed):
            raise LifsimError("seed", shown(seed), SEEDS)
        self._begin_again(self.seed if seed is None else int(seed), keep == "weights")
        self._sink.begin_again(replace(self._sink.manifest, seed=self.seed))
        self._news, self._until, self._learned = News(self._sink, self._engine), None, keep == "weights"
        self.timings |= {"simulate": 0.0, "record": 0.0}
        self._wall, self._before = time.perf_counter(), self.timings["build"] + self.timings["compile"]
        if keep is None:
            self._changes = Changes()
        else:
            self._changes.keep("weight", "delay")
