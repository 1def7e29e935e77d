"""Functions of upper packages that a lower one calls. `lifsim/__init__.py`, which knows all packages, puts them here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

save_network: Callable[[Any, str | Path], None]  # writes a `Network` as a model file: a description knows no file format
