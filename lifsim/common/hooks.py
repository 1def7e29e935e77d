"""Functions of higher-level packages that lower-level ones call. `lifsim/__init__.py` sets them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

save_network: Callable[[Any, str | Path], None]  # writes a `Network` as a model file
simulation_of: Callable[[Any], Any]  # builds a `Network`, for a `Simulation`
