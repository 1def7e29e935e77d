"""Worker processes on this computer (loky), in this process, or on a cluster (dask.distributed): each makes one run at a time."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from lifsim.common.errors import LifsimError, RunError
from lifsim.common.optional import optional
from lifsim.scans.job import Job
from lifsim.scans.kept_network import own_network, release_all

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
_NEWS = 1.0  # seconds between looks at the workers of a cluster
_PATIENCE = 60  # seconds in which a cluster must have a worker


class Worker(Protocol):
    """Makes one run at a time."""

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """Start a call; the future gets what it returns, or the error that ended it."""


class Crew(Protocol):
    """The workers of a scan."""

    retries: int  # how many workers may end during a run before it counts as failed

    def workers(self) -> list[Worker]:
        """The present workers."""

    def close(self, kill: bool) -> None:
        """End all workers; `kill`: at once, without the runs under way."""


def ended(error: BaseException | None) -> bool:
    """Whether an error says that the worker ended, and not what it did."""
    return isinstance(error, (BrokenExecutor, KeyboardInterrupt)) or type(error).__name__ == "KilledWorker"


def check_sendable(job: Job) -> None:
    """Check that the functions of a run can be sent to other processes (LifsimError)."""
    import cloudpickle

    try:
        cloudpickle.dumps(job)
    except Exception as error:  # of any kind, from any object that a function refers to
        got = f"cannot be sent to other processes ({type(error).__name__}: {error})"
        raise LifsimError("statistics or net", got, "a function that refers to no open files, locks or simulations; or jobs=1") from None


# -- this process ----------------------------------------------------------------------------------


class OwnProcess:
    """This process as the only worker: a call is done when `submit` returns."""

    retries = 0

    def workers(self) -> list[Worker]:
        """See `Crew.workers`."""
        return [self]

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """See `Worker.submit`; a signal such as Ctrl-C passes on."""
        future: Future[Any] = Future()
        future.set_result(call(*args))
        return future

    def close(self, kill: bool) -> None:
        """See `Crew.close`."""
        own_network().close()


# -- processes on this computer --------------------------------------------------------------------


class LocalCrew:
    """`n` processes of loky, joblib's engine. Each has an executor of its own, so that one that is killed takes down only its own run."""

    retries = 3

    def __init__(self, n: int) -> None:
        self._workers = [_LocalWorker() for _ in range(n)]

    def workers(self) -> list[Worker]:
        """See `Crew.workers`."""
        return list(self._workers)

    def close(self, kill: bool) -> None:
        """See `Crew.close`."""
        threads = [threading.Thread(target=worker.close, args=(kill,)) for worker in self._workers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


class _LocalWorker:
    def __init__(self) -> None:
        self._executor: Any = None

    def submit(self, call: Callable[..., Any], *args: Any) -> Future[Any]:
        """See `Worker.submit`; a new process takes the place of one that ended."""
        from loky.process_executor import ProcessPoolExecutor

        with _ignoring_interrupts():  # a process inherits what it ignores: Ctrl-C in a terminal is for this process alone
            for _ in range(2):
                if self._executor is None:
                    self._executor = ProcessPoolExecutor(max_workers=1, initializer=_begin, initargs=(os.getpid(),), env=_ONE_THREAD)
                try:
                    future: Future[Any] = self._executor.submit(call, *args)
                except BrokenExecutor:
                    self.close(kill=True)
                    continue
                return future
        raise LifsimError("workers", "the processes end as soon as they start", "--jobs 1, to run in one process")

    def close(self, kill: bool) -> None:
        """End the process."""
        executor, self._executor = self._executor, None
        if executor is not None:
            with suppress(Exception):  # it may be broken
                executor.shutdown(wait=True, kill_workers=kill)


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(parent: int) -> None:
    """Set up a new process: it ignores Ctrl-C, and ends when the process that started it has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    if os.name != "nt":  # on Windows, loky's processes end when their pipe is closed
        threading.Thread(target=watch, daemon=True).start()


# -- a cluster -------------------------------------------------------------------------------------


class ClusterCrew:
    """The workers of a scheduler of dask.distributed, as many as they have threads. Dask makes a run again whose worker is lost.

    Parameters
    ----------
    address : of the scheduler, such as "tcp://10.0.0.1:8786"; or a `distributed.Client`. most : largest number of runs at a time.

    Raises
    ------
    LifsimError : dask.distributed is missing, there is no scheduler at `address`, or it has no workers.
    """

    retries = 0  # Dask retries by itself ("distributed.scheduler.allowed-failures", 3)

    def __init__(self, address: Any, most: int | None) -> None:
        distributed = optional("distributed", "--scheduler", "dask")
        self._own = isinstance(address, str)
        if self._own:  # Dask logs the traceback of a lost connection, about which an error of ours says enough
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            self._client = distributed.Client(address, timeout=10, set_as_default=False) if self._own else address
            self._client.wait_for_workers(1, timeout=_PATIENCE)
        except (OSError, ValueError, TimeoutError) as error:
            raise LifsimError(
                "--scheduler",
                f"no Dask scheduler with workers at {address} ({error})",
                "the scheduler's address, such as tcp://10.0.0.1:8786",
            ) from None
        self._most = most
        self._workers: dict[tuple[str, int], Any] = {}
        self._looked = -1e9

    def workers(self) -> list[Worker]:
        """See `Crew.workers`; workers that joined are added, those that left are not offered any more."""
        if time.monotonic() - self._looked > _NEWS:
            self._looked = time.monotonic()
            try:
                threads = self._client.nthreads()
            except OSError as error:  # errors of Dask's connections are of this kind
                raise RunError(f"the scheduler of the workers was lost ({error}); what is done is kept") from None
            here = [(address, k) for address, n in threads.items() for k in range(n)]
            known = self._workers
            self._workers = {place: known.get(place) or self._executor(place[0]) for place in here}
        return list(self._workers.values())[: self._most]

    def _executor(self, address: str) -> Executor:
        made: Executor = self._client.get_executor(workers=[address], allow_other_workers=True, pure=False)
        return made

    def close(self, kill: bool) -> None:
        """See `Crew.close`: runs under way are cancelled; the cluster goes on."""
        for executor in self._workers.values():
            with suppress(Exception):
                executor.shutdown(wait=not kill, cancel_futures=kill)
        if not kill:
            with suppress(Exception):  # workers may have left; the others release their networks
                self._client.run(release_all, on_error="ignore")
        if self._own:
            self._client.close()
