"""Settings of all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish():
    """Let the garbage collector look seldom, and not at the modules and tests that stay to the end: this took a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 20)
