"""What all tests share."""

from __future__ import annotations

import gc
import os
import sys

import pytest

# Some systems tell Python to store no bytecode. Each of the processes that tests start would then compile all modules of lifsim again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The threads of OpenBLAS wait for each other by spinning; two workers on two cores have none to spare for that. (Before NumPy is loaded.)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_collection_finish():
    """Let the garbage collector look seldom, and not at the modules and tests that stay to the end: this took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each worker tests that stand together, unless another way is asked for: they need the same compiled code and fixtures."""
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
