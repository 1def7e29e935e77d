"""Gives runs to workers: to each, if possible, one for which it has the network built already."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from typing import Any

from lifsim.common.errors import RunError
from lifsim.scans.crew import Crew, OwnProcess, Worker, ended
from lifsim.scans.job import Job, Outcome, prepare, run_job
from lifsim.simulation.signals import StopRequest

_GONE = 600.0  # seconds without any worker after which the scan ends
_PATIENCE = 5.0  # seconds of silence at the start
_POLL = 0.2  # seconds between looks at signals and new workers


class Waiting:
    """Runs that are waiting, by the structure of their network."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._left: dict[str, deque[Job]] = {}
        for job in jobs:
            self._left.setdefault(job.structure, deque()).append(job)
        self._held: dict[int, str] = {}  # structure that a worker has built, by its id

    def __bool__(self) -> bool:
        return bool(self._left)

    def next(self, worker: Worker) -> Job:
        """The next run for `worker`: one with the network that it has built, else one of a network that no other worker has, else one of
        the network with the most runs left.
        """
        own = self._held.get(id(worker), "")
        if own not in self._left:
            others = {held for key, held in self._held.items() if key != id(worker)}
            free = next((structure for structure in self._left if structure not in others), None)
            own = free if free is not None else max(self._left, key=lambda structure: len(self._left[structure]))
            self._held[id(worker)] = own
        job = self._left[own].popleft()
        if not self._left[own]:
            del self._left[own]
        return job

    def again(self, job: Job, worker: Worker) -> None:
        """Put back a run whose worker ended."""
        self._held.pop(id(worker), None)
        self._left.setdefault(job.structure, deque()).appendleft(job)


def dispatch(
    jobs: Sequence[Job],
    examples: Sequence[Job],
    crew: Crew,
    done: Callable[[Job, Outcome], None],
    asked: StopRequest,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Make all runs; `done` is called with each and its outcome. Returns early if a stop is `asked`.

    Parameters
    ----------
    jobs : the runs. examples : some of them, which together need all code; it is compiled before several workers start.
    crew : the workers. done : called in this thread. asked : a stop request, which a signal may set. say : prints a line.

    Raises
    ------
    RunError : there was no worker for ten minutes, or the scheduler of a cluster was lost.
    """
    present = _Present(crew, say)
    waiting = Waiting(jobs)
    flying: dict[Future[Any], tuple[Worker, Job]] = {}
    failures: dict[str, int] = {}
    if not isinstance(crew, OwnProcess):
        _compile(present, examples, asked, say)
    while (waiting or flying) and asked.number is None:
        busy = {id(worker) for worker, _ in flying.values()}
        for worker in present.workers():
            if waiting and id(worker) not in busy and asked.number is None:
                job = waiting.next(worker)
                flying[worker.submit(run_job, job)] = worker, job
        if not flying:  # `wait` would return at once
            time.sleep(_POLL)
        finished, _ = wait(flying, timeout=_POLL, return_when=FIRST_COMPLETED)
        for future in finished:
            error = _error_of(future)
            if asked.number is not None and error is not None:
                continue  # its worker was stopped by the same signal
            worker, job = flying.pop(future)
            if ended(error):
                failures[job.key] = failures.get(job.key, 0) + 1
                if failures[job.key] <= crew.retries:
                    waiting.again(job, worker)
                    continue
            done(job, future.result() if error is None else Outcome(error=_told(error, failures.get(job.key, 0))))


class _Present:
    """The present workers of a crew; says when there are none, and gives up after `_GONE` seconds without any."""

    def __init__(self, crew: Crew, say: Callable[[str], None]) -> None:
        self._crew, self._say = crew, say
        self._since: float | None = None  # when the last worker left

    def workers(self) -> list[Worker]:
        """Those that are there; none, for a while, if all left (RunError after `_GONE` seconds)."""
        here, now = self._crew.workers(), time.monotonic()
        if here:
            if self._since is not None:
                self._say("there are workers again")
            self._since = None
        elif self._since is None:
            self._since = now
            self._say(f"there are no workers; waiting up to {_GONE:g} s for new ones …")
        elif now - self._since > _GONE:
            raise RunError(f"there were no workers for {_GONE:g} s; the runs that are done are kept where the scan has a folder")
        return here


def _error_of(future: Future[Any]) -> BaseException | None:
    try:
        return future.exception()
    except CancelledError:
        raise RunError("the scheduler of the workers ended the runs, or was lost; what is done is kept") from None


def _told(error: BaseException, times: int) -> str:
    if ended(error):
        again = f", {times} times" if times > 1 else ""
        return f"the process that made this run was ended from outside{again}, perhaps for want of memory"
    return f"{type(error).__name__}: {error}"


def _compile(present: _Present, examples: Sequence[Job], asked: StopRequest, say: Callable[[str], None]) -> None:
    """Let the first worker compile what all need, while the others start; their first runs wait until they have."""
    while not (here := present.workers()):
        if asked.number is not None:
            return
        time.sleep(_POLL)
    first, *rest = here
    began, told = time.monotonic(), False
    compiled = first.submit(prepare, examples)
    for worker in rest:
        worker.submit(prepare, ())
    while wait([compiled], timeout=_POLL).not_done and asked.number is None:
        present.workers()
        if not told and time.monotonic() - began > _PATIENCE:
            told = True
            say("the workers start; code that is not compiled yet is compiled once, for all …")
